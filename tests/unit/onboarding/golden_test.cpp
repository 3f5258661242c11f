#include "unit/onboarding/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/clock.h"
#include "crypto/digest.h"
#include "json/codec.h"

namespace mpay::onboarding {
namespace {

json::value contentOf(const api::ConfigMap& object) {
  json::object data;
  for (const auto& [name, text] : object.data) {
    auto parsed = name.ends_with(".json") ? json::parse(text) : Result<json::value>(json::value(text));
    data[name] = parsed ? std::move(*parsed) : json::value(text);
  }
  return json::object{{"metadata", json::encode(object.metadata)},
                      {"data", std::move(data)},
                      {"binaryData", json::encode(object.binaryData)}};
}

json::value piecesOf(const Plan& plan) {
  json::array pieces;
  auto status = json::encode(plan.status).as_object();
  for (auto& condition : status["conditions"].as_array()) pieces.push_back(std::move(condition));
  status.erase("conditions");
  pieces.push_back(std::move(status));
  for (const auto& object : plan.testing) pieces.push_back(contentOf(object));
  for (const auto& object : plan.production) pieces.push_back(contentOf(object));
  if (plan.revision)
    pieces.push_back(json::object{{"metadata", json::encode(plan.revision->metadata)},
                                  {"revision", plan.revision->revision},
                                  {"data", plan.revision->data}});
  if (plan.keys)
    pieces.push_back(json::object{{"step", static_cast<int>(plan.keys->step)},
                                  {"secret", plan.keys->secret.text()},
                                  {"resourceVersion", plan.keys->resourceVersion},
                                  {"chain", plan.keys->chain}});
  pieces.push_back(json::object{{"forgetWithdrawal", plan.forgetWithdrawal},
                                {"carryOutWithdrawal", plan.carryOutWithdrawal},
                                {"endTesting", plan.endTesting},
                                {"endProduction", plan.endProduction},
                                {"dropTesting", plan.dropTesting},
                                {"provisioned", plan.provisioned},
                                {"nextInstant", plan.nextInstant ? formatTime(*plan.nextInstant) : ""}});
  return pieces;
}

// Gives each key and hash the number of its first appearance in one plan.
class Numbering {
 public:
  explicit Numbering(WallTime now) : now_(now) {}

  void apply(json::value& value) {
    if (auto* text = value.if_string()) {
      *text = plain(std::string(*text));
    } else if (auto* array = value.if_array()) {
      for (auto& each : *array) apply(each);
    } else if (auto* object = value.if_object()) {
      for (auto& [name, member] : *object) {
        // These are sorted by their hashes.
        if (name == "certificates" || name == "notifications") sort(member);
        apply(member);
        if (name == "certificates" || name == "notifications") sort(member);
      }
    }
  }

 private:
  // The length of the time, certificate, hash or key with which the text begins; 0 where it begins with none. By hand:
  // std::regex recurses for each character, and under a sanitizer the stack ends.
  static std::size_t lengthOfVolatile(std::string_view text) {
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
    const auto fits = [](char c, char wanted) { return wanted == 'd' ? std::isdigit(c) != 0 : c == wanted; };
    if (text.size() >= form.size() &&
        std::equal(form.begin(), form.end(), text.begin(), [&](char wanted, char c) { return fits(c, wanted); }))
      return form.size();
    if (text.starts_with("-----BEGIN ")) {
      const auto end = text.find("-----END ");
      const auto last = end == std::string_view::npos ? end : text.find("-----", end + 9);
      if (last != std::string_view::npos) return last + 5 + (text.substr(last + 5).starts_with('\n') ? 1 : 0);
    }
    const auto run = [&](auto belongs) {
      return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) - text.begin());
    };
    if (const auto hex = run([](unsigned char c) { return std::isxdigit(c) != 0; }); hex >= 16) return hex;
    const auto base64 = run([](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
    if (base64 < 60) return 0;
    const auto after = text.find_first_not_of('=', base64);
    return after == std::string_view::npos ? text.size() : after;
  }
  void sort(json::value& value) const {
    if (!value.is_array()) return;
    std::vector<std::pair<std::string, json::value>> all;
    for (auto& each : value.as_array())
      all.emplace_back(replaced(json::canonical(each), [&](const std::string& text) { return known(text); }),
                       std::move(each));
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    json::array sorted;
    for (auto& [text, each] : all) sorted.push_back(std::move(each));
    value = std::move(sorted);
  }
  static std::string replaced(const std::string& text, const std::function<std::string(const std::string&)>& by) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const auto length = lengthOfVolatile(std::string_view(text).substr(at));
      result += length == 0 ? text.substr(at, 1) : by(text.substr(at, length));
      at += std::max<std::size_t>(length, 1);
    }
    return result;
  }
  std::string plain(const std::string& text) {
    return replaced(text, [&](const std::string& found) { return isTime(found) ? told(found) : numbered(found); });
  }
  std::string known(const std::string& text) const {
    const auto found = numbers_.find(text);
    return found == numbers_.end() ? "" : fmt::format("#{}", found->second);
  }
  static bool isTime(const std::string& text) { return parseTime(text).has_value(); }
  // Relative to now, to the minute: a certificate is made a moment before the form that declares it. Times that a test
  // contains literally are long past, and stay as they are.
  std::string told(const std::string& time) const {
    const auto apart = *parseTime(time) - now_ + std::chrono::seconds(10);
    if (*parseTime(time) < began_ - std::chrono::hours(48)) return time;
    return fmt::format("now{:+}m", std::chrono::floor<std::chrono::minutes>(apart).count());
  }
  std::string numbered(const std::string& text) {
    return fmt::format("#{}", numbers_.try_emplace(text, numbers_.size() + 1).first->second);
  }

  const WallTime now_;
  const WallTime began_ = systemClock().now();
  std::map<std::string, std::size_t> numbers_;
};

// The plans of one suite's tests. Equal pieces are kept once.
struct Suite {
  std::map<std::string, json::value> pieces{};
  std::map<std::string, std::vector<std::vector<std::string>>> tests{};
};
BOOST_DESCRIBE_STRUCT(Suite, (), (pieces, tests))

class Corpus : public ::testing::EmptyTestEventListener {
 public:
  static Corpus& instance() {
    static auto* corpus = [] {
      auto* made = new Corpus;
      ::testing::UnitTest::GetInstance()->listeners().Append(made);  // the list owns it
      return made;
    }();
    return *corpus;
  }

  void add(const Plan& plan, WallTime now) {
    auto pieces = piecesOf(plan);
    Numbering(now).apply(pieces);
    auto& names = now_.tests["now"].emplace_back();
    for (auto& piece : pieces.as_array()) {
      names.push_back(crypto::sha256Hex(json::canonical(piece)).substr(0, 12));
      now_.pieces.emplace(names.back(), std::move(piece));
    }
  }

  void OnTestStart(const ::testing::TestInfo&) override { now_ = {}; }
  void OnTestEnd(const ::testing::TestInfo& test) override {
    if (now_.tests.empty() || test.result()->Failed()) return;
    const auto file = std::filesystem::path(MPAY_SOURCE_DIR) / "tests/unit/onboarding/golden" /
                      (std::string(test.test_suite_name()) + ".json");
    Suite known = read(file);
    if (std::getenv("GOLDEN")) {
      known.tests[test.name()] = now_.tests["now"];
      known.pieces.insert(now_.pieces.begin(), now_.pieces.end());
      write(file, known);
      return;
    }
    compare(known, test.name());
  }

 private:
  static Suite read(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    if (text.str().empty()) return {};
    return json::decode<Suite>(json::parse(text.str()).value()).value();
  }
  // Writes a piece on each line, for diffs.
  static void write(const std::filesystem::path& file, const Suite& suite) {
    std::set<std::string> used;
    for (const auto& [name, plans] : suite.tests) {
      for (const auto& plan : plans) used.insert(plan.begin(), plan.end());
    }
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file);
    out << "{\"pieces\": {";
    const char* separator = "\n";
    for (const auto& [name, piece] : suite.pieces) {
      if (!used.contains(name)) continue;
      out << separator << '"' << name << "\": " << json::canonical(piece);
      separator = ",\n";
    }
    out << "},\n\"tests\": {";
    separator = "\n";
    for (const auto& [name, plans] : suite.tests) {
      out << separator << '"' << name << "\": [";
      const char* between = "\n  ";
      for (const auto& plan : plans) {
        out << between << json::canonical(json::encode(plan));
        between = ",\n  ";
      }
      out << "]";
      separator = ",\n";
    }
    out << "}}\n";
  }
  void compare(const Suite& known, const std::string& test) {
    const auto found = known.tests.find(test);
    ASSERT_NE(found, known.tests.end()) << "no plans of this test are on record; GOLDEN=record writes them";
    const auto& plans = now_.tests["now"];
    ASSERT_EQ(plans.size(), found->second.size()) << "it decides on another number of plans; GOLDEN=record writes them";
    for (std::size_t i = 0; i < plans.size(); ++i) {
      if (plans[i] == found->second[i]) continue;
      std::string text;
      const auto list = [&](const auto& some, const auto& others, const auto& pieces, std::string_view title) {
        for (const auto& name : some) {
          if (std::find(others.begin(), others.end(), name) == others.end())
            text += fmt::format("{}: {}\n", title, json::canonical(pieces.at(name)));
        }
      };
      list(found->second[i], plans[i], known.pieces, "on record");
      list(plans[i], found->second[i], now_.pieces, "now");
      ADD_FAILURE() << "plan " << i << " is another one" << (text.empty() ? ", in another order" : "") << ":\n" << text;
      return;
    }
  }

  Suite now_;
};

}  // namespace

void record(const Plan& plan, WallTime now) { Corpus::instance().add(plan, now); }

}  // namespace mpay::onboarding
