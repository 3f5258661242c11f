#include "runtime/work_queue.h"

#include <algorithm>

namespace mpay::runtime {

WorkQueue::Entry* WorkQueue::entryLocked(const ObjectKey& key) {
  return shutDown_ ? nullptr : &*keys_.try_emplace(key).first;
}

void WorkQueue::add(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  if (auto* entry = entryLocked(key)) addLocked(*entry);
}

void WorkQueue::addAll(const std::vector<ObjectKey>& keys) {
  std::lock_guard lock(mutex_);
  for (const auto& key : keys) {
    if (auto* entry = entryLocked(key)) addLocked(*entry);
  }
}

void WorkQueue::addLocked(Entry& entry) {
  State& state = entry.second;
  if (std::exchange(state.queued, true)) return;
  if (state.held) return;  // done() queues it
  ready_.push_back(&entry);
  changed_.notify_one();
}

void WorkQueue::addAfter(const ObjectKey& key, Duration delay) {
  std::lock_guard lock(mutex_);
  if (auto* entry = entryLocked(key)) addAfterLocked(*entry, delay);
}

void WorkQueue::addAfterLocked(Entry& entry, Duration delay) {
  if (delay.count() <= 0) return addLocked(entry);
  const MonoTime due = std::chrono::steady_clock::now() + delay;
  auto& known = entry.second.due;
  if (known) {
    if (*known <= due) return;
    due_.erase({*known, &entry});
  }
  known = due;
  const auto [place, fresh] = due_.emplace(due, &entry);
  // The time of the first key moved forward, so the worker that waits for it must wait anew.
  if (place == due_.begin()) changed_.notify_all();
}

void WorkQueue::addFailed(const ObjectKey& key, Duration atLeast) {
  std::lock_guard lock(mutex_);
  if (auto* entry = entryLocked(key)) {
    retryAfterLocked(*entry, std::max(backoff_.after(++entry->second.failures), atLeast));
  }
}

// Replaces an earlier time of the key: the server does not want a request before `delay` is over.
void WorkQueue::retryAfterLocked(Entry& entry, Duration delay) {
  if (auto& known = entry.second.due) {
    due_.erase({*known, &entry});
    known.reset();
  }
  addAfterLocked(entry, delay);
}

void WorkQueue::addConflicted(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const Backoff soon{Duration(10), std::chrono::seconds(1)};
  if (auto* entry = entryLocked(key)) retryAfterLocked(*entry, soon.after(++entry->second.conflicts));
}

void WorkQueue::succeeded(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  found->second.failures = found->second.conflicts = 0;
  dropIfIdleLocked(found);
}

void WorkQueue::addDueLocked() {
  const MonoTime now = std::chrono::steady_clock::now();
  while (!due_.empty() && due_.begin()->first <= now) {
    Entry& entry = *due_.begin()->second;
    due_.erase(due_.begin());
    entry.second.due.reset();
    addLocked(entry);
  }
}

std::optional<WorkQueue::Lease> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (!shutDown_) {
    if (!due_.empty()) addDueLocked();
    if (!ready_.empty()) {
      Entry& entry = *ready_.front();
      ready_.pop_front();
      entry.second.queued = false;
      entry.second.held = true;
      ++held_;
      // Another worker must go on waiting for the next time.
      if (!due_.empty() && !watched_) changed_.notify_one();
      return Lease(*this, entry.first);
    }
    if (due_.empty() || watched_) {
      changed_.wait(lock);
    } else {
      // A copy, because another worker may remove the entry meanwhile.
      const MonoTime next = due_.begin()->first;
      watched_ = true;
      changed_.wait_until(lock, next);
      watched_ = false;
    }
  }
  return std::nullopt;
}

void WorkQueue::done(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  found->second.held = false;
  --held_;
  if (found->second.queued && !shutDown_) {
    ready_.push_back(&*found);
    changed_.notify_one();
  } else {
    dropIfIdleLocked(found);
  }
}

void WorkQueue::dropIfIdleLocked(Keys::iterator entry) {
  const State& state = entry->second;
  if (state.queued || state.held || state.due || state.failures > 0 || state.conflicts > 0) return;
  keys_.erase(entry);
}

void WorkQueue::shutDown() {
  std::lock_guard lock(mutex_);
  shutDown_ = true;
  changed_.notify_all();
}

std::size_t WorkQueue::size() const {
  std::lock_guard lock(mutex_);
  return ready_.size() + held_;
}

std::size_t WorkQueue::known() const {
  std::lock_guard lock(mutex_);
  return keys_.size();
}

}  // namespace mpay::runtime
