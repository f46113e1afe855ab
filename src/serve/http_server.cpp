#include "radar_spoof/serve/http_server.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>

#include <microhttpd.h>

#include "listen_socket.h"
#include "request_head.h"
#include "tls_session.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kHeadLimit = std::size_t{16} * 1024;
constexpr std::size_t kBodyLimit = std::size_t{64} * 1024;
// One block per connection holds the request's head, the library's index of it and the reply's
// head.
constexpr std::size_t kConnectionMemory = kHeadLimit + std::size_t{8} * 1024;
constexpr unsigned kIdleTimeoutSeconds = 10;
constexpr unsigned kPoolThreads = 2;

struct RequestInProgress {
  std::string target;
  bool head_seen = false;
  std::size_t body_size = 0;
  ServerRequest request = {};
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

ServerResponse PlainText(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text) + "\n", {}};
}

MHD_Result CollectHeader(void* into, MHD_ValueKind, const char* name, const char* value) {
  auto& headers = *static_cast<std::vector<std::pair<std::string, std::string>>*>(into);
  headers.emplace_back(Lower(name), value == nullptr ? "" : value);
  return MHD_YES;
}

void* RememberTarget(void*, const char* target, MHD_Connection*) {
  try {
    return new RequestInProgress{target};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void ForgetRequest(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
  delete static_cast<RequestInProgress*>(*state);
  *state = nullptr;
}

MHD_OptionItem TextOption(MHD_OPTION option, const char* text) {
  return {option, 0, const_cast<char*>(text)};
}

// What a daemon needs beyond the options that every daemon has. Points into `options`.
std::vector<MHD_OptionItem> SpecialOptions(ServerThreads threads, const ServerOptions& options) {
  std::vector<MHD_OptionItem> items;
  if (threads == ServerThreads::kPool) {
    items.push_back({MHD_OPTION_THREAD_POOL_SIZE, kPoolThreads, nullptr});
  }
  if (options.tls) {
    const TlsSettings& tls = *options.tls;
    items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_CERT, tls.certificate_pem.c_str()));
    items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_KEY, tls.key_pem.c_str()));
    items.push_back(TextOption(MHD_OPTION_HTTPS_PRIORITIES, TlsPriorities(tls.min_version)));
    if (!tls.client_ca_pem.empty()) {
      items.push_back(TextOption(MHD_OPTION_HTTPS_MEM_TRUST, tls.client_ca_pem.c_str()));
    }
  }
  items.push_back({MHD_OPTION_END, 0, nullptr});
  return items;
}

class MicrohttpdServer final : public HttpServer {
 public:
  MicrohttpdServer(Handler handler, ServerOptions options)
      : handler_(std::move(handler)), options_(std::move(options)) {}
  ~MicrohttpdServer() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
  }
  MicrohttpdServer(const MicrohttpdServer&) = delete;
  MicrohttpdServer& operator=(const MicrohttpdServer&) = delete;

  // Takes over the descriptor. False when the library refuses to start.
  bool Run(int descriptor, ServerThreads threads);

  int port() const override { return port_; }

 private:
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* upload,
                              std::size_t* upload_size, void** state);
  static void OnConnection(void* self, MHD_Connection* connection, void** state,
                           MHD_ConnectionNotificationCode code);

  MHD_Result OnRequest(MHD_Connection* connection, const char* method, std::string_view version,
                       std::size_t& upload_size, RequestInProgress& progress);
  MHD_Result OnHead(MHD_Connection* connection, const char* method, std::string_view version,
                    RequestInProgress& progress);
  MHD_Result Answer(MHD_Connection* connection, const ServerRequest& request, bool close);
  ServerResponse Handle(const ServerRequest& request);
  MHD_Result Send(MHD_Connection* connection, ServerResponse response, bool close);
  void ReportError(std::string_view text) {
    if (options_.on_error) options_.on_error(text);
  }

  const Handler handler_;
  const ServerOptions options_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // under mutex_
};

bool MicrohttpdServer::Run(int descriptor, ServerThreads threads) {
  port_ = BoundPort(descriptor);
  unsigned flags = MHD_USE_ITC;
  flags |= threads == ServerThreads::kPool
               ? MHD_USE_EPOLL_INTERNAL_THREAD
               : MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD;
  if (options_.tls) flags |= MHD_USE_TLS;
  daemon_ = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &MicrohttpdServer::OnRequest, this,                //
      MHD_OPTION_LISTEN_SOCKET, descriptor,                                          //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,                         //
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,                            //
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options_.max_connections),  //
      MHD_OPTION_URI_LOG_CALLBACK, &RememberTarget, nullptr,                         //
      MHD_OPTION_NOTIFY_COMPLETED, &ForgetRequest, nullptr,                          //
      MHD_OPTION_NOTIFY_CONNECTION, &MicrohttpdServer::OnConnection, this,           //
      MHD_OPTION_ARRAY, SpecialOptions(threads, options_).data(), MHD_OPTION_END);
  return daemon_ != nullptr;
}

void MicrohttpdServer::OnConnection(void* self, MHD_Connection* connection, void**,
                                    MHD_ConnectionNotificationCode code) {
  const auto& tls = static_cast<MicrohttpdServer*>(self)->options_.tls;
  if (!tls || code != MHD_CONNECTION_NOTIFY_STARTED) return;
  const MHD_ConnectionInfo* const info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info != nullptr) AskForClientCertificate(info->tls_session, tls->client_auth);
}

// An exception must not unwind through the library, which is C.
MHD_Result MicrohttpdServer::OnRequest(void* self, MHD_Connection* connection, const char*,
                                       const char* method, const char* version, const char*,
                                       std::size_t* upload_size, void** state) {
  auto* const progress = static_cast<RequestInProgress*>(*state);
  if (progress == nullptr) return MHD_NO;
  try {
    return static_cast<MicrohttpdServer*>(self)->OnRequest(connection, method, version,
                                                           *upload_size, *progress);
  } catch (...) {
    return MHD_NO;
  }
}

MHD_Result MicrohttpdServer::OnRequest(MHD_Connection* connection, const char* method,
                                       std::string_view version, std::size_t& upload_size,
                                       RequestInProgress& progress) {
  if (!progress.head_seen) {
    progress.head_seen = true;
    return OnHead(connection, method, version, progress);
  }
  if (upload_size > 0) {
    progress.body_size += upload_size;
    upload_size = 0;
    return progress.body_size > kBodyLimit ? MHD_NO : MHD_YES;
  }
  return Answer(connection, progress.request, false);
}

MHD_Result MicrohttpdServer::OnHead(MHD_Connection* connection, const char* method,
                                    std::string_view version, RequestInProgress& progress) {
  ServerRequest& request = progress.request;
  request.method = method;
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, &CollectHeader, &request.headers);
  const MHD_ConnectionInfo* const info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  const std::size_t head_size = info == nullptr ? 0 : info->header_size;
  if (const auto status = RefusalStatus(request, head_size, kHeadLimit, kBodyLimit)) {
    return Send(connection, PlainText(*status, "request refused"), true);
  }
  const bool host_missing = version == "HTTP/1.1" && request.Header("host").empty();
  if (host_missing || !ParseRequestTarget(progress.target, request)) {
    return Send(connection, PlainText(400, "request refused"), true);
  }
  // A GET whose announced body never comes would otherwise wait for it until the idle timeout.
  if ((request.method == "GET" || request.method == "HEAD") && AnnouncesBody(request)) {
    return Answer(connection, request, true);
  }
  return MHD_YES;
}

MHD_Result MicrohttpdServer::Answer(MHD_Connection* connection, const ServerRequest& request,
                                    bool close) {
  ServerResponse response = Handle(request);
  if (response.delay.count() > 0) {
    std::unique_lock lock(mutex_);
    if (stop_.wait_for(lock, response.delay, [this] { return stopping_; })) return MHD_NO;
  }
  return Send(connection, std::move(response), close);
}

ServerResponse MicrohttpdServer::Handle(const ServerRequest& request) {
  try {
    return handler_(request);
  } catch (const std::exception& error) {
    ReportError(error.what());
  } catch (...) {
    ReportError("unknown exception");
  }
  return PlainText(500, "Internal Server Error");
}

MHD_Result MicrohttpdServer::Send(MHD_Connection* connection, ServerResponse response, bool close) {
  auto* const body = new std::string(std::move(response.body));
  MHD_Response* const reply = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* owned) { delete static_cast<std::string*>(owned); },
      body);
  if (reply == nullptr) {
    delete body;
    return MHD_NO;
  }
  for (const auto& [name, value] : response.headers) {
    if (MHD_add_response_header(reply, name.c_str(), value.c_str()) != MHD_YES) {
      ReportError("response header refused: " + name);
    }
  }
  if (close) (void)MHD_add_response_header(reply, MHD_HTTP_HEADER_CONNECTION, "close");
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(response.status), reply);
  MHD_destroy_response(reply);
  return queued;
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
  auto server = std::make_unique<MicrohttpdServer>(std::move(handler), std::move(options));
  if (!server->Run(socket.value(), threads)) {
    return "cannot serve on " + address.Text() + ": libmicrohttpd does not start";
  }
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace radar_spoof
