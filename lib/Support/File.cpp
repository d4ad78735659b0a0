#include "aac/Support/File.h"

#include "absl/strings/str_cat.h"
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
  /// Closes; 0, or the error that a delayed write left behind.
  int close() {
    int result = ::close(fd) == 0 ? 0 : errno;
    fd = -1;
    return result;
  }

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
  if (path == "-") {
    int error = writeAll(STDOUT_FILENO, bytes);
    return error ? systemError("write", "<stdout>", error) : absl::OkStatus();
  }
  std::string target(path);
  // A link keeps pointing: what it points to is replaced.
  if (char *resolved = ::realpath(target.c_str(), nullptr)) {
    target = resolved;
    std::free(resolved);
  }
  struct stat info;
  bool exists = ::stat(target.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write '", path, "': it is a directory, give a file"));
  if (exists && !S_ISREG(info.st_mode)) {
    Descriptor device(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0)
      return systemError("open", path, errno);
    int error = writeAll(device.get(), bytes);
    return error ? systemError("write", path, error) : absl::OkStatus();
  }

  std::string temporary = absl::StrCat(target, ".tmp", ::getpid());
  mode_t mode = exists ? info.st_mode & 07777 : 0666; // the latter less the umask
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (file.get() < 0)
    return systemError("create a file beside", path, errno);
  int error = writeAll(file.get(), bytes);
  if (int closeError = file.close(); error == 0)
    error = closeError;
  if (error == 0 && ::rename(temporary.c_str(), target.c_str()) != 0)
    error = errno;
  if (error == 0)
    return absl::OkStatus();
  ::unlink(temporary.c_str());
  return systemError("write", path, error);
}

} // namespace aac
