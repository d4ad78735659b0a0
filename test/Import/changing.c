/* Loaded before libc: a file whose name ends in $AAC_CHANGING grows by a byte whenever it has
   been read from. For hostile.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void change(int fd) {
  const char *wanted = getenv("AAC_CHANGING");
  char link[64], name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, name, sizeof name - 1);
  if (!wanted || size < (ssize_t)strlen(wanted))
    return;
  name[size] = 0;
  if (strcmp(name + size - strlen(wanted), wanted) != 0)
    return;
  int file = open(name, O_WRONLY | O_APPEND);
  if (file < 0 || write(file, "", 1) != 1)
    abort();
  close(file);
}

ssize_t read(int fd, void *bytes, size_t size) {
  ssize_t (*real)(int, void *, size_t) = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
  ssize_t got = real(fd, bytes, size);
  change(fd);
  return got;
}

static ssize_t readAt(const char *name, int fd, void *bytes, size_t size, off_t offset) {
  ssize_t (*real)(int, void *, size_t, off_t) =
      (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, name);
  ssize_t got = real(fd, bytes, size, offset);
  change(fd);
  return got;
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  return readAt("pread", fd, bytes, size, offset);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t offset) {
  return readAt("pread64", fd, bytes, size, offset);
}
