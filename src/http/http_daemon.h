// One libmicrohttpd daemon, which serves the connections it is given, all with the same TLS
// settings; the only door to libmicrohttpd.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include <sys/socket.h>

#include "connections.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/http/http_server.h"
#include "tls_endpoint.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace radar_spoof {

// What the daemons of one server share.
struct ServerState {
  const HttpServer::Handler handler;
  const ServerOptions options;
  Connections connections;

  std::mutex mutex;
  std::condition_variable stop;
  bool stopping = false;  // under `mutex`
};

// "192.0.2.1", "2001:db8::1". An IPv4 client of a socket that serves both is shown as IPv4. "" for
// nullptr and other families.
std::string ClientAddressText(const sockaddr* address);

// Thread rule: any thread.
class HttpDaemon {
 public:
  // `settings` is the number of these settings. The error is the library's or the system's reason.
  // REQUIRES: `state` outlives this; `tls` has no TlsProblem.
  static Result<std::unique_ptr<HttpDaemon>, std::string> Start(ServerState& state,
                                                                ServerThreads threads,
                                                                std::optional<TlsSettings> tls,
                                                                int settings);
  // Drops open connections and joins the threads; what responses wait for may come later.
  ~HttpDaemon();
  HttpDaemon(const HttpDaemon&) = delete;
  HttpDaemon& operator=(const HttpDaemon&) = delete;

  // Takes over the descriptor, which ServerState::connections has; closes it when it cannot.
  void Add(int descriptor, const sockaddr* client, socklen_t size);
  // From now on each response is the last one of its connection.
  void Retire() { retired_ = true; }
  int connections() const;

 private:
  class Callbacks;

  HttpDaemon(ServerState& state, std::optional<TlsSettings> tls, int settings)
      : state_(state), settings_(settings) {
    if (tls) tls_.emplace(*std::move(tls));
  }

  // False when it is too late.
  bool Suspend(MHD_Connection* connection, std::shared_ptr<Awaited> until);
  void Resume(MHD_Connection* connection);

  ServerState& state_;
  std::optional<TlsEndpoint> tls_;  // which never changes
  const int settings_;
  std::atomic<bool> retired_ = false;
  std::mutex mutex_;
  std::map<MHD_Connection*, std::shared_ptr<Awaited>> suspended_;  // under mutex_
  std::atomic<bool> stopping_ = false;  // set under mutex_: none is suspended after that
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace radar_spoof
