#include "cli/csr.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "domain/rules.h"
#include "onboarding/key_request.h"

namespace mpay::cli {
namespace {

// A new file. The destructor removes it unless it was kept.
class NewFile {
 public:
  NewFile() = default;
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (made_ && !kept_) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Result<void> create(const std::string& path, mode_t mode) {
    path_ = path;
    // O_EXCL also refuses a symbolic link that leads nowhere.
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor_ < 0 && errno == EEXIST)
      return refuse("FileExists", fmt::format("{} exists and is not overwritten; name another file", path));
    if (descriptor_ < 0) return problem("create");
    made_ = true;
    return {};
  }

  Result<void> write(std::string_view text) {
    while (!text.empty()) {
      const auto count = ::write(descriptor_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return problem("write");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(descriptor_) != 0 && errno != EINVAL) return problem("write");
    return {};
  }
  void keep() { kept_ = true; }

 private:
  tl::unexpected<Error> problem(std::string_view what) const {
    return fail(ErrorKind::Transport, fmt::format("cannot {} {}: {}", what, path_, std::strerror(errno)));
  }

  std::string path_;
  int descriptor_ = -1;
  bool made_ = false;
  bool kept_ = false;
};

std::string either(const std::string& typed, const std::string& declared) { return typed.empty() ? declared : typed; }

}  // namespace

Result<crypto::RequestSubject> subjectOf(const CsrOptions& options,
                                         const std::optional<api::MPayIntegration>& integration) {
  auto subject = integration ? onboarding::subjectOf(integration->spec) : crypto::RequestSubject{};
  subject.commonName = either(options.commonName, subject.commonName);
  subject.organization = either(options.organization, subject.organization);
  subject.organizationalUnit = either(options.organizationalUnit, subject.organizationalUnit);
  subject.idno = either(options.idno, subject.idno);
  const std::pair<std::string_view, const std::string*> needed[] = {
      {"--common-name", &subject.commonName}, {"--organization", &subject.organization}, {"--idno", &subject.idno}};
  for (const auto& [option, value] : needed) {
    if (value->empty()) {
      return refuse("InvalidSubject", fmt::format("{} is missing; give it, or the name of an MPayIntegration", option));
    }
    if (!domain::isPlainText(*value))
      return refuse("InvalidSubject", fmt::format("{} holds control or text-reordering characters", option));
  }
  if (!domain::isPlainText(subject.organizationalUnit)) {
    return refuse("InvalidSubject", "--organizational-unit holds control or text-reordering characters");
  }
  if (!domain::isIdno(subject.idno))
    return refuse("InvalidSubject", "--idno is not an IDNO: thirteen digits, of which the last is a checksum");
  return subject;
}

Result<void> csr(const CsrOptions& options, const std::optional<api::MPayIntegration>& integration, std::ostream& out,
                 std::ostream& err) {
  const auto subject = TRY(subjectOf(options, integration));
  NewFile keyFile, requestFile;
  TRY(keyFile.create(options.keyFile, S_IRUSR | S_IWUSR));
  if (!options.requestFile.empty()) TRY(requestFile.create(options.requestFile, 0644));
  const auto key = TRY(crypto::PrivateKey::make(options.keyType));
  const auto request = TRY(key.request(subject));
  TRY(keyFile.write(key.pem().view()));
  if (options.requestFile.empty()) {
    if (!(out << request << std::flush)) return fail(ErrorKind::Transport, "cannot write the request");
  } else {
    TRY(requestFile.write(request));
    requestFile.keep();
  }
  keyFile.keep();
  err << fmt::format(
      "A {} key is in {}, readable by you alone: keep it, nobody else needs it.\n"
      "The request of {} {}: send it to STISC, and give the certificate that comes back in spec.certificate.\n",
      options.keyType, options.keyFile, TRY(crypto::textOf(subject)),
      options.requestFile.empty() ? "is above" : "is in " + options.requestFile);
  return {};
}

}  // namespace mpay::cli
