// Preloaded into a program, lets one call of one function fail: the FAULT_NUMBER-th of FAULT_CALL,
// with FAULT_ERRNO, once. "allocation" is malloc, calloc, realloc and their kind together. What
// comes before main() and after it does not count. Says so on standard error, with FAULT_BACKTRACE
// also from where, so that the log shows what came before and what after.
//
// With FAULT_COUNTS set to a file's name and no fault chosen, writes there at exit how often each
// function was called, as "NAME COUNT" lines, and for each allocation "site NUMBER ADDRESS", where
// an address, within its library and at its depth of the stack, was not seen before.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALLS(X)    \
  X(allocation)     \
  X(open)           \
  X(fopen)          \
  X(read)           \
  X(write)          \
  X(writev)         \
  X(fstat)          \
  X(fcntl)          \
  X(mmap)           \
  X(socket)         \
  X(socketpair)     \
  X(setsockopt)     \
  X(bind)           \
  X(listen)         \
  X(getsockname)    \
  X(connect)        \
  X(accept4)        \
  X(eventfd)        \
  X(epoll_create1)  \
  X(epoll_ctl)      \
  X(epoll_wait)     \
  X(poll)           \
  X(recv)           \
  X(send)           \
  X(sendmsg)        \
  X(getaddrinfo)    \
  X(pthread_create) \
  X(fwrite)

enum {
#define X(name) kCall_##name,
  CALLS(X)
#undef X
      kCalls
};

static const char* const kNames[kCalls] = {
#define X(name) #name,
    CALLS(X)
#undef X
};

static atomic_int in_main;
static int with_backtrace;
static atomic_long counts[kCalls];
static int fault_call = -1;  // none until start() has run
static long fault_number;
static int fault_errno;
static const char* counts_file;

#define SITES (1U << 16)
static atomic_ulong seen_sites[SITES];
static struct {
  long number;
  unsigned long site;
} new_sites[SITES];
static atomic_uint new_site_count;

__attribute__((constructor)) static void start(void) {
  counts_file = getenv("FAULT_COUNTS");
  with_backtrace = getenv("FAULT_BACKTRACE") != NULL;
  const char* const name = getenv("FAULT_CALL");
  const char* const number = getenv("FAULT_NUMBER");
  const char* const error = getenv("FAULT_ERRNO");
  if (name == NULL || number == NULL || error == NULL) return;
  fault_number = atol(number);
  fault_errno = atoi(error);
  for (int i = 0; i < kCalls; ++i) {
    if (strcmp(name, kNames[i]) == 0) fault_call = i;
  }
}

__attribute__((destructor)) static void report(void) {
  if (counts_file == NULL) return;
  const int file = (int)syscall(SYS_openat, AT_FDCWD, counts_file, O_WRONLY | O_CREAT, 0600);
  for (int i = 0; i < kCalls; ++i) dprintf(file, "%s %ld\n", kNames[i], atomic_load(&counts[i]));
  const unsigned all = atomic_load(&new_site_count);
  for (unsigned i = 0; i < all && i < SITES; ++i) {
    dprintf(file, "site %ld %lx\n", new_sites[i].number, new_sites[i].site);
  }
  syscall(SYS_close, file);
}

static int fails(int call) {
  if (!atomic_load(&in_main)) return 0;
  const long number = atomic_fetch_add(&counts[call], 1) + 1;
  if (call != fault_call || number != fault_number) return 0;
  char line[80];
  char* end = stpcpy(stpcpy(line, "fault injected: "), kNames[call]);
  *end++ = '\n';
  const long ignored = syscall(SYS_write, STDERR_FILENO, line, (size_t)(end - line));
  (void)ignored;
  if (with_backtrace) {
    void* frames[40];
    backtrace_symbols_fd(frames, backtrace(frames, 40), STDERR_FILENO);
  }
  errno = fault_errno;
  return 1;
}

// Open addressing over hashes of where the call came from; a full table only loses news.
static void note_site(unsigned long site) {
  if (!atomic_load(&in_main)) return;
  for (unsigned i = 0, at = site % SITES; i < 64; ++i, at = (at + 1) % SITES) {
    unsigned long expected = 0;
    if (atomic_load(&seen_sites[at]) == site) return;
    if (atomic_compare_exchange_strong(&seen_sites[at], &expected, site)) {
      const unsigned place = atomic_fetch_add(&new_site_count, 1);
      if (place < SITES) {
        new_sites[place].number = atomic_load(&counts[kCall_allocation]);
        new_sites[place].site = site;
      }
      return;
    }
    if (expected == site) return;
  }
}

#define ALLOCATION_FAILS()                                                              \
  (counts_file != NULL                                                                  \
       ? (note_site((unsigned long)__builtin_return_address(0) * 0x9E3779B97F4A7C15UL ^ \
                    ((unsigned long)__builtin_frame_address(0) & 0xFFFFFUL)),           \
          fails(kCall_allocation))                                                      \
       : fails(kCall_allocation))

// glibc's own names for its allocator: there without a look-up, which would itself allocate.
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) { return ALLOCATION_FAILS() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return ALLOCATION_FAILS() ? NULL : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return ALLOCATION_FAILS() ? NULL : __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return ALLOCATION_FAILS() ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** into, size_t alignment, size_t size) {
  if (ALLOCATION_FAILS()) return fault_errno;
  *into = __libc_memalign(alignment, size);
  return *into == NULL ? ENOMEM : 0;
}

static int (*real_main)(int, char**, char**);

static int main_with_faults(int argc, char** argv, char** environment) {
  atomic_store(&in_main, 1);
  const int status = real_main(argc, argv, environment);
  atomic_store(&in_main, 0);
  return status;
}

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void* stack_end) {
  __typeof__(__libc_start_main)* const next =
      (__typeof__(__libc_start_main)*)dlsym(RTLD_NEXT, "__libc_start_main");
  real_main = main;
  return next(main_with_faults, argc, argv, init, fini, rtld_fini, stack_end);
}

// NAME as the library that comes after this one has it.
#define NEXT(name)               \
  static __typeof__(name)* next; \
  if (next == NULL) next = (__typeof__(name)*)dlsym(RTLD_NEXT, #name)

#define WRAP(call, failed, result, name, parameters, arguments) \
  result name parameters {                                      \
    NEXT(name);                                                 \
    return fails(kCall_##call) ? (failed) : next arguments;     \
  }

#define WRAP_OPEN(name)                                               \
  int name(const char* path, int flags, ...) {                        \
    NEXT(name);                                                       \
    va_list rest;                                                     \
    va_start(rest, flags);                                            \
    const mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                     \
    return fails(kCall_open) ? -1 : next(path, flags, mode);          \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)
int fcntl(int fd, int command, ...) {
  NEXT(fcntl);
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return fails(kCall_fcntl) ? -1 : next(fd, command, argument);
}
int fcntl64(int fd, int command, ...) {
  NEXT(fcntl64);
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return fails(kCall_fcntl) ? -1 : next(fd, command, argument);
}

WRAP(fopen, NULL, FILE*, fopen, (const char* path, const char* mode), (path, mode))
WRAP(fopen, NULL, FILE*, fopen64, (const char* path, const char* mode), (path, mode))
WRAP(fwrite, 0, size_t, fwrite, (const void* from, size_t size, size_t count, FILE* to),
     (from, size, count, to))
WRAP(read, -1, ssize_t, read, (int fd, void* into, size_t size), (fd, into, size))
WRAP(write, -1, ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size))
WRAP(writev, -1, ssize_t, writev, (int fd, const struct iovec* from, int count), (fd, from, count))
WRAP(fstat, -1, int, fstat, (int fd, struct stat* into), (fd, into))
WRAP(fstat, -1, int, fstat64, (int fd, struct stat64* into), (fd, into))
WRAP(mmap, MAP_FAILED, void*, mmap,
     (void* at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
WRAP(socket, -1, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(socketpair, -1, int, socketpair, (int domain, int type, int protocol, int pair[2]),
     (domain, type, protocol, pair))
WRAP(setsockopt, -1, int, setsockopt,
     (int fd, int level, int option, const void* value, socklen_t size),
     (fd, level, option, value, size))
WRAP(bind, -1, int, bind, (int fd, const struct sockaddr* to, socklen_t size), (fd, to, size))
WRAP(listen, -1, int, listen, (int fd, int backlog), (fd, backlog))
WRAP(getsockname, -1, int, getsockname, (int fd, struct sockaddr* into, socklen_t* size),
     (fd, into, size))
WRAP(connect, -1, int, connect, (int fd, const struct sockaddr* to, socklen_t size), (fd, to, size))
WRAP(accept4, -1, int, accept4, (int fd, struct sockaddr* from, socklen_t* size, int flags),
     (fd, from, size, flags))
WRAP(eventfd, -1, int, eventfd, (unsigned value, int flags), (value, flags))
WRAP(epoll_create1, -1, int, epoll_create1, (int flags), (flags))
// To remove a descriptor takes no memory, so that cannot fail.
int epoll_ctl(int at, int what, int fd, struct epoll_event* event) {
  NEXT(epoll_ctl);
  return what != EPOLL_CTL_DEL && fails(kCall_epoll_ctl) ? -1 : next(at, what, fd, event);
}
WRAP(epoll_wait, -1, int, epoll_wait, (int at, struct epoll_event* events, int most, int wait),
     (at, events, most, wait))
WRAP(poll, -1, int, poll, (struct pollfd * fds, nfds_t count, int wait), (fds, count, wait))
WRAP(recv, -1, ssize_t, recv, (int fd, void* into, size_t size, int flags), (fd, into, size, flags))
WRAP(send, -1, ssize_t, send, (int fd, const void* from, size_t size, int flags),
     (fd, from, size, flags))
WRAP(sendmsg, -1, ssize_t, sendmsg, (int fd, const struct msghdr* message, int flags),
     (fd, message, flags))
// These two return what went wrong: for getaddrinfo FAULT_ERRNO is an EAI_ number.
WRAP(getaddrinfo, fault_errno, int, getaddrinfo,
     (const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** into),
     (node, service, hints, into))
WRAP(pthread_create, fault_errno, int, pthread_create,
     (pthread_t * into, const pthread_attr_t* attributes, void* (*run)(void*), void* argument),
     (into, attributes, run, argument))
