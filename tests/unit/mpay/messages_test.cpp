#include "mpay/messages.h"

#include <functional>

#include "unit/mpay/samples.h"

namespace mpay::soap::test {
namespace {

OrderAnswer decoded(const std::string& xml) {
  const auto document = Document::parse(xml);
  if (!document) {
    ADD_FAILURE() << document.error().message;
    return {};
  }
  auto answer = decodeOrders(document->root());
  if (!answer) ADD_FAILURE() << answer.error().message;
  return answer ? *answer : OrderAnswer{};
}

// "OutOfOrder OrderDetails/Reason", one a finding.
std::vector<std::string> findings(const OrderAnswer& answer) {
  std::vector<std::string> all;
  const std::string base = "GetOrderDetailsResponse/GetOrderDetailsResult/";
  for (const auto& one : answer.findings) {
    EXPECT_FALSE(one.message.empty());
    all.push_back(std::string(toString(one.kind)) + " " +
                  (one.path.starts_with(base) ? one.path.substr(base.size()) : one.path));
  }
  return all;
}

TEST(Decoding, ReadsEveryMember) {
  const auto answer = decoded(orderXml());
  EXPECT_EQ(findings(answer), std::vector<std::string>{});
  ASSERT_EQ(answer.orders.size(), 1u);
  const auto& order = answer.orders.front();
  EXPECT_EQ(order.currency, "MDL");
  EXPECT_EQ(order.customerId, "2006022048426");
  EXPECT_EQ(order.customerType, "Person");
  EXPECT_EQ(order.issuedAt, "2025-07-10T09:26:29.463");
  EXPECT_FALSE(order.dueDate);
  EXPECT_FALSE(order.allowPartialPayments);
  EXPECT_EQ(order.orderKey, "MDS02250710092629689");
  EXPECT_EQ(order.serviceId, "MDS02");
  EXPECT_EQ(order.status, "Active");
  EXPECT_EQ(order.totalAmountDue.value(), Amount::parse("9267"));
  ASSERT_EQ(order.lines.size(), 1u);
  const auto& line = order.lines.front();
  EXPECT_EQ(line.allowAdvancePayments, false);
  EXPECT_EQ(line.amountDue.value().text(), "9267.00");
  EXPECT_EQ(line.account->bankAccount, "MD77TRGAAA14153401000000");
  EXPECT_EQ(line.account->beneficiaryName, "Agenția Model");
  EXPECT_FALSE(line.account->empty);
  ASSERT_EQ(line.properties.size(), 1u);
  EXPECT_EQ(line.properties.front().displayName, "Descrierea plății");
  EXPECT_EQ(line.properties.front().required, true);
  EXPECT_EQ(line.properties.front().value, "Arenda");
}

TEST(Decoding, AnAnswerWithoutOrdersIsOne) {
  for (const std::string inside :
       {"", "<GetOrderDetailsResult/>",
        "<GetOrderDetailsResult xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>"}) {
    const auto answer =
        decoded("<GetOrderDetailsResponse xmlns='https://mpay.gov.md'>" + inside + "</GetOrderDetailsResponse>");
    EXPECT_TRUE(answer.orders.empty()) << inside;
    EXPECT_TRUE(answer.findings.empty()) << inside;
  }
}

struct Broken {
  const char* from;
  std::string to;
  std::vector<std::string> findings;
};

TEST(Decoding, EveryBrokenRuleIsFoundInItsPlace) {
  const std::string line = "OrderDetails/Lines/OrderLine";
  const std::vector<Broken> table{
      // Order and members
      {"<Currency>MDL</Currency><CustomerID>2006022048426</CustomerID>",
       "<CustomerID>2006022048426</CustomerID><Currency>MDL</Currency>",
       {"OutOfOrder OrderDetails/Currency"}},
      {"<AmountDue>9267.00</AmountDue>", "", {}},
      {"<LineID>Base:1|Nb-1</LineID><Properties>", "<Properties>", {"MissingMember " + line + "/LineID"}},
      {"<Currency>", "<Amount>1</Amount><Currency>", {"UnknownMember OrderDetails/Amount"}},
      {"<OrderKey>MDS02250710092629689</OrderKey>",
       "<orderKey>MDS02250710092629689</orderKey>",
       {"MissingMember OrderDetails/OrderKey", "UnknownMember OrderDetails/orderKey"}},
      {"<Status>Active</Status>",
       "<Status>Active</Status><Status>Paid</Status>",
       {"RepeatedMember OrderDetails/Status"}},
      {"<Currency>MDL", "<Currency xmlns='https://mpay.gov.md/'>MDL", {"WrongNamespace OrderDetails/Currency"}},
      {"<OrderLine>", "<Line/><OrderLine>", {"UnknownMember OrderDetails/Lines/Line"}},
      {"<OrderDetails ", "<Order/><OrderDetails ", {"UnknownMember Order"}},
      {"<GetOrderDetailsResult>", "<Other/><GetOrderDetailsResult>", {"UnknownMember GetOrderDetailsResponse/Other"}},
      {"<DisplayName>Descrierea plății</DisplayName><Id>7254f94c</Id>",
       "<Id>7254f94c</Id><DisplayName>Descrierea plății</DisplayName>",
       {"OutOfOrder " + line + "/Properties/OrderProperty/DisplayName"}},
      {"<BankCode>TREZMD2X</BankCode>", "", {"MissingMember " + line + "/DestinationAccount/BankCode"}},
      // Required and lengths
      {"<Reason>Plata pentru arenda terenului</Reason>", "<Reason/>", {"MissingMember OrderDetails/Reason"}},
      {"<Reason>Plata pentru arenda terenului</Reason>",
       "<Reason xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:nil='true'/>",
       {"MissingMember OrderDetails/Reason"}},
      {"<CustomerID>2006022048426</CustomerID>", "<CustomerID/>", {}},
      {"<Currency>MDL</Currency>", "", {"MissingMember OrderDetails/Currency"}},
      {"<Currency>MDL", "<Currency>MDLX", {"TooLong OrderDetails/Currency"}},
      {"<Reason>Plata pentru arenda terenului", "<Reason>" + std::string(50, 'a'), {}},
      {"<Reason>Plata pentru arenda terenului", "<Reason>" + std::string(51, 'a'), {"LongReason OrderDetails/Reason"}},
      {"<Reason>Agenția Model", "<Reason>" + std::string(51, 'a'), {"LongReason " + line + "/Reason"}},
      {"<Reason>Agenția Model", "<Reason>" + std::string(49, 'a') + "ț", {}},
      {"<CustomerName>Nume Prenume", "<CustomerName>" + std::string(61, 'a'), {"TooLong OrderDetails/CustomerName"}},
      {"<Value>Arenda", "<Value>" + std::string(256, 'a'), {"TooLong " + line + "/Properties/OrderProperty/Value"}},
      {"<LineID>Base:1|Nb-1", "<LineID>" + std::string(37, 'a'), {"TooLong " + line + "/LineID"}},
      {"<BankAccount>", "<BankAccount>X", {"TooLong " + line + "/DestinationAccount/BankAccount"}},
      // Types
      {"<TotalAmountDue>9267.00", "<TotalAmountDue>9.267,00", {"NotANumber OrderDetails/TotalAmountDue"}},
      {"<TotalAmountDue>9267.00", "<TotalAmountDue>1e3", {"NotANumber OrderDetails/TotalAmountDue"}},
      {"<IsVisible>true", "<IsVisible>True", {"NotABoolean " + line + "/Properties/OrderProperty/IsVisible"}},
      {"<IsVisible>true", "<IsVisible>1", {}},
      {"<IssuedAt>2025-07-10T09:26:29.463", "<IssuedAt>10.07.2025", {"NotATime OrderDetails/IssuedAt"}},
      {"<IssuedAt>2025-07-10T09:26:29.463", "<IssuedAt>2025-07-10", {"NotATime OrderDetails/IssuedAt"}},
      {"<IssuedAt>2025-07-10T09:26:29.463", "<IssuedAt>2025-13-10T09:26:29", {"NotATime OrderDetails/IssuedAt"}},
      {"<IssuedAt>2025-07-10T09:26:29.463", "<IssuedAt>2025-07-10T09:26:29+03:00", {}},
      // Enumerations
      {"<Status>Active", "<Status>active", {"NotEnumerated OrderDetails/Status"}},
      {"<Status>Active", "<Status>Canceled", {"NotEnumerated OrderDetails/Status"}},
      {"<Status>Active", "<Status> Active", {"NotEnumerated OrderDetails/Status"}},
      {"<CustomerType>Person", "<CustomerType>Organisation", {"NotEnumerated OrderDetails/CustomerType"}},
      {"<CustomerType>Person", "<CustomerType>Unspecified", {}},
  };
  for (const auto& row : table) {
    EXPECT_EQ(findings(decoded(with(orderXml(), row.from, row.to))), row.findings) << row.from << " " << row.to;
  }
}

TEST(Decoding, ItemsAreNumberedInPaths) {
  const auto second = with(orderXml(), "</OrderLine>", "</OrderLine><OrderLine><LineID>2</LineID></OrderLine>");
  EXPECT_EQ(findings(decoded(second)),
            (std::vector<std::string>{"NewlyRequired OrderDetails/Lines/OrderLine[2]/DestinationAccount",
                                      "MissingMember OrderDetails/Lines/OrderLine[2]/Reason"}));
}

const std::string kNil = " xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:nil='true'";

// Errors of .NET, PHP and hand-written services.
TEST(Decoding, ValuesHoldNeitherElementsNorNil) {
  const std::string line = "OrderDetails/Lines/OrderLine";
  const std::vector<Broken> table{
      {"<Reason>Plata pentru", "<Reason>Plata <b>pentru</b>", {"NotSimple OrderDetails/Reason"}},
      {"<Reason>Plata pentru arenda terenului", "<Reason><b>Plata</b>", {"NotSimple OrderDetails/Reason"}},
      {"<Status>Active", "<Status>Act<b/>ive", {"NotSimple OrderDetails/Status"}},
      {"<Currency>MDL", "<Currency>M<b>D</b>L", {"NotSimple OrderDetails/Currency"}},
      {"<CustomerType>Person", "<CustomerType><b>Person</b>", {"NotSimple OrderDetails/CustomerType"}},
      {"<IsVisible>true", "<IsVisible>true<b/>", {"NotSimple " + line + "/Properties/OrderProperty/IsVisible"}},
      {"<IssuedAt>2025", "<IssuedAt>2025<b/>", {"NotSimple OrderDetails/IssuedAt"}},
      {"<LineID>Base", "<LineID><b/>Base", {"NotSimple " + line + "/LineID"}},
      {"<BankCode>TREZ", "<BankCode>TREZ<b/>", {"NotSimple " + line + "/DestinationAccount/BankCode"}},
      {"<Reason>Plata pentru", "<Reason>Plata <!-- --><![CDATA[pentru]]>", {}},
      {"<CustomerID>2006022048426</CustomerID>", "<CustomerID" + kNil + "/>", {"NotNillable OrderDetails/CustomerID"}},
      {"<CustomerID>2006022048426</CustomerID>",
       "<CustomerID xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:nil='false'>2006022048426</CustomerID>",
       {}},
      {"<IsVisible>true</IsVisible>",
       "<IsVisible" + kNil + "/>",
       {"NotNillable " + line + "/Properties/OrderProperty/IsVisible"}},
      {"<OrderDetails ", "<OrderDetails" + kNil + "/><OrderDetails ", {"NotNillable OrderDetails"}},
      {"<Status>", "and<Status>", {"StrayText OrderDetails"}},
      {"<Lines>", "<Lines>two", {"StrayText OrderDetails/Lines"}},
      {"<BankAccount>", "IBAN<BankAccount>", {"StrayText " + line + "/DestinationAccount"}},
  };
  for (const auto& row : table) {
    EXPECT_EQ(findings(decoded(with(orderXml(), row.from, row.to))), row.findings) << row.from << " " << row.to;
  }
}

TEST(Decoding, TheGuideOfTodayIsAdvice) {
  const std::string line = "OrderDetails/Lines/OrderLine", account = line + "/DestinationAccount";
  const std::vector<Broken> table{
      {"<CustomerID>2006022048426</CustomerID>", "", {"NewlyRequired OrderDetails/CustomerID"}},
      {"<CustomerName>Nume Prenume</CustomerName>", "", {"NewlyRequired OrderDetails/CustomerName"}},
      {"<CustomerType>Person</CustomerType>", "", {"NewlyRequired OrderDetails/CustomerType"}},
      {"<DisplayName>Descrierea plății</DisplayName>",
       "",
       {"NewlyRequired " + line + "/Properties/OrderProperty/DisplayName"}},
      {"<Value>Arenda</Value>", "", {"NewlyRequired " + line + "/Properties/OrderProperty/Value"}},
      {"<BeneficiaryName>", "<BankName>Model</BankName><BeneficiaryName>", {"Obsolete " + account + "/BankName"}},
      {"</BeneficiaryName>",
       "</BeneficiaryName><TreasuryAccount>1</TreasuryAccount>",
       {"Obsolete " + account + "/TreasuryAccount"}},
  };
  for (const auto& row : table) {
    const auto answer = decoded(with(orderXml(), row.from, row.to));
    EXPECT_EQ(findings(answer), row.findings) << row.from << " " << row.to;
    ASSERT_FALSE(answer.findings.empty()) << row.from;
    EXPECT_TRUE(answer.findings.front().isAdvice()) << row.from;
  }
  for (const std::string type : {"string", "idn", "tc", "LineDescription", "number", "CustomerName", "CustomerType"}) {
    EXPECT_TRUE(decoded(with(orderXml(), "<Type>LineDescription", "<Type>" + type)).findings.empty()) << type;
  }
}

TEST(Decoding, TheSingularFlagsAreExplained) {
  for (const std::string flag : {"AllowAdvancePayment", "AllowPartialPayment"}) {
    for (const std::string before : {"<Currency>", "<AmountDue>"}) {
      const auto answer = decoded(with(orderXml(), before, "<" + flag + ">true</" + flag + ">" + before));
      ASSERT_EQ(answer.findings.size(), 1u) << flag;
      EXPECT_EQ(answer.findings.front().kind, Finding::Kind::UnknownMember);
      EXPECT_NE(answer.findings.front().message.find("the guide's own table misleads"), std::string::npos);
      EXPECT_FALSE(answer.findings.front().isAdvice());
    }
  }
}

// An unreadable amount is neither absent nor a value.
TEST(Decoding, AnAmountIsAbsentMalformedOrAValue) {
  struct Row {
    std::string name, xml, state, findings;
  };
  const auto amount = [](const std::string& text) { return "<TotalAmountDue>" + text + "</TotalAmountDue>"; };
  const std::vector<Row> table{
      {"absent", "", "absent", ""},
      {"value", amount("1234.50"), "value", ""},
      {"blanks around", amount(" 1234.50\n"), "value", ""},
      {"a comment within", amount("1234<!-- -->.50"), "value", ""},
      {"negative", amount("-1"), "value", ""},
      {"thousands comma", amount("1,234.50"), "malformed", "NotANumber"},
      {"decimal comma", amount("234,50"), "malformed", "NotANumber"},
      {"currency", amount("234.50 MDL"), "malformed", "NotANumber"},
      {"exponent", amount("1e3"), "malformed", "NotANumber"},
      {"no-break space",
       amount("1\xc2\xa0"
              "234.50"),
       "malformed", "NotANumber"},
      {"too fine", amount("1.2345678"), "malformed", "NotANumber"},
      {"too large", amount("99999999999999"), "malformed", "NotANumber"},
      {"NaN", amount("NaN"), "malformed", "NotANumber"},
      {"empty", "<TotalAmountDue/>", "malformed", "NotANumber"},
      {"blank", amount(" "), "malformed", "NotANumber"},
      {"nil", "<TotalAmountDue" + kNil + "/>", "malformed", "NotNillable"},
      {"nil with content", "<TotalAmountDue" + kNil + ">1</TotalAmountDue>", "malformed", "NotNillable"},
      {"an element within", amount("1<b/>234.50"), "malformed", "NotSimple"},
      {"twice", amount("1.00") + amount("1000.00"), "malformed", "RepeatedMember NotANumber"},
  };
  const auto stateOf = [](const StatedAmount& stated) {
    EXPECT_EQ(stated.isAbsent() + stated.isMalformed() + stated.isValue(), 1);
    return std::string(stated.isAbsent() ? "absent" : stated.isMalformed() ? "malformed" : "value");
  };
  const auto kinds = [](const OrderAnswer& answer) {
    std::string all;
    for (const auto& one : answer.findings) all += (all.empty() ? "" : " ") + std::string(toString(one.kind));
    return all;
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.name);
    const auto total = decoded(with(orderXml(), amount("9267.00"), row.xml));
    EXPECT_EQ(stateOf(total.orders.at(0).totalAmountDue), row.state);
    EXPECT_EQ(total.orders.at(0).hasMalformedAmount(), row.state == "malformed");
    EXPECT_EQ(kinds(total), row.findings);
    auto xml = row.xml;
    for (auto at = xml.find("TotalAmountDue"); at != std::string::npos; at = xml.find("TotalAmountDue")) {
      xml.replace(at, 14, "AmountDue");
    }
    const auto line = decoded(with(orderXml(), "<AmountDue>9267.00</AmountDue>", xml));
    EXPECT_EQ(stateOf(line.orders.at(0).lines.at(0).amountDue), row.state);
    EXPECT_EQ(line.orders.at(0).hasMalformedAmount(), row.state == "malformed");
    EXPECT_EQ(kinds(line), row.findings);
  }
  EXPECT_THROW((void)StatedAmount().value(), std::bad_variant_access);
  EXPECT_THROW((void)StatedAmount::malformed("1").value(), std::bad_variant_access);
  EXPECT_NE(StatedAmount::malformed("1,5"), StatedAmount::malformed("1,6"));
  EXPECT_NE(StatedAmount::malformed(""), StatedAmount());
}

TEST(Decoding, CurrenciesAreThoseOfIso4217) {
  for (const std::string good : {"MDL", "EUR", "USD", "RON", "UAH", "XCG", "ZWG"}) {
    EXPECT_TRUE(decoded(with(orderXml(), "<Currency>MDL", "<Currency>" + good)).findings.empty()) << good;
  }
  for (const std::string bad : {"LEI", "ROL", "mdl", "MD", "XYZ", "M L", "DLA"}) {
    EXPECT_EQ(findings(decoded(with(orderXml(), "<Currency>MDL", "<Currency>" + bad))),
              std::vector<std::string>{"NotEnumerated OrderDetails/Currency"})
        << bad;
  }
  // The member is present, so it is not called missing.
  EXPECT_EQ(findings(decoded(with(orderXml(), "<CustomerType>Person", "<CustomerType>"))),
            std::vector<std::string>{"NotEnumerated OrderDetails/CustomerType"});
}

// Many findings of advice never hide a failure.
TEST(Decoding, NoKindOfFindingHidesAnother) {
  std::string many;
  for (std::size_t i = 0; i < 2 * kMaximumFindings; ++i) many += "<OrderProperty><Name>n</Name></OrderProperty>";
  auto xml = with(orderXml(), "<Properties>", "<Properties>" + many);
  xml = with(xml, "<TotalAmountDue>9267.00", "<TotalAmountDue>9,267.00");
  const auto answer = decoded(xml);
  EXPECT_EQ(answer.findings.size(), kMaximumFindings + 1);
  EXPECT_TRUE(answer.has(Finding::Kind::NotANumber));
}

TEST(Decoding, FindingsHaveAnEnd) {
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "<x/>";
  EXPECT_EQ(decoded(with(orderXml(), "<Currency>", many + "<Currency>")).findings.size(), kMaximumFindings);
}

TEST(Decoding, AnEmptyAccountIsToldApart) {
  const auto begin = orderXml().find("<DestinationAccount>");
  const auto end = orderXml().find("</DestinationAccount>");
  const auto text = orderXml().replace(begin, end + 21 - begin, "<DestinationAccount/>");
  const auto answer = decoded(text);
  EXPECT_TRUE(answer.findings.empty());
  EXPECT_TRUE(answer.orders.at(0).lines.at(0).account->empty);
}

TEST(Decoding, MessagesQuoteNothingButEnumeratedValues) {
  for (const std::string from : {"<CustomerName>Nume", "<TotalAmountDue>", "<IssuedAt>", "<CustomerID>2"}) {
    const auto answer = decoded(with(orderXml(), from, from + std::string(80, 'Q')));
    ASSERT_FALSE(answer.findings.empty()) << from;
    for (const auto& one : answer.findings) EXPECT_EQ(one.message.find('Q'), std::string::npos) << one.message;
  }
}

TEST(Decoding, OtherPayloadsAreNoOrders) {
  for (const std::string xml : {"<GetOrderDetailsResponse/>", "<GetOrderDetails xmlns='https://mpay.gov.md'/>",
                                "<ConfirmOrderPaymentResponse xmlns='https://mpay.gov.md'/>"}) {
    const auto answer = decodeOrders(Document::parse(xml)->root());
    ASSERT_FALSE(answer) << xml;
    EXPECT_EQ(answer.error().kind, ErrorKind::Decode);
  }
}

TEST(Decoding, AConfirmationIsAnsweredByNothing) {
  const auto confirmed = [](const std::string& inside) {
    return decodeConfirmed(Document::parse("<ConfirmOrderPaymentResponse xmlns='https://mpay.gov.md'>" + inside +
                                           "</ConfirmOrderPaymentResponse>")
                               ->root())
        .has_value();
  };
  EXPECT_TRUE(confirmed(""));
  EXPECT_TRUE(confirmed("\n  <!-- -->"));
  EXPECT_FALSE(confirmed("<ConfirmOrderPaymentResult/>"));
  EXPECT_FALSE(confirmed("ok"));
  EXPECT_FALSE(decodeConfirmed(Document::parse("<ConfirmOrderPaymentResponse/>")->root()));
}

TEST(Amounts, AreExact) {
  struct Row {
    const char* text;
    std::optional<std::int64_t> millionths;
    const char* again = "";
  };
  const std::vector<Row> table{
      {"9267.00", 9'267'000'000, "9267.00"},
      {"0.1", 100'000, "0.10"},
      {"-1", -1'000'000, "-1.00"},
      {" +.5\n", 500'000, "0.50"},
      {"7.", 7'000'000, "7.00"},
      {"1.234567", 1'234'567, "1.234567"},
      {"1.2345670000", 1'234'567, "1.234567"},
      {"9223372036854.775807", INT64_MAX, "9223372036854.775807"},
      {"-9223372036854.775807", -INT64_MAX, "-9223372036854.775807"},
      {"9223372036854.775808", {}},
      {"1.2345678", {}},
      {"", {}},
      {".", {}},
      {"-", {}},
      {"1e3", {}},
      {"1,5", {}},
      {"1 000", {}},
      {"--1", {}},
      {"INF", {}},
      {"0x10", {}},
      {"1.2.3", {}},
  };
  for (const auto& row : table) {
    const auto amount = Amount::parse(row.text);
    EXPECT_EQ(amount.has_value(), row.millionths.has_value()) << row.text;
    if (!amount) continue;
    EXPECT_EQ(amount->millionths, *row.millionths) << row.text;
    EXPECT_EQ(amount->text(), row.again) << row.text;
  }
  Amount sum = Amount::parse("0.10").value();
  sum += Amount::parse("0.20").value();
  EXPECT_EQ(sum, Amount::parse("0.3"));
  Amount most{INT64_MAX};
  most += Amount{1};
  EXPECT_EQ(most.millionths, INT64_MAX);
  EXPECT_EQ(Amount{INT64_MIN}.text(), "-9223372036854.775808");
}

TEST(Requests, MembersAreInAlphabeticalOrder) {
  const std::function<void(const Element&)> check = [&](const Element& element) {
    const auto children = element.children();
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (i > 0) {
        EXPECT_LE(children[i - 1].local(), children[i].local());
      }
      EXPECT_EQ(children[i].name().space, ns::kMPay);
      check(children[i]);
    }
  };
  const DestinationAccount account{.bankAccount = "MD77TRGAAA14153401000000",
                                   .bankCode = "TREZMD2X",
                                   .bankFiscalCode = "1006601000255",
                                   .beneficiaryName = "Agenția Model",
                                   .configurationCode = "C"};
  const auto confirmation =
      confirmOrderPayment({.invoiceId = "1",
                           .lines = {{.account = account, .lineId = "1", .properties = {{"a", "b"}}}},
                           .orderKey = "1",
                           .paidAt = "2025-07-10T10:51:23",
                           .paymentId = "1",
                           .properties = {{"a", "b"}},
                           .serviceId = "1"});
  check(confirmation.root());
  EXPECT_EQ(confirmation.root().children().front().children().size(), 9u);
  check(getOrderDetails({.language = "ro", .orderKey = "1", .serviceId = "1"}).root());
}

TEST(Requests, TextIsWrittenAsItIsWhereXmlCanHoldIt) {
  const auto key = [](const std::string& text) {
    const auto xml = getOrderDetails({.orderKey = text, .serviceId = "1"}).xml();
    const auto query = Document::parse(xml).value().root().children().front();
    return query.child(ns::kMPay, "OrderKey")->text();
  };
  EXPECT_EQ(key("<a>&amp;\"'ț\r\n]]>"), "<a>&amp;\"'ț\r\n]]>");
  EXPECT_EQ(key(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(key("a\x01\xff\xc8z"), "a???z");
  EXPECT_EQ(key("\xed\xa0\x80"), "?");  // a surrogate
}

}  // namespace
}  // namespace mpay::soap::test
