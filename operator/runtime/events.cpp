#include "runtime/events.h"

#include "base/host.h"
#include "base/log.h"

namespace mpay::runtime {
namespace {

// Cuts between characters of UTF-8.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  text.resize(most);
  return text;
}

}  // namespace

EventRecorder::EventRecorder(kube::Client& client, const Clock& clock, std::string controller)
    : client_(client),
      clock_(clock),
      controller_(std::move(controller)),
      instance_(controller_ + "-" + hostName()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventRecorder::~EventRecorder() { stop(); }

void EventRecorder::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void EventRecorder::record(const api::ObjectReference& regarding, EventType type, std::string reason,
                           std::string action, std::string note) {
  api::Event event;
  event.metadata.generateName = cut(regarding.name, 200) + "-";
  event.metadata.namespace_ = regarding.namespace_.value_or("default");
  event.eventTime = formatMicroTime(clock_.now());
  event.reportingController = controller_;
  event.reportingInstance = cut(instance_, 128);
  event.action = std::move(action);
  event.reason = std::move(reason);
  event.regarding = regarding;
  event.note = cut(std::move(note), 1024);
  event.type = type == EventType::Normal ? "Normal" : "Warning";
  std::lock_guard lock(mutex_);
  if (queue_.size() >= 1000) queue_.pop_front();
  queue_.push_back(std::move(event));
  changed_.notify_one();
}

std::function<void(const api::ObjectReference&, const std::string&)> EventRecorder::ofUnread() {
  return [this](const api::ObjectReference& object, const std::string& why) {
    record(object, EventType::Warning, "Unreadable", "Read", "it is left as it was known, until it is mended: " + why);
  };
}

void EventRecorder::run(const std::stop_token& stop) {
  const kube::Api<api::Event> events(client_);
  while (true) {
    api::Event event;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      event = std::move(queue_.front());
      queue_.pop_front();
    }
    if (auto written = events.create(event, stop); !written && !stop.stop_requested()) {
      // Nothing can be created in a namespace that is being deleted.
      spdlog::debug("an event was not written: {}", written.error().message);
    }
  }
}

}  // namespace mpay::runtime
