// XML by libxml2: read strictly and within bounds, never with a network, a DTD or an entity of its own.
//
// Several elements share a document, which is a tree; an element keeps its document alive. Reading is thread-safe; a
// document must not be changed while another thread reads it.
#pragma once

#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mpay::soap {

// Bounds on a received document. MPay's answers have some kilobytes and about ten levels.
inline constexpr std::size_t kMaximumDocumentBytes = std::size_t{1} << 20;
inline constexpr int kMaximumDepth = 64;
inline constexpr std::size_t kMaximumNodes = 50'000;  // elements and attributes

// The namespaces of OASIS WSS 1.0, W3C XML-DSig and MPay's guide.
namespace ns {
inline constexpr std::string_view kSoap = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view kWsse =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
inline constexpr std::string_view kWsu =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
inline constexpr std::string_view kDs = "http://www.w3.org/2000/09/xmldsig#";
inline constexpr std::string_view kMPay = "https://mpay.gov.md";
inline constexpr std::string_view kXsi = "http://www.w3.org/2001/XMLSchema-instance";
}  // namespace ns

// A namespace and a local name; prefixes do not count.
struct Name {
  std::string space;
  std::string local;

  bool is(std::string_view otherSpace, std::string_view otherLocal) const {
    return space == otherSpace && local == otherLocal;
  }
  // "{https://mpay.gov.md}OrderDetails"
  std::string text() const;
  bool operator==(const Name&) const = default;
};

// Received text for a message: at most `most` bytes, cut between characters, with control characters as '?'.
std::string shortened(std::string_view text, std::size_t most = 80);

class Document;

// An element of a document: the node itself, not a copy.
class Element {
 public:
  Name name() const;
  std::string local() const { return name().local; }
  bool is(std::string_view space, std::string_view local) const;
  // All text directly in the element, in one piece across comments and CDATA.
  std::string text() const;
  std::vector<Element> children() const;  // elements only
  // The first child of that name.
  std::optional<Element> child(std::string_view space, std::string_view local) const;
  std::vector<Element> children(std::string_view space, std::string_view local) const;
  std::optional<Element> parent() const;  // none for the root
  // An attribute's value; an empty `space` means without namespace.
  std::optional<std::string> attribute(std::string_view space, std::string_view local) const;
  // Resolves the prefix of a QName in the content, such as a faultcode. An undeclared prefix gives an empty namespace
  // and the local name as written.
  Name resolve(std::string_view qname) const;
  // "Envelope/Body/GetOrderDetailsResponse"; the second and later elements of a name have a number:
  // ".../OrderDetails[2]". Names are shortened.
  std::string path() const;
  // As XML, for evidence; namespaces that ancestors declare are left out.
  std::string xml() const;

  xmlNode* node() const { return node_; }
  // True for the same node, not for the same content.
  bool operator==(const Element& other) const { return node_ == other.node_; }

 private:
  friend class Document;
  Element(std::shared_ptr<xmlDoc> document, xmlNode* node) : document_(std::move(document)), node_(node) {}
  std::shared_ptr<xmlDoc> document_;
  xmlNode* node_;
};

class Document {
 public:
  // Errors: Invalid with reason ResponseTooLarge (before it is read) or InvalidXML: not well-formed, not UTF-8 or
  // UTF-16, not XML 1.0, a DTD, an entity, a processing instruction, or beyond the bounds above.
  static Result<Document> parse(std::string_view bytes);
  // An empty document with that root, to be built.
  static Document withRoot(std::string_view local, std::string_view space, std::string_view prefix = {});

  Element root() const;
  // UTF-8 without an XML declaration; the tree as it is, without indentation.
  std::string xml() const;
  // For people: a line an element and two blanks a level, except in elements with text beside their child elements.
  std::string indented() const;
  // A copy of the tree without the text nodes that hold only blanks.
  Document withoutBlanks() const;
  xmlDoc* get() const { return document_.get(); }

 private:
  explicit Document(std::shared_ptr<xmlDoc> document) : document_(std::move(document)) {}
  std::shared_ptr<xmlDoc> document_;
};

// Initialises libxml2 and xmlsec once in a process; every entry of this folder calls it. Neither library writes to
// stderr afterwards. Ends the process if xmlsec cannot start, which means a broken installation.
void initialiseXml();

}  // namespace mpay::soap
