#include "crypto/digest.h"

#include <gtest/gtest.h>

namespace mpay::crypto {
namespace {

// The examples of FIPS 180-4.
TEST(Digest, IsTheStandards) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digestText("abc"), "sha256:" + sha256Hex("abc"));
  EXPECT_EQ(sha256Hex(std::string_view("a\0b", 3)).size(), 64u);
  EXPECT_NE(sha256Hex(std::string_view("a\0b", 3)), sha256Hex(std::string_view("a\0c", 3)));
}

// RFC 4648, section 10.
TEST(Base64, IsTheStandards) {
  const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(fromBase64(text), bytes);
  }
  EXPECT_EQ(fromBase64(base64(std::string("\0\xff\x80", 3))), std::string("\0\xff\x80", 3));
}

TEST(Base64, RefusesWhatIsNotExactlySuch) {
  for (const auto text :
       {"Zg", "Zg=", "Zg===", "=Zg=", "Z===", "====", "Zm9v\n", "Zm9v ", "Zm 9v", "Zm9-", "Zm_v", "Zm9vZg==Zm9v"}) {
    EXPECT_EQ(fromBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mpay::crypto
