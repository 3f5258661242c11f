#include "cli/reassign.h"

#include <algorithm>
#include <iostream>

#include "api/integration.h"
#include "base/clock.h"
#include "cli/validate.h"
#include "domain/rules.h"

namespace mpay::cli {
namespace {

using ledger::Assignment;
using ledger::AssignmentKind;

constexpr std::size_t kLongestReason = 500;

std::string listed(const std::set<std::string>& names) {
  return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
}

// An environment and the records in its output namespace.
struct Ledger {
  api::MPayEnvironment environment{};
  std::vector<std::shared_ptr<const api::ConfigMap>> assignments{};
  std::vector<ledger::Claim> claims{}, published{};

  const std::string& outputNamespace() const { return environment.spec.outputNamespace; }
  std::string name() const { return environment.metadata.name.value_or(""); }
  bool provesIdno() const { return environment.spec.tenants.idnoLabel.has_value(); }
  bool isProduction() const { return environment.spec.stage == api::Stage::Production; }

  std::shared_ptr<const api::ConfigMap> record(AssignmentKind kind, const std::string& value) const {
    const auto wanted = ledger::assignmentName(kind, value);
    const auto found = std::find_if(assignments.begin(), assignments.end(),
                                    [&](const auto& object) { return object->metadata.name == wanted; });
    return found == assignments.end() ? nullptr : *found;
  }

  // The integrations that have `value`, except `but`. For a certificate, all services of but's beneficiary are
  // excepted.
  std::set<std::string> having(const std::vector<ledger::Claim>& all, AssignmentKind kind, const std::string& value,
                               const std::optional<ledger::Holder>& but = std::nullopt) const {
    const auto prefix = net::parsePrefix(value);
    std::set<std::string> names;
    for (const auto& claim : all) {
      const bool has =
          kind == AssignmentKind::ServiceID ? claim.serviceID == value
          : kind == AssignmentKind::Certificate
              ? std::find(claim.certificates.begin(), claim.certificates.end(), value) != claim.certificates.end()
              : std::any_of(claim.addresses.begin(), claim.addresses.end(), [&](const auto& text) {
                  const auto held = net::parsePrefix(text);
                  return held && prefix && held->overlaps(*prefix);
                });
      const bool isExcepted =
          but && (kind == AssignmentKind::Certificate
                      ? ledger::isOneBeneficiary(*but, claim.holder, provesIdno())
                      : but->namespace_ == claim.holder.namespace_ && but->name == claim.holder.name);
      if (has && !isExcepted) names.insert(claim.holder.namespace_ + "/" + claim.holder.name);
    }
    return names;
  }
};

Result<api::MPayEnvironment> environmentOf(kube::Client& client, const std::string& name) {
  auto environment = kube::Api<api::MPayEnvironment>(client).get({"", name});
  if (!environment && environment.error().isNotFound()) {
    return refuse("NotFound", fmt::format("environment {} does not exist; kubectl get mpe lists those that do", name));
  }
  return environment;
}

Result<Ledger> readLedger(kube::Client& client, api::MPayEnvironment environment) {
  Ledger ledger;
  ledger.environment = std::move(environment);
  const auto name = ledger.name();
  const auto selector = fmt::format("{}={}", ledger::kManagedBy, ledger::kOperator);
  for (auto& object : TRY(kube::Api<api::ConfigMap>(client).list({ledger.outputNamespace(), selector, ""}))) {
    if (!ledger::isOurs(object.metadata, name)) continue;
    const auto component = object.metadata.labels.find(std::string(ledger::kComponent));
    if (component == object.metadata.labels.end()) continue;
    if (component->second == ledger::kAssignment) {
      ledger.assignments.push_back(std::make_shared<const api::ConfigMap>(std::move(object)));
    } else if (component->second == ledger::kClaim) {
      if (auto claim = ledger::remembered<ledger::Claim>(object)) ledger.claims.push_back(std::move(*claim));
    } else if (component->second == ledger::kFragment) {
      if (const auto fragment = ledger::remembered<ledger::Fragment>(object))
        ledger.published.push_back(ledger::claimOf(*fragment));
    }
  }
  return ledger;
}

Result<api::MPayIntegration> targetOf(kube::Client& client, const std::string& to, const std::string& environment) {
  const auto slash = to.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == to.size() ||
      to.find('/', slash + 1) != std::string::npos)
    return refuse("InvalidField", "--to is the NAMESPACE/NAME of an MPayIntegration");
  auto target = kube::Api<api::MPayIntegration>(client).get({to.substr(0, slash), to.substr(slash + 1)});
  if (!target && target.error().isNotFound()) {
    return refuse("NotFound",
                  fmt::format("integration {} does not exist; only to one that does something can be assigned", to));
  }
  if (!target) return target;
  const auto& names = target->spec.environments;
  if (environment != names.testing && environment != names.production) {
    return refuse("NotTheEnvironment", fmt::format("integration {} is not in environment {} but in {} and {}", to,
                                                   environment, names.testing, names.production));
  }
  return target;
}

// Refuses addresses in a shared range or in another assignment. Other values cannot overlap.
Result<void> judgeAddress(const Ledger& ledger, const Assignment& wanted) {
  if (wanted.kind != AssignmentKind::Address) return {};
  const auto prefix = net::parsePrefix(wanted.value);
  for (const auto& text : ledger.environment.spec.addresses.shared) {
    const auto shared = net::parsePrefix(text);
    if (shared && prefix && shared->overlaps(*prefix)) {
      return refuse("SharedRange", fmt::format("{} is in addresses.shared of environment {} ({}), which everybody may "
                                               "declare; take it out there first",
                                               wanted.value, ledger.name(), text));
    }
  }
  const auto known = ledger::Assignments::read(ledger.assignments, ledger.provesIdno()).assignments;
  for (const auto* other : known.overlapping(*prefix)) {
    if (other->value == wanted.value || other->assignee() == wanted.assignee()) continue;
    return refuse("Overlaps", fmt::format("{} overlaps {}, which is assigned to {}; revoke that first", wanted.value,
                                          other->value, other->assignee()));
  }
  return {};
}

Result<void> confirm(const ReassignOptions& options, std::string_view question, std::istream& in, std::ostream& out) {
  if (options.yes) return {};
  out << "\n" << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return refuse("NotConfirmed", "nothing was changed");
}

std::string describeRecord(const api::ConfigMap& object) {
  const auto assignment = ledger::remembered<Assignment>(object);
  if (!assignment) return "a damaged record, which assigns nothing";
  return fmt::format("{}, by {} at {}: {}", assignment->assignee(), assignment->assignedBy, assignment->assignedAt,
                     assignment->reason);
}

void describeNow(const Ledger& ledger, AssignmentKind kind, const std::string& value, std::ostream& out) {
  out << fmt::format("{} in environment {}\n  held now by:     {}\n  published of:    {}\n",
                     ledger::describe(kind, value), ledger.name(), listed(ledger.having(ledger.claims, kind, value)),
                     listed(ledger.having(ledger.published, kind, value)));
  if (const auto record = ledger.record(kind, value))
    out << fmt::format("  assigned now to: {}\n", describeRecord(*record));
}

// The step that the target must take before it holds the value; empty: none.
std::string missing(const api::MPayIntegration& target, const Assignment& wanted) {
  const auto& declared = target.status ? target.status->certificate : std::nullopt;
  if (wanted.kind == AssignmentKind::ServiceID) {
    const auto& id = target.spec.service.id;
    if (id == wanted.value) return "";
    return id ? fmt::format("It declares ServiceID {}, which cannot change: it will not take this one.\n", *id)
              : "It declares no ServiceID yet: this one is reserved for it.\n";
  }
  if (wanted.kind == AssignmentKind::Certificate && (!declared || declared->sha256 != wanted.value))
    return "It does not declare this certificate now: it is reserved for it.\n";
  return "";
}

Result<void> assign(kube::Client& client, const ReassignOptions& options, std::istream& in, std::ostream& out) {
  Assignment wanted;
  wanted.kind = options.kind;
  wanted.value = TRY(ledger::canonicalValue(options.kind, options.value));
  if (options.reason.empty() || options.reason.size() > kLongestReason || !domain::isPlainText(options.reason))
    return refuse("InvalidField", fmt::format("--reason is a sentence of at most {} bytes", kLongestReason));
  wanted.reason = options.reason;
  auto environment = TRY(environmentOf(client, options.environment));
  const auto target = TRY(targetOf(client, options.to, options.environment));
  const auto ledger = TRY(readLedger(client, std::move(environment)));
  wanted.namespace_ = target.metadata.namespace_.value_or("");
  wanted.name = target.metadata.name.value_or("");
  wanted.idno = target.spec.beneficiary.idno;
  TRY(judgeAddress(ledger, wanted));
  wanted.assignedBy = TRY(whoAmI(client));
  wanted.assignedAt = formatTime(systemClock().now());

  describeNow(ledger, wanted.kind, wanted.value, out);
  out << fmt::format("  goes to:         {} of {} (IDNO {})\n", wanted.assignee(), target.spec.beneficiary.legalName,
                     wanted.idno)
      << missing(target, wanted);
  const ledger::Holder assignee{wanted.namespace_, wanted.name, "", wanted.idno};
  auto losing = ledger.having(ledger.claims, wanted.kind, wanted.value, assignee);
  losing.merge(ledger.having(ledger.published, wanted.kind, wanted.value, assignee));
  if (!losing.empty()) {
    out << fmt::format(
        "{} {} it: the gateway stops admitting what is assigned as soon as the operator sees this{}. {} "
        "comes after that, never beside it.\n",
        listed(losing), losing.size() == 1 ? "loses" : "lose",
        ledger.isProduction()
            ? ", IN PRODUCTION, also where it was validated: payments that depend on it fail from then on"
            : "",
        wanted.assignee());
  }
  TRY(confirm(options, fmt::format("Assign it as {}?", wanted.assignedBy), in, out));

  const auto name = ledger::assignmentName(wanted.kind, wanted.value);
  auto object = ledger::remember(
      ledger::ownedMeta(ledger.outputNamespace(), name, ledger::kAssignment, ledger.name(), std::nullopt), wanted);
  const kube::Api<api::ConfigMap> configMaps(client);
  if (const auto before = ledger.record(wanted.kind, wanted.value)) {
    object.metadata.uid = before->metadata.uid;
    object.metadata.resourceVersion = before->metadata.resourceVersion;
    TRY(configMaps.replace(object));
  } else {
    TRY(configMaps.create(object));
  }
  const auto& names = target.spec.environments;
  out << fmt::format(
      "configmap/{} in namespace {} assigns it to {}\nEnvironment {} is apart: there it stays as it is.\n", name,
      ledger.outputNamespace(), wanted.assignee(), ledger.name() == names.testing ? names.production : names.testing);
  return {};
}

Result<void> revoke(kube::Client& client, const ReassignOptions& options, std::istream& in, std::ostream& out) {
  const auto value = TRY(ledger::canonicalValue(options.kind, options.value));
  const auto ledger = TRY(readLedger(client, TRY(environmentOf(client, options.environment))));
  const auto record = ledger.record(options.kind, value);
  if (!record) {
    return refuse("NotFound", fmt::format("{} is not assigned in environment {}; --list shows what is",
                                          ledger::describe(options.kind, value), ledger.name()));
  }
  describeNow(ledger, options.kind, value, out);
  out << "Who holds it keeps it; else it is the first's who claims it.\n";
  TRY(confirm(options, "Take the assignment away?", in, out));
  TRY(kube::Api<api::ConfigMap>(client).remove(
      record->metadata.key(), {record->metadata.uid.value_or(""), record->metadata.resourceVersion.value_or("")}));
  out << fmt::format("configmap/{} in namespace {} is deleted\n", record->metadata.name.value_or(""),
                     ledger.outputNamespace());
  return {};
}

Result<void> list(kube::Client& client, const ReassignOptions& options, std::ostream& out) {
  const auto ledger = TRY(readLedger(client, TRY(environmentOf(client, options.environment))));
  const auto read = ledger::Assignments::read(ledger.assignments, ledger.provesIdno());
  for (const auto& assignment : read.assignments.all()) {
    out << fmt::format("{} is assigned to {}, by {} at {}: {}\n  held now by {}\n",
                       ledger::describe(assignment.kind, assignment.value), assignment.assignee(),
                       assignment.assignedBy, assignment.assignedAt, assignment.reason,
                       listed(ledger.having(ledger.claims, assignment.kind, assignment.value)));
  }
  for (const auto& [name, problem] : read.problems)
    out << fmt::format("configmap/{} assigns nothing: {}\n", name, problem);
  if (ledger.assignments.empty()) out << fmt::format("nothing is assigned in environment {}\n", ledger.name());
  return {};
}

}  // namespace

Result<void> reassign(kube::Client& client, const ReassignOptions& options, std::istream& in, std::ostream& out) {
  switch (options.action) {
    case ReassignOptions::Action::List: return list(client, options, out);
    case ReassignOptions::Action::Revoke: return revoke(client, options, in, out);
    case ReassignOptions::Action::Assign: break;
  }
  return assign(client, options, in, out);
}

}  // namespace mpay::cli
