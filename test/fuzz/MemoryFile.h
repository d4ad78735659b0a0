//===- MemoryFile.h - bytes as a file with a path ---------------*- C++ -*-===//
#ifndef AAC_TEST_FUZZ_MEMORYFILE_H
#define AAC_TEST_FUZZ_MEMORYFILE_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace aac::fuzz {

/// A regular file in memory, with a path while this lives: what is fuzzed is the reading of
/// files as the tools do it.
class MemoryFile {
public:
  MemoryFile(const uint8_t *data, size_t size) : fd(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size)) {
      std::perror("memfd_create");
      std::abort();
    }
  }
  ~MemoryFile() { close(fd); }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }

private:
  int fd;
};

} // namespace aac::fuzz

#endif // AAC_TEST_FUZZ_MEMORYFILE_H
