#include "runtime/work_queue.h"

#include <algorithm>

namespace mpay::runtime {

void WorkQueue::add(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  addLocked(key);
}

void WorkQueue::addLocked(const ObjectKey& key) {
  if (shutDown_ || !queued_.insert(key).second) return;
  if (held_.contains(key)) return;  // done() queues it
  ready_.push_back(key);
  changed_.notify_one();
}

void WorkQueue::addAfter(const ObjectKey& key, Duration delay) {
  std::lock_guard lock(mutex_);
  addAfterLocked(key, delay);
}

void WorkQueue::addAfterLocked(const ObjectKey& key, Duration delay) {
  if (shutDown_) return;
  if (delay.count() <= 0) return addLocked(key);
  const MonoTime due = std::chrono::steady_clock::now() + delay;
  const auto [waiting, fresh] = waiting_.try_emplace(key, due);
  if (!fresh) {
    if (waiting->second <= due) return;
    const auto [begin, end] = due_.equal_range(waiting->second);
    due_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == key; }));
    waiting->second = due;
  }
  due_.emplace(due, key);
  changed_.notify_one();
}

void WorkQueue::addFailed(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  addAfterLocked(key, backoff_.after(++failures_[key]));
}

void WorkQueue::addConflicted(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const Backoff soon{Duration(10), std::chrono::seconds(1)};
  addAfterLocked(key, soon.after(++conflicts_[key]));
}

void WorkQueue::succeeded(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  failures_.erase(key);
  conflicts_.erase(key);
}

std::optional<WorkQueue::Lease> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (!shutDown_) {
    const MonoTime now = std::chrono::steady_clock::now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const ObjectKey key = due_.begin()->second;
      due_.erase(due_.begin());
      waiting_.erase(key);
      addLocked(key);
    }
    if (!ready_.empty()) {
      ObjectKey key = std::move(ready_.front());
      ready_.pop_front();
      queued_.erase(key);
      held_.insert(key);
      return Lease(*this, std::move(key));
    }
    if (due_.empty()) {
      changed_.wait(lock);
    } else {
      // A copy: while this waits another worker may take the entry away.
      const MonoTime next = due_.begin()->first;
      changed_.wait_until(lock, next);
    }
  }
  return std::nullopt;
}

void WorkQueue::done(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  held_.erase(key);
  if (queued_.contains(key) && !shutDown_) {
    ready_.push_back(key);
    changed_.notify_one();
  }
}

void WorkQueue::shutDown() {
  std::lock_guard lock(mutex_);
  shutDown_ = true;
  changed_.notify_all();
}

std::size_t WorkQueue::size() const {
  std::lock_guard lock(mutex_);
  return ready_.size() + held_.size();
}

}  // namespace mpay::runtime
