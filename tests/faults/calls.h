// Clients of the proxy under test: libcurl over HTTP/1.1 or HTTP/2, for whole answers or for streams that are watched.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "faults/proxy.h"

namespace mpay::test {

using namespace std::chrono_literals;

// The answer as libcurl received it.
struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string head = {};
  std::string body = {};

  bool hasHeader(const std::string& line) const { return head.find(line + "\r\n") != std::string::npos; }
};

// One transfer.
class Call : public Answer {
 public:
  Call(const FaultProxy& proxy, bool http2, const std::string& method, const std::string& target, std::string sent = "",
       const std::vector<std::string>& headers = {})
      : ca_(proxy.caPem()), sent_(std::move(sent)) {
    set(CURLOPT_URL, (proxy.url() + target).c_str());
    set(CURLOPT_HTTP_VERSION, static_cast<long>(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    curl_blob blob{ca_.data(), ca_.size(), CURL_BLOB_NOCOPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_TIMEOUT, 30L);
    set(CURLOPT_PIPEWAIT, 1L);
    for (const auto& header : headers) list_.reset(curl_slist_append(list_.release(), header.c_str()));
    list_.reset(curl_slist_append(list_.release(), "Expect:"));
    set(CURLOPT_HTTPHEADER, list_.get());
    if (method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, method.c_str());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent_.size()));
      set(CURLOPT_POSTFIELDS, sent_.data());
    }
    set(CURLOPT_HEADERFUNCTION, &Call::onHeader);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Call::onBody);
    set(CURLOPT_WRITEDATA, this);
  }

  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle(), option, value);
  }
  CURL* handle() const { return easy_.get(); }

  const Answer& perform() {
    code = curl_easy_perform(handle());
    status = info(CURLINFO_RESPONSE_CODE);
    return *this;
  }
  long info(CURLINFO of) const {
    long value = 0;
    curl_easy_getinfo(handle(), of, &value);
    return value;
  }

  // Called before any part of the body is taken: reading waits for it, and ends if it returns false.
  std::function<bool()> wanted = [] { return true; };

 protected:
  std::mutex mutex_;  // protects head and body during the transfer
  std::condition_variable changed_;

 private:
  static std::size_t onHeader(char* bytes, std::size_t, std::size_t length, void* self) {
    return static_cast<Call*>(self)->received(&Answer::head, {bytes, length});
  }
  static std::size_t onBody(char* bytes, std::size_t, std::size_t length, void* self) {
    return static_cast<Call*>(self)->receivedBody({bytes, length});
  }
  std::size_t receivedBody(std::string_view bytes) { return wanted() ? received(&Answer::body, bytes) : 0; }
  std::size_t received(std::string Answer::*part, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    (this->*part) += bytes;
    changed_.notify_all();
    return bytes.size();
  }

  std::string ca_;
  std::string sent_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{curl_easy_init(), curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> list_{nullptr, curl_slist_free_all};
};

// A transfer on its own thread, whose body is watched while it arrives.
class Stream : private Call {
 public:
  template <typename... Arguments>
  explicit Stream(Arguments&&... arguments) : Call(std::forward<Arguments>(arguments)...) {
    multi_ = curl_multi_init();
    curl_multi_add_handle(multi_, handle());
    thread_ = std::thread([this] { run(); });
  }
  ~Stream() {
    leave();
    thread_.join();
    curl_multi_remove_handle(multi_, handle());
    curl_multi_cleanup(multi_);
  }

  void leave() {
    leaving_ = true;
    curl_multi_wakeup(multi_);
  }
  // Each returns false if that has not come within 10 s.
  bool awaitHead() {
    return await([&] { return head.ends_with("\r\n\r\n"); });
  }
  bool awaitBody(const std::string& text) {
    return await([&] { return body == text; });
  }
  bool awaitEnd(std::chrono::milliseconds most = 10s) {
    return await([&] { return ended_; }, most);
  }
  // To be called after the end.
  CURLcode result() const { return code; }

 private:
  template <typename Condition>
  bool await(Condition condition, std::chrono::milliseconds most = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, condition);
  }
  void run() {
    int running = 1;
    while (!leaving_) {
      curl_multi_perform(multi_, &running);
      if (running == 0) break;
      curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi_, &left);
    const std::lock_guard lock(mutex_);
    code = message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
    ended_ = true;
    changed_.notify_all();
  }

  CURLM* multi_ = nullptr;
  std::atomic<bool> leaving_ = false;
  bool ended_ = false;  // protected by mutex_
  std::thread thread_;
};

// An event that happens once, on another thread.
class Signal {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    changed_.notify_all();
  }
  bool await(std::chrono::milliseconds most = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [this] { return given_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

}  // namespace mpay::test
