#include "supervisor.h"

#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "radar_spoof/http/listen_socket.h"

namespace radar_spoof {
namespace {

constexpr timeval kSendPatience{.tv_sec = 0, .tv_usec = 500'000};

// "/PATH", or "@NAME" for one in the abstract namespace.
bool Notify(std::string_view state) {
  const char* const variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = variable == nullptr ? "" : variable;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() < 2 || path.size() >= sizeof address.sun_path) return true;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  (void)setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &kSendPatience, sizeof kSendPatience);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return sendto(socket.number(), state.data(), state.size(), MSG_NOSIGNAL,
                reinterpret_cast<const sockaddr*>(&address), size) >= 0;
}

}  // namespace

bool NotifyReady() { return Notify("READY=1"); }

Result<std::vector<FileDescriptor>, std::string> TakeSockets() {
  constexpr int kFirst = 3;
  const char* const process = std::getenv("LISTEN_PID");
  const char* const text = std::getenv("LISTEN_FDS");
  const bool are_ours = process != nullptr && process == std::to_string(getpid());
  const int count = are_ours && text != nullptr ? std::atoi(text) : 0;
  if (count <= 0) return std::string("found no socket that systemd has passed");
  std::vector<FileDescriptor> sockets;
  for (int descriptor = kFirst; descriptor < kFirst + count; ++descriptor) {
    auto socket = AdoptListenSocket(descriptor);
    if (!socket) return "found descriptor " + std::to_string(descriptor) + ", " + socket.error();
    sockets.push_back(std::move(socket).value());
  }
  return sockets;
}

bool WatchdogWaits() {
  const char* const interval = std::getenv("WATCHDOG_USEC");
  const char* const process = std::getenv("WATCHDOG_PID");
  return interval != nullptr && (process == nullptr || process == std::to_string(getpid()));
}

void NotifyAlive() { (void)Notify("WATCHDOG=1"); }

void NotifyStopping() { (void)Notify("STOPPING=1"); }

}  // namespace radar_spoof
