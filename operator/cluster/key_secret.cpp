#include "cluster/key_secret.h"

#include "base/log.h"
#include "cluster/secrets.h"
#include "crypto/digest.h"

namespace mpay::cluster {
namespace {

constexpr std::chrono::seconds kKeyTurn{2};

using onboarding::KeyPlan;
using onboarding::KeyStep;

void put(api::Secret& secret, std::string_view name, std::string_view bytes) {
  auto& value = secret.data[std::string(name)];
  crypto::cleanse(value);
  value = crypto::base64(bytes);
}

void drop(api::Secret& secret, std::string_view name) {
  const auto found = secret.data.find(std::string(name));
  if (found == secret.data.end()) return;
  crypto::cleanse(found->second);
  secret.data.erase(found);
}

Result<crypto::PrivateKey> keyIn(const api::Secret& secret, std::string_view name) {
  const auto found = secret.data.find(std::string(name));
  auto bytes = found == secret.data.end() ? std::nullopt : crypto::fromBase64(found->second);
  if (!bytes) return refuse("MalformedKey", fmt::format("{} is not there", name));
  const crypto::SecretText pem(std::move(*bytes));
  return crypto::PrivateKey::parse(pem.view());
}

using Make = std::function<Result<crypto::PrivateKey>()>;

Result<void> makeKey(api::Secret& secret, const KeyPlan& plan, std::string_view keyName, std::string_view requestName,
                     const Make& make, const KeySecretWriter::Note& note) {
  const auto key = TRY(make());
  const auto request = TRY(key.request(plan.subject));
  TRY(note(key.publicKeySha256()));
  put(secret, keyName, key.pem().view());
  put(secret, requestName, request);
  return {};
}

Result<void> writeRequest(api::Secret& secret, const KeyPlan& plan, std::string_view keyName,
                          std::string_view requestName) {
  put(secret, requestName, TRY(TRY(keyIn(secret, keyName)).request(plan.subject)));
  return {};
}

Result<void> change(api::Secret& secret, const KeyPlan& plan, const Make& make, const KeySecretWriter::Note& note) {
  using namespace onboarding;
  switch (plan.step) {
    case KeyStep::None: break;
    case KeyStep::MakeKey: return makeKey(secret, plan, kKeyName, kRequestName, make, note);
    case KeyStep::WriteRequest: return writeRequest(secret, plan, kKeyName, kRequestName);
    case KeyStep::MakeRenewalKey: return makeKey(secret, plan, kRenewalKeyName, kRenewalRequestName, make, note);
    case KeyStep::WriteRenewalRequest: return writeRequest(secret, plan, kRenewalKeyName, kRenewalRequestName);
    case KeyStep::Renew:
      crypto::cleanse(secret.data[std::string(kKeyName)]);
      secret.data[std::string(kKeyName)] = secret.data[std::string(kRenewalKeyName)];
      drop(secret, kRenewalKeyName);
      drop(secret, kRenewalRequestName);
      [[fallthrough]];
    case KeyStep::Complete: put(secret, kCertificateName, plan.chain); drop(secret, kRequestName);
  }
  return {};
}

}  // namespace

Error mayNotKeep(const api::ObjectKey& secret) {
  Error error{ErrorKind::Invalid,
              fmt::format("the operator may not keep a key in secrets {}; give its ServiceAccount a Role in {} with "
                          "resources [secrets], resourceNames [{}], verbs [get, list, watch, update]",
                          secret.text(), secret.namespace_, secret.name),
              "ReferenceForbidden"};
  error.state = ErrorState::Forbidden;
  return error;
}

KeySecretWriter::KeySecretWriter(kube::Client& client, std::function<bool()> mayWrite)
    : client_(client), mayWrite_(std::move(mayWrite)) {}

Result<void> KeySecretWriter::carryOut(const KeyPlan& plan, const Note& note, const std::stop_token& stop) const {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  const bool makesKey = plan.step == KeyStep::MakeKey || plan.step == KeyStep::MakeRenewalKey;
  std::unique_lock turn(making_, std::defer_lock);
  if (makesKey && plan.keyType.starts_with("RSA") && !turn.try_lock()) {
    Error busy{ErrorKind::Timeout, fmt::format("secret {}: waits until another key is made", plan.secret.text())};
    busy.retryAfter = kKeyTurn;
    return fail(std::move(busy));
  }
  const kube::Api<api::Secret> secrets(client_);
  auto read = secrets.get(plan.secret, stop);
  if (!read) {
    if (read.error().isForbidden()) return fail(mayNotKeep(plan.secret));
    return read.error().isNotFound() ? Result<void>{} : fail(std::move(read).error());
  }
  GuardedSecret guarded(std::move(*read));
  if (guarded.secret.metadata.resourceVersion != plan.resourceVersion) {
    unwritten_.with([&](auto& all) { all.erase(plan.secret); });
    return {};
  }
  const auto refused = [&](Error error) {
    return fail(error.isForbidden() ? mayNotKeep(plan.secret) : std::move(error));
  };
  // Checked first, so that no key is made and noted that could not be written in the end.
  if (makesKey) {
    auto tried = secrets.tryReplace(guarded.secret, stop);
    if (!tried) return refused(std::move(tried).error());
    const GuardedSecret answer(std::move(*tried));
  }
  const Make make = [&]() -> Result<crypto::PrivateKey> {
    const auto known = unwritten_.with([&](const auto& all) {
      const auto found = all.find(plan.secret);
      const bool isSame = found != all.end() && found->second.resourceVersion == plan.resourceVersion &&
                          found->second.keyType == plan.keyType;
      return isSame ? std::optional(found->second.key) : std::nullopt;
    });
    if (known) return *known;
    auto key = TRY(crypto::PrivateKey::make(plan.keyType));
    unwritten_.with([&](auto& all) {
      all.insert_or_assign(plan.secret, Made{plan.resourceVersion, plan.keyType, key});
    });
    return key;
  };
  TRY(change(guarded.secret, plan, make, note));
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  auto written = secrets.replace(guarded.secret, stop);
  if (!written) return refused(std::move(written).error());
  const GuardedSecret answer(std::move(*written));
  unwritten_.with([&](auto& all) { all.erase(plan.secret); });
  spdlog::info("secret {}: {}", plan.secret.text(),
               plan.step == KeyStep::Complete || plan.step == KeyStep::Renew ? "completed with the issued certificate"
                                                                             : "a key or its request was written");
  return {};
}

}  // namespace mpay::cluster
