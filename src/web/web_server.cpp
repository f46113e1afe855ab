#include "radar_spoof/web/web_server.h"

#include <algorithm>

namespace radar_spoof {

WebServer::WebServer(Options options, WebConfig config, BasicAuth& auth, Log& log)
    : options_(std::move(options)), config_(std::move(config)), auth_(auth), log_(log) {
  auth_.SetUsers(config_.users, 0);
  SetRules();
}

Result<std::unique_ptr<WebServer>, std::string> WebServer::Start(Options options, WebConfig config,
                                                                 BasicAuth& auth, Log& log) {
  std::vector<FileDescriptor> sockets = std::move(options.sockets);
  std::unique_ptr<WebServer> self(new WebServer(std::move(options), std::move(config), auth, log));
  const auto handler = [here = self.get()](const ServerRequest& request) {
    return here->Respond(request);
  };
  const ServerOptions server_options = {
      .tls = self->config_.tls, .on_error = [&log](std::string_view problem) {
        log.Error("a request could not be answered", {{"detail", problem}});
      }};
  auto server = sockets.empty() ? HttpServer::Start(self->options_.addresses, ServerThreads::kPool,
                                                    handler, server_options)
                                : HttpServer::Start(std::move(sockets), ServerThreads::kPool,
                                                    handler, server_options);
  if (!server) return server.error();
  self->server_ = std::move(server).value();
  return self;
}

void WebServer::Refresh() { Read(std::nullopt); }

void WebServer::RefreshOnceSettled(SteadyTime now) { Read(now); }

void WebServer::Read(std::optional<SteadyTime> now) {
  if (options_.config_file.empty()) return;
  auto loaded = LoadWebConfig(options_.config_file);
  if (now && loaded && loaded.value() != config_) {
    if (!seen_ || seen_->first != loaded.value()) seen_.emplace(std::move(loaded).value(), *now);
    if (*now - seen_->second < kWholeAfter) return;
    loaded = std::move(seen_->first);
  }
  seen_.reset();
  const std::string problem =
      loaded ? Use(std::move(loaded).value()).value_or("") : Joined(loaded.error(), "; ");
  if (!problem.empty() && problem != last_problem_) {
    log_.Error("the web configuration stays as it was", {{"detail", problem}});
  }
  last_problem_ = problem;
}

std::optional<std::string> WebServer::Use(WebConfig config) {
  if (config == config_) return std::nullopt;
  if (config.tls == config_.tls) {
    auth_.SetUsers(config.users, server_->settings());
  } else {
    // Who is connected by the old settings keeps the old users: no connection ever has the weaker
    // half of both.
    auth_.SetUsers(config.users, server_->settings() + 1);
    if (auto problem = server_->UseTls(config.tls)) return problem;
  }
  config_ = std::move(config);
  SetRules();
  log_.Info("web configuration read again", {{"file", options_.config_file},
                                             {"tls", has_tls() ? "yes" : "no"},
                                             {"users", config_.users.size()}});
  return std::nullopt;
}

void WebServer::SetRules() {
  auto headers = std::make_shared<const Headers>(config_.headers);
  const std::lock_guard lock(mutex_);
  headers_ = std::move(headers);
  if (config_.rate_limit == rate_limit_) return;
  rate_limit_ = config_.rate_limit;
  next_turn_ = {};
}

// The generic cell rate algorithm: a bucket of tokens, of which one number is kept.
std::optional<Seconds> WebServer::WaitForTurn() {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (rate_limit_.interval.count() == 0) return std::nullopt;
  const auto turn = std::max(next_turn_, now);
  const auto early = turn - now - (rate_limit_.burst - 1) * rate_limit_.interval;
  if (early.count() > 0) return std::chrono::ceil<Seconds>(early);
  next_turn_ = turn + rate_limit_.interval;
  return std::nullopt;
}

ServerResponse WebServer::Respond(const ServerRequest& request) {
  if (!options_.is_probe(request)) {
    if (const auto wait = WaitForTurn()) {
      return WithHeaders(
          PlainText(429, "Too Many Requests", {{"Retry-After", std::to_string(wait->count())}}));
    }
  }
  return WithHeaders(options_.handler(request));
}

// Those of the web configuration take the place of the page's own.
ServerResponse WebServer::WithHeaders(ServerResponse response) const {
  if (response.awaited) {
    response.then = [this, then = std::move(response.then)] { return WithHeaders(then()); };
    return response;
  }
  std::unique_lock lock(mutex_);
  const auto headers = headers_;
  lock.unlock();
  for (const auto& header : *headers) {
    std::erase_if(response.headers,
                  [&header](const auto& each) { return each.first == header.first; });
    response.headers.push_back(header);
  }
  return response;
}

std::vector<std::string> WebServer::addresses() const {
  if (options_.addresses.empty()) return server_->addresses();
  std::vector<std::string> texts;
  const std::vector<int> bound = ports();
  for (std::size_t i = 0; i < bound.size(); ++i) {
    texts.push_back(ListenAddress{options_.addresses[i].host, bound[i]}.Text());
  }
  return texts;
}

}  // namespace radar_spoof
