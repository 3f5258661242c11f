// A real nginx, run as a gateway runs it, for tests.
#pragma once

#include <filesystem>
#include <string>

#include "support/process.h"

namespace mpay::test {

// Runs as the current user. Everything that nginx writes is in a folder of its own.
class Nginx {
 public:
  // `http` is the content of `http { }`; its file names are relative to folder().
  explicit Nginx(const std::string& http);

  // The folder for files that the configuration includes, to be written before start() or reload().
  const std::filesystem::path& folder() const { return folder_.path(); }

  // Replaces the configuration; takes effect with start() or reload().
  void configure(const std::string& http);
  // The same with a whole configuration, which says itself where it writes.
  void configureWhole(const std::string& text);
  // `nginx -t`: code 0 if the configuration and all its files load.
  Finished check() const;
  // Throws std::runtime_error with nginx's message if nginx does not start.
  void start();
  // Loads the configuration anew. Existing workers finish their requests, so wait for the effect. If the new
  // configuration does not load, nginx keeps the old one: call check().
  void reload();
  void stop();
  bool running() { return process_.running(); }

  std::string errorLog() const { return readFile(folder_ / "error.log"); }

 private:
  TempDir folder_;
  Process process_;
};

}  // namespace mpay::test
