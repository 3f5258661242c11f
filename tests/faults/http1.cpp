#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "faults/protocol.h"

namespace mpay::test {
namespace {

using End = Exchange::End;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool number(std::string_view text, int base, std::size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool parseHead(std::string_view head, ProxiedRequest& request) {
  const auto line = head.substr(0, head.find("\r\n"));
  const auto space = line.find(' ');
  const auto last = line.rfind(' ');
  if (space == line.npos || last == space || line.substr(last) != " HTTP/1.1") return false;
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, last - space - 1);
  for (auto at = line.size() + 2; at < head.size();) {
    const auto end = std::min(head.find("\r\n", at), head.size());
    const auto colon = head.find(':', at);
    if (colon >= end) return false;
    auto& value = request.headers[lower(std::string(head.substr(at, colon - at)))];
    if (!value.empty()) value += ", ";
    value += trimmed(head.substr(colon + 1, end - colon - 1));
    at = end + 2;
  }
  return true;
}

class Http1 final : public Protocol {
 public:
  explicit Http1(Start start) : start_(std::move(start)) {}

  bool receive(std::string_view bytes) override {
    buffer_ += bytes;
    return current_ || parse();
  }

  bool collect(std::string& out) override {
    while (current_ && out.size() < kMuch) {
      if (const auto head = current_->takeHead()) writeHead(*head, out);
      const std::string piece = current_->takeBody(kMuch);
      if (!piece.empty()) {
        out += answerChunked_ ? chunk(piece) : piece;
        continue;
      }
      const End end = current_->end();
      if (end == End::Open) break;
      if (end == End::Cut) return false;
      if (answerChunked_) out += "0\r\n\r\n";
      current_.reset();
      if (closing_ || !parse()) return false;
    }
    return true;
  }

 private:
  enum class At { Head, Body, ChunkSize, ChunkData, Trailer };

  // Parses up to the end of the buffer or of one request. False if the bytes are no HTTP.
  bool parse() {
    while (!current_) {
      if (at_ == At::Body || at_ == At::ChunkData) {
        const std::size_t now = std::min(missing_, buffer_.size());
        request_.body.append(buffer_, 0, now);
        buffer_.erase(0, now);
        missing_ -= now;
        if (missing_ > 0) return true;
        if (at_ == At::Body) {
          finish();
          continue;
        }
        // A line end follows the data of a chunk.
        if (buffer_.size() < 2) return true;
        buffer_.erase(0, 2);
        at_ = At::ChunkSize;
      }
      const std::string_view stop = at_ == At::Head ? "\r\n\r\n" : "\r\n";
      const auto end = buffer_.find(stop);
      if (end == std::string::npos) return true;
      const std::string text = buffer_.substr(0, end);
      buffer_.erase(0, end + stop.size());
      if (at_ == At::Head) {
        if (!parseHead(text, request_) || !expectBody()) return false;
      } else if (at_ == At::ChunkSize) {
        if (!number(text.substr(0, text.find(';')), 16, missing_)) return false;
        at_ = missing_ > 0 ? At::ChunkData : At::Trailer;
      } else if (text.empty()) {
        finish();
      }
    }
    return true;
  }

  bool expectBody() {
    const auto& headers = request_.headers;
    missing_ = 0;
    if (const auto found = headers.find("connection"); found != headers.end())
      closing_ = lower(found->second) == "close";
    if (const auto found = headers.find("transfer-encoding"); found != headers.end()) {
      at_ = At::ChunkSize;
      return lower(found->second) == "chunked";
    }
    at_ = At::Body;
    const auto found = headers.find("content-length");
    return found == headers.end() || number(found->second, 10, missing_);
  }

  void finish() {
    at_ = At::Head;
    bodiless_ = request_.method == "HEAD";
    answerChunked_ = false;
    current_ = start_(std::exchange(request_, {}));
  }

  void writeHead(const ProxiedResponse& head, std::string& out) {
    const bool bodiless = bodiless_ || head.status == 204 || head.status == 304;
    answerChunked_ = !bodiless && !head.headers.contains("content-length");
    out += "HTTP/1.1 " + std::to_string(head.status) + " \r\n";
    for (const auto& [name, value] : head.headers) out += name + ": " + value + "\r\n";
    out += answerChunked_ ? "transfer-encoding: chunked\r\n\r\n" : "\r\n";
  }

  static std::string chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
  }

  const Start start_;
  std::string buffer_;  // received and not yet parsed

  At at_ = At::Head;  // position in the next request
  ProxiedRequest request_{};
  std::size_t missing_ = 0;  // missing bytes of the body or chunk

  std::shared_ptr<Exchange> current_;  // requests that come meanwhile stay in the buffer
  bool bodiless_ = false;
  bool answerChunked_ = false;
  bool closing_ = false;
};

}  // namespace

std::unique_ptr<Protocol> http1(Protocol::Start start) { return std::make_unique<Http1>(std::move(start)); }

}  // namespace mpay::test
