// The record of functional tests: which run the decision intends, what the last run found, and which amounts were read
// before anything was paid. One record an integration, in its testing environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/integration.h"
#include "ledger/holder.h"
#include "ledger/memory.h"

namespace mpay::ledger {

// The UIDs of the MPayTestRequests that asked for a run.
using TestRequests = std::vector<std::string>;

// One run, with all that it needs of the form.
struct TestIntent {
  std::string id;
  std::string subject;  // a hash of everything that makes another run necessary when it changes
  std::string digest;   // status.testingDigest
  std::string url;
  std::string serviceID;
  std::string certificate;  // base64 of its DER: with which answers must verify
  std::optional<api::FunctionalTestData> orders;
  api::TesterProfile profile;
  std::string signatureAlgorithm;
  std::optional<std::string> notApplicable;  // why there is nothing to be called
  api::Language language = api::Language::ro;
  TestRequests requests;     // that it answers
  std::int64_t attempt = 0;  // how often in a row the web service could not be reached before
  std::string intendedAt;
  bool operator==(const TestIntent&) const = default;
};
BOOST_DESCRIBE_STRUCT(TestIntent, (),
                      (id, subject, digest, url, serviceID, certificate, orders, profile, signatureAlgorithm,
                       notApplicable, language, requests, attempt, intendedAt))

struct TestResult {
  std::string subject;    // of the intent
  TestRequests requests;  // of the intent
  std::int64_t attempt = 0;
  api::FunctionalTestStatus status;
  std::vector<std::string> blocking;   // what keeps it from passing, a sentence each, the first ones
  std::optional<std::string> retryAt;  // where the web service could not be reached
  bool operator==(const TestResult&) const = default;
};
BOOST_DESCRIBE_STRUCT(TestResult, (), (subject, requests, attempt, status, blocking, retryAt))

// The full amount of a payable order as it was before anything was paid: every later run pays the same.
struct PayableAmount {
  std::string orderKey;
  std::string amount;
  bool inParts = false;
  bool operator==(const PayableAmount&) const = default;
};
BOOST_DESCRIBE_STRUCT(PayableAmount, (), (orderKey, amount, inParts))

struct TestRecord {
  static constexpr std::string_view kName = kTests;
  Holder holder;
  std::vector<PayableAmount> amounts;
  std::optional<TestIntent> intended;
  std::optional<TestResult> last;
  std::optional<std::string> problem;  // why what is intended cannot be begun
  bool operator==(const TestRecord&) const = default;
};
BOOST_DESCRIBE_STRUCT(TestRecord, (), (holder, amounts, intended, last, problem))

inline constexpr std::size_t kAmountsKept = 100;

// The record of an integration with that holder. The record of an earlier integration of the name does not count: its
// payments had other PaymentIDs.
TestRecord recordFor(const std::optional<TestRecord>& known, const Holder& holder);

}  // namespace mpay::ledger
