#include "acceptor.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

constexpr int kReservedDescriptors = 32;
// Then ticks get their turn, however many clients there are.
constexpr int kMostAtOnce = 64;

// The first descriptor that no connection may have. They are given out lowest first, so a high one
// says that the ones below are taken.
int DescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kReservedDescriptors;
  const auto all = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  return std::max(all - kReservedDescriptors, all / 2);
}

int MakeEvent() {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

}  // namespace

Acceptor::Acceptor(int listening, Milliseconds tick, OnAccepted on_accepted, OnTick on_tick)
    : listening_(listening),
      stop_event_(MakeEvent()),
      descriptor_limit_(DescriptorLimit()),
      tick_(tick),
      on_accepted_(std::move(on_accepted)),
      on_tick_(std::move(on_tick)),
      thread_([this] { Run(); }) {}

Acceptor::~Acceptor() {
  (void)::eventfd_write(stop_event_, 1);
  thread_.join();
  (void)::close(stop_event_);
  (void)::close(listening_);
}

void Acceptor::Run() {
  using std::chrono::steady_clock;
  auto next_tick = steady_clock::now() + tick_;
  int ticks_left = 0;
  bool paused = false;
  for (;;) {
    const auto wait = std::chrono::ceil<Milliseconds>(next_tick - steady_clock::now());
    const bool ticking = paused || ticks_left > 0;
    const int timeout =
        ticking ? static_cast<int>(std::max<Milliseconds::rep>(0, wait.count())) : -1;
    pollfd events[] = {{stop_event_, POLLIN, 0}, {paused ? -1 : listening_, POLLIN, 0}};
    const int ready = ::poll(events, 2, timeout);
    if (ready > 0 && events[0].revents != 0) return;
    if (ready > 0 && events[1].revents != 0) {
      paused = !AcceptWaiting();
      ticks_left = kTicksAfterAccept;
      if (!ticking) next_tick = steady_clock::now() + tick_;
    }
    if (steady_clock::now() < next_tick) continue;
    ticks_left = Tick() ? kTicksAfterAccept : std::max(0, ticks_left - 1);
    paused = false;
    next_tick = steady_clock::now() + tick_;
  }
}

// What a tick could not do for want of memory, the next one does.
bool Acceptor::Tick() {
  try {
    return on_tick_();
  } catch (const std::bad_alloc&) {
    return true;
  }
}

bool Acceptor::AcceptWaiting() {
  for (int count = 0; count < kMostAtOnce; ++count) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const int fd = ::accept4(listening_, generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= descriptor_limit_) {
      (void)::close(fd);
    } else if (fd >= 0) {
      on_accepted_(fd, generic, size);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace radar_spoof
