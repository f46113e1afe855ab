#include "radar_spoof/web/web_server.h"

namespace radar_spoof {
namespace {

std::string Text(const std::vector<ConfigProblem>& problems) {
  std::string text;
  for (const ConfigProblem& problem : problems) {
    text += (text.empty() ? "" : "; ") + problem.Text();
  }
  return text;
}

}  // namespace

WebServer::WebServer(Options options, WebConfig config, BasicAuth& auth, Log& log)
    : options_(std::move(options)), config_(std::move(config)), auth_(auth), log_(log) {
  auth_.SetUsers(config_.users, 0);
}

Result<std::unique_ptr<WebServer>, std::string> WebServer::Start(Options options, WebConfig config,
                                                                 BasicAuth& auth, Log& log) {
  std::unique_ptr<WebServer> self(new WebServer(std::move(options), std::move(config), auth, log));
  if (auto problem = self->Listen()) return std::move(*problem);
  return self;
}

std::optional<std::string> WebServer::Listen() {
  auto server =
      HttpServer::Start(options_.addresses, ServerThreads::kPool, options_.handler,
                        {.tls = config_.tls, .on_error = [&log = log_](std::string_view problem) {
                           log.Error("a request could not be answered", {{"detail", problem}});
                         }});
  if (!server) return server.error();
  server_ = std::move(server).value();
  return std::nullopt;
}

void WebServer::Refresh() {
  if (options_.config_file.empty()) return;
  auto loaded = LoadWebConfig(options_.config_file);
  const std::string problem =
      loaded ? Use(std::move(loaded).value()).value_or("") : Text(loaded.error());
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
  log_.Info("web configuration read again", {{"file", options_.config_file},
                                             {"tls", has_tls() ? "yes" : "no"},
                                             {"users", config_.users.size()}});
  return std::nullopt;
}

bool WebServer::Answers() const { return server_->Answers(); }

std::vector<ListenAddress> WebServer::addresses() const {
  std::vector<ListenAddress> bound = options_.addresses;
  const std::vector<int> ports = server_->ports();
  for (std::size_t i = 0; i < bound.size(); ++i) bound[i].port = ports[i];
  return bound;
}

}  // namespace radar_spoof
