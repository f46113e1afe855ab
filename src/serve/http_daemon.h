// One libmicrohttpd daemon, which serves the connections it is given, all with the same TLS
// settings; the only door to libmicrohttpd.
//
// Used by: http_server.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include <sys/socket.h>

#include "connection_deadlines.h"
#include "radar_spoof/serve/http_server.h"

struct MHD_Daemon;

namespace radar_spoof {

// What the daemons of one server share.
struct ServerState {
  const HttpServer::Handler handler;
  const ServerOptions options;
  ConnectionDeadlines deadlines;
  std::atomic<int> open_requests = 0;  // whose response is not yet taken

  std::mutex mutex;
  std::condition_variable stop;
  bool stopping = false;  // under `mutex`
};

// Thread rule: any thread.
class HttpDaemon {
 public:
  // nullptr when the library refuses to start. REQUIRES: `state` outlives this; `tls` has no
  // TlsProblem.
  static std::unique_ptr<HttpDaemon> Start(ServerState& state, ServerThreads threads,
                                           std::optional<TlsSettings> tls);
  // Drops open connections and joins the threads.
  ~HttpDaemon();
  HttpDaemon(const HttpDaemon&) = delete;
  HttpDaemon& operator=(const HttpDaemon&) = delete;

  // Takes over the descriptor; closes it when there are too many.
  void Add(int descriptor, const sockaddr* client, socklen_t size);
  // From now on each response is the last one of its connection.
  void Retire() { retired_ = true; }
  int connections() const;

 private:
  class Callbacks;

  HttpDaemon(ServerState& state, std::optional<TlsSettings> tls)
      : state_(state), tls_(std::move(tls)) {}

  ServerState& state_;
  const std::optional<TlsSettings> tls_;
  std::atomic<bool> retired_ = false;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace radar_spoof
