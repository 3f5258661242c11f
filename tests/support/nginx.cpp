#include "support/nginx.h"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

namespace mpay::test {
namespace {

// An ordinary user's PATH does not have it.
std::string program() { return std::filesystem::exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx"; }

std::vector<std::string> command(const std::filesystem::path& folder) {
  return {program(), "-p", folder.string() + "/", "-c", "nginx.conf", "-e", "error.log"};
}

}  // namespace

Nginx::Nginx(const std::string& http) { configure(http); }

void Nginx::configure(const std::string& http) {
  std::string text;
  // As root, nginx would run its workers as a user who may not read the folder.
  if (geteuid() == 0) text += "user root;\n";
  text += "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log notice;\n";
  text += "events { worker_connections 256; }\nhttp {\n  access_log access.log;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    text += std::string("  ") + kind + "_temp_path temp_" + kind + ";\n";
  }
  writeFile(folder_ / "nginx.conf", text + http + "\n}\n");
}

void Nginx::configureWhole(const std::string& text) {
  writeFile(folder_ / "nginx.conf", "daemon off;\nerror_log error.log notice;\n" + text);
}

Finished Nginx::check() const {
  auto words = command(folder());
  words.emplace_back("-t");
  return run(words);
}

void Nginx::start() {
  std::filesystem::remove(folder_ / "error.log");
  process_ = Process(command(folder()), folder_ / "nginx.log", {}, SIGTERM);
  const bool up = waitFor(std::chrono::seconds(10), [&] {
    return !process_.running() || errorLog().find("start worker process") != std::string::npos;
  });
  if (!up || !process_.running()) throw std::runtime_error("nginx did not start:\n" + readFile(folder_ / "nginx.log"));
}

void Nginx::reload() { process_.signal(SIGHUP); }

void Nginx::stop() { process_.stop(); }

}  // namespace mpay::test
