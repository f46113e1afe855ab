#include "radar_spoof/serve/http_server.h"

#include <algorithm>
#include <iterator>
#include <system_error>

#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "http_daemon.h"
#include "listen_socket.h"
#include "server_probe.h"
#include "tls_session.h"

namespace radar_spoof {
namespace {

// A client that does not read would otherwise leave what it was sent in the system's memory.
void ResetConnection(int descriptor) {
  const linger at_once{1, 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void)::shutdown(descriptor, SHUT_RDWR);
}

Milliseconds SweepInterval(const ServerOptions& options) {
  return std::clamp<Milliseconds>(std::min(options.head_deadline, options.response_deadline) / 8,
                                  Milliseconds(10), Milliseconds(250));
}

class AcceptingServer final : public HttpServer {
 public:
  AcceptingServer(Handler handler, ServerOptions options, ServerThreads threads)
      : threads_(threads), state_{std::move(handler), std::move(options), {}, {}, {}, {}} {}
  ~AcceptingServer() override;
  AcceptingServer(const AcceptingServer&) = delete;
  AcceptingServer& operator=(const AcceptingServer&) = delete;

  // Takes over the listening descriptor. False when the library refuses to start.
  bool Run(int listening);

  int port() const override { return port_; }
  bool Answers() const override { return ServerAnswers(listening_); }
  std::optional<std::string> UseTls(std::optional<TlsSettings> tls) override;

 private:
  struct Retired {
    std::unique_ptr<HttpDaemon> daemon;
    std::chrono::steady_clock::time_point since;
  };

  void Add(int descriptor, const sockaddr* client, socklen_t size);
  bool Sweep();
  bool IsDone(const Retired& retired) const;

  const ServerThreads threads_;
  ServerState state_;
  int port_ = 0;
  int listening_ = -1;

  std::mutex mutex_;
  std::unique_ptr<HttpDaemon> serving_;  // under mutex_
  std::vector<Retired> retired_;         // under mutex_
  std::unique_ptr<Acceptor> acceptor_;
};

AcceptingServer::~AcceptingServer() {
  acceptor_.reset();
  {
    const std::lock_guard lock(state_.mutex);
    state_.stopping = true;
  }
  state_.stop.notify_all();
}

bool AcceptingServer::Run(int listening) {
  port_ = BoundPort(listening);
  listening_ = listening;
  serving_ = HttpDaemon::Start(state_, threads_, state_.options.tls);
  if (serving_ == nullptr) {
    (void)::close(listening);
    return false;
  }
  acceptor_ = std::make_unique<Acceptor>(
      listening, SweepInterval(state_.options),
      [this](int fd, const sockaddr* client, socklen_t size) { Add(fd, client, size); },
      [this] { return Sweep(); });
  return true;
}

void AcceptingServer::Add(int descriptor, const sockaddr* client, socklen_t size) {
  // Under the lock, so that no daemon is retired between being chosen and being given this.
  const std::lock_guard lock(mutex_);
  serving_->Add(descriptor, client, size);
}

std::optional<std::string> AcceptingServer::UseTls(std::optional<TlsSettings> tls) {
  if (tls) {
    if (auto problem = TlsProblem(*tls)) return problem;
  }
  std::unique_ptr<HttpDaemon> next = HttpDaemon::Start(state_, threads_, std::move(tls));
  if (next == nullptr) return "libmicrohttpd does not start";
  const std::lock_guard lock(mutex_);
  serving_.swap(next);
  next->Retire();
  retired_.push_back({std::move(next), std::chrono::steady_clock::now()});
  return std::nullopt;
}

// A daemon counts a connection only once its own thread has looked at it.
bool AcceptingServer::IsDone(const Retired& retired) const {
  const auto age = std::chrono::steady_clock::now() - retired.since;
  const auto all_over = state_.options.head_deadline + state_.options.response_deadline;
  return age > all_over || (age > std::chrono::seconds(1) && retired.daemon->connections() == 0);
}

// Whether there is anything left to sweep.
bool AcceptingServer::Sweep() {
  const bool connected = state_.deadlines.ResetLate(
      std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now()), ResetConnection);
  std::vector<Retired> done;  // stopped after the lock is given back
  const std::lock_guard lock(mutex_);
  done.reserve(retired_.size());
  const auto first_done = std::partition(retired_.begin(), retired_.end(),
                                         [this](const Retired& each) { return !IsDone(each); });
  std::move(first_done, retired_.end(), std::back_inserter(done));
  retired_.erase(first_done, retired_.end());
  return connected || !retired_.empty();
}

}  // namespace

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::Start(const ListenAddress& address,
                                                                   ServerThreads threads,
                                                                   Handler handler,
                                                                   ServerOptions options) {
  if (options.tls) {
    if (const auto problem = TlsProblem(*options.tls)) {
      return "cannot serve TLS on " + address.Text() + ": " + *problem;
    }
  }
  const auto socket = OpenListenSocket(address);
  if (!socket) return socket.error();
  auto server = std::make_unique<AcceptingServer>(std::move(handler), std::move(options), threads);
  try {
    if (server->Run(socket.value())) return std::unique_ptr<HttpServer>(std::move(server));
    return "cannot serve on " + address.Text() + ": libmicrohttpd does not start";
  } catch (const std::system_error& error) {
    return "cannot serve on " + address.Text() + ": " + error.what();
  }
}

}  // namespace radar_spoof
