#include "crypto/digest.h"

#include <openssl/evp.h>

#include <stdexcept>

#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

template <std::size_t N>
std::array<unsigned char, N> hash(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<unsigned char, N> out{};
  if (EVP_MD_get_size(algorithm) != N ||
      EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, algorithm, nullptr) != 1) {
    throw std::runtime_error("OpenSSL refuses to hash");
  }
  return out;
}

// Fetched once: an implicit fetch makes a hash cost three times as much.
const EVP_MD* fetched(const char* name) {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  if (!algorithm) throw std::runtime_error("OpenSSL has no such hash");
  return algorithm;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  static const EVP_MD* algorithm = fetched("SHA256");
  return hash<32>(algorithm, bytes);
}

std::string hex(const Sha256& digest) { return hex(digest.data(), digest.size()); }

std::string sha256Hex(std::string_view bytes) { return hex(sha256(bytes)); }

std::string sha1Hex(std::string_view bytes) {
  static const EVP_MD* algorithm = fetched("SHA1");
  const auto digest = hash<20>(algorithm, bytes);
  return hex(digest.data(), digest.size());
}

std::string digestText(std::string_view bytes) { return "sha256:" + sha256Hex(bytes); }

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

std::optional<std::string> fromBase64(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.size() % 4 != 0 || text.size() > (std::size_t{1} << 30)) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.substr(0, text.size() - padding).find_first_not_of(alphabet) != std::string_view::npos) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace mpay::crypto
