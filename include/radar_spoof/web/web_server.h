// Serves one handler on every listen address, as the web configuration says, and goes along when
// that changes: certificates are renewed and passwords changed without a restart.
#pragma once

#include <mutex>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/web/basic_auth.h"
#include "radar_spoof/web/web_config.h"

namespace radar_spoof {

// Thread rule: one thread at a time, but Answers() on any; the handler is called from the server's
// own, several at once.
class WebServer {
 public:
  struct Options {
    std::vector<ListenAddress> addresses;
    std::vector<FileDescriptor> sockets;  // from AdoptListenSocket; if any, instead of addresses
    std::string config_file;              // "": plain HTTP for everyone, and nothing to refresh
    HttpServer::Handler handler;
    // Asked from the server's threads: a probe is not counted by the rate limit, nor refused.
    std::function<bool(const ServerRequest&)> is_probe;
  };

  // `config` is what was read from the file last. The error names the address and the reason.
  // REQUIRES: `auth` and `log` outlive this.
  static Result<std::unique_ptr<WebServer>, std::string> Start(Options options, WebConfig config,
                                                               BasicAuth& auth, Log& log);

  // Reads the file and those it names again. If TLS changed, all of it holds for new connections
  // from now on, and those that are open keep the old settings and users until they are closed; if
  // only users did, they hold for the next request. No request fails for it. What cannot be used
  // changes nothing and is logged once for each reason. Blocks as LoadWebConfig does.
  void Refresh();
  // The same, but what differs is used only once it has been found for kWholeAfter: a file that is
  // being written holds a part of itself, perhaps without its users.
  static constexpr Milliseconds kWholeAfter{1000};
  void RefreshOnceSettled(SteadyTime now);

  // Whether connections of our own are answered on every address. Blocking: half a second for each
  // that does not.
  bool Answers() const { return server_->Answers(); }

  std::vector<std::string> addresses() const;  // those bound, as they were given
  std::vector<int> ports() const { return server_->ports(); }
  bool has_tls() const { return config_.tls.has_value(); }

 private:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  WebServer(Options options, WebConfig config, BasicAuth& auth, Log& log);

  // At `now` by RefreshOnceSettled(); nullopt: what is found is used.
  void Read(std::optional<SteadyTime> now);
  void SetRules();
  // How long until the rate limit lets another request in; nullopt: now.
  std::optional<Seconds> WaitForTurn();
  ServerResponse Respond(const ServerRequest& request);
  ServerResponse WithHeaders(ServerResponse response) const;
  // The error if everything stays as it is.
  std::optional<std::string> Use(WebConfig config);

  const Options options_;
  WebConfig config_;
  BasicAuth& auth_;
  Log& log_;
  mutable std::mutex mutex_;                           // for all of these
  std::shared_ptr<const Headers> headers_;             // of every response
  RateLimit rate_limit_;                               // in use
  std::chrono::steady_clock::time_point next_turn_{};  // were the bucket of one request
  std::unique_ptr<HttpServer> server_;                 // its threads use all that is above
  std::string last_problem_;
  std::optional<std::pair<WebConfig, SteadyTime>> seen_;  // what is not used yet, and since when
};

}  // namespace radar_spoof
