// Asks lists and responders whether certificates are revoked, and remembers what they said as long as it holds.
//
// A list is fetched and parsed once for all certificates of its issuer, an OCSP response once for its certificate. A
// word that is older than the last one does not replace it. Each is asked for again after the interval, and when it is
// outdated; while that fails it counts until it is outdated. A place that cannot be reached is left alone for a while,
// by everybody.
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

// How long a place is left alone that could not be reached, or told nothing that counts; less where the interval is.
inline constexpr std::chrono::seconds kRevocationRetry{30};

// How many of the controller's workers may wait for one host (kRevocationWorkers), and how long others wait for one of
// those to end. After that the host is slow, and whoever asks is told at once to come back.
inline constexpr std::size_t kAtOneHost = 2;
inline constexpr std::chrono::seconds kHostPatience{1}, kBusyLook{5};

// Who does something at the moment, by what they do. Thread-safe.
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

  // Waits while `most` do the same, and the one of them that began first did so less than kHostPatience ago. Null: it
  // takes them longer.
  std::unique_ptr<Turn> begin(const std::string& what, std::size_t most);

 private:
  void end(const std::string& what, std::chrono::steady_clock::time_point begun);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::multiset<std::chrono::steady_clock::time_point>> begun_;
};

// Thread-safe. A question waits for whoever fetches the same, and for its turn at a host, but for a slow one.
class RevocationChecker {
 public:
  struct Question {
    const crypto::Certificate& certificate;
    const crypto::Certificate& issuer;  // to which it was verified: only then are its URLs believed
    const onboarding::RevocationPolicy& rules;
    std::vector<crypto::Certificate> signers{};  // others of the issuer's that may sign its lists
  };
  struct Answer {
    // Errors, whose words do not differ from one time to the next: Transport, Timeout; Invalid with reason InvalidURL,
    // ForbiddenAddress, UnexpectedRedirect, ResponseTooLarge, NoRevocationSource, and those of crypto/.
    Result<crypto::RevocationFinding> finding;
    Duration nextLook{};  // from now
    // Nothing was learnt since this process began, and that for less than an interval: what was known before may still
    // hold.
    bool isFirst = false;
    // A place is slow, and others wait for it already: nothing was learnt, and `finding` says nothing.
    bool isBusy = false;
  };

  explicit RevocationChecker(const Clock& clock) : clock_(clock) {}

  // Takes as long as the network does, some twenty seconds for each place at most.
  Answer ask(const Question& question, const std::stop_token& stop);

 private:
  // What one place said, of an issuer's certificates or of one certificate.
  template <class T>
  struct Source {
    MonoTime usedAt{};  // protected by the lock around all sources
    // What follows is touched only by whose turn it is.
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
  // Fetches where that is due. What the source says then: its last word while it holds, else why there is none.
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
  std::mutex decoding_;  // one list at a time: while it is decoded it takes seven times its bytes
};

}  // namespace mpay::effects
