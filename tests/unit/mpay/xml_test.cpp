#include "mpay/soap.h"

#include <iconv.h>

#include <thread>

#include "unit/mpay/samples.h"

namespace mpay::soap::test {
namespace {

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "<a>";
  for (int i = 0; i < depth; ++i) text += "</a>";
  return text;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string attributes(std::size_t count, const std::string& prefix) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += " " + prefix + std::to_string(i) + "='u:" + std::to_string(i) + "'";
  return all;
}

std::string inEncoding(const char* encoding, std::string text) {
  const iconv_t to = iconv_open(encoding, "UTF-8");
  std::string all(text.size() * 8, '\0');
  char* in = text.data();
  char* out = all.data();
  std::size_t left = text.size(), room = all.size();
  EXPECT_EQ(iconv(to, &in, &left, &out, &room), 0u) << encoding;
  iconv_close(to);
  all.resize(all.size() - room);
  return all;
}

struct BadDocument {
  const char* name;
  std::string bytes;
  const char* reason;
  const char* says;
};

TEST(Xml, RefusesWhatIsNoDocumentOfAnHonestService) {
  const std::vector<BadDocument> table{
      {"nothing", "", "InvalidXML", "not XML"},
      {"text", "Bad Gateway", "InvalidXML", "not XML"},
      {"truncated", "<a><b>", "InvalidXML", "not XML"},
      {"two roots", "<a/><b/>", "InvalidXML", "not XML"},
      {"undeclared prefix", "<x:a/>", "InvalidXML", "not XML"},
      {"not UTF-8", "<a>\xff</a>", "InvalidXML", "not XML"},
      {"NUL", std::string("<a>\0</a>", 8), "InvalidXML", "not XML"},
      {"another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "InvalidXML", "UTF-16"},
      {"XML 1.1", "<?xml version='1.1'?><a/>", "InvalidXML", "another version of XML"},
      {"XML 1.1 in UTF-16", inEncoding("UTF-16", "<?xml version='1.1' encoding='UTF-16'?><a/>"), "InvalidXML",
       "another version of XML"},
      {"XML 2.0", "<?xml version='2.0'?><a/>", "InvalidXML", ""},
      {"DTD", "<!DOCTYPE a><a/>", "InvalidXML", "document type"},
      {"entity", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "InvalidXML", "document type"},
      {"external entity", "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><a>&e;</a>", "InvalidXML",
       "document type"},
      {"external DTD", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>", "InvalidXML", "document type"},
      {"entity without DTD", "<a>&e;</a>", "InvalidXML", "not XML"},
      {"processing instruction", "<a><?php x?></a>", "InvalidXML", "processing instruction"},
      {"style sheet", "<?xml-stylesheet href='http://127.0.0.1:1/'?><a/>", "InvalidXML", "processing instruction"},
      {"depth", nested(kMaximumDepth + 1), "InvalidXML", "nested deeper"},
      {"great depth", nested(100'000), "InvalidXML", "nested deeper"},
      {"many elements", "<r>" + repeated("<a/>", kMaximumNodes) + "</r>", "InvalidXML", "more than"},
      {"many attributes of one", "<a" + attributes(100, "a") + "/>", "InvalidXML", "attributes"},
      {"very many attributes of one", "<a" + attributes(60'000, "a") + "/>", "InvalidXML", "attributes"},
      // Found before an element is read: an equals sign is another byte in this encoding, so none is counted.
      {"EBCDIC", inEncoding("IBM037", "<?xml version='1.0' encoding='IBM037'?><a" + attributes(20'000, "a") + "/>"),
       "InvalidXML", "UTF-16"},
      {"EBCDIC, undeclared", inEncoding("IBM037", "<?xml version='1.0'?><a" + attributes(20'000, "a") + "/>"),
       "InvalidXML", "UTF-16"},
      {"UTF-32", inEncoding("UTF-32LE", "<a" + attributes(2'000, "a") + "/>"), "InvalidXML", "UTF-16"},
      {"UTF-7",
       "<?xml version='1.0' encoding='UTF-7'?>" + repeated("<a b+AD0-'1'>", 10) + "<a c+AD0-'1'" +
           attributes(100, "a") + "/>",
       "InvalidXML", "UTF-16"},
      {"many namespaces", "<a" + attributes(100, "xmlns:a") + "><b" + attributes(29, "xmlns:b") + "/></a>",
       "InvalidXML", "namespaces"},
      {"size", "<a>" + std::string(kMaximumDocumentBytes, 'a') + "</a>", "ResponseTooLarge", "larger"},
  };
  for (const auto& row : table) {
    const auto document = Document::parse(row.bytes);
    EXPECT_FALSE(document) << row.name;
    if (document) continue;
    EXPECT_EQ(document.error().reason, row.reason) << row.name;
    EXPECT_NE(document.error().message.find(row.says), std::string::npos)
        << row.name << ": " << document.error().message;
  }
}

TEST(Xml, ReadsWhatIsWithinItsBounds) {
  EXPECT_TRUE(Document::parse(nested(kMaximumDepth)));
  EXPECT_TRUE(Document::parse("<a" + attributes(60, "a") + "/>"));
  EXPECT_TRUE(Document::parse("<a>" + repeated("<b" + attributes(100, "xmlns:b") + "/>", 10) + "</a>"));
  EXPECT_TRUE(Document::parse("<a>" + std::string(kMaximumDocumentBytes - 7, 'a') + "</a>"));
  EXPECT_TRUE(Document::parse("<?xml version='1.0' encoding='utf-8'?>\n<!-- a comment -->\n<a/>\n"));
  const std::string utf16("\xff\xfe<\0a\0/\0>\0", 10);
  EXPECT_TRUE(Document::parse(utf16));
}

TEST(Xml, DoesNotQuoteADocumentInWhatItSaysOfIt) {
  const auto document = Document::parse("<a><secret\xc4\x83></a>");
  ASSERT_FALSE(document);
  EXPECT_LT(document.error().message.size(), 250u);
  EXPECT_EQ(document.error().message.find('\n'), std::string::npos);
}

TEST(Xml, TextIsNotEndedByACommentOrCdata) {
  const auto document = Document::parse("<a>MDS02<!-- x -->-<![CDATA[7<]]>8<b>no</b>9</a>").value();
  EXPECT_EQ(document.root().text(), "MDS02-7<89");
}

TEST(Xml, NamesAreTheirNamespaces) {
  const auto document = Document::parse("<p:a xmlns:p='u:1'><a xmlns='u:1' xsi='x'/><a/></p:a>").value();
  EXPECT_EQ(document.root().name(), (Name{"u:1", "a"}));
  const auto children = document.root().children();
  ASSERT_EQ(children.size(), 2u);
  EXPECT_EQ(children[0].name(), document.root().name());
  EXPECT_EQ(children[1].name(), (Name{"", "a"}));
  EXPECT_EQ(document.root().child("", "a"), children[1]);
  EXPECT_EQ(children[1].path(), "a/a[2]");
  EXPECT_EQ(children[1].parent(), document.root());
  EXPECT_EQ(children[0].attribute("", "xsi"), "x");
  EXPECT_FALSE(children[0].attribute("u:1", "xsi"));
}

TEST(Xml, AnElementKeepsItsDocument) {
  std::optional<Element> element;
  {
    const auto document = Document::parse("<a><b>text</b></a>").value();
    element = document.root().child("", "b");
  }
  EXPECT_EQ(element->text(), "text");
  EXPECT_EQ(element->xml(), "<b>text</b>");
}

TEST(Xml, AStrangersTextIsShortInMessages) {
  EXPECT_EQ(shortened("țară", 2), "ț");
  EXPECT_EQ(shortened("țară", 3), "ța");
  EXPECT_EQ(shortened("aț", 2), "a");
  EXPECT_EQ(shortened("a\nb\x1b"), "a?b?");
  EXPECT_EQ(shortened(std::string(100, 'a')).size(), 80u);
  const auto document = Document::parse("<a><" + std::string(1'000, 'b') + "/></a>").value();
  EXPECT_EQ(document.root().children().front().path(), "a/" + std::string(80, 'b'));
}

TEST(Xml, BlankTextIsDroppedInACopyAlone) {
  const auto document = Document::parse("<a>\n  <b> x </b>\n  <c> </c>\n</a>").value();
  EXPECT_EQ(document.withoutBlanks().xml(), "<a><b> x </b><c/></a>");
  EXPECT_EQ(document.xml(), "<a>\n  <b> x </b>\n  <c> </c>\n</a>");
}

TEST(Xml, IsReadByManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&wrong, i] {
      for (int n = 0; n < 50; ++n) {
        const auto bad = Document::parse(i % 2 == 0 ? "<a><b></a>" : "<!DOCTYPE a><a/>");
        const auto good = Document::parse("<a>" + std::to_string(n) + "</a>");
        if (bad || !good || good->root().text() != std::to_string(n)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

std::string enveloped(const std::string& inside) {
  return "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>" + inside + "</s:Envelope>";
}

TEST(Soap, SaysWhatIsWrongWithAnEnvelope) {
  using Problem = Envelope::Problem;
  struct Row {
    std::string inside;
    std::vector<Problem> problems;
  };
  const std::vector<Row> table{
      {"<s:Header/><s:Body><a/></s:Body>", {}},
      {"<s:Body><a/></s:Body>", {}},
      {"<s:Body/>", {}},
      {"<s:Body><a/></s:Body><s:Header/>", {Problem::HeaderAfterBody}},
      {"<s:Header/><s:Header/><s:Body><a/></s:Body>", {Problem::SeveralHeaders}},
      {"<s:Body><a/></s:Body><s:Body><b/></s:Body>", {Problem::SeveralBodies}},
      {"<s:Header/>", {Problem::NoBody}},
      {"<s:Body><a/><b/></s:Body>", {Problem::SeveralBodyChildren}},
      {"<s:Body><a/></s:Body><x/>", {Problem::ForeignChild}},
      {"<Body><a/></Body>", {Problem::ForeignChild, Problem::NoBody}},
  };
  for (const auto& row : table) {
    const auto envelope = Envelope::parse(enveloped(row.inside));
    ASSERT_TRUE(envelope) << row.inside;
    EXPECT_EQ(envelope->problems(), row.problems) << row.inside;
    EXPECT_EQ(envelope->body().has_value(), !envelope->has(Problem::SeveralBodies) && !envelope->has(Problem::NoBody))
        << row.inside;
  }
  EXPECT_EQ(Envelope::parse("<html><body/></html>").error().reason, "NotSoap");
  EXPECT_EQ(Envelope::parse("<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'/>").error().reason, "NotSoap");
}

TEST(Soap, ReadsFaultsWithTheirCodesResolved) {
  const auto fault = Envelope::parse(enveloped("<s:Body><s:Fault xmlns:c='u:codes'><faultcode> c:UnknownService "
                                               "</faultcode><faultstring xml:lang='en'>No such service</faultstring>"
                                               "<faultactor>u:me</faultactor><detail><x/></detail></s:Fault></s:Body>"))
                         ->fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, (Name{"u:codes", "UnknownService"}));
  EXPECT_EQ(fault->text, "No such service");
  EXPECT_EQ(fault->actor, "u:me");
  ASSERT_TRUE(fault->detail);
  EXPECT_EQ(fault->detail->children().size(), 1u);

  const auto code = [](const std::string& text) {
    return Envelope::parse(enveloped("<s:Body><s:Fault><faultcode>" + text + "</faultcode></s:Fault></s:Body>"))
        ->fault()
        ->code;
  };
  EXPECT_EQ(code("UnknownOrder"), (Name{"", "UnknownOrder"}));
  EXPECT_EQ(code("s:Client").space, ns::kSoap);
  EXPECT_EQ(code("missing:Client"), (Name{"", "missing:Client"}));
  EXPECT_FALSE(Envelope::parse(enveloped("<s:Body><Fault/></s:Body>"))->fault());
  EXPECT_FALSE(Envelope::parse(enveloped("<s:Body/>"))->fault());
}

TEST(Soap, ActionsAreQuoted) {
  EXPECT_EQ(soapAction(""), "\"\"");
  EXPECT_EQ(soapAction(kConfirmOrderPayment), "\"https://mpay.gov.md/IServiceProvider/ConfirmOrderPayment\"");
}

}  // namespace
}  // namespace mpay::soap::test
