#include "mpay/evidence.h"

#include "unit/mpay/samples.h"

namespace mpay::soap::test {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Evidence, ShowsTheContractAndNobodysData) {
  const auto text = excerpt(Document::parse(signedOrder()).value(), 100'000);
  for (const std::string shown :
       {"<Currency>MDL</Currency>", "<BankAccount>MD77TRGAAA14153401000000</BankAccount>", "<OrderKey>MDS0225",
        "<TotalAmountDue>9267.00</TotalAmountDue>", "<Name>Description</Name>", "<u:Created>2025-07-10T07:51:25.959Z",
        "URI=\"#BD-653470e3c2154f72aa12ccc097940986\"", "Algorithm=\"http://www.w3.org/2000/09/xmldsig#rsa-sha1\""}) {
    EXPECT_TRUE(has(text, shown)) << shown << " in " << text;
  }
  for (const std::string hidden : {"2006022048426", "Nume Prenume", "Arenda", "MII"}) {
    EXPECT_FALSE(has(text, hidden)) << hidden;
  }
  for (const std::string name : {"CustomerID", "CustomerName", "Value", "SignatureValue"}) {
    EXPECT_TRUE(has(text, "<" + name + ">***</" + name + ">")) << name;
  }
  EXPECT_TRUE(has(text, "\n        <OrderDetails"));
}

TEST(Evidence, HidesWhatItDoesNotKnow) {
  const auto shown = [](const std::string& xml) { return excerpt(Document::parse(xml).value()); };
  EXPECT_EQ(shown("<a><Idnp>secret</Idnp></a>"), "<a>\n  <Idnp>***</Idnp>\n</a>");
  EXPECT_EQ(shown("<a><customername>secret</customername></a>"), "<a>\n  <customername>***</customername>\n</a>");
  EXPECT_EQ(shown("<a person='secret' Id='1'/>"), "<a person=\"***\" Id=\"1\"/>");
  EXPECT_EQ(shown("<a xmlns:x='u:x' x:Id='1' x:person='secret&lt;2'/>"),
            "<a xmlns:x=\"u:x\" x:Id=\"1\" x:person=\"***\"/>");
  EXPECT_EQ(shown("<a><!-- secret --><Value><![CDATA[secret]]></Value></a>"), "<a>\n  <Value>***</Value>\n</a>");
  EXPECT_EQ(shown("<a>secret<b/></a>"), "<a>\n  <b/>\n</a>");
  EXPECT_EQ(shown("<Status>secret<b/></Status>"), "<Status>\n  <b/>\n</Status>");
  EXPECT_EQ(shown("<a>\n  <Status>Paid</Status>\n</a>"), "<a>\n  <Status>Paid</Status>\n</a>");
}

TEST(Evidence, IsShortAndWhole) {
  EXPECT_EQ(excerpt(Document::parse("<Status>țțțț</Status>").value(), 11), "<Status>ț...");
  const auto whole = excerpt(Document::parse("<Status>" + std::string(10'000, 'a') + "</Status>").value());
  EXPECT_EQ(whole.size(), kMaximumExcerpt + 3);
}

TEST(Evidence, LeavesTheDocumentAsItIs) {
  const auto document = order();
  (void)excerpt(document);
  EXPECT_EQ(document.xml(), orderXml());
}

}  // namespace
}  // namespace mpay::soap::test
