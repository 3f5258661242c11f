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
// The largest key that is looked for: PKCS#12 may hold a chain too.
constexpr std::size_t kLargestKey = 64 * 1024;
// How many bytes all that begin like a key may have. A text that was made to hold more is somebody's attack.
constexpr std::size_t kMostDecoded = std::size_t{4} << 20;
// As much of DER as tells whether it begins like a key.
constexpr std::size_t kHeadLetters = 24;

// Whether DER bytes are key material of any of the usual forms.
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
  // An encrypted PKCS#8 is an X509_SIG, and so is a DigestInfo: either way no certificate.
  const Handle<X509_SIG, X509_SIG_free> sealed(d2i_X509_SIG(nullptr, &at, length));
  return sealed != nullptr;
}

// A DER element: where its content begins, and how long that is; nothing where it is none of that tag.
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

// How many bytes a key has that begins like that; nothing where none does. It is a SEQUENCE that begins with a version,
// or with an algorithm's identifier. A certificate, a list or a request begins otherwise.
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
// A line break as JSON and shell scripts write it.
bool isWrittenBreak(std::string_view text, std::size_t at) {
  return at + 1 < text.size() && text[at] == '\\' && (text[at + 1] == 'n' || text[at + 1] == 'r');
}

// The first letters of base64 in a text, without what separates lines.
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

// DER that begins with a SEQUENCE begins with M in base64.
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

// UTF-16 and UTF-32 of what is ASCII are the same with NULs around, and perhaps with a mark in front.
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
    // Of a whole file, its frame included.
    const auto inner = fromFramelessBase64(bytes.find('\0') == std::string_view::npos ? bytes : narrowed(bytes));
    found = inner && holdsKey(*inner);
  }
  ERR_clear_error();
  return found;
}

}  // namespace mpay::crypto
