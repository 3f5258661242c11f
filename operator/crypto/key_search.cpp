#include "crypto/key_search.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>

#include <algorithm>

#include "crypto/digest.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

constexpr std::string_view kWords = "PRIVATE KEY";
// The largest key that is searched for. PKCS#12 may hold a chain too.
constexpr std::size_t kLargestKey = 64 * 1024;
// The most bytes that the candidates of one text may have together. Only an attack contains more.
constexpr std::size_t kMostDecoded = std::size_t{4} << 20;
// The number of base64 letters that tell if DER begins like a key.
constexpr std::size_t kHeadLetters = 24;

// True for DER key material in any of the usual forms.
bool isKeyDer(std::string_view bytes) {
  const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto length = static_cast<long>(bytes.size());
  const auto* at = begin;
  if (const Handle<EVP_PKEY, EVP_PKEY_free> key(d2i_AutoPrivateKey(nullptr, &at, length)); key) return true;
  at = begin;
  if (const Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> key(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, length));
      key) {
    return true;
  }
  at = begin;
  if (const Handle<PKCS12, PKCS12_free> store(d2i_PKCS12(nullptr, &at, length)); store) return true;
  at = begin;
  // An encrypted PKCS#8 is an X509_SIG, and so is a DigestInfo. Neither is a certificate.
  const Handle<X509_SIG, X509_SIG_free> sealed(d2i_X509_SIG(nullptr, &at, length));
  return sealed != nullptr;
}

// A DER element: the offset and the length of its content. elementAt returns nothing if the tag is another.
struct Element {
  std::size_t content, length;
};
std::optional<Element> elementAt(std::string_view bytes, std::size_t at, unsigned char tag) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (at + 2 > bytes.size() || byte(at) != tag) return std::nullopt;
  const unsigned first = byte(at + 1);
  if (first < 0x80) return Element{at + 2, first};
  const std::size_t octets = first & 0x7f;
  if (octets > 3 || at + 2 + octets > bytes.size()) return std::nullopt;
  // Exported PKCS#12 often has indefinite lengths.
  if (octets == 0) return Element{at + 2, kLargestKey};
  std::size_t length = 0;
  for (std::size_t i = 0; i < octets; ++i) length = length << 8 | byte(at + 2 + i);
  return Element{at + 2 + octets, length};
}

// The length of the key that begins like `head`; nothing if no key does. A key is a SEQUENCE that begins with a version
// or with an algorithm's identifier. Certificates, lists and requests begin otherwise.
std::optional<std::size_t> lengthOfKey(std::string_view head) {
  const auto whole = elementAt(head, 0, 0x30);
  if (!whole) return std::nullopt;
  const auto algorithm = elementAt(head, whole->content, 0x30);
  const bool isVersioned = elementAt(head, whole->content, 0x02).has_value();
  if (!isVersioned && !(algorithm && elementAt(head, algorithm->content, 0x06))) return std::nullopt;
  return std::min(whole->content + whole->length, kLargestKey);
}

bool isLetter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// True for a line break as JSON and shell scripts write it.
bool isWrittenBreak(std::string_view text, std::size_t at) {
  return at + 1 < text.size() && text[at] == '\\' && (text[at + 1] == 'n' || text[at + 1] == 'r');
}

// The first letters of base64 in a text, without line breaks.
std::string lettersOf(std::string_view text, std::size_t most) {
  std::string letters;
  for (std::size_t at = 0; at < text.size() && letters.size() < most; ++at) {
    if (isBlank(text[at])) continue;
    if (isWrittenBreak(text, at)) {
      ++at;
      continue;
    }
    if (!isLetter(text[at]) && text[at] != '=') break;
    letters += text[at];
  }
  letters.resize((letters.size() + 3) / 4 * 4, '=');
  return letters;
}

// Base64 of DER that begins with a SEQUENCE begins with M.
bool holdsBase64Key(std::string_view text) {
  std::size_t decoded = 0;
  for (auto at = text.find('M'); at != std::string_view::npos; at = text.find('M', at + 1)) {
    const bool begins = at == 0 || !isLetter(text[at - 1]) || (at >= 2 && isWrittenBreak(text, at - 2));
    if (!begins) continue;
    const auto rest = text.substr(at);
    const auto head = fromBase64(lettersOf(rest, kHeadLetters));
    const auto length = head ? lengthOfKey(*head) : std::nullopt;
    if (!length) continue;
    const auto der = fromBase64(lettersOf(rest, (*length + 2) / 3 * 4));
    if (!der) continue;
    if (isKeyDer(*der)) return true;
    if ((decoded += der->size()) > kMostDecoded) return false;
  }
  return false;
}

bool holdsKeyText(std::string_view text) { return text.find(kWords) != std::string_view::npos || holdsBase64Key(text); }

// UTF-16 and UTF-32 of ASCII text are the same bytes with NULs between them, perhaps after a byte order mark.
std::string narrowed(std::string_view bytes) {
  std::string narrow(bytes);
  std::erase_if(narrow, [](char c) { return c == '\0' || c == '\xff' || c == '\xfe'; });
  return narrow;
}

bool holdsKey(std::string_view bytes) {
  if (holdsKeyText(bytes) || (!bytes.starts_with("-----BEGIN") && isKeyDer(bytes))) return true;
  return bytes.find('\0') != std::string_view::npos && holdsKeyText(narrowed(bytes));
}

}  // namespace

std::optional<std::string> fromFramelessBase64(std::string_view text) {
  std::string letters(text);
  std::erase_if(letters, isBlank);
  return letters.empty() ? std::nullopt : fromBase64(letters);
}

bool holdsPrivateKey(std::string_view bytes) {
  auto found = holdsKey(bytes);
  if (!found) {
    // The text may be the base64 of a whole file, PEM frame included.
    const auto inner = fromFramelessBase64(bytes.find('\0') == std::string_view::npos ? bytes : narrowed(bytes));
    found = inner && holdsKey(*inner);
  }
  ERR_clear_error();
  return found;
}

}  // namespace mpay::crypto
