#include "radar_spoof/http/http_server.h"

#include <algorithm>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "acceptor.h"
#include "http_daemon.h"

namespace radar_spoof {
namespace {

// The acceptor's event; an event and an epoll of each of the library's two threads, and of a daemon
// that takes the place of the first.
constexpr int kOwnDescriptors = 9;

// What must go for a newcomer is closed by the library's threads. Until then the next one waits in
// the system's queue, where it costs no descriptor.
constexpr Milliseconds kTimeToClose{2};

// Half of them for clients, half for polls, files and what a page says of the process.
constexpr int kFewestLeft = 16;
constexpr int kMostReserved = 32;

int Allowed() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

// How the descriptors that the process may open are divided between clients and itself. The system
// gives out the lowest that is free, so a high one says that those below are taken.
struct DescriptorBudget {
  int clients;        // so many are for clients
  int first_crowded;  // from here on one tells that those of other clients are not closed yet
  int first_refused;  // from here on they are for the process itself
};

// For a process that opens `more` of its own before the first client comes. The error says how many
// there must be.
Result<DescriptorBudget, std::string> BudgetAfterOpening(int more) {
  const int allowed = Allowed();
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (lowest_free >= 0) (void)::close(lowest_free);
  const int in_use = lowest_free < 0 ? allowed : lowest_free;
  const int needed = in_use + more + kFewestLeft;
  if (allowed < needed) {
    return std::to_string(allowed) + " file descriptors are allowed (RLIMIT_NOFILE), " +
           std::to_string(needed) + " are needed at least";
  }
  const int left = allowed - in_use - more;
  const int reserved = std::min(left / 2, kMostReserved);
  return DescriptorBudget{left - reserved, allowed - reserved, allowed - reserved / 2};
}

// Whether there are bytes in the system's memory that the client has not acknowledged (tcp(7)).
bool HasUntaken(int descriptor) {
  int bytes = 0;
  return ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

// Drops them, and wakes who waits for the socket; the client sees a reset (socket(7), SO_LINGER).
void ResetConnection(int descriptor) {
  const linger at_once{1, 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void)::shutdown(descriptor, SHUT_RDWR);
}

// Another descriptor of the same socket, which says that it will write no more; -1 when there is
// none below `limit`.
int KeepUntaken(int descriptor, int limit) {
  const int kept = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (kept >= limit) {
    (void)::close(kept);
    return -1;
  }
  // Over TLS the library has not: there its last words are those of TLS.
  if (kept >= 0) (void)::shutdown(kept, SHUT_WR);
  return kept;
}

Milliseconds SweepInterval(const ServerOptions& options) {
  return std::clamp<Milliseconds>(std::min(options.head_deadline, options.response_deadline) / 8,
                                  Milliseconds(10), Milliseconds(250));
}

Connections::Limits ConnectionLimits(const ServerOptions& options, int clients) {
  return {std::min(options.max_connections, clients),
          std::min(options.max_connections_of_client, (clients + 1) / 2),
          options.max_responses,
          options.max_responses_of_client,
          options.max_response_bytes,
          options.head_deadline,
          options.response_deadline};
}

SteadyTime PassedBy() { return std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now()); }

}  // namespace

std::string_view ServerRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string ServerRequest::HeaderList(std::string_view name) const {
  std::string list;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

std::string ClientNetwork(std::string_view address) {
  std::string text(address);
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return text;
  return {reinterpret_cast<const char*>(six.s6_addr), 8};
}

ServerResponse PlainText(int status, std::string text,
                         std::vector<std::pair<std::string, std::string>> headers) {
  headers.emplace(headers.begin(), "Content-Type", "text/plain; charset=utf-8");
  return {status, std::move(headers), std::move(text) + "\n"};
}

HttpServer::HttpServer(ServerThreads threads, std::unique_ptr<ServerState> state, int first_crowded,
                       int first_refused)
    : threads_(threads),
      state_(std::move(state)),
      first_crowded_(first_crowded),
      first_refused_(first_refused) {}

HttpServer::~HttpServer() {
  acceptor_.reset();
  listening_.clear();
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->stop.notify_all();
}

std::optional<std::string> HttpServer::Run() {
  auto daemon = HttpDaemon::Start(*state_, threads_, state_->options.tls, settings_);
  if (!daemon) return daemon.error();
  serving_ = std::move(daemon).value();
  std::vector<int> numbers;
  for (const FileDescriptor& each : listening_) numbers.push_back(each.number());
  acceptor_ = std::make_unique<Acceptor>(
      numbers, SweepInterval(state_->options),
      [this](int fd, const sockaddr* client, socklen_t size) { Add(fd, client, size); },
      [this] { return Sweep(); });
  return std::nullopt;
}

std::vector<int> HttpServer::ports() const {
  std::vector<int> ports;
  for (const FileDescriptor& each : listening_) ports.push_back(BoundPort(each.number()));
  return ports;
}

std::vector<std::string> HttpServer::addresses() const {
  std::vector<std::string> texts;
  for (const FileDescriptor& each : listening_) texts.push_back(BoundAddressText(each.number()));
  return texts;
}

bool HttpServer::Answers() const {
  return std::ranges::all_of(listening_, ServerAnswers, &FileDescriptor::number);
}

void HttpServer::Add(int descriptor, const sockaddr* client, socklen_t size) {
  bool has_place = false;
  try {
    has_place =
        descriptor < first_refused_ &&
        state_->connections.Add(descriptor, ClientNetwork(ClientAddressText(client)), PassedBy());
  } catch (const std::bad_alloc&) {  // then it has none
  }
  if (has_place) {
    // Under the lock, so that no daemon is retired between being chosen and being given this.
    const std::lock_guard lock(mutex_);
    serving_->Add(descriptor, client, size);
  } else {
    (void)::close(descriptor);
  }
  if (descriptor >= first_crowded_) std::this_thread::sleep_for(kTimeToClose);
}

std::optional<std::string> HttpServer::UseTls(std::optional<TlsSettings> tls) {
  if (tls) {
    if (auto problem = TlsProblem(*tls)) return problem;
  }
  auto next = HttpDaemon::Start(*state_, threads_, std::move(tls), settings_ + 1);
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
bool HttpServer::IsDone(const Retired& retired) const {
  const auto age = std::chrono::steady_clock::now() - retired.since;
  const auto all_over = state_->options.head_deadline + state_->options.response_deadline;
  return age > all_over || (age > std::chrono::seconds(1) && retired.daemon->connections() == 0);
}

// Whether there is anything left to sweep.
bool HttpServer::Sweep() {
  const bool connected = state_->connections.Sweep(PassedBy());
  std::vector<Retired> done;  // stopped after the lock is given back
  const std::lock_guard lock(mutex_);
  done.reserve(retired_.size());
  for (Retired& each : retired_) {
    if (IsDone(each)) done.push_back(std::move(each));
  }
  std::erase_if(retired_, [](const Retired& each) { return each.daemon == nullptr; });
  return connected || !retired_.empty();
}

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::Start(
    const std::vector<ListenAddress>& addresses, ServerThreads threads, Handler handler,
    ServerOptions options) {
  std::string place;
  for (const ListenAddress& each : addresses) place += (place.empty() ? "" : ", ") + each.Text();
  const auto open = [&addresses]() -> Sockets {
    std::vector<FileDescriptor> sockets;
    for (const ListenAddress& each : addresses) {
      auto socket = OpenListenSocket(each);
      if (!socket) return std::move(socket).error();
      sockets.push_back(std::move(socket).value());
    }
    return sockets;
  };
  return StartOn(place, addresses.size(), open, threads, std::move(handler), std::move(options));
}

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::Start(
    std::vector<FileDescriptor> sockets, ServerThreads threads, Handler handler,
    ServerOptions options) {
  std::string place;
  for (const FileDescriptor& each : sockets) {
    place += (place.empty() ? "" : ", ") + BoundAddressText(each.number());
  }
  const auto open = [&sockets]() -> Sockets { return std::move(sockets); };
  return StartOn(place, 0, open, threads, std::move(handler), std::move(options));
}

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::StartOn(
    const std::string& place, std::size_t to_open, const std::function<Sockets()>& open,
    ServerThreads threads, Handler handler, ServerOptions options) {
  if (options.tls) {
    if (const auto problem = TlsProblem(*options.tls)) {
      return "cannot serve TLS on " + place + ": " + *problem;
    }
  }
  const auto budget = BudgetAfterOpening(kOwnDescriptors + static_cast<int>(to_open));
  if (!budget) return "cannot serve on " + place + ": " + budget.error();
  const auto [clients, first_crowded, first_refused] = budget.value();
  const auto keep = [limit = first_refused](int fd) { return KeepUntaken(fd, limit); };
  std::unique_ptr<ServerState> state(
      new ServerState{std::move(handler),
                      options,
                      {ConnectionLimits(options, clients),
                       {HasUntaken, ResetConnection, keep, [](int fd) { (void)::close(fd); }}},
                      {},
                      {},
                      {}});
  std::unique_ptr<HttpServer> server(
      new HttpServer(threads, std::move(state), first_crowded, first_refused));
  auto sockets = open();
  if (!sockets) return sockets.error();
  server->listening_ = std::move(sockets).value();
  try {
    if (const auto problem = server->Run()) return "cannot serve on " + place + ": " + *problem;
    return server;
  } catch (const std::system_error& error) {
    return "cannot serve on " + place + ": " + error.what();
  }
}

}  // namespace radar_spoof
