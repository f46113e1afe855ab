#include "radar_spoof/http/http_server.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "client_socket.h"
#include "descriptor_budget.h"
#include "http_daemon.h"
#include "radar_spoof/http/client_address.h"
#include "radar_spoof/http/tls_session.h"

namespace radar_spoof {
namespace {

// The acceptor's event; an event and an epoll of each of the library's two threads, and of a daemon
// that takes the place of the first.
constexpr int kOwnDescriptors = 9;

// What must go for a newcomer is closed by the library's threads. Until then the next one waits in
// the system's queue, where it costs no descriptor.
constexpr Milliseconds kTimeToClose{2};

Milliseconds SweepInterval(const ServerOptions& options) {
  return std::clamp<Milliseconds>(std::min(options.head_deadline, options.response_deadline) / 8,
                                  Milliseconds(10), Milliseconds(250));
}

Connections::Limits ConnectionLimits(const ServerOptions& options, DescriptorBudget budget) {
  return {std::min(options.max_connections, budget.clients),
          std::min(options.max_connections_of_client, (budget.clients + 1) / 2),
          options.max_responses,
          options.max_responses_of_client,
          options.max_response_bytes,
          options.head_deadline,
          options.response_deadline};
}

Connections::Sockets ConnectionSockets(DescriptorBudget budget) {
  return {HasUntaken, ResetConnection,
          [budget](int fd) { return KeepUntaken(fd, budget.first_refused); },
          [](int fd) { (void)::close(fd); }};
}

SteadyTime PassedBy() { return std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now()); }

class AcceptingServer final : public HttpServer {
 public:
  AcceptingServer(Handler handler, const ServerOptions& options, ServerThreads threads,
                  DescriptorBudget budget)
      : threads_(threads),
        budget_(budget),
        state_{std::move(handler),
               options,
               {ConnectionLimits(options, budget), ConnectionSockets(budget)},
               {},
               {},
               {}} {}
  ~AcceptingServer() override;
  AcceptingServer(const AcceptingServer&) = delete;
  AcceptingServer& operator=(const AcceptingServer&) = delete;

  // The reason why it cannot. May throw std::system_error.
  std::optional<std::string> Listen(const ListenAddress& address);
  std::optional<std::string> Run();

  std::vector<int> ports() const override;
  bool Answers() const override;
  std::optional<std::string> UseTls(std::optional<TlsSettings> tls) override;
  int settings() const override { return settings_; }

 private:
  struct Retired {
    std::unique_ptr<HttpDaemon> daemon;
    std::chrono::steady_clock::time_point since;
  };

  void Add(int descriptor, const sockaddr* client, socklen_t size);
  bool Sweep();
  bool IsDone(const Retired& retired) const;

  const ServerThreads threads_;
  const DescriptorBudget budget_;
  ServerState state_;
  std::vector<int> listening_;
  std::atomic<int> settings_ = 0;

  std::mutex mutex_;
  std::unique_ptr<HttpDaemon> serving_;  // under mutex_
  std::vector<Retired> retired_;         // under mutex_
  std::unique_ptr<Acceptor> acceptor_;
};

AcceptingServer::~AcceptingServer() {
  acceptor_.reset();
  for (const int each : listening_) (void)::close(each);
  {
    const std::lock_guard lock(state_.mutex);
    state_.stopping = true;
  }
  state_.stop.notify_all();
}

std::optional<std::string> AcceptingServer::Listen(const ListenAddress& address) {
  listening_.reserve(listening_.size() + 1);
  const auto socket = OpenListenSocket(address);
  if (!socket) return socket.error();
  listening_.push_back(socket.value());
  return std::nullopt;
}

std::optional<std::string> AcceptingServer::Run() {
  auto daemon = HttpDaemon::Start(state_, threads_, state_.options.tls, settings_);
  if (!daemon) return daemon.error();
  serving_ = std::move(daemon).value();
  acceptor_ = std::make_unique<Acceptor>(
      listening_, SweepInterval(state_.options),
      [this](int fd, const sockaddr* client, socklen_t size) { Add(fd, client, size); },
      [this] { return Sweep(); });
  return std::nullopt;
}

std::vector<int> AcceptingServer::ports() const {
  std::vector<int> ports;
  std::transform(listening_.begin(), listening_.end(), std::back_inserter(ports), BoundPort);
  return ports;
}

bool AcceptingServer::Answers() const {
  return std::all_of(listening_.begin(), listening_.end(), ServerAnswers);
}

void AcceptingServer::Add(int descriptor, const sockaddr* client, socklen_t size) {
  bool has_place = false;
  try {
    has_place =
        descriptor < budget_.first_refused &&
        state_.connections.Add(descriptor, ClientNetwork(ClientAddressText(client)), PassedBy());
  } catch (const std::bad_alloc&) {  // then it has none
  }
  if (has_place) {
    // Under the lock, so that no daemon is retired between being chosen and being given this.
    const std::lock_guard lock(mutex_);
    serving_->Add(descriptor, client, size);
  } else {
    (void)::close(descriptor);
  }
  if (descriptor >= budget_.first_crowded) std::this_thread::sleep_for(kTimeToClose);
}

std::optional<std::string> AcceptingServer::UseTls(std::optional<TlsSettings> tls) {
  if (tls) {
    if (auto problem = TlsProblem(*tls)) return problem;
  }
  auto next = HttpDaemon::Start(state_, threads_, std::move(tls), settings_ + 1);
  if (!next) return next.error();
  {
    const std::lock_guard lock(mutex_);
    retired_.reserve(retired_.size() + 1);
    serving_->Retire();
    retired_.push_back({std::move(serving_), std::chrono::steady_clock::now()});
    serving_ = std::move(next).value();
    ++settings_;
  }
  acceptor_->Wake();  // else it sleeps until somebody comes, and keeps threads and key till then
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
  const bool connected = state_.connections.Sweep(PassedBy());
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

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::Start(
    const std::vector<ListenAddress>& addresses, ServerThreads threads, Handler handler,
    ServerOptions options) {
  std::string place;
  for (const ListenAddress& each : addresses) place += (place.empty() ? "" : ", ") + each.Text();
  if (options.tls) {
    if (const auto problem = TlsProblem(*options.tls)) {
      return "cannot serve TLS on " + place + ": " + *problem;
    }
  }
  const auto budget =
      DescriptorBudget::AfterOpening(kOwnDescriptors + static_cast<int>(addresses.size()));
  if (!budget) return "cannot serve on " + place + ": " + budget.error();
  auto server = std::make_unique<AcceptingServer>(std::move(handler), std::move(options), threads,
                                                  budget.value());
  for (const ListenAddress& each : addresses) {
    if (auto problem = server->Listen(each)) return std::move(*problem);
  }
  try {
    if (const auto problem = server->Run()) return "cannot serve on " + place + ": " + *problem;
    return std::unique_ptr<HttpServer>(std::move(server));
  } catch (const std::system_error& error) {
    return "cannot serve on " + place + ": " + error.what();
  }
}

}  // namespace radar_spoof
