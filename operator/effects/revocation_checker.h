// Asks lists and responders whether certificates are revoked, and remembers their answers while they are valid.
//
// A list is fetched and parsed once for all certificates of its issuer, an OCSP response once for its certificate. An
// answer that is older than the last one does not replace it. Each is asked for again after the interval, and when it
// is outdated. While that fails, the last answer counts until it is outdated. A place that cannot be reached is left
// alone for a while, for all certificates.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>

#include "base/synchronized.h"
#include "crypto/crl.h"
#include "crypto/ocsp.h"
#include "net/transport.h"
#include "onboarding/environment.h"

namespace mpay::effects {

// The pause after a place could not be reached, or gave no valid answer; the interval where that is shorter.
inline constexpr std::chrono::seconds kRevocationRetry{30};

// The number of the controller's workers (kRevocationWorkers) that may wait for one host, and the time that others wait
// for one of them to end. After that time the host is slow, and further questions are told at once to come back.
inline constexpr std::size_t kAtOneHost = 2;
inline constexpr std::chrono::seconds kHostPatience{1}, kBusyLook{5};

// The running activities, by name. Thread-safe.
class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, std::string what, std::chrono::steady_clock::time_point begun)
        : turns_(turns), what_(std::move(what)), begun_(begun) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { turns_.end(what_, begun_); }

   private:
    Turns& turns_;
    const std::string what_;
    const std::chrono::steady_clock::time_point begun_;
  };

  // Waits while `most` activities of that name run, and the earliest of them began less than kHostPatience ago. Null:
  // they take longer.
  std::unique_ptr<Turn> begin(const std::string& what, std::size_t most);

 private:
  void end(const std::string& what, std::chrono::steady_clock::time_point begun);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::multiset<std::chrono::steady_clock::time_point>> begun_;
};

// Thread-safe. A question waits for another that fetches the same, and for its turn at a host, but not at a slow host.
class RevocationChecker {
 public:
  struct Question {
    const crypto::Certificate& certificate;
    const crypto::Certificate& issuer;  // verified as the certificate's issuer: only then are its URLs trusted
    const onboarding::RevocationPolicy& rules;
    std::vector<crypto::Certificate> signers{};  // other certificates of the issuer that may sign its lists
  };
  struct Answer {
    // Errors, whose words are the same each time: Transport, Timeout; Invalid with reason InvalidURL, ForbiddenAddress,
    // UnexpectedRedirect, ResponseTooLarge, NoRevocationSource, and those of crypto/.
    Result<crypto::RevocationFinding> finding;
    Duration nextLook{};  // from now
    // Nothing was learnt since this process began, less than an interval ago: earlier findings may still hold.
    bool isFirst = false;
    // A place is slow, and others wait for it already: nothing was learnt, and `finding` means nothing.
    bool isBusy = false;
  };

  explicit RevocationChecker(const Clock& clock) : clock_(clock) {}

  // Takes as long as the network does, at most some twenty seconds for each place.
  Answer ask(const Question& question, const std::stop_token& stop);

 private:
  // The answers of one place, about an issuer's certificates or about one certificate.
  template <class T>
  struct Source {
    MonoTime usedAt{};  // protected by the lock around all sources
    // Only the thread whose turn it is touches the following members.
    std::optional<T> last;
    MonoTime fetchedAt{};
    std::optional<Error> failure;  // of the last attempt
    MonoTime failingSince{}, triedAt{};
  };
  template <class T>
  using Sources = std::map<std::string, std::shared_ptr<Source<T>>>;
  struct Place {
    MonoTime until;
    Error failure;
  };

  template <class T>
  std::shared_ptr<Source<T>> sourceOf(Synchronized<Sources<T>>& sources, const std::string& key);
  // Fetches when due. Returns the source's last answer while that is valid, otherwise the reason why there is none.
  template <class T, class Fetch>
  Result<T> refresh(Source<T>& source, const onboarding::RevocationPolicy& rules, Answer& answer, const Fetch& fetch);
  Answer askList(const Question& question, const std::string& url, const std::stop_token& stop);
  Answer askResponder(const Question& question, const std::string& url, const std::stop_token& stop);
  Result<std::string> fetch(net::Request request, const onboarding::RevocationPolicy& rules,
                            const std::stop_token& stop);

  const Clock& clock_;
  net::Transport transport_;
  Synchronized<Sources<crypto::RevocationList>> lists_;
  Synchronized<Sources<crypto::RevocationFinding>> responses_;
  Synchronized<std::map<std::string, Place>> unreachable_;
  Turns sources_, hosts_;
  std::mutex decoding_;  // one list at a time: decoding takes seven times its bytes
};

}  // namespace mpay::effects
