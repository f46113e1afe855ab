#include "simulator/unruly_front.h"

#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof::simulator {
namespace {

constexpr int kForEver = -1;
constexpr int kUntilNextTryMs = 10;
// As HAProxy words it.
constexpr std::string_view kRequestTimeout =
    "HTTP/1.1 408 Request Time-out\r\n"
    "Content-length: 110\r\n"
    "Cache-Control: no-cache\r\n"
    "Connection: close\r\n"
    "Content-Type: text/html\r\n"
    "\r\n"
    "<html><body><h1>408 Request Time-out</h1>\n"
    "Your browser didn't send a complete request in time.\n"
    "</body></html>\n";

FileDescriptor MakeEvent() {
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

// "" when there is none; in lower case, with what follows it.
std::string Field(std::string_view message, const std::string& name) {
  const std::string head = LowerCase(message.substr(0, message.find("\r\n\r\n") + 2));
  const std::size_t at = head.find("\r\n" + name + ": ");
  return at == std::string::npos ? "" : head.substr(at + 2 + name.size() + 2);
}

std::size_t ContentLength(std::string_view head) {
  const std::string text = Field(head, "content-length");
  std::size_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

enum class Ended { kClosed, kIdle };

// A connected socket. What waits for it ends, as if the peer had closed, when the front stops.
class Peer {
 public:
  Peer(FileDescriptor socket, const FileDescriptor& stop_event)
      : socket_(std::move(socket)), stop_event_(stop_event) {}

  // The next message, with as many bytes of body as its head announces, or none.
  // kIdle: for `idle_ms` no byte of the head came.
  Result<std::string, Ended> Receive(bool has_body, int idle_ms) {
    constexpr std::string_view kEndOfHead = "\r\n\r\n";
    std::size_t end = 0;
    while ((end = received_.find(kEndOfHead)) == std::string::npos) {
      if (const auto ended = ReceiveMore(idle_ms)) return *ended;
    }
    end += kEndOfHead.size();
    if (has_body) end += ContentLength(std::string_view(received_).substr(0, end));
    while (received_.size() < end) {
      if (const auto ended = ReceiveMore(kForEver)) return *ended;
    }
    std::string message = received_.substr(0, end);
    received_.erase(0, end);
    return message;
  }

  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      if (Wait(socket_.number(), POLLOUT, kForEver) != Woken::kReady) return false;
      const ssize_t sent =
          ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // False when the front stops meanwhile.
  bool Pause(Milliseconds time) const {
    return Wait(-1, 0, static_cast<int>(time.count())) == Woken::kTimedOut;
  }

 private:
  enum class Woken { kReady, kTimedOut, kStopped };

  Woken Wait(int descriptor, short events, int timeout_ms) const {
    pollfd waiting[] = {{stop_event_.number(), POLLIN, 0}, {descriptor, events, 0}};
    if (::poll(waiting, 2, timeout_ms) == 0) return Woken::kTimedOut;
    return waiting[0].revents != 0 ? Woken::kStopped : Woken::kReady;
  }

  std::optional<Ended> ReceiveMore(int timeout_ms) {
    const Woken woken = Wait(socket_.number(), POLLIN, timeout_ms);
    if (woken == Woken::kTimedOut) return Ended::kIdle;
    if (woken == Woken::kStopped) return Ended::kClosed;
    char buffer[16384];
    const ssize_t size = ::recv(socket_.number(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return Ended::kClosed;
    if (size > 0) received_.append(buffer, static_cast<std::size_t>(size));
    return std::nullopt;
  }

  const FileDescriptor socket_;
  const FileDescriptor& stop_event_;
  std::string received_;
};

// None when the server cannot be reached.
FileDescriptor ConnectToLoopback(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<in_port_t>(port));
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.number(), generic, sizeof address) == 0 ? std::move(socket)
                                                                  : FileDescriptor();
}

}  // namespace

Result<std::unique_ptr<UnrulyFront>, std::string> UnrulyFront::Start(
    const ListenAddress& address, int server_port, const ConnectionFaults& faults) {
  auto listening = OpenListenSocket(address);
  if (!listening) return listening.error();
  return std::unique_ptr<UnrulyFront>(
      new UnrulyFront(std::move(listening).value(), server_port, faults));
}

UnrulyFront::UnrulyFront(FileDescriptor listening, int server_port, const ConnectionFaults& faults)
    : listening_(std::move(listening)),
      stop_event_(MakeEvent()),
      server_port_(server_port),
      faults_(faults),
      acceptor_([this] { Accept(); }) {}

UnrulyFront::~UnrulyFront() {
  (void)::eventfd_write(stop_event_.number(), 1);
  acceptor_.join();
  std::unique_lock lock(mutex_);
  connection_ended_.wait(lock, [this] { return open_connections_ == 0; });
}

int UnrulyFront::port() const { return BoundPort(listening_.number()); }

void UnrulyFront::Accept() {
  for (;;) {
    pollfd waiting[] = {{stop_event_.number(), POLLIN, 0}, {listening_.number(), POLLIN, 0}};
    (void)::poll(waiting, 2, kForEver);
    if (waiting[0].revents != 0) return;
    FileDescriptor client(::accept4(listening_.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) {  // no descriptor is left, say, and the client waits on
      (void)::poll(waiting, 1, kUntilNextTryMs);
      continue;
    }
    const std::lock_guard lock(mutex_);
    try {
      std::thread([this, socket = std::move(client)]() mutable {
        Serve(std::move(socket));
        const std::lock_guard ended(mutex_);
        --open_connections_;
        connection_ended_.notify_all();
      }).detach();
      ++open_connections_;
    } catch (const std::system_error&) {
      continue;  // no thread for the client, which is let go
    }
  }
}

void UnrulyFront::Serve(FileDescriptor socket) const {
  Peer client(std::move(socket), stop_event_);
  const int idle_ms = faults_.idle_408 ? static_cast<int>(faults_.idle_408->count()) : kForEver;
  for (;;) {
    const auto request = client.Receive(false, idle_ms);
    if (!request) {
      if (request.error() == Ended::kIdle) client.Send(kRequestTimeout);
      return;
    }
    // A new connection each time: the server gives up those that are idle when it likes.
    FileDescriptor server_socket = ConnectToLoopback(server_port_);
    if (!server_socket) return;
    Peer server(std::move(server_socket), stop_event_);
    if (!server.Send(request.value())) return;
    const auto answer = server.Receive(!request.value().starts_with("HEAD "), kForEver);
    if (!answer || !client.Send(answer.value())) return;
    if (faults_.answer_twice) {
      if (!client.Pause(*faults_.answer_twice) || !client.Send(answer.value())) return;
    }
    if (Field(answer.value(), "connection").starts_with("close")) return;
  }
}

}  // namespace radar_spoof::simulator
