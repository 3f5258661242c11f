#include "ledger/revision.h"

#include "crypto/digest.h"
#include "domain/digest.h"

namespace mpay::ledger {
namespace {

const json::object& members(const json::value& of, std::string_view key) {
  static const json::object empty;
  const auto* object = of.if_object();
  const auto* found = object ? object->if_contains(key) : nullptr;
  return found && found->is_object() ? found->get_object() : empty;
}

// True if the base64 content has the hash that the effect names; both absent is right too.
bool matches(const std::optional<std::string>& content, const json::value& effect, std::string_view key) {
  const auto* hash = members(effect, "content").if_contains(key);
  if (!hash || !content) return !hash && !content;
  const auto bytes = crypto::fromBase64(*content);
  return bytes && hash->is_string() && hash->get_string() == crypto::digestText(*bytes);
}

}  // namespace

std::string revisionName(const api::ObjectKey& integration, std::int64_t number) {
  return fmt::format("{}-{}", memoryName("revision", integration), number);
}

Result<void> verifyRevision(const Revision& revision) {
  const bool whole = revision.effect.is_object() && domain::digestOf(revision.effect.get_object()) == revision.digest &&
                     matches(revision.certificate, revision.effect, "certificate") &&
                     matches(revision.logo, revision.effect, "logo");
  if (whole) return {};
  return refuse("RevisionCorrupt",
                "the promoted revision does not hash to its digest; production stays as it is. "
                "Compare the ControllerRevision with a backup");
}

Result<NumberedRevision> revisionIn(const api::ControllerRevision& object) {
  auto revision = TRY(json::decode<Revision>(object.data));
  TRY(verifyRevision(revision));
  return NumberedRevision{object.revision, object.metadata.name.value_or(""),
                          object.metadata.creationTimestamp.value_or(""), std::move(revision)};
}

bool isOf(const Revision& revision, const api::MPayIntegrationSpec& spec) {
  const auto* id = members(revision.effect, "service").if_contains("id");
  return revision.holder.idno == spec.beneficiary.idno && id && id->is_string() &&
         std::string_view(id->get_string()) == spec.service.id.value_or("");
}

Result<Fragment> fragmentOf(const NumberedRevision& numbered) {
  const Revision& revision = numbered.revision;
  const auto service = TRY(json::decode<api::Service>(json::value(members(revision.effect, "service"))));
  const auto endpoints = TRY(json::decode<api::Endpoints>(json::value(members(revision.effect, "endpoints"))));
  const auto canonical = [](const auto& texts) { return domain::AddressSet::ofTexts(texts).texts(); };
  Fragment fragment;
  fragment.holder = revision.holder;
  fragment.revision = numbered.number;
  fragment.serviceID = service.id.value_or("");
  fragment.digest = revision.digest;
  if (endpoints.production) fragment.addresses = canonical(endpoints.production->addresses);
  std::vector<std::string> terminals;
  for (const auto& terminal : service.posTerminals) terminals.push_back(terminal.address);
  fragment.posAddresses = canonical(terminals);
  if (revision.certificate) {
    fragment.certificates.push_back(
        fingerprintsOf(TRY(crypto::Certificate::parseBase64(*revision.certificate)), revision.intermediates));
  }
  return fragment;
}

std::optional<Fragment> promotedIn(const std::shared_ptr<const api::ControllerRevision>& object) {
  const auto revision = object ? revisionIn(*object) : fail(Error{});
  auto fragment = revision ? fragmentOf(*revision) : fail(Error{});
  return fragment ? std::optional(std::move(*fragment)) : std::nullopt;
}

}  // namespace mpay::ledger
