#include "net/address.h"

#include <gtest/gtest.h>

namespace mpay::net {
namespace {

TEST(Address, HasOneSpelling) {
  const std::pair<const char*, const char*> rows[] = {
      {"203.0.113.7", "203.0.113.7"},       {"2001:db8::1", "2001:db8::1"},
      {"2001:0DB8:0:0::1", "2001:db8::1"},  {"::", "::"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"}, {"255.255.255.255", "255.255.255.255"},
  };
  for (const auto& [text, canonical] : rows) {
    const auto address = parseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), canonical);
  }
}

TEST(Address, RefusesEveryOtherSpelling) {
  for (const auto text :
       {"", "1.2.3", "1.2.3.4.5", "010.8.8.8", "1.2.3.04", "0x7f.1", "0x7f.0.0.1", "134744072", "1.2.3.256", " 1.2.3.4",
        "1.2.3.4 ", "1.2.3.4\n", "fe80::1%eth0", "1::2::3", "12345::", "a.b.c.d", "+1.2.3.4"}) {
    EXPECT_FALSE(parseAddress(text)) << text;
  }
  EXPECT_FALSE(parseAddress(std::string_view("1.2.3.4\0", 8)));
}

TEST(Prefix, KnowsItsEnds) {
  const auto prefix = parsePrefix("203.0.113.16/29");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->first().text(), "203.0.113.16");
  EXPECT_EQ(prefix->last().text(), "203.0.113.23");
  EXPECT_FALSE(prefix->hasHostBits());
  EXPECT_TRUE(parsePrefix("203.0.113.17/29")->hasHostBits());
  EXPECT_EQ(parsePrefix("2001:db8::/64")->last().text(), "2001:db8::ffff:ffff:ffff:ffff");
  EXPECT_EQ(parsePrefix("8.8.8.8")->text(), "8.8.8.8/32");
}

TEST(Prefix, RefusesLengthsThatAreNone) {
  for (const auto text : {"1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/08", "1.2.3.4/+8", "1.2.3.4/8/8", "::/129",
                          "1.2.3.4/1e1", "/8"}) {
    EXPECT_FALSE(parsePrefix(text)) << text;
  }
}

TEST(Prefix, ContainsAndOverlapsWithinItsFamily) {
  const auto wide = *parsePrefix("10.0.0.0/8"), narrow = *parsePrefix("10.1.0.0/16"),
             other = *parsePrefix("11.0.0.0/8");
  EXPECT_TRUE(wide.contains(narrow));
  EXPECT_FALSE(narrow.contains(wide));
  EXPECT_TRUE(narrow.overlaps(wide));
  EXPECT_FALSE(wide.overlaps(other));
  EXPECT_FALSE(parsePrefix("::/0")->contains(wide));
}

TEST(Address, TellsWhatIsPublic) {
  for (const auto text : {"8.8.8.8", "203.0.114.1", "2a00::1", "2606:4700::/32"})
    EXPECT_TRUE(isPublic(*parsePrefix(text))) << text;
  for (const auto text : {"0.0.0.0",     "10.0.0.1",       "100.64.0.1",      "127.0.0.1",        "169.254.169.254",
                          "172.31.0.1",  "192.168.0.1",    "192.0.2.1",       "198.18.0.1",       "198.51.100.1",
                          "203.0.113.7", "224.0.0.1",      "255.255.255.255", "8.0.0.0/6",        "::",
                          "::1",         "::ffff:8.8.8.8", "::8.8.8.8",       "64:ff9b::808:808", "2001:0:1::",
                          "2001:db8::1", "2002:808:808::", "3fff::1",         "fc00::1",          "fe80::1",
                          "fec0::1",     "ff02::1",        "4000::1"})
    EXPECT_FALSE(isPublic(*parsePrefix(text))) << text;
}

}  // namespace
}  // namespace mpay::net
