#include "mpay/evidence.h"

#include <algorithm>
#include <array>
#include <span>

namespace mpay::soap {
namespace {

// Compares local names only, since a report must also show a name in a wrong namespace.
constexpr auto kShownText = std::to_array<std::string_view>(
    {// OrderDetails, OrderLine, confirmation
     "AllowAdvancePayments", "AllowPartialPayments", "Amount", "AmountDue", "Currency", "CustomerType", "DueDate",
     "InvoiceID", "IssuedAt", "Language", "LineID", "OrderKey", "PaidAt", "PaymentID", "ServiceID", "Status",
     "TotalAmount", "TotalAmountDue",
     // DestinationAccount: an institution's
     "BankAccount", "BankCode", "BankFiscalCode", "BeneficiaryName", "ConfigurationCode",
     // OrderProperty, without Value
     "DisplayName", "Id", "IsVisible", "Modifiable", "Name", "Required", "Type",
     // WS-Security
     "Created", "Expires", "DigestValue", "X509SerialNumber", "KeyIdentifier",
     // Fault
     "faultcode", "faultstring", "faultactor"});

constexpr auto kShownAttributes =
    std::to_array<std::string_view>({"Algorithm", "EncodingType", "ID", "Id", "PrefixList", "Target", "URI",
                                     "ValueType", "id", "lang", "mustUnderstand", "nil"});

constexpr std::string_view kHidden = "***";

bool isOneOf(const xmlChar* name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), reinterpret_cast<const char*>(name)) != names.end();
}

void hideAttributes(xmlNode* element) {
  for (xmlAttr* attribute = element->properties; attribute != nullptr; attribute = attribute->next) {
    if (isOneOf(attribute->name, kShownAttributes)) continue;
    // The node is set directly: by name another attribute of another namespace might be found.
    for (xmlNode* part = attribute->children; part != nullptr; part = part->next) {
      xmlNodeSetContent(part, reinterpret_cast<const xmlChar*>(part == attribute->children ? kHidden.data() : ""));
    }
  }
}

// Text beside child elements is hidden; no message of MPay has such text.
void hide(xmlNode* element) {
  hideAttributes(element);
  const bool isLeaf = xmlFirstElementChild(element) == nullptr;
  const bool isShown = isLeaf && isOneOf(element->name, kShownText);
  bool hasHidden = false;
  for (xmlNode* node = element->children; node != nullptr;) {
    xmlNode* next = node->next;
    if (node->type == XML_ELEMENT_NODE) {
      hide(node);
    } else if (node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE) {
      xmlUnlinkNode(node);
      xmlFreeNode(node);
    } else if (xmlIsBlankNode(node) == 1 || !isShown) {
      hasHidden = hasHidden || xmlIsBlankNode(node) != 1;
      xmlUnlinkNode(node);
      xmlFreeNode(node);
    }
    node = next;
  }
  if (hasHidden && isLeaf) {
    xmlNode* mark = xmlNewText(reinterpret_cast<const xmlChar*>(kHidden.data()));
    if (mark == nullptr) throw std::bad_alloc();
    xmlAddChild(element, mark);
  }
}

}  // namespace

std::string excerpt(const Document& document, std::size_t most) {
  const auto copy = document.withoutBlanks();
  hide(copy.root().node());
  auto text = copy.indented();
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most) + "...";
}

}  // namespace mpay::soap
