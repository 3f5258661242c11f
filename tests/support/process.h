// Child processes, temporary folders, free ports and waiting, for tests.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mpay::test {

// Whether this is a build with the address or thread sanitizer, where memory and time tell little.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// A folder that goes with the object; with KEEP_TEMP set in the environment it stays.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A child process, in a process group of its own so that Ctrl-C reaches only us, who end it in order. It is
// killed with the object, together with its children, and also when the thread that started it ends or this process
// dies.
class Process {
 public:
  Process() = default;
  // Standard output and error go to `log`. `ending` is what it receives when we die; a program with children of its
  // own must end them then. Throws std::runtime_error when it cannot be started.
  Process(std::vector<std::string> command, const std::filesystem::path& log,
          const std::map<std::string, std::string>& environment = {}, int ending = SIGKILL);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // The exit code (128 + signal when killed), or -1 when it still runs after the deadline.
  int wait(std::chrono::milliseconds deadline);
  // SIGTERM, and SIGKILL after `grace`. The exit code.
  int stop(std::chrono::milliseconds grace = std::chrono::seconds(3));

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

struct Finished {
  int code = -1;
  std::string output;  // standard output and error, as they came
};
// Runs a command to its end. Code 127: there is no such command.
Finished run(std::vector<std::string> command, const std::string& input = "",
             const std::map<std::string, std::string>& environment = {});

// Makes this process receive `number` when its parent dies. For programs that are run by scripts.
void endWithParent(int number);

// A port that was free a moment ago, chosen by the kernel, on 127.0.0.1.
int freePort();

std::string readFile(const std::filesystem::path& path);
void writeFile(const std::filesystem::path& path, const std::string& text);

// Asks every 20 ms until it holds; false when the deadline passed.
bool waitFor(std::chrono::milliseconds deadline, const std::function<bool()>& holds);

}  // namespace mpay::test
