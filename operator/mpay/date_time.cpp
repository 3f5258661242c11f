#include "mpay/date_time.h"

namespace mpay::soap {
namespace {

constexpr std::size_t kLongestYear = 9;

struct Parts {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  std::chrono::milliseconds fraction{0};
  std::chrono::minutes east{0};
};

// Takes a text apart from its beginning, and remembers if a part was missing.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool isAtEnd() const { return text_.empty(); }
  bool hasFailed() const { return hasFailed_; }
  void failIf(bool condition) { hasFailed_ = hasFailed_ || condition; }

  bool skips(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { failIf(!skips(c)); }
  std::string_view digits() {
    std::size_t count = 0;
    while (count < text_.size() && text_[count] >= '0' && text_[count] <= '9') ++count;
    const auto taken = text_.substr(0, count);
    text_.remove_prefix(count);
    return taken;
  }
  // Takes two digits that make a number of at most `most`.
  int two(int most) {
    const auto taken = text_.substr(0, 2);
    Scanner inside(taken);
    if (inside.digits().size() != 2) {
      hasFailed_ = true;
      return 0;
    }
    text_.remove_prefix(2);
    const int value = 10 * (taken[0] - '0') + (taken[1] - '0');
    failIf(value > most);
    return value;
  }

 private:
  std::string_view text_;
  bool hasFailed_ = false;
};

unsigned lastDayOf(int year, unsigned month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int yearOf(Scanner& from) {
  const bool isBefore = from.skips('-');
  const auto digits = from.digits();
  from.failIf(digits.size() < 4 || digits.size() > kLongestYear || (digits.size() > 4 && digits[0] == '0'));
  if (from.hasFailed()) return 0;
  int year = 0;
  for (const char digit : digits) year = 10 * year + (digit - '0');
  from.failIf(year == 0);
  return isBefore ? -year : year;
}

// The fraction of a second without its point; empty if there is none.
std::string_view fractionOf(Scanner& from) {
  if (!from.skips('.')) return {};
  const auto digits = from.digits();
  from.failIf(digits.empty());
  return digits;
}

std::chrono::minutes zoneOf(Scanner& from) {
  if (from.isAtEnd() || from.skips('Z')) return {};
  const bool isWest = from.skips('-');
  if (!isWest) from.expect('+');
  const int hours = from.two(14);
  from.expect(':');
  const int minutes = from.two(59);
  from.failIf(hours == 14 && minutes > 0);
  return std::chrono::minutes((isWest ? -1 : 1) * (60 * hours + minutes));
}

std::optional<Parts> partsOf(std::string_view text) {
  Scanner from(text);
  Parts parts;
  parts.year = yearOf(from);
  from.expect('-');
  parts.month = static_cast<unsigned>(from.two(12));
  from.expect('-');
  parts.day = static_cast<unsigned>(from.two(31));
  from.expect('T');
  parts.hour = from.two(24);
  from.expect(':');
  parts.minute = from.two(59);
  from.expect(':');
  parts.second = from.two(59);
  const auto fraction = fractionOf(from);
  parts.east = zoneOf(from);
  if (from.hasFailed() || !from.isAtEnd()) return std::nullopt;
  if (parts.month == 0 || parts.day == 0 || parts.day > lastDayOf(parts.year, parts.month)) return std::nullopt;
  const bool isWhole = fraction.find_first_not_of('0') == std::string_view::npos;
  if (parts.hour == 24 && (parts.minute > 0 || parts.second > 0 || !isWhole)) return std::nullopt;
  int unit = 100;
  for (const char digit : fraction.substr(0, 3)) {
    parts.fraction += std::chrono::milliseconds(unit * (digit - '0'));
    unit /= 10;
  }
  return parts;
}

}  // namespace

bool isDateTime(std::string_view text) { return partsOf(text).has_value(); }

std::optional<std::chrono::sys_time<std::chrono::milliseconds>> instantOf(std::string_view text) {
  const auto parts = partsOf(text);
  if (!parts || parts->year < 1 || parts->year > 9999) return std::nullopt;
  const std::chrono::sys_days day =
      std::chrono::year(parts->year) / std::chrono::month(parts->month) / std::chrono::day(parts->day);
  return day + std::chrono::hours(parts->hour) + std::chrono::minutes(parts->minute) +
         std::chrono::seconds(parts->second) + parts->fraction - parts->east;
}

}  // namespace mpay::soap
