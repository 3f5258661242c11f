// A real nginx, as a gateway runs it, for tests.
#pragma once

#include <filesystem>
#include <string>

#include "support/process.h"

namespace mpay::test {

// Runs with everything it writes in a folder of its own, as whatever user we are.
class Nginx {
 public:
  // `http` is what stands inside `http { }`; file names in it are relative to folder().
  explicit Nginx(const std::string& http);

  // Where files that the configuration includes go, before start() or reload().
  const std::filesystem::path& folder() const { return folder_.path(); }

  // Replaces the configuration; takes effect with start() or reload().
  void configure(const std::string& http);
  // The same with a whole configuration, which says itself where it writes.
  void configureWhole(const std::string& text);
  // `nginx -t`: code 0 when the configuration and all its files load.
  Finished check() const;
  // Throws std::runtime_error with nginx's own words when it does not come up.
  void start();
  // Loads the configuration anew. Existing workers finish what they serve, so wait for the effect. Where the
  // new configuration does not load, nginx keeps the old one: ask check().
  void reload();
  void stop();
  bool running() { return process_.running(); }

  std::string errorLog() const { return readFile(folder_ / "error.log"); }

 private:
  TempDir folder_;
  Process process_;
};

}  // namespace mpay::test
