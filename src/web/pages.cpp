#include "radar_spoof/web/pages.h"

#include <algorithm>

#include "landing_page.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/http/content_negotiation.h"

namespace radar_spoof {
namespace {

// Six times as long as a turn of the poll loop takes at most while it is well.
constexpr Seconds kLongestTurn{60};

constexpr std::string_view kHealthy = "/-/healthy";
constexpr std::string_view kReady = "/-/ready";
constexpr std::string_view kReload = "/-/reload";

// The same for every path but one, so that who has no password learns of none.
std::string AllowedMethods(std::string_view path) {
  return path == kReload ? "POST, PUT, OPTIONS" : "GET, HEAD, OPTIONS";
}

ServerResponse WrongMethod(std::string_view path) {
  return PlainText(405, "Method Not Allowed", {{"Allow", AllowedMethods(path)}});
}

// The answer to who may not have another one.
ServerResponse Refusal(const AuthDecision& decision) {
  if (decision.outcome == AuthDecision::Outcome::kTryLater) {
    return PlainText(429, "Too Many Requests",
                     {{"Retry-After", std::to_string(decision.retry_after.count())}});
  }
  return PlainText(
      401, "Unauthorized",
      {{"WWW-Authenticate", "Basic realm=\"radar_spoof_exporter\", charset=\"UTF-8\""}});
}

ServerResponse OutcomeOf(const AskedReload& reload) {
  switch (reload.outcome) {
    case AskedReload::Outcome::kReloaded: break;
    case AskedReload::Outcome::kNotReloaded: return PlainText(500, reload.problem);
    case AskedReload::Outcome::kNotYet:
      return PlainText(503,
                       "The reload has not ended yet: the configuration, or a file that it or the "
                       "web configuration names, is still being read. Check whether their "
                       "disk responds. What is read will be used, and the log then says so.");
    case AskedReload::Outcome::kTooManyWait:
      return PlainText(503,
                       "Too many requests wait for a reload. There will be one for this request, "
                       "too, and the log then says what became of it.");
  }
  return PlainText(200, "OK");
}

ServerResponse WithoutSniffing(ServerResponse response) {
  if (response.awaited) {
    response.then = [then = std::move(response.then)] { return WithoutSniffing(then()); };
  } else {
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  }
  return response;
}

}  // namespace

Pages::Pages(const SnapshotStore& store, const ApiMetrics& metrics, const Clock& clock,
             PagesOptions options)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      metrics_(store, metrics, clock, options_.process) {}

ServerResponse Pages::Respond(const ServerRequest& request) const {
  if (!options_.authenticate || IsProbe(request)) {
    return Respond(request, {AuthDecision::Outcome::kAllowed});
  }
  return Respond(request, options_.authenticate(request));
}

bool Pages::IsProbe(const ServerRequest& request) const {
  const std::string_view path = PathUnderPrefix(request);
  // Without the prefix it is the server that asks itself (listen_socket.h).
  const bool is_own = request.path == kHealthy;
  return request.method == "OPTIONS" || path == kHealthy || path == kReady || is_own;
}

// "": nothing is there but a redirection.
std::string_view Pages::PathUnderPrefix(const ServerRequest& request) const {
  const std::string_view path = request.path;
  return path.starts_with(options_.route_prefix) ? path.substr(options_.route_prefix.size()) : "";
}

ServerResponse Pages::Respond(const ServerRequest& request, const AuthDecision& decision) const {
  if (decision.outcome == AuthDecision::Outcome::kComparing) {
    ServerResponse response;
    response.awaited = {decision.comparison, &decision.comparison->done};
    response.then = [this, &request, comparison = decision.comparison] {
      return Respond(request, comparison->decision);
    };
    return response;
  }
  const bool allowed = decision.outcome == AuthDecision::Outcome::kAllowed;
  return WithoutSniffing(allowed ? Route(request) : Refusal(decision));
}

ServerResponse Pages::Route(const ServerRequest& request) const {
  const std::string_view path = PathUnderPrefix(request);
  if (request.method == "OPTIONS")
    return {.status = 204, .headers = {{"Allow", AllowedMethods(path)}}};
  if (path == kReload) return Reload(request.method);
  const bool is_metrics = path == options_.telemetry_path;
  const bool is_healthy = path == kHealthy;
  const bool is_ready = path == kReady;
  const bool is_moved = !options_.route_prefix.empty() &&
                        (request.path == "/" || request.path == options_.route_prefix);
  if (!is_metrics && !is_healthy && !is_ready && path != "/" && !is_moved) {
    return PlainText(404, "Not Found");
  }
  if (request.method != "GET" && request.method != "HEAD") return WrongMethod(path);
  if (is_moved) return Moved(request.path);
  if (is_healthy) return Healthy();
  if (is_ready) return Ready();
  return is_metrics ? Metrics(request) : LandingPage();
}

// As Prometheus does: "/" is asked for by who knows the server, the prefix by who knows its
// address.
ServerResponse Pages::Moved(std::string_view from) const {
  const std::string& prefix = options_.route_prefix;
  const std::string to = from == "/" ? prefix : options_.external_path.value_or(prefix);
  return PlainText(302, "Found", {{"Location", to + "/"}});
}

ServerResponse Pages::Metrics(const ServerRequest& request) const {
  const ExpositionFormat format = ChooseExpositionFormat(request.HeaderList("accept"));
  ServerResponse response;
  response.headers = {{"Content-Type", std::string(ContentType(format))},
                      {"Vary", "Accept, Accept-Encoding"}};
  const bool gzip = AcceptsGzip(request.HeaderList("accept-encoding"));
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  auto [shared, tail] = metrics_.Render(format, gzip);
  response.shared_body = std::move(shared);
  response.body = std::move(tail);
  return response;
}

ServerResponse Pages::LandingPage() const {
  return {200,
          {{"Content-Type", "text/html; charset=utf-8"},
           {"Content-Security-Policy", std::string(kLandingPagePolicy)},
           {"Referrer-Policy", "no-referrer"}},
          RenderLandingPage(*store_.Load(), clock_.Now(),
                            {.telemetry_path = options_.telemetry_path,
                             .base = options_.external_path.value_or("."),
                             .homepage = std::string(Homepage()),
                             .documents = std::string(Documents())})};
}

ServerResponse Pages::Healthy() const {
  const auto still =
      std::chrono::floor<Seconds>(std::chrono::steady_clock::now() - options_.last_turn());
  if (still < kLongestTurn) return PlainText(200, "OK");
  return PlainText(503,
                   "Polling has stood still for " + std::to_string(still.count()) + " seconds");
}

ServerResponse Pages::Ready() const {
  const auto snapshot = store_.Load();
  const auto& queries = snapshot->queries;
  const auto untried =
      std::ranges::count_if(queries, [](const auto& each) { return !each.tried(); });
  if (untried == 0) return PlainText(200, "OK");
  return PlainText(503, std::to_string(untried) + " of " + std::to_string(queries.size()) +
                            " queries not tried yet");
}

ServerResponse Pages::Reload(const std::string& method) const {
  if (method != "POST" && method != "PUT") return WrongMethod(kReload);
  if (!options_.reload) {
    return PlainText(403, "Reloading is not enabled; start with --web.enable-lifecycle");
  }
  const auto reload = options_.reload();
  ServerResponse response;
  response.awaited = {reload, &reload->ended};
  response.then = [reload] { return OutcomeOf(*reload); };
  return response;
}

}  // namespace radar_spoof
