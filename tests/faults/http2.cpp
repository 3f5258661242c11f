#include <nghttp2/nghttp2.h>

#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "faults/protocol.h"

namespace mpay::test {
namespace {

using End = Exchange::End;

std::string text(const std::uint8_t* bytes, std::size_t length) {
  return {reinterpret_cast<const char*>(bytes), length};
}

class Http2 final : public Protocol {
 public:
  explicit Http2(Start start) : start_(std::move(start)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);
    const int made = nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    if (made != 0) throw std::runtime_error("cannot begin HTTP/2");
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 250}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Http2() override { nghttp2_session_del(session_); }
  Http2(const Http2&) = delete;
  Http2& operator=(const Http2&) = delete;

  bool receive(std::string_view bytes) override {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (nghttp2_session_mem_recv(session_, data, bytes.size()) < 0) return false;
    // Started here and not in the callbacks: a thread may fail to start, and no exception may pass through nghttp2.
    for (const std::int32_t id : std::exchange(complete_, {})) {
      if (const auto found = streams_.find(id); found != streams_.end()) {
        found->second.exchange = start_(std::move(found->second.request));
      }
    }
    return true;
  }

  bool collect(std::string& out) override {
    for (auto& [id, stream] : streams_) proceed(id, stream);
    while (out.size() < kMuch) {
      const std::uint8_t* data = nullptr;
      const auto length = nghttp2_session_mem_send(session_, &data);
      if (length < 0) return false;
      if (length == 0) break;
      out += text(data, static_cast<std::size_t>(length));
    }
    return nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0;
  }

 private:
  struct Stream {
    ProxiedRequest request = {};
    std::shared_ptr<Exchange> exchange = nullptr;  // set when the request is complete
    bool answered = false;
    // Clients forget the unread part of a stream that is reset. So a reset within an answer waits until the client has
    // answered a ping that was sent after the answer's bytes.
    enum class Cut { None, Announced, Due } cut = Cut::None;
  };

  void proceed(std::int32_t id, Stream& stream) {
    if (!stream.exchange) return;
    if (stream.answered) {
      nghttp2_session_resume_data(session_, id);  // fails if nothing was deferred, which does no harm
    } else if (const auto head = stream.exchange->takeHead()) {
      stream.answered = true;
      respond(id, *head);
    } else if (stream.exchange->end() == End::Cut) {
      stream.answered = true;
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
    }
  }

  void respond(std::int32_t id, const ProxiedResponse& head) {
    const std::string status = std::to_string(head.status);
    std::vector<nghttp2_nv> fields{field(":status", status)};
    for (const auto& [name, value] : head.headers) fields.push_back(field(name, value));
    nghttp2_data_provider body{};
    body.read_callback = onRead;
    nghttp2_submit_response(session_, id, fields.data(), fields.size(), &body);
  }

  void announceCut(std::int32_t id, Stream& stream) {
    std::uint8_t payload[8] = {};
    std::memcpy(payload, &id, sizeof id);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, payload);
    stream.cut = Stream::Cut::Announced;
  }

  // nghttp2 copies both.
  static nghttp2_nv field(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view of) {
      return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(of.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }

  Stream* find(std::int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
  }

  static Http2& self(void* data) { return *static_cast<Http2*>(data); }

  static int onBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) self(data).streams_[frame->hd.stream_id];
    return 0;
  }

  static int onHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t nameLength,
                      const std::uint8_t* value, std::size_t valueLength, std::uint8_t, void* data) {
    Stream* stream = self(data).find(frame->hd.stream_id);
    if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto& request = stream->request;
    const std::string key = text(name, nameLength);
    if (key == ":method") {
      request.method = text(value, valueLength);
    } else if (key == ":path") {
      request.target = text(value, valueLength);
    } else if (key != ":scheme") {
      auto& header = request.headers[key == ":authority" ? "host" : key];
      if (!header.empty()) header += ", ";
      header += text(value, valueLength);
    }
    return 0;
  }

  static int onData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t length,
                    void* data) {
    if (Stream* stream = self(data).find(id)) stream->request.body += text(bytes, length);
    return 0;
  }

  static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
      std::int32_t id = 0;
      std::memcpy(&id, frame->ping.opaque_data, sizeof id);
      if (Stream* stream = self(data).find(id)) stream->cut = Stream::Cut::Due;
      return 0;
    }
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      self(data).complete_.push_back(frame->hd.stream_id);
    }
    return 0;
  }

  static int onClose(nghttp2_session*, std::int32_t id, std::uint32_t, void* data) {
    auto& streams = self(data).streams_;
    if (const auto found = streams.find(id); found != streams.end()) {
      if (found->second.exchange) found->second.exchange->leave();
      streams.erase(found);
    }
    return 0;
  }

  static ssize_t onRead(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t most, std::uint32_t* flags,
                        nghttp2_data_source*, void* data) {
    Stream* stream = self(data).find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::string piece = stream->exchange->takeBody(most);
    piece.copy(reinterpret_cast<char*>(to), most);
    const End end = stream->exchange->end();
    if (end == End::Complete) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (piece.empty() && end == End::Open) return NGHTTP2_ERR_DEFERRED;
    if (!piece.empty() || end == End::Complete) return static_cast<ssize_t>(piece.size());
    if (stream->cut == Stream::Cut::Due) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
    if (stream->cut == Stream::Cut::None) self(data).announceCut(id, *stream);
    return NGHTTP2_ERR_DEFERRED;
  }

  const Start start_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::vector<std::int32_t> complete_;  // not yet started
};

}  // namespace

std::unique_ptr<Protocol> http2(Protocol::Start start) { return std::make_unique<Http2>(std::move(start)); }

}  // namespace mpay::test
