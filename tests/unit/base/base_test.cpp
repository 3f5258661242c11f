#include <gtest/gtest.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/stop.h"
#include "base/text.h"

namespace mpay {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return refuse("Odd", "the number is odd");
  return number / 2;
}
Result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }

TEST(Text, IsCutBetweenCharacters) {
  EXPECT_EQ(cut("țară", 2), "ț");
  EXPECT_EQ(cut("aț", 2), "a");
  EXPECT_EQ(cut("aț", 3), "aț");
  EXPECT_EQ(cut("ț", 0), "");
}

TEST(Text, IsPlainWithoutWhatATerminalWouldObey) {
  EXPECT_EQ(plain("țară\n\tb", ' ', "\n\t"), "țară\n\tb");
  const std::pair<std::string, std::string> rows[] = {
      {"a\nb\x1b[2J\x7f", "a?b?[2J?"},
      {"a\xc2\x9b"
       "2J",
       "a?2J"},  // CSI in one character
      {"a\xe2\x80\xae"
       "b",
       "a?b"},  // right-to-left override
      {"a\xe2\x81\xa6"
       "b",
       "a?b"},  // left-to-right isolate
      {"a\xff"
       "b\xc8",
       "a?b?"},                          // no UTF-8
      {"\xc0\x9b\xed\xa0\x80", "?????"}  // overlong, and a surrogate
  };
  for (const auto& [text, shown] : rows) EXPECT_EQ(plain(text, '?'), shown);
}

TEST(Text, CountsCharacters) {
  EXPECT_EQ(countCharacters(""), 0u);
  EXPECT_EQ(countCharacters("țară"), 4u);
  EXPECT_EQ(countCharacters("a\xff\xc8"), 3u);
}

TEST(Try, PassesValuesOnAndReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().reason, "Odd");
}

TEST(Time, IsWrittenAsKubernetesWritesIt) {
  const auto time = parseTime("2026-11-20T09:30:05Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(formatTime(*time), "2026-11-20T09:30:05Z");
  EXPECT_EQ(formatMicroTime(*time), "2026-11-20T09:30:05.000000Z");
  EXPECT_EQ(parseTime("2026-11-20T09:30:05.123456Z"), time);
  EXPECT_EQ(formatTime(WallTime{}), "1970-01-01T00:00:00Z");
  for (const auto text :
       {"", "2026-11-20", "2026-11-20T09:30:05", "2026-13-20T09:30:05Z", "2026-02-30T09:30:05Z", "2026-11-20T24:00:00Z",
        "2026-11-20T09:30:05+02:00", "2026/11/20T09:30:05Z", "2026-11-20T09:30:05ZZ"}) {
    EXPECT_FALSE(parseTime(text)) << text;
  }
}

TEST(Durations, AreGos) {
  EXPECT_EQ(parseDuration("15m"), Duration(900'000));
  EXPECT_EQ(parseDuration("1h30m"), Duration(5'400'000));
  EXPECT_EQ(parseDuration("500ms"), Duration(500));
  EXPECT_EQ(parseDuration("0s"), Duration(0));
  EXPECT_EQ(parseDurationUpTo("1500ms", std::chrono::seconds(2)), std::chrono::seconds(2)) << "rounded up";
  EXPECT_EQ(parseDurationUpTo("1h", std::chrono::hours(1)), std::chrono::hours(1));
  EXPECT_FALSE(parseDurationUpTo("3600001ms", std::chrono::hours(1)));
  EXPECT_FALSE(parseDurationUpTo("an hour", std::chrono::hours(1)));
  for (const auto text : {"", "15", "m", "-5s", "5d", "1.5h", "99999999999h"})
    EXPECT_FALSE(parseDuration(text)) << text;
  EXPECT_EQ(humanDuration(std::chrono::seconds(130)), "2m 10s");
  EXPECT_EQ(humanDuration(std::chrono::hours(76)), "3d 4h");
}

TEST(Backoff, DoublesUpToItsMostAndNeverRepeatsAtOnce) {
  const Backoff backoff{Duration(100), Duration(1000)};
  for (unsigned failures = 1; failures < 80; ++failures) {
    const auto wait = backoff.after(failures);
    const auto ceiling = failures > 4 ? Duration(1000) : std::min(Duration(1000), Duration(100 << (failures - 1)));
    EXPECT_GE(wait, ceiling / 2);
    EXPECT_LE(wait, ceiling);
  }
}

TEST(Stop, EndsAWait) {
  std::stop_source stop;
  EXPECT_TRUE(sleepUnlessStopped(Duration(1), stop.get_token()));
  std::thread stopping([&] { stop.request_stop(); });
  EXPECT_FALSE(sleepUnlessStopped(std::chrono::hours(1), stop.get_token()));
  stopping.join();
  EXPECT_FALSE(sleepUnlessStopped(std::chrono::hours(1), stop.get_token())) << "also when it came before";
}

TEST(Stop, ComesWithASignal) {
  const auto endsWith = [](int number) {
    bool right = false;
    {
      const StopOnSignal stop;
      if (number != 0) kill(getpid(), number);
      if (number != 0) sleepUnlessStopped(std::chrono::seconds(10), stop.token());
      right = stop.token().stop_requested() == (number != 0);
    }
    std::exit(right ? 0 : 1);
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int number : {SIGTERM, SIGINT, 0}) EXPECT_EXIT(endsWith(number), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mpay
