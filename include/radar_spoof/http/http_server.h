// An HTTP/1.1 server on libmicrohttpd. Knows sockets, TLS and limits, not what is served.
//
// Limits: head 16 KiB and 64 fields; idle connections are closed after 10 s; slow ones are reset
// (`head_deadline`, `response_deadline`); at most so many connections and responses as
// ServerOptions says, and never so many connections that fewer than 16 file descriptors are left.
// Beyond them others give way, as in connections.h. HEAD is answered as GET without the body. No
// request's body is read: it is answered at its head, and if it announced one its connection is
// closed. Malformed requests are answered with a 4xx and never reach the handler.
// Thread rule: the handler is called from the server's own threads, several at once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <sys/socket.h>

#include "radar_spoof/core/error.h"
#include "radar_spoof/http/listen_socket.h"
#include "radar_spoof/http/tls_settings.h"

namespace radar_spoof {

class Acceptor;
class HttpDaemon;
struct ServerState;

struct ServerRequest {
  std::string method;  // as sent: "GET"
  std::string path;    // percent-decoded, without the query string
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order, repeats kept
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string client = {};  // its address: "192.0.2.1", "2001:db8::1"
  int settings = 0;         // HttpServer::settings() when its connection was accepted

  // The first header of that name (lower case), or "".
  std::string_view Header(std::string_view name) const;
  // All of that name (lower case) as one list (RFC 9110, 5.3), or "".
  std::string HeaderList(std::string_view name) const;
};

// What one client can call its own, by its address as in ServerRequest: of an IPv6 address the
// first 64 bits, another one as it is.
std::string ClientNetwork(std::string_view address);

// Something that another thread finds out, and that nobody needs to block for.
// Thread rule: any thread.
class Awaited {
 public:
  // It is found out. To be called once.
  void Done() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    if (const auto then = std::exchange(then_, nullptr)) then();
  }
  // Calls `then` when it is done, or at once. `then` must not use this object.
  void Then(std::function<void()> then) {
    const std::lock_guard lock(mutex_);
    if (done_) {
      then();
    } else {
      then_ = std::move(then);
    }
  }
  // Once this has returned, what Then() was given is not called, nor being called.
  void Forget() {
    const std::lock_guard lock(mutex_);
    then_ = nullptr;
  }

 private:
  std::mutex mutex_;
  bool done_ = false;
  std::function<void()> then_;
};

struct ServerResponse {
  int status = 200;  // 200 to 599
  // Content-Length, Date and Connection are the server's own.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::chrono::milliseconds delay{0};  // held back this long first; only with kThreadPerConnection
  // What the body begins with, before `body`: one text that many responses share. May be null.
  std::shared_ptr<const std::string> shared_body = nullptr;
  // What must be found out first; then all the rest is as if it were not there, and `then` is
  // called, from one of the server's threads, for what is sent. Only with kPool.
  std::shared_ptr<Awaited> awaited = nullptr;
  std::function<ServerResponse()> then = nullptr;
};

// One line of text, without its newline. `headers`: beside its Content-Type.
ServerResponse PlainText(int status, std::string text,
                         std::vector<std::pair<std::string, std::string>> headers = {});

enum class ServerThreads {
  kPool,                 // two event-loop threads: handlers must not block
  kThreadPerConnection,  // for the simulator, whose handlers may wait
};

struct ServerOptions {
  int max_connections = 2048;
  int max_connections_of_client = 1280;  // of one address, or of one IPv6 network of 64 bits
  // Responses that are not yet taken by their clients. They hold no more than 224 KiB each of the
  // system's memory, and together, as far as they do not share it, this much of the process's; but
  // one may always hold more. Who finds no place is answered with 503.
  int max_responses = 256;
  int max_responses_of_client = 128;
  std::size_t max_response_bytes = std::size_t{64} << 20;
  // A whole request head must have come this long after accept, TLS handshake included, or after
  // the previous response's end; however little of it is missing, the connection is reset.
  std::chrono::milliseconds head_deadline = std::chrono::seconds(10);
  // The response must have been taken this long after the head.
  std::chrono::milliseconds response_deadline = std::chrono::seconds(30);
  std::optional<TlsSettings> tls = {};  // nullopt: plain HTTP
  // Told of an exception that left the handler, in words; called from the server's threads.
  std::function<void(std::string_view)> on_error = {};
};

class HttpServer {
 public:
  // May throw: the client then gets a 500 and `on_error` the text. The request lives until its
  // response is sent.
  using Handler = std::function<ServerResponse(const ServerRequest&)>;

  // Binds and starts to serve. The error names the address and the system's reason: "cannot listen
  // on 127.0.0.1:10766: Address already in use"; or how many file descriptors it lacks. A host name
  // is resolved here, which may block. REQUIRES: there is an address.
  static Result<std::unique_ptr<HttpServer>, std::string> Start(
      const std::vector<ListenAddress>& addresses, ServerThreads threads, Handler handler,
      ServerOptions options = {});
  static Result<std::unique_ptr<HttpServer>, std::string> Start(const ListenAddress& address,
                                                                ServerThreads threads,
                                                                Handler handler,
                                                                ServerOptions options = {}) {
    return Start(std::vector{address}, threads, std::move(handler), std::move(options));
  }
  // Serves on sockets from AdoptListenSocket. REQUIRES: there is one.
  static Result<std::unique_ptr<HttpServer>, std::string> Start(std::vector<FileDescriptor> sockets,
                                                                ServerThreads threads,
                                                                Handler handler,
                                                                ServerOptions options = {});
  // Stops listening, drops open connections, wakes delayed responses and joins the threads.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::vector<int> ports() const;              // those bound, by address or socket
  std::vector<std::string> addresses() const;  // likewise, as BoundAddressText
  int port() const { return ports().front(); }
  // Whether a connection of our own is answered on every address. Blocking: half a second at most
  // for each.
  bool Answers() const;

  // Serves new connections with these settings, without TLS if nullopt, on every address or none.
  // Those that are open keep theirs, and may finish the request they are at or still begin one. The
  // error says why the old settings stay. May throw std::bad_alloc, and then they stay, too.
  // Thread rule: one call at a time.
  std::optional<std::string> UseTls(std::optional<TlsSettings> tls);
  // The number of the settings for new connections: 0, and one more after each such change.
  int settings() const { return settings_; }

 private:
  struct Retired {
    std::unique_ptr<HttpDaemon> daemon;
    std::chrono::steady_clock::time_point since;
  };

  HttpServer(ServerThreads threads, std::unique_ptr<ServerState> state, int first_crowded,
             int first_refused);

  using Sockets = Result<std::vector<FileDescriptor>, std::string>;
  static Result<std::unique_ptr<HttpServer>, std::string> StartOn(
      const std::string& place, std::size_t to_open, const std::function<Sockets()>& open,
      ServerThreads threads, Handler handler, ServerOptions options);

  // The reason why it cannot. May throw std::system_error.
  std::optional<std::string> Run();
  void Add(int descriptor, const sockaddr* client, socklen_t size);
  bool Sweep();
  bool IsDone(const Retired& retired) const;

  const ServerThreads threads_;
  const std::unique_ptr<ServerState> state_;
  const int first_crowded_;  // from this descriptor on a client's may wait for another's to close
  const int first_refused_;  // from this one on they are for the process itself
  std::vector<FileDescriptor> listening_;
  std::atomic<int> settings_ = 0;

  std::mutex mutex_;
  std::unique_ptr<HttpDaemon> serving_;  // under mutex_
  std::vector<Retired> retired_;         // under mutex_
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace radar_spoof
