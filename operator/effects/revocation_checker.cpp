#include "effects/revocation_checker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace mpay::effects {
namespace {

using onboarding::RevocationPolicy;

constexpr std::chrono::seconds kShortestLook{1};
// A source is forgotten when nothing asked for it for that long.
constexpr std::chrono::hours kForgetAfter{2 * 24};
constexpr std::size_t kMaximumUrlBytes = 1024;
constexpr std::string_view kBusy = "Busy";

Duration retryOf(const RevocationPolicy& rules) { return std::min<Duration>(rules.interval, kRevocationRetry); }

// Written errors must be the same each time. libcurl has many words for a failing connection: they go to the log.
Error inSteadyWords(const std::string& url, Error error) {
  if (error.kind != ErrorKind::Timeout && error.kind != ErrorKind::Transport) return error;
  spdlog::info("revocation: {}: {}", url, error.message);
  error.message = error.kind == ErrorKind::Timeout ? "no answer in time" : "it cannot be reached";
  return error;
}

bool isUnreachable(const Error& error) {
  return error.kind == ErrorKind::Transport || error.kind == ErrorKind::Timeout || error.reason == "UnexpectedRedirect";
}

// A URL together with the permitted addresses: it may be reached for one environment and not for another.
std::string placeOf(std::string url, const RevocationPolicy& rules) {
  for (const auto& range : rules.permitted) url += " " + range.text();
  return url;
}

// The key of a list or an answer: a difference in any of these makes it another one.
std::string keyOf(const std::string& url, const crypto::Certificate& about, const RevocationPolicy& rules) {
  return placeOf(url, rules) + " " + about.sha256();
}

RevocationChecker::Answer busy() {
  return {refuse(std::string(kBusy), "others wait for that place already"), kBusyLook, false, true};
}

WallTime thisUpdateOf(const crypto::RevocationList& list) { return list.thisUpdate(); }
WallTime thisUpdateOf(const crypto::RevocationFinding& finding) { return finding.thisUpdate; }
WallTime nextUpdateOf(const crypto::RevocationList& list) { return list.nextUpdate(); }
std::optional<WallTime> nextUpdateOf(const crypto::RevocationFinding& finding) { return finding.nextUpdate; }

}  // namespace

std::unique_ptr<Turns::Turn> Turns::begin(const std::string& what, std::size_t most) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    auto& begun = begun_[what];
    if (begun.size() < most) {
      begun.insert(now);
      return std::make_unique<Turn>(*this, what, now);
    }
    const auto until = *begun.begin() + kHostPatience;
    if (now >= until) return nullptr;
    changed_.wait_until(lock, until);
  }
}

void Turns::end(const std::string& what, std::chrono::steady_clock::time_point begun) {
  const std::lock_guard lock(mutex_);
  const auto found = begun_.find(what);
  found->second.erase(found->second.find(begun));
  if (found->second.empty()) begun_.erase(found);
  changed_.notify_all();
}

Result<std::string> RevocationChecker::fetch(net::Request request, const RevocationPolicy& rules,
                                             const std::stop_token& stop) {
  const std::string url = request.url;
  if (url.size() > kMaximumUrlBytes || !net::isPlainUrl(url))
    return refuse("InvalidURL", "it is no http or https URL without user information");
  const auto turn = hosts_.begin(net::hostOf(url), kAtOneHost);
  if (!turn) return refuse(std::string(kBusy), "others wait for that host already");
  const std::string place = placeOf(url, rules);
  const MonoTime now = clock_.monotonic();
  const auto known = unreachable_.with([&](auto& all) -> std::optional<Error> {
    const auto found = all.find(place);
    if (found == all.end()) return std::nullopt;
    if (now < found->second.until) return found->second.failure;
    all.erase(found);
    return std::nullopt;
  });
  if (known) return fail(*known);
  request.connectTimeout = std::chrono::seconds(5);
  request.timeout = std::chrono::seconds(20);
  request.admits = [&rules](const net::Address& address) { return net::mayCall(address, rules.permitted); };
  auto response = transport_.send(std::move(request), stop);
  Error failure;
  if (!response) {
    failure = inSteadyWords(url, std::move(response).error());
  } else if (response->status == 200) {
    return std::move(response->body);
  } else if (response->status >= 300 && response->status < 400) {
    failure =
        Error{ErrorKind::Invalid, fmt::format("it redirects (status {}), which is not followed", response->status),
              "UnexpectedRedirect"};
  } else {
    failure = Error{ErrorKind::Transport, fmt::format("it answers with status {}", response->status)};
  }
  if (isUnreachable(failure))
    unreachable_.with([&](auto& all) {
      std::erase_if(all, [&](const auto& entry) { return entry.second.until <= now; });
      all.insert_or_assign(place, Place{clock_.monotonic() + retryOf(rules), failure});
    });
  return fail(std::move(failure));
}

template <class T>
std::shared_ptr<RevocationChecker::Source<T>> RevocationChecker::sourceOf(Synchronized<Sources<T>>& sources,
                                                                          const std::string& key) {
  const MonoTime now = clock_.monotonic();
  return sources.with([&](auto& all) {
    if (!all.contains(key)) {
      std::erase_if(all, [&](const auto& entry) { return entry.second->usedAt + kForgetAfter < now; });
      all.emplace(key, std::make_shared<Source<T>>());
    }
    const auto& source = all.at(key);
    source->usedAt = now;
    return source;
  });
}

template <class T, class Fetch>
Result<T> RevocationChecker::refresh(Source<T>& source, const RevocationPolicy& rules, Answer& answer,
                                     const Fetch& fetchNew) {
  const auto nextUpdate = [&] {
    return source.last ? std::optional<WallTime>(nextUpdateOf(*source.last)) : std::nullopt;
  };
  const auto holds = [&] { return source.last && clock_.now() <= nextUpdate().value_or(WallTime::max()); };
  const MonoTime asked = clock_.monotonic();
  const bool isDue = !holds() || asked >= source.fetchedAt + rules.interval;
  if (isDue && (!source.failure || asked >= source.triedAt + retryOf(rules))) {
    Result<T> fresh = fetchNew();
    if (fresh && source.last && thisUpdateOf(*fresh) < thisUpdateOf(*source.last))
      fresh = refuse("Replay",
                     fmt::format("it is of {}, and older than what was said before", formatTime(thisUpdateOf(*fresh))));
    if (!fresh && fresh.error().reason == kBusy) {
      answer.nextLook = kBusyLook;
      answer.isBusy = !holds();
      return holds() ? Result<T>(*source.last) : fail(std::move(fresh).error());
    }
    const MonoTime now = clock_.monotonic();
    source.triedAt = now;
    if (fresh) {
      source.last = std::move(*fresh);
      source.fetchedAt = now;
      source.failure.reset();
    } else {
      if (!source.failure) source.failingSince = now;
      source.failure = std::move(fresh).error();
    }
  }
  const MonoTime now = clock_.monotonic();
  answer.nextLook = std::chrono::ceil<Duration>(
      (source.failure ? source.triedAt + retryOf(rules) : source.fetchedAt + rules.interval) - now);
  if (const auto until = nextUpdate(); !source.failure && until)
    answer.nextLook = std::min<Duration>(answer.nextLook, *until - clock_.now() + std::chrono::seconds(1));
  answer.nextLook = std::max<Duration>(answer.nextLook, kShortestLook);
  answer.isFirst = !source.last && now < source.failingSince + rules.interval;
  if (holds()) return *source.last;
  return fail(source.failure.value_or(Error{ErrorKind::Invalid, "what it said is outdated", "ListOutdated"}));
}

RevocationChecker::Answer RevocationChecker::askList(const Question& question, const std::string& url,
                                                     const std::stop_token& stop) {
  auto key = keyOf(url, question.issuer, question.rules);
  for (const auto& signer : question.signers) key += " " + signer.sha256();
  const auto source = sourceOf(lists_, key);
  Answer answer{fail(Error{}), {}, false, false};
  const auto turn = sources_.begin(key, 1);
  if (!turn) return busy();
  const auto list = refresh(*source, question.rules, answer, [&]() -> Result<crypto::RevocationList> {
    net::Request request;
    request.url = url;
    request.maximumBytes = crypto::kMaximumListBytes;
    const auto bytes = TRY(fetch(std::move(request), question.rules, stop));
    const std::lock_guard one(decoding_);
    return crypto::RevocationList::parse(bytes, question.issuer, clock_.now(), question.signers);
  });
  answer.finding = list ? list->find(question.certificate, url) : fail(list.error());
  return answer;
}

RevocationChecker::Answer RevocationChecker::askResponder(const Question& question, const std::string& url,
                                                          const std::stop_token& stop) {
  const auto key = keyOf(url, question.certificate, question.rules);
  const auto source = sourceOf(responses_, key);
  Answer answer{fail(Error{}), {}, false, false};
  const auto turn = sources_.begin(key, 1);
  if (!turn) return busy();
  answer.finding = refresh(*source, question.rules, answer, [&]() -> Result<crypto::RevocationFinding> {
    const auto query = TRY(crypto::OcspQuery::of(question.certificate, question.issuer));
    net::Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {"Content-Type: application/ocsp-request", "Accept: application/ocsp-response"};
    request.body = query.request();
    request.maximumBytes = crypto::kMaximumOcspBytes;
    return query.read(TRY(fetch(std::move(request), question.rules, stop)), clock_.now());
  });
  return answer;
}

RevocationChecker::Answer RevocationChecker::ask(const Question& question, const std::stop_token& stop) {
  const bool byList = question.rules.mode == api::RevocationMode::CRL;
  const auto urls = question.rules.url ? std::vector{*question.rules.url}
                    : byList           ? crypto::distributionPoints(question.certificate)
                                       : crypto::ocspResponders(question.certificate);
  Answer answer{refuse("NoRevocationSource", fmt::format("the certificate names no {}, and trust.revocation.url none",
                                                         byList ? "CRL" : "OCSP responder")),
                question.rules.interval, false, false};
  bool isAnswered = false, isBusy = false;
  for (const auto& url : urls) {
    auto next = byList ? askList(question, url, stop) : askResponder(question, url, stop);
    if (next.finding && next.finding->state != crypto::RevocationState::Unknown) return next;
    isBusy = isBusy || next.isBusy;
    // A responder that does not know the certificate has at least answered; the next one may know it.
    if (std::exchange(isAnswered, isAnswered || next.finding) && !next.finding) continue;
    if (!next.finding) next.finding = fail(within(url, std::move(next.finding).error()));
    answer = std::move(next);
  }
  // A busy place might tell more than the others did.
  return isBusy ? busy() : answer;
}

}  // namespace mpay::effects
