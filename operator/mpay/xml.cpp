#include "mpay/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlsave.h>
#include <xmlsec/base64.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmlsec.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "base/text.h"
#include "crypto/handle.h"

namespace mpay::soap {
namespace {

template <class T, auto free>
using Handle = crypto::Handle<T, free>;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

const xmlChar* raw(const std::string& text) { return reinterpret_cast<const xmlChar*>(text.c_str()); }

std::string_view spaceOf(const xmlNs* space) { return space == nullptr ? std::string_view{} : view(space->href); }

bool isBlank(const xmlNode* node) {
  return (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) &&
         view(node->content).find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The counters of a document while it is read, and the reason why reading stopped.
struct Reading {
  std::size_t nodes = 0;
  std::string refused;
};

// Namespaces declared for one element and its ancestors: each costs canonicalization time on every element below.
constexpr int kMaximumNamespacesInScope = 128;
constexpr int kMaximumAttributesOfOne = 64;
// libxml2 compares each attribute of an element with all those before it, and reports them only afterwards. There are
// never more attributes than equals signs, each of which is a byte in UTF-8 and in UTF-16.
constexpr std::ptrdiff_t kMaximumEqualsSigns = 20'000;

void stop(void* context, std::string why) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  auto* reading = static_cast<Reading*>(parser->_private);
  if (reading->refused.empty()) reading->refused = std::move(why);
  xmlStopParser(parser);
}

bool isUnicode(std::string_view encoding) {
  const auto name = lowered(encoding);
  return name.empty() || name == "utf-8" || name == "utf8" || name.starts_with("utf-16") || name == "us-ascii" ||
         name == "ascii";
}

constexpr std::string_view kNotUnicode = "it is neither in UTF-8 nor in UTF-16";

// Judges by the first bytes, before a declaration can be read.
bool beginsInUnicode(std::string_view bytes) {
  const auto begin = bytes.substr(0, 4);
  switch (xmlDetectCharEncoding(reinterpret_cast<const unsigned char*>(begin.data()), static_cast<int>(begin.size()))) {
    case XML_CHAR_ENCODING_NONE:
    case XML_CHAR_ENCODING_UTF8:
    case XML_CHAR_ENCODING_UTF16LE:
    case XML_CHAR_ENCODING_UTF16BE: return true;
    default: return false;
  }
}

// Called after the declaration and before the first element. In another encoding an equals sign may be another byte.
void judgeDeclaration(void* context) {
  xmlSAX2StartDocument(context);
  const auto* parser = static_cast<xmlParserCtxt*>(context);
  if (!isUnicode(view(parser->encoding)) || (parser->input != nullptr && !isUnicode(view(parser->input->encoding))))
    stop(context, std::string(kNotUnicode));
  // SOAP 1.1 uses XML 1.0, whose readers refuse some of XML 1.1.
  const auto version = view(parser->version);
  if (!version.empty() && version != "1.0") stop(context, "it declares another version of XML than 1.0");
}

void refuseDoctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  stop(context, "it has a document type declaration, which SOAP forbids");
}

void refuseInstruction(void* context, const xmlChar*, const xmlChar*) {
  stop(context, "it has a processing instruction, which SOAP forbids");
}

void countElement(void* context, const xmlChar* local, const xmlChar* prefix, const xmlChar* space, int declarations,
                  const xmlChar** declared, int attributes, int defaulted, const xmlChar** values) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  auto* reading = static_cast<Reading*>(parser->_private);
  reading->nodes += 1 + static_cast<std::size_t>(attributes);
  if (parser->nodeNr >= kMaximumDepth)
    return stop(context, "its elements are nested deeper than " + std::to_string(kMaximumDepth));
  if (reading->nodes > kMaximumNodes)
    return stop(context, "it has more than " + std::to_string(kMaximumNodes) + " elements and attributes");
  if (parser->nsNr / 2 > kMaximumNamespacesInScope)  // libxml2 counts prefix and name
    return stop(context, "it has more than " + std::to_string(kMaximumNamespacesInScope) + " namespaces in one place");
  if (attributes > kMaximumAttributesOfOne)
    return stop(context, "an element has more than " + std::to_string(kMaximumAttributesOfOne) + " attributes");
  xmlSAX2StartElementNs(context, local, prefix, space, declarations, declared, attributes, defaulted, values);
}

// Errors are read from the parser's own record; nothing is printed.
void ignoreError(void*, xmlError*) {}
void ignoreText(void*, const char*, ...) {}
void ignoreXmlsec(const char*, int, const char*, const char*, const char*, int, const char*) {}

std::string describe(const xmlError* error) {
  if (error == nullptr || error->message == nullptr) return "it is not well-formed";
  std::string text = error->message;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  // libxml2 quotes the text that it failed on; a line of the answer must not get into a message.
  if (text.size() > 120) text = text.substr(0, 120);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c >= 127; }, '?');
  return "line " + std::to_string(error->line) + ": " + text;
}

void dropBlanks(xmlNode* parent) {
  for (xmlNode* node = parent->children; node != nullptr;) {
    xmlNode* next = node->next;
    if (isBlank(node)) {
      xmlUnlinkNode(node);
      xmlFreeNode(node);
    } else if (node->type == XML_ELEMENT_NODE) {
      dropBlanks(node);
    }
    node = next;
  }
}

std::string serialize(xmlNode* node, int options = 0) {
  const Handle<xmlBuffer, xmlBufferFree> buffer(xmlBufferCreate());
  xmlSaveCtxt* save = xmlSaveToBuffer(buffer.get(), "UTF-8", XML_SAVE_NO_DECL | XML_SAVE_AS_XML | options);
  if (save == nullptr) return {};
  xmlSaveTree(save, node);
  xmlSaveClose(save);
  return std::string(view(xmlBufferContent(buffer.get())));
}

}  // namespace

void initialiseXml() {
  static std::once_flag once;
  std::call_once(once, [] {
    xmlInitParser();
    xmlThrDefSetGenericErrorFunc(nullptr, ignoreText);
    xmlThrDefSetStructuredErrorFunc(nullptr, ignoreError);
    xmlSetGenericErrorFunc(nullptr, ignoreText);
    xmlSetStructuredErrorFunc(nullptr, ignoreError);
    if (xmlSecInit() < 0) std::abort();
    xmlSecErrorsSetCallback(ignoreXmlsec);
    if (xmlSecCryptoAppInit(nullptr) < 0 || xmlSecCryptoInit() < 0) std::abort();
    xmlSecBase64SetDefaultLineSize(0);  // a SignatureValue in one line, as MPay writes it
  });
}

std::string shortened(std::string_view text, std::size_t most) {
  std::string result(cut(text, most));
  std::replace_if(
      result.begin(), result.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return result;
}

std::string Name::text() const { return space.empty() ? local : "{" + space + "}" + local; }

Name Element::name() const { return {std::string(spaceOf(node_->ns)), std::string(view(node_->name))}; }

bool Element::is(std::string_view space, std::string_view local) const {
  return view(node_->name) == local && spaceOf(node_->ns) == space;
}

std::string Element::text() const {
  std::string text;
  for (const xmlNode* node = node_->children; node != nullptr; node = node->next) {
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) text += view(node->content);
  }
  return text;
}

std::vector<Element> Element::children() const {
  std::vector<Element> found;
  for (xmlNode* node = node_->children; node != nullptr; node = node->next) {
    if (node->type == XML_ELEMENT_NODE) found.push_back(Element(document_, node));
  }
  return found;
}

std::optional<Element> Element::child(std::string_view space, std::string_view local) const {
  for (xmlNode* node = node_->children; node != nullptr; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) continue;
    if (Element element(document_, node); element.is(space, local)) return element;
  }
  return std::nullopt;
}

std::vector<Element> Element::children(std::string_view space, std::string_view local) const {
  std::vector<Element> found;
  for (const auto& element : children()) {
    if (element.is(space, local)) found.push_back(element);
  }
  return found;
}

std::optional<Element> Element::parent() const {
  if (node_->parent == nullptr || node_->parent->type != XML_ELEMENT_NODE) return std::nullopt;
  return Element(document_, node_->parent);
}

std::optional<std::string> Element::attribute(std::string_view space, std::string_view local) const {
  for (const xmlAttr* attribute = node_->properties; attribute != nullptr; attribute = attribute->next) {
    if (view(attribute->name) != local || spaceOf(attribute->ns) != space) continue;
    std::string value;
    for (const xmlNode* part = attribute->children; part != nullptr; part = part->next) value += view(part->content);
    return value;
  }
  return std::nullopt;
}

Name Element::resolve(std::string_view qname) const {
  const auto first = qname.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  qname = qname.substr(first, qname.find_last_not_of(" \t\r\n") - first + 1);
  const auto colon = qname.find(':');
  const std::string prefix(colon == std::string_view::npos ? std::string_view{} : qname.substr(0, colon));
  const xmlNs* space = xmlSearchNs(document_.get(), node_, prefix.empty() ? nullptr : raw(prefix));
  if (space == nullptr) return {"", std::string(qname)};
  return {std::string(spaceOf(space)), std::string(qname.substr(colon == std::string_view::npos ? 0 : colon + 1))};
}

std::string Element::path() const {
  const auto name = view(node_->name);
  int before = 0;
  for (const xmlNode* node = node_->prev; node != nullptr; node = node->prev) {
    if (node->type == XML_ELEMENT_NODE && view(node->name) == name) ++before;
  }
  auto step = shortened(name);
  if (before > 0) step += "[" + std::to_string(before + 1) + "]";
  const auto above = parent();
  return above ? above->path() + "/" + step : step;
}

std::string Element::xml() const { return serialize(node_); }

Result<Document> Document::parse(std::string_view bytes) {
  initialiseXml();
  if (bytes.size() > kMaximumDocumentBytes) {
    return refuse("ResponseTooLarge",
                  "the document is larger than " + std::to_string(kMaximumDocumentBytes) + " bytes");
  }
  if (std::count(bytes.begin(), bytes.end(), '=') > kMaximumEqualsSigns) {
    return refuse("InvalidXML", "the document has too many attributes");
  }
  if (!beginsInUnicode(bytes)) return refuse("InvalidXML", "the document is refused: " + std::string(kNotUnicode));
  const Handle<xmlParserCtxt, xmlFreeParserCtxt> parser(xmlNewParserCtxt());
  if (!parser) return fail(ErrorKind::Crypto, "no memory to read XML");
  Reading reading;
  parser->_private = &reading;
  parser->sax->startDocument = judgeDeclaration;
  parser->sax->internalSubset = refuseDoctype;
  parser->sax->processingInstruction = refuseInstruction;
  parser->sax->startElementNs = countElement;
  parser->sax->serror = ignoreError;
  xmlDoc* read = xmlCtxtReadMemory(parser.get(), bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr,
                                   XML_PARSE_NONET | XML_PARSE_NODICT);
  std::shared_ptr<xmlDoc> document(read, [](xmlDoc* doc) { xmlFreeDoc(doc); });
  if (!reading.refused.empty()) return refuse("InvalidXML", "the document is refused: " + reading.refused);
  if (!document || xmlDocGetRootElement(read) == nullptr) {
    return refuse("InvalidXML", "the document is not XML: " + describe(xmlCtxtGetLastError(parser.get())));
  }
  // libxml2 goes on after a prefix without declaration, so this is checked here.
  if (parser->nsWellFormed == 0) {
    return refuse("InvalidXML", "the document is not XML: " + describe(xmlCtxtGetLastError(parser.get())));
  }
  return Document(std::move(document));
}

Document Document::withRoot(std::string_view local, std::string_view space, std::string_view prefix) {
  initialiseXml();
  xmlDoc* made = xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0"));
  if (made == nullptr) throw std::bad_alloc();
  std::shared_ptr<xmlDoc> document(made, [](xmlDoc* doc) { xmlFreeDoc(doc); });
  xmlNode* root = xmlNewNode(nullptr, raw(std::string(local)));
  if (root == nullptr) throw std::bad_alloc();
  xmlDocSetRootElement(made, root);
  xmlSetNs(root, xmlNewNs(root, raw(std::string(space)), prefix.empty() ? nullptr : raw(std::string(prefix))));
  return Document(std::move(document));
}

Element Document::root() const { return {document_, xmlDocGetRootElement(document_.get())}; }

std::string Document::xml() const { return serialize(xmlDocGetRootElement(document_.get())); }

std::string Document::indented() const { return serialize(xmlDocGetRootElement(document_.get()), XML_SAVE_FORMAT); }

Document Document::withoutBlanks() const {
  std::shared_ptr<xmlDoc> copy(xmlCopyDoc(document_.get(), 1), [](xmlDoc* doc) { xmlFreeDoc(doc); });
  if (!copy) throw std::bad_alloc();
  dropBlanks(xmlDocGetRootElement(copy.get()));
  return Document(std::move(copy));
}

}  // namespace mpay::soap
