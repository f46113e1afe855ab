// Which request gets which answer. Knows paths, methods and headers, not sockets.
//
//   /           landing page, unless the metrics are there
//   /metrics    the exposition, under a path of one's choice; text or OpenMetrics, gzip if allowed
//   /-/healthy  200 while the poll loop comes round, 503 when it has stood still for a minute;
//               whatever the API answers
//   /-/ready    503 until every query was tried once, then 200
//   /-/reload   POST or PUT: asks for a reload, and says what became of it; 503 where that is not
//               known in time; 403 unless enabled
// All of them may stand under a prefix, as Prometheus' --web.route-prefix has it; then "/" and the
// prefix itself are redirected to the landing page.
// Paths are exact. OPTIONS is answered with 204 whatever the path. With basic authentication every
// answer needs it, 404 included, but for 401, 429, and what probes and load balancers ask, who have
// no password: OPTIONS, /-/healthy and /-/ready. These do not look at credentials.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/page/metrics_page.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/poll/api_metrics.h"
#include "radar_spoof/poll/snapshot.h"
#include "radar_spoof/web/basic_auth.h"

namespace radar_spoof {

// A reload that somebody asked for and waits for.
struct AskedReload {
  enum class Outcome { kReloaded, kNotReloaded, kNotYet, kTooManyWait };

  Awaited ended;  // or nobody waits any longer
  // REQUIRES, for what follows: `ended` was called.
  Outcome outcome = Outcome::kNotYet;
  std::string problem = {};  // kNotReloaded: why the old configuration stays
};

// Functions are called from the thread that calls Respond(), several at once. None may block.
struct PagesOptions {
  std::string telemetry_path = "/metrics";  // begins with "/"
  std::string route_prefix = {};            // "/radar"; "": none
  // Where a browser finds what is under the prefix, if it is said: "/radar", or "" for the root.
  std::optional<std::string> external_path = {};
  // What this process says of itself.
  std::function<ProcessMetrics()> process;
  // When the poll loop last came round.
  std::function<std::chrono::steady_clock::time_point()> last_turn;
  // Asks for the configuration to be read again. Unset: reloading is not enabled.
  std::function<std::shared_ptr<AskedReload>()> reload;
  // Whether the request may be answered, asked unless everyone's may. Unset: everyone's may.
  std::function<AuthDecision(const ServerRequest&)> authenticate;
};

// Thread rule: Respond() may be called from any thread. Does not block.
class Pages {
 public:
  // REQUIRES: `store`, `metrics` and `clock` outlive this; `options.process` and
  // `options.last_turn` are set.
  Pages(const SnapshotStore& store, const ApiMetrics& metrics, const Clock& clock,
        PagesOptions options);

  // REQUIRES: `request` outlives what the response awaits.
  ServerResponse Respond(const ServerRequest& request) const;
  // Whether it is one of those that need no password.
  bool IsProbe(const ServerRequest& request) const;

 private:
  ServerResponse Respond(const ServerRequest& request, const AuthDecision& decision) const;
  std::string_view PathUnderPrefix(const ServerRequest& request) const;
  ServerResponse Route(const ServerRequest& request) const;
  ServerResponse Metrics(const ServerRequest& request) const;
  ServerResponse LandingPage() const;
  ServerResponse Moved(std::string_view from) const;
  ServerResponse Healthy() const;
  ServerResponse Ready() const;
  ServerResponse Reload(const std::string& method) const;

  const SnapshotStore& store_;
  const Clock& clock_;
  const PagesOptions options_;
  const MetricsPage metrics_;
};

}  // namespace radar_spoof
