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

// True with the address or thread sanitizer, which make memory and time meaningless.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// A folder that is removed with the object, unless KEEP_TEMP is set in the environment.
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

// A child process in a process group of its own, so that Ctrl-C reaches only this process, which ends its children in
// order. It is killed together with its own children when the object is destroyed, when the thread that started it
// ends, and when this process dies.
class Process {
 public:
  Process() = default;
  // Standard output and error go to `log`. `ending` is the signal that it receives when this process dies; a program
  // with children must end them on it. Throws std::runtime_error if it cannot be started.
  Process(std::vector<std::string> command, const std::filesystem::path& log,
          const std::map<std::string, std::string>& environment = {}, int ending = SIGKILL);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // The exit code (128 + signal if killed), or -1 if it still runs after the deadline.
  int wait(std::chrono::milliseconds deadline);
  // Sends SIGTERM, and SIGKILL after `grace`. Returns the exit code.
  int stop(std::chrono::milliseconds grace = std::chrono::seconds(3));

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

struct Finished {
  int code = -1;
  std::string output;  // standard output and error, in order of arrival
};
// Runs a command to its end. Code 127: the command does not exist.
Finished run(std::vector<std::string> command, const std::string& input = "",
             const std::map<std::string, std::string>& environment = {});

// Makes this process receive `number` when its parent dies. For programs that scripts run.
void endWithParent(int number);

// A port on 127.0.0.1, chosen by the kernel, that was free a moment ago.
int freePort();

std::string readFile(const std::filesystem::path& path);
void writeFile(const std::filesystem::path& path, const std::string& text);

// Calls `holds` every 20 ms until it is true. False if the deadline passed.
bool waitFor(std::chrono::milliseconds deadline, const std::function<bool()>& holds);

}  // namespace mpay::test
