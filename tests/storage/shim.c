/* Stands between the program and the C library for the files of a journal: counts and records what is written and
 * synced, and fails the calls that a test names. Everything else passes through.
 *
 * SHIM_DIR    the journal's directory; in the record it is file 127
 * SHIM_FILES  its files, as patterns parted by colons; a file's place here is its number in the record
 * SHIM_FAULT  "CALL KIND FROM TO": calls FROM..TO of CALL (write, sync, truncate), counted from 1 over all files, fail.
 *             KIND is an errno's name, "short" (half is written, then the disk is full) or "wait" (while SHIM_GATE is
 *             there; that one waits is said by making SHIM_GATE.reached)
 * SHIM_SWITCH a file that says the same, looked at before each call
 * SHIM_RECORD where calls are recorded: kind, file, offset, length, bytes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE, SYNC, TRUNCATE, CALLS };
static const char *const NAMES[CALLS] = {"write", "sync", "truncate"};
static long counts[CALLS];
static int record_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_write(int fd, const void *bytes, size_t n) {
  REAL(write);
  return real(fd, bytes, n);
}

static ssize_t real_pwrite(int fd, const void *bytes, size_t n, off_t at) {
  REAL(pwrite);
  return real(fd, bytes, n, at);
}

/* The number of a journal's file, or -1. */
static int named(const char *path) {
  const char *dir = getenv("SHIM_DIR"), *files = getenv("SHIM_FILES");
  if (!dir || !files || strncmp(path, dir, strlen(dir)) != 0) return -1;
  if (strcmp(path, dir) == 0) return 127;
  const char *name = strrchr(path, '/');
  if (!name) return -1;
  name++;
  for (int n = 0; *files; n++) {
    size_t len = strcspn(files, ":");
    char pattern[NAME_MAX];
    snprintf(pattern, sizeof pattern, "%.*s", (int)len, files);
    if (fnmatch(pattern, name, 0) == 0) return n;
    files += len;
    if (*files == ':') files++;
  }
  return -1;
}

static int ours(int fd) {
  if (!getenv("SHIM_DIR")) return -1;
  int kept = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  errno = kept;
  if (n < 0) return -1;
  path[n] = 0;
  return named(path);
}

static void record(char kind, int file, uint64_t at, uint32_t len, const void *bytes) {
  const char *path = getenv("SHIM_RECORD");
  if (!path) return;
  int kept = errno;
  pthread_mutex_lock(&lock);
  if (record_fd < 0) record_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  uint32_t body = kind == 'W' ? len : 0;
  char *whole = malloc(14 + body);
  if (whole && record_fd >= 0) {
    whole[0] = kind;
    whole[1] = (char)file;
    memcpy(whole + 2, &at, 8);
    memcpy(whole + 10, &len, 4);
    if (body) memcpy(whole + 14, bytes, body);
    /* At once, or what another process records in between would part it. */
    if (real_write(record_fd, whole, 14 + body) != (ssize_t)(14 + body)) abort();
  }
  free(whole);
  pthread_mutex_unlock(&lock);
  errno = kept;
}

static int number(const char *name) {
  if (strcmp(name, "EIO") == 0) return EIO;
  if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(name, "EDQUOT") == 0) return EDQUOT;
  abort();
}

/* What is to become of this call: 0 nothing, an errno, or -1: half of it is done. */
static int fault(int call) {
  long n = __sync_add_and_fetch(&counts[call], 1);
  char text[128] = "";
  const char *given = getenv("SHIM_FAULT"), *path = getenv("SHIM_SWITCH");
  if (given) snprintf(text, sizeof text, "%s", given);
  if (path) {
    FILE *file = fopen(path, "re");
    if (file) {
      if (!fgets(text, sizeof text, file)) text[0] = 0;
      fclose(file);
    }
  }
  char which[16], kind[16];
  long from, to;
  if (sscanf(text, "%15s %15s %ld %ld", which, kind, &from, &to) != 4) return 0;
  if (strcmp(which, NAMES[call]) != 0 || n < from || n > to) return 0;
  if (strcmp(kind, "short") == 0) return n == from ? -1 : ENOSPC;
  if (strcmp(kind, "wait") != 0) return number(kind);
  const char *gate = getenv("SHIM_GATE");
  if (!gate || access(gate, F_OK) != 0) return 0;
  char reached[PATH_MAX];
  snprintf(reached, sizeof reached, "%s.reached", gate);
  int fd = open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  while (access(gate, F_OK) == 0) usleep(2000);
  return 0;
}

/* at < 0: where the file stands. */
static ssize_t written(int fd, const void *bytes, size_t n, off_t at) {
  int file = ours(fd);
  size_t want = n;
  off_t place = at;
  if (file >= 0) {
    int how = fault(WRITE);
    if (how == -1 && n > 1) want = n / 2;
    else if (how == -1) how = ENOSPC;
    if (how > 0) {
      errno = how;
      return -1;
    }
    if (at < 0) place = lseek(fd, 0, SEEK_CUR);
  }
  ssize_t done = at < 0 ? real_write(fd, bytes, want) : real_pwrite(fd, bytes, want, at);
  if (file >= 0 && done > 0) record('W', file, (uint64_t)place, (uint32_t)done, bytes);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t n) { return written(fd, bytes, n, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return written(fd, bytes, n, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) { return written(fd, bytes, n, at); }

static int synced(int fd, const char *name) {
  int file = ours(fd);
  if (file >= 0) {
    int how = fault(SYNC);
    if (how != 0) {
      record('F', file, 0, 0, 0);
      errno = how > 0 ? how : EIO;
      return -1;
    }
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int done = real(fd);
  if (file >= 0) record(done == 0 ? 'S' : 'F', file, 0, 0, 0);
  return done;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int cut(int fd, off64_t len) {
  int file = ours(fd);
  if (file >= 0) {
    int how = fault(TRUNCATE);
    if (how != 0) {
      errno = how > 0 ? how : EIO;
      return -1;
    }
  }
  REAL(ftruncate64);
  int done = real(fd, len);
  if (file >= 0 && done == 0) record('T', file, (uint64_t)len, 0, 0);
  return done;
}

int ftruncate(int fd, off_t len) { return cut(fd, len); }
int ftruncate64(int fd, off64_t len) { return cut(fd, len); }

int unlink(const char *path) {
  REAL(unlink);
  int done = real(path);
  int file = named(path);
  if (file >= 0 && done == 0) record('U', file, 0, 0, 0);
  return done;
}
