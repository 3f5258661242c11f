// Expected failures as values.
//
// A function that can fail for a reason outside the program returns Result<T>. Exceptions are kept for bugs; they end
// at a worker's loop.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace mpay {

enum class ErrorKind {
  Transport,  // no answer: connection refused, reset, name not resolved, TLS failed
  Timeout,    // a deadline passed; the request may have taken effect
  Cancelled,  // the caller's stop_token was triggered
  Api,        // the server answered with a failure; see Error::status
  Decode,     // the answer was not of the expected form
  Crypto,     // OpenSSL refused
  Invalid,    // input breaks a rule; see Error::reason
};

std::string_view toString(ErrorKind kind);

// A state of something that was referred to, for callers that decide on it.
enum class ErrorState {
  Other,
  BeingRead,  // nothing can be said yet
  Absent,
  Forbidden,
  NameTaken,  // an object that is not the operator's has the name
};

// The part of a Kubernetes `Status` that callers decide on.
struct ApiStatus {
  int code = 0;        // HTTP status, 404, 409, ...
  std::string reason;  // "NotFound", "AlreadyExists", "Conflict", "Expired", ...
  std::string message;
};

// The reason why something could not be done. `message` is a sentence for people: what was being done, to what, and
// what came back. Code decides on kind, state and status, never on words.
struct Error {
  ErrorKind kind = ErrorKind::Invalid;
  std::string message;
  std::string reason{};                                   // CamelCase, stable; for Invalid
  std::optional<ApiStatus> status{};                      // for Api
  std::optional<std::chrono::milliseconds> retryAfter{};  // the server's Retry-After, if it sent one
  bool terminal = false;                                  // a retry cannot help
  ErrorState state = ErrorState::Other;

  bool isApi(int code) const { return status && status->code == code; }
  // True only if the API server itself says NotFound. A 404 of a proxy, or of a path that is not served, tells nothing
  // about the object.
  bool isNotFound() const { return isApi(404) && status->reason == "NotFound"; }
  bool isConflict() const { return isApi(409); }
  bool isForbidden() const { return isApi(403); }
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

// An Invalid error with its stable reason.
inline tl::unexpected<Error> refuse(std::string reason, std::string message) {
  return tl::unexpected<Error>(Error{ErrorKind::Invalid, std::move(message), std::move(reason)});
}

// The same of something that was referred to.
inline tl::unexpected<Error> refuse(ErrorState state, std::string reason, std::string message) {
  Error error{ErrorKind::Invalid, std::move(message), std::move(reason)};
  error.state = state;
  return tl::unexpected<Error>(std::move(error));
}

// Puts "doing: " before the message and keeps everything else.
inline Error within(std::string_view doing, Error error) {
  error.message.insert(0, std::string(doing) + ": ");
  return error;
}

}  // namespace mpay

// Evaluates to the value of a Result, or returns its error from the enclosing function. This is a statement expression,
// which both supported compilers have.
#define MPAY_JOIN_(a, b) a##b
#define MPAY_JOIN(a, b) MPAY_JOIN_(a, b)
#define MPAY_TRY_(name, ...)                                 \
  ({                                                         \
    auto&& name = (__VA_ARGS__);                             \
    if (!name) return ::mpay::fail(std::move(name).error()); \
    ::mpay::detail::take(std::move(name));                   \
  })
#define TRY(...) MPAY_TRY_(MPAY_JOIN(tryResult, __COUNTER__), __VA_ARGS__)

namespace mpay::detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace mpay::detail
