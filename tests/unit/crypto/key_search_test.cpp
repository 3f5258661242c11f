#include "crypto/key_search.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/asn1.h"
#include "crypto/digest.h"
#include "support/pki.h"

namespace mpay::crypto {
namespace {

using test::KeyKind;

// The text as UTF-16: each byte has a zero after it (or before it).
std::string wide(const std::string& text, bool bigEndian, bool marked) {
  std::string bytes(!marked ? "" : bigEndian ? "\xfe\xff" : "\xff\xfe");
  for (const char c : text) {
    if (bigEndian) bytes += '\0';
    bytes += c;
    if (!bigEndian) bytes += '\0';
  }
  return bytes;
}

std::string lines(const std::string& base64, const std::string& between) {
  std::string text;
  for (std::size_t at = 0; at < base64.size(); at += 64) text += base64.substr(at, 64) + between;
  return text;
}

// The forms of a key in DER, by name.
std::vector<std::pair<std::string, std::string>> formsOf(KeyKind kind) {
  const test::Identity who = test::selfSigned({.key = kind});
  const Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(who.key.data(), -1)),
      certificate(BIO_new_mem_buf(who.certificate.data(), -1));
  const Handle<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const Handle<X509, X509_free> x(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  char password[] = "example";
  const auto* cipher = EVP_aes_256_cbc();
  const Handle<PKCS12, PKCS12_free> store(
      PKCS12_create(password, "system", key.get(), x.get(), nullptr, 0, 0, 0, 0, 0));
  return {{"PKCS#8",
           written([&](BIO* out) { i2d_PKCS8PrivateKey_bio(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })},
          {"encrypted PKCS#8",
           written([&](BIO* out) { i2d_PKCS8PrivateKey_bio(out, key.get(), cipher, password, 7, nullptr, nullptr); })},
          {"the older form", written([&](BIO* out) { i2d_PrivateKey_bio(out, key.get()); })},
          {"PKCS#12", written([&](BIO* out) { i2d_PKCS12_bio(out, store.get()); })}};
}

TEST(KeySearch, FindsAKeyInEveryFormAndDress) {
  const std::string certificate = test::selfSigned({}).certificate;
  for (const auto kind : {KeyKind::P256, KeyKind::Rsa2048, KeyKind::RsaPss2048, KeyKind::Ed25519}) {
    for (const auto& [form, der] : formsOf(kind)) {
      if (kind == KeyKind::Ed25519 && form == "the older form") continue;  // does not exist
      const auto text = base64(der);
      const auto framed = "-----BEGIN PRIVATE KEY-----\n" + lines(text, "\n") + "-----END PRIVATE KEY-----\n";
      const std::pair<std::string, std::string> rows[] = {
          {"DER", der},
          {"PEM", framed},
          {"base64", text},
          {"base64 in lines", lines(text, "\n")},
          {"base64 in lines of Windows", lines(text, "\r\n")},
          {"base64 with blanks", lines(text, " ")},
          {"base64 as JSON has it", "{\"key\": \"" + lines(text, "\\n") + "\"}"},
          {"base64 behind a word", "key=" + text},
          {"base64 in a text", "The key of the system:\n" + lines(text, "\n") + "\nkeep it safe\n"},
          {"base64 behind a certificate", certificate + lines(text, "\n")},
          {"base64 before a certificate", lines(text, "\n") + certificate},
          {"base64 in another frame", "-----BEGIN DATA-----\n" + lines(text, "\n") + "-----END DATA-----\n"},
          {"PEM in base64", base64(framed)},
          {"base64 in base64", base64(lines(text, "\n"))},
          {"UTF-16LE", wide(framed, false, false)},
          {"UTF-16LE with a mark", wide(framed, false, true)},
          {"UTF-16BE", wide(framed, true, false)},
          {"UTF-16BE with a mark", wide(framed, true, true)},
          {"base64 in UTF-16LE", wide(lines(text, "\r\n"), false, true)},
          {"base64 in UTF-16BE", wide(text, true, false)},
          {"UTF-16 behind a certificate", certificate + wide(framed, false, false)},
          {"UTF-16 in base64", base64(wide(framed, false, true))},
      };
      for (const auto& [dress, bytes] : rows) EXPECT_TRUE(holdsPrivateKey(bytes)) << form << ", " << dress;
    }
  }
}

TEST(KeySearch, TakesNothingElseForAKey) {
  const test::Authority authority;
  const auto who = authority.issue({.key = KeyKind::Rsa2048});
  const Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(who.key.data(), -1));
  const Handle<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const auto publicKey = derOf([&](unsigned char** out) { return i2d_PUBKEY(key.get(), out); });
  const auto older = derOf([&](unsigned char** out) { return i2d_PublicKey(key.get(), out); });
  const std::pair<std::string, std::string> rows[] = {
      {"nothing", ""},
      {"a word", "MIIE"},
      {"many words", "MII MIIE MIIEv MIIEvQ MIIEvQI MIIEvQIBADANBg MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"},
      {"a certificate", who.certificate},
      {"its DER", who.der},
      {"its base64", base64(who.der)},
      {"two", who.certificate + authority.certificate()},
      {"in UTF-16", wide(who.certificate, false, true)},
      {"a public key", base64(publicKey)},
      {"its DER", publicKey},
      {"the older form", base64(older)},
      {"an image", test::samplePng(64, 64)},
      {"zeros", std::string(1000, '\0')},
  };
  for (const auto& [name, bytes] : rows) EXPECT_FALSE(holdsPrivateKey(bytes)) << name;
}

TEST(KeySearch, EndsSoonWhateverItIsGiven) {
  // Many places look like the beginning of a large key.
  std::string text;
  while (text.size() < (std::size_t{1} << 20)) text += "MIL//wIB ";
  EXPECT_FALSE(holdsPrivateKey(text));
}

}  // namespace
}  // namespace mpay::crypto
