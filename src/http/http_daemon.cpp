#include "http_daemon.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include "radar_spoof/core/text.h"
#include "request_head.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kHeadLimit = std::size_t{16} * 1024;
// One block per connection holds the request's head, the library's index of it and the reply's
// head.
constexpr std::size_t kConnectionMemory = kHeadLimit + std::size_t{8} * 1024;
constexpr unsigned kIdleTimeoutSeconds = 10;
constexpr unsigned kPoolThreads = 2;
// Connections has the limit. Never the library, whose thread waits for itself for ever when it
// finds that it has too many (0.9.75: new_connection_process_ leaves a mutex locked).
constexpr unsigned kNoConnectionLimit = 1U << 30;

struct RequestInProgress {
  RequestInProgress(const char* begin, std::string text)
      : target_begin(begin), target(std::move(text)) {}

  const char* target_begin;  // in the library's memory, valid until the head was read
  std::string target;
  bool head_seen = false;
  ServerRequest request = {};
  std::function<ServerResponse()> then = nullptr;  // answers it, once what it awaits is there
};

SteadyTime Now() { return std::chrono::ceil<Milliseconds>(std::chrono::steady_clock::now()); }

const MHD_ConnectionInfo& Info(MHD_Connection* connection, MHD_ConnectionInfoType type) {
  static const MHD_ConnectionInfo nothing{};
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, type);
  return info == nullptr ? nothing : *info;
}

int Descriptor(MHD_Connection* connection) {
  return Info(connection, MHD_CONNECTION_INFO_CONNECTION_FD).connect_fd;
}

struct Body {
  std::shared_ptr<const std::string> shared;
  std::string own;
};

// nullptr when there is no memory for it.
MHD_Response* NewReply(Body parts) {
  auto body = std::make_unique<Body>(std::move(parts));
  std::vector<MHD_IoVec> pieces;
  if (body->shared) pieces.push_back({body->shared->data(), body->shared->size()});
  pieces.push_back({body->own.data(), body->own.size()});
  MHD_Response* const reply = MHD_create_response_from_iovec(
      pieces.data(), static_cast<unsigned>(pieces.size()),
      [](void* owned) { delete static_cast<Body*>(owned); }, body.get());
  if (reply != nullptr) (void)body.release();
  return reply;
}

// From 1.0 on the library itself refuses what it forgave before, where it is asked to be strict,
// and its parts no longer stand where HeadLayout expects them. The versions have one soname, so the
// one that was compiled with need not be the one that runs.
bool LibraryRefusesInexactHeads() { return !std::string_view(MHD_get_version()).starts_with("0."); }

std::string_view WithoutBlanksAround(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

struct HeadersRead {
  ServerRequest& request;
  HeadLayout& layout;
};

MHD_Result CollectHeader(void* into, MHD_ValueKind, const char* name, const char* value) {
  auto& [request, layout] = *static_cast<HeadersRead*>(into);
  if (value == nullptr) value = "";
  request.headers.emplace_back(LowerCase(name), WithoutBlanksAround(value));
  layout.Add(name, value);
  return MHD_YES;
}

MHD_OptionItem TextOption(MHD_OPTION option, const char* text) {
  return {option, 0, const_cast<char*>(text)};
}

// What a daemon needs beyond the options that every daemon has. Points into `endpoint`.
std::vector<MHD_OptionItem> SpecialOptions(ServerThreads threads,
                                           const std::optional<TlsEndpoint>& endpoint) {
  std::vector<MHD_OptionItem> items;
  if (LibraryRefusesInexactHeads()) items.push_back({MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr});
  if (threads == ServerThreads::kPool) {
    items.push_back({MHD_OPTION_THREAD_POOL_SIZE, kPoolThreads, nullptr});
  }
  if (endpoint) {
    const TlsSettings& tls = endpoint->settings();
    items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_CERT, tls.certificate_pem.c_str()));
    items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_KEY, tls.key_pem.c_str()));
    items.push_back(TextOption(MHD_OPTION_HTTPS_PRIORITIES, endpoint->priorities().c_str()));
    if (!tls.client_ca_pem.empty()) {
      items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_TRUST, tls.client_ca_pem.c_str()));
    }
  }
  items.push_back({MHD_OPTION_END, 0, nullptr});
  return items;
}

}  // namespace

std::string ClientAddressText(const sockaddr* address) {
  if (address == nullptr) return {};
  int family = address->sa_family;
  const void* bytes = nullptr;
  if (family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    bytes = &six;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
      family = AF_INET;
      bytes = &six.s6_addr[12];
    }
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes == nullptr || ::inet_ntop(family, bytes, text, sizeof text) == nullptr) return {};
  return text;
}

// What the library calls, from the daemon's threads. No exception may unwind through it: it is C.
class HttpDaemon::Callbacks {
 public:
  static void OnConnection(void* self, MHD_Connection* connection, void**,
                           MHD_ConnectionNotificationCode code) {
    const auto& daemon = *static_cast<HttpDaemon*>(self);
    Connections& connections = daemon.state_.connections;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) return connections.Closing(Descriptor(connection));
    connections.HandOver(Descriptor(connection));
    if (!daemon.tls_) return;
    if (void* const session = Info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION).tls_session) {
      daemon.tls_->Prepare(session);
    }
  }

  // The library would now take the query apart, in memory that 400 parameters use up, and then
  // close the connection without an answer. It reads the query up to a NUL, and we have our own
  // copy.
  static void* OnTarget(void*, const char* target, MHD_Connection*) {
    if (target == nullptr) return nullptr;
    try {
      auto progress = std::make_unique<RequestInProgress>(target, target);
      const std::size_t question = progress->target.find('?');
      if (question != std::string::npos) const_cast<char*>(target)[question + 1] = '\0';
      return progress.release();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void OnCompleted(void* self, MHD_Connection* connection, void** state,
                          MHD_RequestTerminationCode code) {
    const std::unique_ptr<RequestInProgress> progress(static_cast<RequestInProgress*>(*state));
    *state = nullptr;
    static_cast<HttpDaemon*>(self)->state_.connections.EndResponse(
        Descriptor(connection), code == MHD_REQUEST_TERMINATED_COMPLETED_OK, Now());
  }

  // Called when the head is there; again when the whole request is, which is then all there is of
  // it, unless it was answered; and again when what it awaits has come.
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char*,
                              const char* method, const char* version, const char*, std::size_t*,
                              void** state) {
    auto* const progress = static_cast<RequestInProgress*>(*state);
    if (progress == nullptr) return MHD_NO;
    try {
      Callbacks here(*static_cast<HttpDaemon*>(self), connection);
      if (std::exchange(progress->head_seen, true)) return here.Answer(*progress);
      return here.OnHead(method, version, *progress);
    } catch (...) {
      return MHD_NO;
    }
  }

 private:
  Callbacks(HttpDaemon& daemon, MHD_Connection* connection)
      : daemon_(daemon), state_(daemon.state_), connection_(connection) {}

  MHD_Result OnHead(const char* method, const char* version, RequestInProgress& progress) {
    const auto refusal = ReadHead(method, version, progress);
    if (!state_.connections.BeginResponse(Descriptor(connection_), Now())) return RefuseForNow();
    if (refusal) return Send(PlainText(*refusal, "request refused"), true);
    // A body that is announced may never come, and nobody wants it: the library is answered before
    // it waits for one.
    return AnnouncesBody(progress.request) ? Answer(progress) : MHD_YES;
  }

  // The status to refuse the request with, or nullopt; fills in the request either way.
  std::optional<int> ReadHead(const char* method, const char* version,
                              RequestInProgress& progress) {
    ServerRequest& request = progress.request;
    request.method = method;
    request.client =
        ClientAddressText(Info(connection_, MHD_CONNECTION_INFO_CLIENT_ADDRESS).client_addr);
    request.settings = daemon_.settings_;
    HeadLayout layout(method, progress.target_begin, progress.target.size(), version);
    HeadersRead headers{request, layout};
    (void)MHD_get_connection_values(connection_, MHD_HEADER_KIND, &CollectHeader, &headers);
    const std::size_t head_size =
        Info(connection_, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE).header_size;
    if (const auto status = RefusalStatus(request, head_size, kHeadLimit)) return status;
    const bool host_missing =
        version == std::string_view("HTTP/1.1") && request.Header("host").empty();
    if (host_missing) return 400;
    if (!LibraryRefusesInexactHeads() && !layout.IsExact(head_size)) return 400;
    return ParseRequestTarget(progress.target, request) ? std::nullopt : std::optional(400);
  }

  MHD_Result Answer(RequestInProgress& progress) {
    if (progress.then && daemon_.stopping_) return MHD_NO;
    ServerResponse response = progress.then
                                  ? Handle(std::exchange(progress.then, nullptr))
                                  : Handle([&] { return state_.handler(progress.request); });
    if (response.awaited) {
      progress.then = std::move(response.then);
      return daemon_.Suspend(connection_, std::move(response.awaited)) ? MHD_YES : MHD_NO;
    }
    const int descriptor = Descriptor(connection_);
    if (response.delay.count() > 0) {
      state_.connections.Delay(descriptor, response.delay);
      std::unique_lock lock(state_.mutex);
      if (state_.stop.wait_for(lock, response.delay, [this] { return state_.stopping; })) {
        return MHD_NO;
      }
    }
    if (!state_.connections.Hold(descriptor, response.body.size(), response.shared_body, Now())) {
      return RefuseForNow();
    }
    return Send(std::move(response), daemon_.retired_ || AnnouncesBody(progress.request));
  }

  MHD_Result RefuseForNow() {
    return Send(PlainText(503, "too many requests at once", {{"Retry-After", "1"}}), true);
  }

  ServerResponse Handle(const std::function<ServerResponse()>& handler) {
    try {
      return handler();
    } catch (const std::exception& error) {
      ReportError(error.what());
    } catch (...) {
      ReportError("unknown exception");
    }
    return PlainText(500, "Internal Server Error");
  }

  MHD_Result Send(ServerResponse response, bool close) {
    MHD_Response* const reply =
        NewReply({std::move(response.shared_body), std::move(response.body)});
    if (reply == nullptr) return MHD_NO;
    for (const auto& [name, value] : response.headers) {
      if (MHD_add_response_header(reply, name.c_str(), value.c_str()) != MHD_YES) {
        ReportError("response header refused: " + name);
      }
    }
    if (close) (void)MHD_add_response_header(reply, MHD_HTTP_HEADER_CONNECTION, "close");
    const MHD_Result queued =
        MHD_queue_response(connection_, static_cast<unsigned>(response.status), reply);
    MHD_destroy_response(reply);
    return queued;
  }

  void ReportError(std::string_view text) {
    if (state_.options.on_error) state_.options.on_error(text);
  }

  HttpDaemon& daemon_;
  ServerState& state_;
  MHD_Connection* const connection_;
};

Result<std::unique_ptr<HttpDaemon>, std::string> HttpDaemon::Start(ServerState& state,
                                                                   ServerThreads threads,
                                                                   std::optional<TlsSettings> tls,
                                                                   int settings) {
  std::unique_ptr<HttpDaemon> self(new HttpDaemon(state, std::move(tls), settings));
  unsigned flags = MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET;
  flags |= threads == ServerThreads::kPool
               ? MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME
               : MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD;
  if (self->tls_) flags |= MHD_USE_TLS;
  errno = 0;
  self->daemon_ = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &Callbacks::OnRequest, self.get(),       //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,               //
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,                  //
      MHD_OPTION_CONNECTION_LIMIT, kNoConnectionLimit,                     //
      MHD_OPTION_URI_LOG_CALLBACK, &Callbacks::OnTarget, nullptr,          //
      MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::OnCompleted, self.get(),    //
      MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::OnConnection, self.get(),  //
      MHD_OPTION_ARRAY, SpecialOptions(threads, self->tls_).data(), MHD_OPTION_END);
  if (self->daemon_ != nullptr) return self;
  const int error = errno;
  return "libmicrohttpd does not start" +
         (error == 0 ? std::string() : ": " + SystemErrorText(error));
}

HttpDaemon::~HttpDaemon() {
  if (daemon_ == nullptr) return;
  decltype(suspended_) suspended;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    suspended.swap(suspended_);
  }
  // The library ends the process when it is stopped with a connection suspended.
  for (const auto& each : suspended) MHD_resume_connection(each.first);
  MHD_stop_daemon(daemon_);
  // Not before: until its threads have ended, one may still be in Suspend().
  for (const auto& each : suspended) each.second->Forget();
}

bool HttpDaemon::Suspend(MHD_Connection* connection, std::shared_ptr<Awaited> until) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    suspended_.emplace(connection, until);
    MHD_suspend_connection(connection);
  }
  until->Then([this, connection] { Resume(connection); });
  return true;
}

void HttpDaemon::Resume(MHD_Connection* connection) {
  const std::lock_guard lock(mutex_);
  if (suspended_.erase(connection) > 0) MHD_resume_connection(connection);
}

void HttpDaemon::Add(int descriptor, const sockaddr* client, socklen_t size) {
  if (MHD_add_connection(daemon_, descriptor, client, size) == MHD_YES) return;
  state_.connections.Closing(descriptor);
}

int HttpDaemon::connections() const {
  const MHD_DaemonInfo* const info =
      MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
  return info == nullptr ? 0 : static_cast<int>(info->num_connections);
}

}  // namespace radar_spoof
