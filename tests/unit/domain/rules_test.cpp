#include "domain/rules.h"

#include <gtest/gtest.h>

#include "domain/logo.h"
#include "support/pki.h"

namespace mpay::domain {
namespace {

TEST(Rules, KnowIdnos) {
  for (const auto text : {"1006601000255", "1010600034203", "1007600001230", "1006601000037"})
    EXPECT_TRUE(isIdno(text)) << text;
  for (const auto text : {"1006601000256", "100660100025", "10066010002555", "100660100025x", ""})
    EXPECT_FALSE(isIdno(text)) << text;
}

TEST(Rules, KnowIbans) {
  for (const auto text : {"MD77TRGAAA14153401000000", "MD24AG000225100013104168"}) EXPECT_TRUE(isIban(text)) << text;
  for (const auto text : {"MD78TRGAAA14153401000000", "MD77TRGAAA1415340100000", "RO77TRGAAA14153401000000",
                          "md77trgaaa14153401000000", ""}) {
    EXPECT_FALSE(isIban(text)) << text;
  }
}

TEST(Rules, KnowPlainText) {
  for (const auto text : {"Agenția Model", "Свидетельства", "", "a b"}) EXPECT_TRUE(isPlainText(text)) << text;
  for (const auto text : {"a\nb", "a\tb", "\x7f", "\u0085", "\u202e", "\u2066", "\u200f", "\u061c", "\xff", "\xc3",
                          "\xed\xa0\x80", "\xc0\x80"}) {
    EXPECT_FALSE(isPlainText(text)) << ::testing::PrintToString(text);
  }
  EXPECT_FALSE(isPlainText(std::string_view("a\0b", 3)));
}

TEST(Rules, KnowMailAddresses) {
  EXPECT_TRUE(isMailAddress("ion.popescu@agentia.example"));
  for (const auto text : {"", "a", "@a", "a@", "a@b@c", "a@b\r\nBcc: c@d", "a b@c", "<a@b>", "a@b,c@d"})
    EXPECT_FALSE(isMailAddress(text)) << text;
}

TEST(Logo, IsAnIntactPng) {
  const auto png = test::samplePng(32, 16);
  const auto logo = judgeLogo(png);
  ASSERT_TRUE(logo) << logo.error().message;
  EXPECT_EQ(logo->width, 32u);
  EXPECT_EQ(logo->height, 16u);
  const auto flipped = [&](std::size_t at) {
    std::string bytes = png;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  const std::pair<std::string, std::string> rows[] = {
      {"", "InvalidImage"},
      {"GIF89a and more", "InvalidImage"},
      {png.substr(0, png.size() / 2), "InvalidImage"},
      {png.substr(0, png.size() - 1), "InvalidImage"},
      {png + "x", "InvalidImage"},
      {flipped(29), "InvalidImage"},               // IHDR's checksum
      {flipped(png.size() - 1), "InvalidImage"},   // IEND's checksum
      {flipped(png.size() - 20), "InvalidImage"},  // within IDAT
      {test::samplePng(1025, 1), "LogoTooLarge"},
      {test::samplePng(1, 1025), "LogoTooLarge"},
      {std::string(kMaximumLogoBytes + 1, 'x'), "LogoTooLarge"},
      {test::selfSigned({}).key, "PrivateKeyInPublicField"},
      {png + test::selfSigned({}).key, "PrivateKeyInPublicField"},
  };
  for (const auto& [bytes, reason] : rows) {
    const auto refused = judgeLogo(bytes);
    ASSERT_FALSE(refused) << reason;
    EXPECT_EQ(refused.error().reason, reason) << bytes.size();
  }
}

}  // namespace
}  // namespace mpay::domain
