// Preloaded into a program, is a disk that hangs, as a file system does whose server is gone.
//
// With RADAR_SPOOF_HUNG_FILE: that file cannot be opened while there is another one with ".hang"
// behind its name. Who tries has made one with ".hung". Without: fsync() hangs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*Open)(const char*, int, ...);

static Open real_open(void) {
  Open open = NULL;
  *(void**)&open = dlsym(RTLD_NEXT, "open");
  return open;
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  const char* const hung_file = getenv("RADAR_SPOOF_HUNG_FILE");
  if (hung_file != NULL && strcmp(path, hung_file) == 0) {
    char hang[4096];
    char hung[4096];
    snprintf(hang, sizeof hang, "%s.hang", path);
    snprintf(hung, sizeof hung, "%s.hung", path);
    if (access(hang, F_OK) == 0) close(real_open()(hung, O_CREAT | O_WRONLY, 0600));
    while (access(hang, F_OK) == 0) usleep(10000);
  }
  return real_open()(path, flags, mode);
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));

int fsync(int descriptor) {
  int (*real_fsync)(int) = NULL;
  while (getenv("RADAR_SPOOF_HUNG_FILE") == NULL) pause();
  *(void**)&real_fsync = dlsym(RTLD_NEXT, "fsync");
  return real_fsync(descriptor);
}
