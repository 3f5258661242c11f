#include "mpay/key_info.h"

#include <openssl/x509v3.h>

#include "crypto/digest.h"

namespace mpay::soap {
namespace {

using crypto::Certificate;

std::optional<Certificate> certificateIn(const Element& element) {
  auto parsed = Certificate::parseBase64(withoutBlanks(element.text()));
  return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

std::string identifierOf(const Certificate& certificate) {
  const auto* identifier = X509_get0_subject_key_id(certificate.get());
  if (identifier == nullptr) return {};
  return crypto::base64({reinterpret_cast<const char*>(ASN1_STRING_get0_data(identifier)),
                         static_cast<std::size_t>(ASN1_STRING_length(identifier))});
}

std::string decimalSerialOf(const Certificate& certificate) {
  const crypto::Handle<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  char* text = number ? BN_bn2dec(number.get()) : nullptr;
  std::string decimal(text == nullptr ? "" : text);
  OPENSSL_free(text);
  return decimal;
}

bool isDecimal(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Chains come in any order: the registered certificate counts if it is among them, else the first.
void readCertificates(const std::vector<Element>& all, const Certificate& registered, Verification& found) {
  for (const auto& element : all) {
    auto certificate = certificateIn(element);
    if (!certificate) {
      found.keyInfoProblem = "an X509Certificate in KeyInfo is no certificate";
      continue;
    }
    if (!found.embedded || certificate->sha256() == registered.sha256()) found.embedded = std::move(certificate);
  }
  if (found.embedded) found.keyInfoProblem.clear();
}

void readSerial(const Element& serial, const Certificate& registered, Verification& found) {
  found.keyInfo = KeyInfoForm::IssuerSerial;
  const auto number = serial.child(ns::kDs, "X509SerialNumber");
  const auto text = number ? withoutBlanks(number->text()) : "";
  // Issuers' names have many spellings, so only the serial number is compared.
  found.keyInfoNamesRegistered = isDecimal(text) && text == decimalSerialOf(registered);
  if (!number) {
    found.keyInfoProblem = "the X509IssuerSerial has no X509SerialNumber";
  } else if (!isDecimal(text)) {
    found.keyInfoProblem = "the X509SerialNumber is no decimal integer";
  } else if (!found.keyInfoNamesRegistered) {
    found.keyInfoProblem = "the X509SerialNumber is not the registered certificate's";
  }
}

void readData(const Element& data, bool direct, const Certificate& registered, Verification& found) {
  const auto certificates = data.children(ns::kDs, "X509Certificate");
  readCertificates(certificates, registered, found);
  if (direct && !certificates.empty()) {
    // A serial beside the certificates must be the signer's too.
    if (const auto serial = data.child(ns::kDs, "X509IssuerSerial")) readSerial(*serial, registered, found);
    found.keyInfo = KeyInfoForm::X509Certificate;
  } else if (const auto serial = data.child(ns::kDs, "X509IssuerSerial")) {
    readSerial(*serial, registered, found);
  } else {
    found.keyInfoProblem = "the X509Data holds neither an X509Certificate nor an X509IssuerSerial";
  }
}

void readReference(const Element& reference, const Element& security, const Ids& ids, Verification& found) {
  const auto uri = reference.attribute("", "URI").value_or("");
  const auto* identified = uri.starts_with('#') ? only(ids, uri.substr(1)) : nullptr;
  if (identified == nullptr) {
    found.keyInfoProblem = "the SecurityTokenReference leads to nothing that is there once: \"" + shortened(uri) + "\"";
    return;
  }
  const Element& token = identified->element;
  if (!token.is(ns::kWsse, "BinarySecurityToken") || token.parent() != security) {
    found.keyInfoProblem = "the SecurityTokenReference leads to no BinarySecurityToken of the Security header";
    return;
  }
  if (const auto type = token.attribute("", "ValueType").value_or(""); type != kX509v3) {
    found.keyInfoProblem = "the BinarySecurityToken's ValueType is not X509v3's but \"" + shortened(type, 120) + "\"";
    return;
  }
  found.keyInfo = KeyInfoForm::BinarySecurityToken;
  found.embedded = certificateIn(token);
  if (!found.embedded) found.keyInfoProblem = "the token is no certificate";
  if (!identified->qualified) found.unqualifiedIds.push_back(token.path());
}

void readTokenReference(const Element& reference, const Element& security, const Ids& ids,
                        const Certificate& registered, Verification& found) {
  found.keyInfoProblem = "the SecurityTokenReference holds no Reference, KeyIdentifier or X509Data";
  for (const auto& child : reference.children()) {
    found.keyInfoProblem.clear();
    if (child.is(ns::kWsse, "Reference")) {
      readReference(child, security, ids, found);
    } else if (child.is(ns::kDs, "X509Data")) {
      readData(child, false, registered, found);
    } else if (child.is(ns::kWsse, "KeyIdentifier")) {
      // "X509v3SubjectKeyIdentifier" is the token profile's first spelling, which MPay's guide also uses.
      const auto type = child.attribute("", "ValueType").value_or("");
      if (!type.ends_with("#X509SubjectKeyIdentifier") && !type.ends_with("#X509v3SubjectKeyIdentifier")) {
        found.keyInfoProblem =
            "the KeyIdentifier's ValueType is not a SubjectKeyIdentifier's but \"" + shortened(type, 120) + "\"";
        continue;
      }
      found.keyInfo = KeyInfoForm::SubjectKeyIdentifier;
      const auto identifier = identifierOf(registered);
      found.keyInfoNamesRegistered = !identifier.empty() && withoutBlanks(child.text()) == identifier;
    } else {
      found.keyInfoProblem = "the SecurityTokenReference holds " + shortened(child.name().text(), 120);
    }
  }
}

}  // namespace

std::string withoutBlanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return text;
}

void readKeyInfo(const Parts& parts, const Element& security, const Ids& ids, const Certificate& registered,
                 Verification& found) {
  if (!parts.keyInfo) return;
  found.keyInfo = KeyInfoForm::Other;
  std::vector<Element> forms;
  std::string others;
  for (const auto& child : parts.keyInfo->children()) {
    const bool isForm = child.is(ns::kDs, "X509Data") || child.is(ns::kWsse, "SecurityTokenReference");
    if (isForm) forms.push_back(child);
    if (!isForm) others += (others.empty() ? "" : ", ") + shortened(child.name().text(), 120);
  }
  if (forms.size() != 1) {
    found.keyInfoProblem = !forms.empty()   ? "KeyInfo names several keys"
                           : others.empty() ? "KeyInfo is empty"
                                            : "KeyInfo holds " + others + " alone";
  } else if (forms[0].is(ns::kDs, "X509Data")) {
    readData(forms[0], true, registered, found);
  } else {
    readTokenReference(forms[0], security, ids, registered, found);
  }
  if (found.embedded) found.keyInfoNamesRegistered = found.embedded->sha256() == registered.sha256();
}

}  // namespace mpay::soap
