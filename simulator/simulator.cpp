#include "simulator/simulator.h"

#include <fmt/format.h>

#include "radar_spoof/http/content_negotiation.h"
#include "radar_spoof/http/gzip.h"
#include "simulator/csv_text.h"
#include "simulator/json_text.h"
#include "simulator/reference_example.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kApiRoot = "/client/v4";
constexpr std::string_view kDimensions = "/client/v4/radar/email/security/timeseries_groups/";
constexpr std::string_view kOld = "spoof";
constexpr std::string_view kNew = "SPOOF";
constexpr std::string_view kScenarioPath = "/scenario";
constexpr Seconds kRetryAfterTooMany = 30s;  // what Cloudflare sends with code 1015

constexpr std::string_view kHelp =
    "radar_simulator: made-up answers in the form of the Cloudflare Radar API. No real data.\n"
    "\n"
    "  GET  /client/v4/radar/email/security/timeseries_groups/spoof   (or .../SPOOF)\n"
    "  GET  /scenario         the scenario that runs, and all there are\n"
    "  PUT  /scenario/NAME    switch to another (or POST)\n"
    "  GET  /requests         API calls counted by status, and the last one\n";

constexpr std::string_view kOutagePage =
    "<!DOCTYPE html>\n<html><head><title>503 Service Temporarily Unavailable</title></head>\n"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>\n";

ServerResponse Respond(int status, std::string_view content_type, std::string body) {
  return {status, {{"Content-Type", std::string(content_type)}}, std::move(body)};
}

ServerResponse RespondJson(int status, std::string body) {
  return Respond(status, "application/json", std::move(body));
}

ServerResponse Refuse(const ApiError& error) {
  return RespondJson(error.http_status, JsonText(error));
}

ServerResponse NotFound() { return Refuse({404, 7003, "Not Found", {}, true}); }

ServerResponse RefuseFor(Seconds retry_after, int code, std::string message) {
  ServerResponse response = Refuse({429, code, std::move(message)});
  response.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
  return response;
}

ServerResponse MethodNotAllowed(std::string_view allowed, std::string body) {
  ServerResponse response = RespondJson(405, std::move(body));
  response.headers.emplace_back("Allow", std::string(allowed));
  return response;
}

bool IsRead(const ServerRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

bool IsBelow(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

// What stands for {dimension} in .../timeseries_groups/{dimension}; nullopt for any other path.
std::optional<std::string_view> DimensionOf(std::string_view path) {
  if (!path.starts_with(kDimensions)) return std::nullopt;
  path.remove_prefix(kDimensions.size());
  if (path.empty() || path.find('/') != std::string_view::npos) return std::nullopt;
  return path;
}

void AddRateLimitHeaders(ServerResponse& response, int limit, int remaining, Seconds until_reset) {
  response.headers.emplace_back(
      "Ratelimit", fmt::format("\"default\";r={};t={}", remaining, until_reset.count()));
  response.headers.emplace_back("Ratelimit-Policy", fmt::format("\"default\";q={};w={}", limit,
                                                                RateLimitBlock::kWindow.count()));
}

void CompressIfAccepted(ServerResponse& response, const ServerRequest& request) {
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!AcceptsGzip(request.Header("accept-encoding"))) return;
  response.body = Gzip(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace

Simulator::Simulator(const SimulatorOptions& options, const Clock& clock)
    : options_(options), clock_(clock), block_(options.rate_limit), log_(options.credentials) {
  Switch(options.scenario);
}

void Simulator::Switch(Scenario scenario) {
  const WallTime last_updated = LastUpdated({});
  const std::lock_guard lock(mutex_);
  if (active_.scenario != scenario) active_ = {scenario, last_updated};
}

Scenario Simulator::scenario() const {
  const std::lock_guard lock(mutex_);
  return active_.scenario;
}

ServerResponse Simulator::Handle(const ServerRequest& request) {
  return IsBelow(request.path, kApiRoot) ? HandleApi(request) : HandleControl(request);
}

ServerResponse Simulator::HandleApi(const ServerRequest& request) {
  ActiveScenario active;
  RateLimitBlock::Admission admission{};
  {
    const std::lock_guard lock(mutex_);
    active = active_;
    admission = block_.Admit(clock_.Now().steady);
  }
  ServerResponse response = AnswerApi(request, active, admission);
  if (active.scenario == Scenario::kRateLimited && admission.admitted) {
    AddRateLimitHeaders(response, options_.rate_limit, 0, kRetryAfterTooMany);
  } else {
    AddRateLimitHeaders(response, options_.rate_limit, admission.remaining, admission.until_reset);
  }
  CompressIfAccepted(response, request);
  const std::lock_guard lock(mutex_);
  log_.Add(request, response.status);
  return response;
}

ServerResponse Simulator::AnswerApi(const ServerRequest& request, const ActiveScenario& active,
                                    const RateLimitBlock::Admission& admission) const {
  if (!admission.admitted) {
    return RefuseFor(admission.until_reset, 971,
                     "Please wait and consider throttling your request speed");
  }
  if (active.scenario == Scenario::kOutage) {
    return Respond(503, "text/html; charset=UTF-8", std::string(kOutagePage));
  }
  if (active.scenario == Scenario::kRateLimited) {
    return RefuseFor(kRetryAfterTooMany, 1015, "You are being rate limited");
  }
  if (active.scenario == Scenario::kUnauthorized) return Refuse(AuthenticationFailed());
  if (active.scenario == Scenario::kInternalError) {
    return Refuse({400, 0, "Internal Error", {}, true});
  }
  ServerResponse response = AnswerSpoof(request, active);
  if (active.scenario == Scenario::kSlow) response.delay = options_.slow_delay;
  return response;
}

ServerResponse Simulator::AnswerSpoof(const ServerRequest& request,
                                      const ActiveScenario& active) const {
  const std::optional<std::string_view> dimension = DimensionOf(request.path);
  if (!dimension) return NotFound();
  const bool served = IsServed(*dimension);
  if (!served && options_.other_dimensions == OtherDimensions::kNotFound) return NotFound();
  if (!served && options_.other_dimensions == OtherDimensions::kError) {
    return RespondJson(404, JsonErrorText("Not found"));
  }
  if (!IsRead(request)) {
    return MethodNotAllowed("GET, HEAD",
                            JsonText(ApiError{405, 7001, "Method not available for that URI"}));
  }
  if (const auto error = CheckCredentials(request, options_.credentials)) return Refuse(*error);
  if (!served) return Refuse(InvalidInput("Invalid option for dimension."));

  const WallTime last_updated = LastUpdated(active);
  if (options_.answer_form == AnswerForm::kReference) {
    return RespondJson(200, ReferenceExample(last_updated));
  }
  const auto parsed = ParseRadarRequest(request.query, last_updated, clock_.Now().wall,
                                        options_.series_names, options_.max_series);
  if (!parsed) return Refuse(parsed.error());
  const RadarAnswer answer = Answer(parsed.value(), {options_.data, last_updated, active});
  if (parsed.value().format == AnswerFormat::kCsv) {
    return Respond(200, "text/csv; charset=utf-8", CsvText(answer));
  }
  return RespondJson(200, JsonText(answer, options_.answer_form == AnswerForm::kObserved));
}

ServerResponse Simulator::HandleControl(const ServerRequest& request) {
  if (IsBelow(request.path, kScenarioPath)) return HandleScenario(request);
  if (request.path != "/" && request.path != "/requests") {
    return RespondJson(404, JsonErrorText("no such page; GET / lists those there are"));
  }
  if (!IsRead(request)) return MethodNotAllowed("GET, HEAD", JsonErrorText("only GET here"));
  if (request.path == "/") return Respond(200, "text/plain; charset=utf-8", std::string(kHelp));
  const std::lock_guard lock(mutex_);
  return RespondJson(200, JsonText(log_));
}

ServerResponse Simulator::HandleScenario(const ServerRequest& request) {
  if (request.path == kScenarioPath) {
    if (!IsRead(request)) return MethodNotAllowed("GET, HEAD", JsonErrorText("only GET here"));
    return RespondJson(200, JsonText(scenario()));
  }
  if (request.method != "PUT" && request.method != "POST") {
    return MethodNotAllowed("PUT, POST", JsonErrorText("only PUT and POST here"));
  }
  const auto wanted =
      ParseScenario(std::string_view(request.path).substr(kScenarioPath.size() + 1));
  if (!wanted) {
    return RespondJson(404, JsonErrorText("no such scenario; GET /scenario lists those there are"));
  }
  Switch(*wanted);
  return RespondJson(200, JsonText(*wanted));
}

WallTime Simulator::LastUpdated(const ActiveScenario& active) const {
  if (active.scenario == Scenario::kFrozen) return active.last_updated_at_start;
  return FloorTo(clock_.Now().wall - options_.lag, 15min);
}

bool Simulator::IsServed(std::string_view dimension) const {
  return (dimension == kOld && options_.path_style != PathStyle::kNew) ||
         (dimension == kNew && options_.path_style != PathStyle::kOld);
}

}  // namespace radar_spoof::simulator
