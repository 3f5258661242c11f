#include "onboarding/departure.h"

#include "onboarding/environment.h"

namespace mpay::onboarding {
namespace {

void replaceFragment(Departure& departure, Fragment by) {
  departure.fate = FragmentFate::IsReplaced;
  departure.fragment = std::move(by);
}

Departure dropBarred(const Departing& departing) {
  Departure departure;
  const auto& fragment = departing.fragment.value;
  if (!fragment) return departure;
  if (auto left = admissible(*fragment, departing.barred); left != *fragment)
    replaceFragment(departure, std::move(left));
  return departure;
}

// Items that the platform assigned to others leave the fragment, then the claim. With the ServiceID everything goes.
Departure handOver(const Departing& departing) {
  const auto& [fragment, claim, barred] = std::tie(departing.fragment.value, departing.claim.value, departing.barred);
  if (!barred.assignments) return {};
  auto departure = dropBarred(departing);
  if ((fragment && isServiceTaken(*fragment, barred)) ||
      (claim && barred.assignments->takesService(claim->holder, claim->serviceID))) {
    departure.fate = FragmentFate::Goes;
    departure.fragment.reset();
  }
  if (auto left = claim; left && barred.assignments->takeOut(*left)) departure.claim = std::move(left);
  return departure;
}

// A damaged fragment would hold up everybody's files. Until production ends it says what the last revision says.
void restore(const Departing& departing, Departure& departure) {
  if (!departing.isDamaged || !departing.promoted) return;
  if (departing.barredUnknown) {
    departure.unrestored = departing.barredUnknown;
    return;
  }
  if (isServiceTaken(*departing.promoted, departing.barred)) {
    departure.fate = FragmentFate::Goes;
    return;
  }
  replaceFragment(departure, admissible(*departing.promoted, departing.barred));
  departure.isRestored = true;
}

// The last revision says whose production it is, else the published fragment, else the claim.
WithdrawalRecord recordOf(const Departing& departing, const Holder& holder) {
  WithdrawalRecord record{holder, "", "", std::nullopt};
  const auto take = [&](const auto& source) {
    if (!source) return false;
    record.holder = source->holder;
    record.serviceID = source->serviceID;
    return true;
  };
  if (!take(departing.promoted) && !take(departing.fragment.value)) take(departing.claim.value);
  return record;
}

Departure leaveProduction(const Departing& departing, Cause cause, const Holder& holder, WallTime now) {
  Departure departure;
  if (!departing.withdrawal.value && !departing.hasRevisions && !departing.isPublished) {
    departure.ends = true;  // never promoted: nothing serves
    return departure;
  }
  if (departing.withdrawal.version && !departing.withdrawal.value) {
    // Nobody can read when production ends, or that it is retained: it goes on until the platform mends the record.
    restore(departing, departure);
    return departure;
  }
  const auto dueLater = [&] { return formatTime(now + withdrawalDelay(departing.environment)); };
  auto record = departing.withdrawal.value;
  if (!record) {
    record = recordOf(departing, holder);
    record->deletedAt = formatTime(now);
    if (cause != Cause::Retained) record->dueAt = dueLater();
    departure.withdrawal = record;
  } else if (record->dueAt && !parseTime(*record->dueAt)) {
    // Somebody edited it: a time that nobody can read is not due.
    record->dueAt = dueLater();
    departure.withdrawal = record;
  }
  const auto due = record->dueAt ? parseTime(*record->dueAt) : std::nullopt;
  departure.ends = departure.hasServed = due && *due <= now;
  if (departure.ends) return departure;
  restore(departing, departure);
  departure.looksAgainAt = due;
  return departure;
}

}  // namespace

Departure decideDeparture(const Departing& departing, Cause cause, const Holder& holder, WallTime now) {
  if (cause == Cause::Reassigned) return handOver(departing);
  if (cause == Cause::Revoked) return dropBarred(departing);
  if (departing.environment.stage == api::Stage::Production) return leaveProduction(departing, cause, holder, now);
  Departure departure;
  departure.ends = true;
  departure.forgetsTests = cause != Cause::NotNamed;
  return departure;
}

}  // namespace mpay::onboarding
