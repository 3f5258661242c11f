#include <libxml/c14n.h>

#include "fuzz/pki.h"
#include "mpay/security.h"

using namespace mpay;
using namespace mpay::soap;

namespace {

const Signer& service() {
  static const Signer read = Signer::parse(fuzz::textOf("service.pem"), fuzz::textOf("service.key")).value();
  return read;
}

// The element alone, in exclusive canonical form.
std::string canonical(const Element& element) {
  const crypto::Handle<xmlDoc, xmlFreeDoc> document(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlDocSetRootElement(document.get(), xmlDocCopyNode(element.node(), document.get(), 1));
  xmlChar* bytes = nullptr;
  const int length = xmlC14NDocDumpMemory(document.get(), nullptr, XML_C14N_EXCLUSIVE_1_0, nullptr, 0, &bytes);
  std::string text(reinterpret_cast<const char*>(bytes), length < 0 ? 0 : static_cast<std::size_t>(length));
  xmlFree(bytes);
  return text;
}

// The only Body that the service ever signed.
const std::string& signedBody() {
  static const std::string text = canonical(*Envelope::parse(fuzz::textOf("signature/0"))->body());
  return text;
}

// Bytes that are XML are a payload that the service may sign: sealed and received, the signature must hold.
void seals(const std::string& bytes) {
  const auto payload = Document::parse(bytes);
  if (!payload) return;
  const auto sealed = seal(*payload, service(), {.id = "fuzz", .validity = Validity{}});
  if (!sealed)
    return fuzz::require(sealed.error().kind == ErrorKind::Crypto);  // no canonical form: a relative namespace
  const auto envelope = Envelope::parse(*sealed);
  if (!envelope) return;  // the envelope made it too deep or too large
  const auto found = verify(*envelope, service().certificate());
  fuzz::require(found.body || found.has("DuplicateId"));
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  seals(bytes);
  const auto envelope = Envelope::parse(bytes);
  if (!envelope) return 0;
  const auto found = verify(*envelope, service().certificate());
  fuzz::require(found.body.has_value() == found.problems.empty());
  if (found.body) fuzz::require(found.body == envelope->body() && canonical(*found.body) == signedBody());
  return 0;
}
