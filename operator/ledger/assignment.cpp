#include "ledger/assignment.h"

#include <algorithm>

#include "crypto/digest.h"
#include "domain/rules.h"

namespace mpay::ledger {
namespace {

constexpr std::size_t kLongestServiceID = 36;

bool isOf(const Assignment& assignment, const Holder& holder) {
  return assignment.namespace_ == holder.namespace_ && assignment.name == holder.name && assignment.idno == holder.idno;
}

Result<Assignment> readOne(const api::ConfigMap& object) {
  auto assignment = TRY(remembered<Assignment>(object));
  const auto value = TRY(canonicalValue(assignment.kind, assignment.value));
  if (value != assignment.value) return refuse("InvalidField", fmt::format("its value is to be written {}", value));
  if (object.metadata.name != assignmentName(assignment.kind, assignment.value))
    return refuse("InvalidField", "its name is not the one of what it assigns");
  if (assignment.namespace_.empty() || assignment.name.empty() || !domain::isIdno(assignment.idno))
    return refuse("InvalidField", "it names no integration with its IDNO");
  return assignment;
}

}  // namespace

std::string describe(AssignmentKind kind, std::string_view value) {
  switch (kind) {
    case AssignmentKind::ServiceID: return fmt::format("ServiceID {}", value);
    case AssignmentKind::Certificate: return fmt::format("certificate {}", value);
    case AssignmentKind::Address: break;
  }
  return fmt::format("address {}", value);
}

Result<std::string> canonicalValue(AssignmentKind kind, std::string_view text) {
  if (kind == AssignmentKind::ServiceID) {
    if (text.empty() || text.size() > kLongestServiceID || !domain::isPlainText(std::string(text)))
      return refuse("InvalidField", "that is no ServiceID");
    return std::string(text);
  }
  if (kind == AssignmentKind::Certificate) {
    std::string hex;
    for (const char c : text) {
      if (c != ':') hex += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return refuse("InvalidField",
                    "that is no SHA-256 of a certificate, which has 64 hexadecimal digits; status.certificate.sha256 "
                    "of an integration says it");
    }
    return hex;
  }
  const auto prefix = net::parsePrefix(text);
  if (!prefix || prefix->length == 0 || prefix->hasHostBits()) {
    return refuse("InvalidField",
                  "that is no address or prefix; write it like 203.0.113.7, 203.0.113.0/28 or 2001:db8::/64");
  }
  return prefix->text();
}

std::string assignmentName(AssignmentKind kind, std::string_view value) {
  return fmt::format("mpay-{}-{}", kAssignment,
                     crypto::sha256Hex(fmt::format("{} {}", json::nameOf(kind), value)).substr(0, 32));
}

Assignments::Read Assignments::read(const std::vector<std::shared_ptr<const api::ConfigMap>>& objects,
                                    bool provesIdno) {
  Read read;
  read.assignments.provesIdno_ = provesIdno;
  std::vector<std::pair<std::string, Assignment>> whole;
  for (const auto& object : objects) {
    const auto name = object->metadata.name.value_or("");
    if (auto one = readOne(*object)) {
      whole.emplace_back(name, std::move(*one));
    } else {
      read.problems[name] = one.error().message;
    }
  }
  std::sort(whole.begin(), whole.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.assignedAt, a.first) < std::tie(b.second.assignedAt, b.first);
  });
  auto& into = read.assignments;
  for (auto& [name, assignment] : whole) {
    const auto value = assignment.value;
    if (assignment.kind == AssignmentKind::ServiceID) {
      into.services_.emplace(value, std::move(assignment));
    } else if (assignment.kind == AssignmentKind::Certificate) {
      into.certificates_.emplace(value, std::move(assignment));
    } else {
      const auto prefix = *net::parsePrefix(value);
      const auto others = into.overlapping(prefix);
      const auto assignee = assignment.assignee();
      const auto other =
          std::find_if(others.begin(), others.end(), [&](const auto* o) { return o->assignee() != assignee; });
      if (other != others.end()) {
        read.problems[name] =
            fmt::format("it overlaps {}, which is assigned to {}", (*other)->value, (*other)->assignee());
      } else {
        into.addresses_.emplace(prefix, std::move(assignment));
      }
    }
  }
  return read;
}

std::vector<Assignment> Assignments::all() const {
  std::vector<Assignment> all;
  for (const auto& [value, assignment] : services_) all.push_back(assignment);
  for (const auto& [value, assignment] : certificates_) all.push_back(assignment);
  for (const auto& [prefix, assignment] : addresses_) all.push_back(assignment);
  return all;
}

const Assignment* Assignments::ofService(const std::string& serviceID) const {
  const auto found = services_.find(serviceID);
  return found == services_.end() ? nullptr : &found->second;
}

const Assignment* Assignments::ofCertificate(const std::string& sha256) const {
  const auto found = certificates_.find(sha256);
  return found == certificates_.end() ? nullptr : &found->second;
}

std::vector<const Assignment*> Assignments::overlapping(const net::Prefix& prefix) const {
  std::vector<const Assignment*> found;
  if (addresses_.empty()) return found;
  for (int length = 0; length < prefix.length; ++length) {
    const auto wider = addresses_.find({net::Prefix{prefix.address, length}.first(), length});
    if (wider != addresses_.end()) found.push_back(&wider->second);
  }
  for (auto at = addresses_.lower_bound(prefix); at != addresses_.end() && prefix.contains(at->first); ++at)
    found.push_back(&at->second);
  return found;
}

bool Assignments::takesService(const Holder& holder, const std::string& serviceID) const {
  const auto* assignment = ofService(serviceID);
  return assignment && !isOf(*assignment, holder);
}

bool Assignments::takesCertificate(const Holder& holder, const std::string& sha256) const {
  const auto* assignment = ofCertificate(sha256);
  return assignment &&
         !isOneBeneficiary({assignment->namespace_, assignment->name, "", assignment->idno}, holder, provesIdno_);
}

bool Assignments::takesAddress(const Holder& holder, const net::Prefix& prefix) const {
  const auto all = overlapping(prefix);
  return std::any_of(all.begin(), all.end(), [&](const auto* assignment) { return !isOf(*assignment, holder); });
}

bool Assignments::takeOut(const Holder& holder, std::vector<std::string>& addresses) const {
  std::vector<std::string> left;
  bool changed = false;
  for (const auto& text : addresses) {
    const auto prefix = net::parsePrefix(text);
    std::vector<net::Prefix> taken;
    for (const auto* assignment : prefix ? overlapping(*prefix) : std::vector<const Assignment*>{}) {
      if (!isOf(*assignment, holder)) taken.push_back(*net::parsePrefix(assignment->value));
    }
    if (taken.empty()) {
      left.push_back(text);
      continue;
    }
    changed = true;
    for (const auto& rest : domain::AddressSet::of({*prefix}).without(taken).texts()) left.push_back(rest);
  }
  if (changed) addresses = std::move(left);
  return changed;
}

bool Assignments::takeOut(Claim& claim) const {
  bool changed = takeOut(claim.holder, claim.addresses);
  if (changed) std::sort(claim.addresses.begin(), claim.addresses.end());
  changed = std::erase_if(claim.certificates,
                          [&](const auto& sha256) { return takesCertificate(claim.holder, sha256); }) > 0 ||
            changed;
  if (!takesService(claim.holder, claim.serviceID)) return changed;
  claim.serviceID.clear();
  return true;
}

bool Assignments::takeOut(Fragment& fragment) const {
  const bool ofSystem = takeOut(fragment.holder, fragment.addresses);
  const bool ofTerminals = takeOut(fragment.holder, fragment.posAddresses);
  const auto certificates = std::erase_if(
      fragment.certificates, [&](const auto& entry) { return takesCertificate(fragment.holder, entry.sha256); });
  return ofSystem || ofTerminals || certificates > 0;
}

HeldByOthers heldByOthers(const Assignments& assignments, const Fragments& published) {
  HeldByOthers held;
  if (assignments.empty()) return held;
  for (const auto& [name, contribution] : published) {
    const auto& fragment = contribution.fragment;
    const auto& holder = fragment.holder;
    bool any = false;
    if (assignments.takesService(holder, fragment.serviceID)) {
      held.services.insert(fragment.serviceID);
      any = true;
    }
    for (const auto& entry : fragment.certificates) {
      if (!assignments.takesCertificate(holder, entry.sha256)) continue;
      held.certificates.insert(entry.sha256);
      any = true;
    }
    for (const auto* addresses : {&fragment.addresses, &fragment.posAddresses}) {
      for (const auto& text : *addresses) {
        const auto prefix = net::parsePrefix(text);
        if (!prefix || !assignments.takesAddress(holder, *prefix)) continue;
        held.addresses.push_back(*prefix);
        any = true;
      }
    }
    if (any) held.holders.insert({holder.namespace_, holder.name});
  }
  return held;
}

}  // namespace mpay::ledger
