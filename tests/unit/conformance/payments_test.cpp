// The payments of a run, and that no other run pays again.
#include "conformance/payments.h"

#include <set>

#include "unit/conformance/world.h"

namespace mpay::test {
namespace {

using conformance::Outcome;

// Passes every request on and records it.
class Recorder final : public conformance::Endpoint {
 public:
  explicit Recorder(std::unique_ptr<conformance::HttpsEndpoint> to) : to_(std::move(to)) {}
  Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                             const std::stop_token& stop) override {
    sent.emplace_back(operation, envelope);
    return to_->post(operation, envelope, timeout, stop);
  }
  // The PaymentIDs that were sent for an order.
  std::set<std::string> paymentIds(const std::string& key) const {
    std::set<std::string> found;
    for (const auto& [operation, envelope] : sent) {
      if (envelope.find("<OrderKey>" + key + "</OrderKey>") == std::string::npos) continue;
      const auto at = envelope.find("<PaymentID>");
      if (at != std::string::npos) found.insert(envelope.substr(at + 11, 36));
    }
    return found;
  }

  std::vector<std::pair<std::string, std::string>> sent;

 private:
  std::unique_ptr<conformance::HttpsEndpoint> to_;
};

TEST_F(Conformance, PaysOnceHoweverOftenItRuns) {
  const Beneficiary beneficiary;
  for (const std::string key : {"PAYABLE-1", "PARTIAL-1"}) {
    SCOPED_TRACE(key);
    auto subject = subjectOf(beneficiary);
    subject.payable->key = key;
    std::vector<soap::Amount> recorded;
    record = [&](soap::Amount amount, bool) -> Result<void> {
      recorded.push_back(amount);
      return {};
    };
    Recorder first(endpointOf(beneficiary, "x509")), second(endpointOf(beneficiary, "x509"));
    EXPECT_EQ(wrongIn(run(first, subject)), "");
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text(), "150.00");
    // The order is paid now, or in part. Without the recorded amount the full amount is unknown, and nothing is paid.
    const auto blind = run(second, subject);
    EXPECT_TRUE(find(blind, "C1").isBlocked) << find(blind, "C1").message;
    EXPECT_TRUE(second.paymentIds(key).empty());
    subject.payable->amount = recorded[0];
    const auto again = run(second, subject);
    EXPECT_TRUE(again.passed()) << all(again);
    EXPECT_EQ(find(again, "C5").outcome, Outcome::pass);
    EXPECT_EQ(first.paymentIds(key), second.paymentIds(key));
    EXPECT_EQ(first.paymentIds(key).size(), key == "PARTIAL-1" ? 2u : 1u);
  }
}

// In the second run the order names no amount from the beginning.
TEST_F(Conformance, HoldsAnOrderToWhatItOnceSaid) {
  const Beneficiary beneficiary;
  auto subject = subjectOf(beneficiary);
  subject.payable->key = "LINES-1";
  record = [&](soap::Amount amount, bool inParts) -> Result<void> {
    subject.payable->amount = amount;
    subject.payable->inParts = inParts;
    return {};
  };
  EXPECT_EQ(wrongIn(run(beneficiary, "forgets-amounts+token", subject)), "C5");
  EXPECT_EQ(wrongIn(run(beneficiary, "forgets-amounts+token", subject)), "C5");
}

// The second run pays as the first did, whatever the service declares by then.
TEST_F(Conformance, PaysAsItDidTheFirstTime) {
  const Beneficiary beneficiary;
  for (const bool inParts : {false, true}) {
    SCOPED_TRACE(inParts);
    auto subject = subjectOf(beneficiary);
    subject.payable = conformance::PayableOrder{"PARTIAL-1", soap::Amount::parse("150.00"), inParts};
    bool isRecordedInParts = !inParts;
    record = [&](soap::Amount, bool parts) -> Result<void> {
      isRecordedInParts = parts;
      return {};
    };
    Recorder endpoint(endpointOf(beneficiary, inParts ? "x509" : "subject-key-identifier"));
    EXPECT_EQ(wrongIn(run(endpoint, subject)), "");
    EXPECT_EQ(endpoint.paymentIds("PARTIAL-1").size(), inParts ? 2u : 1u);
    EXPECT_EQ(isRecordedInParts, inParts);
  }
}

TEST_F(Conformance, PaysNothingThatCouldNotBeRecorded) {
  const Beneficiary beneficiary;
  record = [](soap::Amount, bool) -> Result<void> { return refuse("Conflict", "the store is away"); };
  Recorder endpoint(endpointOf(beneficiary, "token"));
  const auto report = run(endpoint, subjectOf(beneficiary));
  EXPECT_NE(find(report, "C1").message.find("the store is away"), std::string::npos) << find(report, "C1").message;
  EXPECT_TRUE(endpoint.paymentIds("PAYABLE-1").empty());
  EXPECT_FALSE(report.passed());
}

// An unreadable amount is not an absent one: a run once paid 34.50 for an order of 1,234.50.
TEST_F(Conformance, PaysNothingOfAnOrderWhoseAmountsCannotBeRead) {
  const Beneficiary beneficiary;
  const struct {
    std::string defect;
    std::vector<std::string_view> skipped;  // by the checks of both orders
  } rows[] = {
      {"payable-comma", {"C1", "C2", "C4", "C5"}},           {"bad-amount", {"G6", "G8", "C1", "C2", "C4", "C5"}},
      {"empty-total", {"G6", "G8", "C1", "C2", "C4", "C5"}}, {"nil-total", {"G6", "G8", "C1", "C2", "C4", "C5"}},
      {"two-totals", {"G6", "G8", "C1", "C2", "C4", "C5"}},  {"known-comma", {"G6", "G8"}},
  };
  for (const auto& row : rows) {
    // This holds also if an earlier run recorded the amount.
    for (const auto& amount : {std::optional<soap::Amount>(), soap::Amount::parse("150.00")}) {
      SCOPED_TRACE(row.defect + (amount ? ", recorded" : ""));
      auto subject = subjectOf(beneficiary);
      subject.payable->amount = amount;
      int recorded = 0;
      record = [&](soap::Amount, bool) -> Result<void> {
        ++recorded;
        return {};
      };
      Recorder endpoint(endpointOf(beneficiary, row.defect));
      const auto report = run(endpoint, subject);
      const bool isPayable = row.defect == "known-comma";
      EXPECT_EQ(endpoint.paymentIds("PAYABLE-1").empty(), !isPayable);
      EXPECT_EQ(recorded, isPayable ? 1 : 0);
      EXPECT_EQ(find(report, "G4").outcome, Outcome::fail) << all(report);
      for (const auto id : row.skipped) {
        EXPECT_TRUE(find(report, id).isBlocked) << id << " " << all(report);
        EXPECT_NE(find(report, id).message.find("see G4"), std::string::npos) << find(report, id).message;
      }
      EXPECT_EQ(all(report).find("is missing"), std::string::npos) << all(report);
    }
  }
}

TEST_F(Conformance, PaysNothingOfNegativeLines) {
  const Beneficiary beneficiary;
  Recorder endpoint(endpointOf(beneficiary, "negative-line"));
  const auto report = run(endpoint, subjectOf(beneficiary));
  EXPECT_TRUE(endpoint.paymentIds("PAYABLE-1").empty());
  EXPECT_NE(find(report, "C1").message.find("negative AmountDue"), std::string::npos) << find(report, "C1").message;
}

// The sum of some lines is no total.
TEST(Due, IsTheTotalOrAllLines) {
  using soap::Amount;
  using soap::StatedAmount;
  const auto one = Amount::parse("1").value(), two = Amount::parse("2").value();
  const auto bad = StatedAmount::malformed("1,5");
  const struct {
    std::string name;
    StatedAmount total;
    std::vector<StatedAmount> lines;
    std::string due;  // "-": absent, "?": malformed
  } rows[] = {
      {"total", two, {one, one}, "2.00"},
      {"total alone", two, {{}, {}}, "2.00"},
      {"lines alone", {}, {one, two}, "3.00"},
      {"some lines", {}, {one, {}}, "-"},
      {"nothing", {}, {{}, {}}, "-"},
      {"no lines", {}, {}, "-"},
      {"malformed total", bad, {one, one}, "?"},
      {"malformed line", two, {one, bad}, "?"},
      {"malformed line without a total", {}, {one, bad}, "?"},
      {"all malformed", bad, {bad}, "?"},
  };
  for (const auto& row : rows) {
    soap::OrderDetails order;
    order.totalAmountDue = row.total;
    for (const auto& amount : row.lines) order.lines.emplace_back().amountDue = amount;
    const auto due = conformance::dueOf(order);
    EXPECT_EQ(due.isAbsent() ? "-" : due.isMalformed() ? "?" : due.text(), row.due) << row.name;
  }
}

TEST_F(Conformance, PaysNothingWhereNoOrderIsNamed) {
  const Beneficiary beneficiary;
  auto subject = subjectOf(beneficiary);
  subject.payable.reset();
  Recorder endpoint(endpointOf(beneficiary, "token"));
  const auto report = run(endpoint, subject);
  EXPECT_TRUE(report.passed()) << all(report);
  EXPECT_EQ(find(report, "C2").message, "no payable order was named");
  EXPECT_EQ(find(report, "C3").outcome, Outcome::pass);
}

TEST_F(Conformance, SendsBrokenRequestsToGetOrderDetailsAlone) {
  const Beneficiary beneficiary;
  Recorder endpoint(endpointOf(beneficiary, ""));
  ASSERT_TRUE(run(endpoint, subjectOf(beneficiary)).passed());
  const auto mpay = crypto::Certificate::parse(beneficiary.mpay().certificate).value();
  std::set<std::string> envelopes;
  for (const auto& [operation, text] : endpoint.sent) {
    EXPECT_TRUE(envelopes.insert(text).second) << "the same bytes twice";
    if (operation == soap::kGetOrderDetails) continue;
    ASSERT_EQ(operation, soap::kConfirmOrderPayment);
    const auto envelope = soap::Envelope::parse(text).value();
    const auto verification = soap::verify(envelope, mpay);
    EXPECT_TRUE(verification.problems.empty()) << text;
    EXPECT_TRUE(judge(*verification.timestamp, systemClock().now(), 60s)) << text;
  }
}

// RO comes first, with a Timestamp of a minute. Confirmations have five minutes and all extras of MPay's published
// ones.
TEST_F(Conformance, AsksAsMPayDoes) {
  const Beneficiary beneficiary;
  Recorder endpoint(endpointOf(beneficiary, ""));
  ASSERT_TRUE(run(endpoint, subjectOf(beneficiary)).passed());
  const auto mpay = crypto::Certificate::parse(beneficiary.mpay().certificate).value();
  EXPECT_NE(endpoint.sent.front().second.find("<Language>RO</Language>"), std::string::npos);
  std::set<std::chrono::seconds> ofQueries, ofConfirmations;
  std::set<std::string> seen;
  for (const auto& [operation, text] : endpoint.sent) {
    const auto verification = soap::verify(soap::Envelope::parse(text).value(), mpay);
    if (!verification.problems.empty() || !verification.timestamp) continue;  // broken on purpose
    const auto lifetime = *verification.timestamp->expiresAt - *verification.timestamp->createdAt;
    (operation == soap::kGetOrderDetails ? ofQueries : ofConfirmations)
        .insert(std::chrono::floor<std::chrono::seconds>(lifetime));
    for (const auto* part :
         {"<Language>RO<", "<Language>ro<", "<Language>ru<", "<Language>en<", "<query><OrderKey>", "<mpay:OrderKey>",
          "PrefixList=\"mpay\"", "<InvoiceID>", "<DestinationAccount/>", "</LineID><Properties>"}) {
      if (text.find(part) != std::string::npos) seen.insert(part);
    }
  }
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_TRUE(ofQueries.contains(60s));
  EXPECT_TRUE(ofQueries.contains(300s));
  EXPECT_EQ(ofConfirmations, std::set<std::chrono::seconds>{300s});
}

TEST_F(Conformance, RunsOnlyTheChecksThatAreAskedFor) {
  const Beneficiary beneficiary;
  plan.only = {"S5"};
  Recorder endpoint(endpointOf(beneficiary, "wrong-key"));
  const auto report = run(endpoint, subjectOf(beneficiary));
  EXPECT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(wrongIn(report), "S5");
  EXPECT_EQ(endpoint.sent.size(), 1u);
}

TEST(PaymentId, ComesOfSeedAndOrderAlone) {
  const auto mpay = soap::Signer::stranger("MPay", systemClock().now()).value();
  conformance::Subject subject{"S", mpay.certificate(), mpay, soap::Algorithm::RsaSha1, {}, {}, {}, "uid"};
  const auto p1 = paymentId(subject, "ORDER", "P1");
  EXPECT_EQ(p1.size(), 36u);
  EXPECT_EQ(p1, paymentId(subject, "ORDER", "P1"));
  EXPECT_NE(p1, paymentId(subject, "ORDER", "P2"));
  EXPECT_NE(p1, paymentId(subject, "ORDERS", "P1"));
  subject.serviceId = "T";
  subject.algorithm = soap::Algorithm::RsaSha256;
  EXPECT_EQ(p1, paymentId(subject, "ORDER", "P1"));
  subject.seed = "uie";
  EXPECT_NE(p1, paymentId(subject, "ORDER", "P1"));
  // Two different pairs of seed and key give different ids.
  subject.seed = "uid\n5:ORDER";
  EXPECT_NE(paymentId(subject, "X", "P1"), p1);
}

}  // namespace
}  // namespace mpay::test
