#include "acceptor.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

// Then ticks, and the other sockets, get their turn, however many clients there are.
constexpr int kMostAtOnce = 64;

int MakeEvent() {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

}  // namespace

Acceptor::Acceptor(const std::vector<int>& listening, Milliseconds tick, OnAccepted on_accepted,
                   OnTick on_tick)
    : tick_(tick), on_accepted_(std::move(on_accepted)), on_tick_(std::move(on_tick)) {
  events_.reserve(1 + listening.size());
  events_.push_back({MakeEvent(), POLLIN, 0});
  for (const int each : listening) events_.push_back({each, POLLIN, 0});
  thread_ = std::thread([this] { Run(); });
}

Acceptor::~Acceptor() {
  stopping_ = true;
  Wake();
  thread_.join();
  (void)::close(events_[0].fd);
}

void Acceptor::Wake() { (void)::eventfd_write(events_[0].fd, 1); }

void Acceptor::Run() {
  using std::chrono::steady_clock;
  auto next_tick = steady_clock::now() + tick_;
  int ticks_left = 0;
  bool paused = false;
  while (!stopping_) {
    const auto wait = std::chrono::ceil<Milliseconds>(next_tick - steady_clock::now());
    const bool ticking = paused || ticks_left > 0;
    const int timeout =
        ticking ? static_cast<int>(std::max<Milliseconds::rep>(0, wait.count())) : -1;
    if (::poll(events_.data(), paused ? 1 : events_.size(), timeout) > 0) {
      eventfd_t count = 0;
      if (events_[0].revents != 0) (void)::eventfd_read(events_[0].fd, &count);
      for (auto each = events_.begin() + 1; each != events_.end() && !paused; ++each) {
        if (each->revents != 0) paused = !AcceptWaiting(each->fd);
      }
      ticks_left = kTicksAfterAccept;
      if (!ticking) next_tick = steady_clock::now() + tick_;
    }
    if (steady_clock::now() < next_tick) continue;
    ticks_left = Tick() ? kTicksAfterAccept : std::max(0, ticks_left - 1);
    paused = false;
    next_tick = steady_clock::now() + tick_;
  }
}

bool Acceptor::Tick() {
  try {
    return on_tick_();
  } catch (const std::bad_alloc&) {
    return true;
  }
}

bool Acceptor::AcceptWaiting(int listening) {
  for (int count = 0; count < kMostAtOnce; ++count) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const int fd = ::accept4(listening, generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
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
