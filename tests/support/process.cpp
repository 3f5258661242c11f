#include "support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace mpay::test {
namespace {

// The arguments of execve, made before fork because the child must not allocate.
struct Command {
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;

  Command(std::vector<std::string> command, const std::map<std::string, std::string>& environment)
      : words(std::move(command)) {
    std::map<std::string, std::string> all;
    for (char** entry = environ; *entry; ++entry) {
      const std::string text(*entry);
      all[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
    }
    for (const auto& [name, value] : environment) all[name] = value;
    for (const auto& [name, value] : all) variables.push_back(name + "=" + value);
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    for (auto& variable : variables) envp.push_back(variable.data());
    envp.push_back(nullptr);
  }
};

pid_t spawn(Command& command, int in, int out, int ending = SIGKILL) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, ending);
  if (getppid() != parent) _exit(127);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (in >= 0) dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execvpe(command.argv[0], command.argv.data(), command.envp.data());
  _exit(127);
}

int codeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mpay.XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!std::getenv("KEEP_TEMP")) std::filesystem::remove_all(path_, ignored);
}

Process::Process(std::vector<std::string> command, const std::filesystem::path& log,
                 const std::map<std::string, std::string>& environment, int ending) {
  Command prepared(std::move(command), environment);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || in < 0) throw std::runtime_error("cannot write " + log.string());
  pid_ = spawn(prepared, in, out, ending);
  close(out);
  close(in);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, 0)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    stop(std::chrono::milliseconds(0));
    pid_ = std::exchange(other.pid_, -1);
    status_ = std::exchange(other.status_, 0);
  }
  return *this;
}

Process::~Process() { stop(std::chrono::milliseconds(0)); }

bool Process::running() {
  if (pid_ < 0) return false;
  return wait(std::chrono::milliseconds(0)) == -1;
}

void Process::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

int Process::wait(std::chrono::milliseconds deadline) {
  if (pid_ < 0) return codeOf(status_);
  const bool ended = waitFor(deadline, [&] { return waitpid(pid_, &status_, WNOHANG) == pid_; });
  if (!ended) return -1;
  pid_ = -1;
  return codeOf(status_);
}

int Process::stop(std::chrono::milliseconds grace) {
  if (pid_ < 0) return codeOf(status_);
  if (grace.count() > 0) {
    signal(SIGTERM);
    if (const int code = wait(grace); code != -1) return code;
  }
  // Kills the group first, because a killed program cannot end its children. Then kills the program itself, which may
  // not have a group yet.
  kill(-pid_, SIGKILL);
  signal(SIGKILL);
  waitpid(pid_, &status_, 0);
  pid_ = -1;
  return codeOf(status_);
}

Finished run(std::vector<std::string> command, const std::string& input,
             const std::map<std::string, std::string>& environment) {
  Command prepared(std::move(command), environment);
  const TempDir folder;
  writeFile(folder / "in", input);
  const int in = open((folder / "in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out = open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t pid = spawn(prepared, in, out);
  close(in);
  close(out);
  int status = 0;
  waitpid(pid, &status, 0);
  return {codeOf(status), readFile(folder / "out")};
}

void endWithParent(int number) {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, number);
  if (getppid() != parent) raise(number);
}

int freePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, size) != 0 || getsockname(listener, generic, &size) != 0) {
    throw std::runtime_error("no free port");
  }
  close(listener);
  return ntohs(address.sin_port);
}

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void writeFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

bool waitFor(std::chrono::milliseconds deadline, const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace mpay::test
