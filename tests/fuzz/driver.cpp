// Runs a target for a second over its seeds and over random changes of them. For builds without libFuzzer.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

void feed(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds{""};
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(file.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  if (seeds.size() == 1) {
    std::fprintf(stderr, "no seeds\n");
    return 2;
  }
  for (const auto& seed : seeds) feed(seed);
  std::mt19937 random(1);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  std::size_t count = 0;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
       std::chrono::steady_clock::now() < end; ++count) {
    std::string input = seeds[below(seeds.size())];
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(input.size() + 1);
      switch (below(6)) {
        case 0: input.insert(at, 1, static_cast<char>(below(256))); break;
        case 1: input.erase(at, 1 + below(4)); break;
        case 2: input = input.substr(0, at) + seeds[below(seeds.size())].substr(0, below(64)); break;
        case 3: input.resize(at); break;
        default:
          if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
      }
    }
    feed(input);
  }
  std::printf("%zu inputs\n", count + seeds.size());
  return 0;
}
