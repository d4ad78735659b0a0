#include "aac/Support/File.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace aac {
namespace {

absl::Status systemError(absl::string_view what, absl::string_view path, int error) {
  std::string message = absl::StrCat("cannot ", what, " '", path, "': ", std::strerror(error));
  if (error == ENOENT)
    return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM)
    return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

/// Owns a file descriptor.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd > STDERR_FILENO)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd; }

private:
  int fd;
};

/// Writes all of `bytes`; 0 or errno.
int writeAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

} // namespace

absl::StatusOr<std::string> readFile(absl::string_view path) {
  bool isStdin = path == "-";
  std::string name(isStdin ? "<stdin>" : path);
  Descriptor file(isStdin ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0)
    return systemError("open", name, errno);
  struct stat info;
  if (::fstat(file.get(), &info) != 0)
    return systemError("read", name, errno);
  if (S_ISDIR(info.st_mode))
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read '", name, "': it is a directory, give a file"));

  // The size is a hint: pipes and /proc files have none.
  std::string bytes;
  size_t used = 0;
  bytes.resize(S_ISREG(info.st_mode) ? static_cast<size_t>(info.st_size) + 1 : size_t{1} << 16);
  while (true) {
    if (used == bytes.size())
      bytes.resize(2 * bytes.size());
    ssize_t got = ::read(file.get(), &bytes[used], bytes.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError("read", name, errno);
    if (got == 0)
      break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

absl::Status writeFileAtomically(absl::string_view path, absl::string_view bytes) {
  auto file = AtomicFile::create(path);
  if (!file.ok())
    return file.status();
  return file->commit(writeAll(file->descriptor(), bytes));
}

absl::StatusOr<AtomicFile> AtomicFile::create(absl::string_view path) {
  AtomicFile file;
  file.path = std::string(path);
  if (path == "-") {
    file.path = "<stdout>";
    file.fd = STDOUT_FILENO;
    return file;
  }
  file.target = std::string(path);
  // A link keeps pointing: what it points to is replaced.
  if (char *resolved = ::realpath(file.target.c_str(), nullptr)) {
    file.target = resolved;
    std::free(resolved);
  }
  struct stat info;
  bool exists = ::stat(file.target.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write '", path, "': it is a directory, give a file"));
  if (exists && !S_ISREG(info.st_mode)) {
    file.fd = ::open(file.target.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.fd < 0)
      return systemError("open", path, errno);
    return file;
  }
  std::string temporary = absl::StrCat(file.target, ".tmp", ::getpid());
  mode_t mode = exists ? info.st_mode & 07777 : 0666; // the latter less the umask
  // Never through a file or link that somebody put there.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file.fd = ::open(temporary.c_str(), kFlags, mode);
  if (file.fd < 0 && errno == EEXIST && ::unlink(temporary.c_str()) == 0)
    file.fd = ::open(temporary.c_str(), kFlags, mode);
  if (file.fd < 0)
    return systemError("create a file beside", path, errno);
  file.temporary = std::move(temporary);
  return file;
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept
    : fd(std::exchange(other.fd, -1)), path(std::move(other.path)), target(std::move(other.target)),
      temporary(std::exchange(other.temporary, {})) {}

AtomicFile::~AtomicFile() {
  if (fd > STDERR_FILENO)
    ::close(fd);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

absl::Status AtomicFile::commit(int error) {
  if (fd > STDERR_FILENO) {
    if (::close(fd) != 0 && error == 0) // the error of a delayed write
      error = errno;
    fd = -1;
  }
  if (error == 0 && !temporary.empty()) {
    if (::rename(temporary.c_str(), target.c_str()) == 0)
      temporary.clear();
    else
      error = errno;
  }
  return error == 0 ? absl::OkStatus() : systemError("write", path, error);
}

namespace {

/// openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS); -1 with ENOSYS where the kernel lacks it.
int openBeneathAtOnce(int directory, const char *relative) {
#ifdef SYS_openat2
  struct open_how how = {};
  how.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = static_cast<int>(::syscall(SYS_openat2, directory, relative, &how, sizeof(how)));
  if (fd < 0 && (errno == EPERM || errno == EINVAL || errno == E2BIG)) // sandboxes forbid it
    errno = ENOSYS;
  return fd;
#else
  errno = ENOSYS;
  return -1;
#endif
}

/// The same one component at a time: none can be a link, so nothing leaves the directory.
int openBeneathByParts(int directory, const std::vector<std::string> &parts) {
  int at = ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
  for (size_t i = 0; at >= 0 && i < parts.size(); ++i) {
    int kind = i + 1 == parts.size() ? O_NONBLOCK : O_DIRECTORY;
    int next = ::openat(at, parts[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
    int error = errno;
    ::close(at);
    errno = error;
    at = next;
  }
  return at;
}

} // namespace

absl::StatusOr<int> openBeneath(int directory, const std::string &relative, bool byParts) {
  if (relative.empty() || relative.front() == '/' || relative.find('\0') != std::string::npos ||
      relative.find('\\') != std::string::npos)
    return absl::InvalidArgumentError("the location must be a relative path");
  std::vector<std::string> parts = absl::StrSplit(relative, '/');
  for (const std::string &part : parts)
    if (part.empty() || part == "." || part == "..")
      return absl::InvalidArgumentError("the location must not leave the model's directory");
  int fd = byParts ? -1 : openBeneathAtOnce(directory, relative.c_str());
  if (byParts || (fd < 0 && errno == ENOSYS))
    fd = openBeneathByParts(directory, parts);
  if (fd < 0) {
    bool link = errno == ELOOP || errno == ENOTDIR || errno == EXDEV;
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot open: ", link ? "a symbolic link or not a directory" : std::strerror(errno)));
  }
  struct stat info;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
    ::close(fd);
    return absl::InvalidArgumentError("not a regular file with one name");
  }
  return fd;
}

} // namespace aac
