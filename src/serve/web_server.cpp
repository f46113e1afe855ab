#include "radar_spoof/serve/web_server.h"

#include <algorithm>

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
  auth_.SetUsers(config_.users);
}

Result<std::unique_ptr<WebServer>, std::string> WebServer::Start(Options options, WebConfig config,
                                                                 BasicAuth& auth, Log& log) {
  std::unique_ptr<WebServer> self(new WebServer(std::move(options), std::move(config), auth, log));
  if (auto problem = self->Listen()) return std::move(*problem);
  return self;
}

std::optional<std::string> WebServer::Listen() {
  for (const ListenAddress& address : options_.addresses) {
    auto server =
        HttpServer::Start(address, ServerThreads::kPool, options_.handler,
                          {.tls = config_.tls, .on_error = [&log = log_](std::string_view problem) {
                             log.Error("a request could not be answered", {{"detail", problem}});
                           }});
    if (!server) return server.error();
    servers_.push_back(std::move(server).value());
  }
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
  auth_.SetUsers(config.users);
  if (config.tls != config_.tls) {
    for (const auto& server : servers_) {
      if (auto problem = server->UseTls(config.tls)) return problem;
    }
  }
  config_ = std::move(config);
  log_.Info("web configuration read again", {{"file", options_.config_file},
                                             {"tls", has_tls() ? "yes" : "no"},
                                             {"users", config_.users.size()}});
  return std::nullopt;
}

bool WebServer::Answers() const {
  return std::all_of(servers_.begin(), servers_.end(),
                     [](const auto& server) { return server->Answers(); });
}

std::vector<ListenAddress> WebServer::addresses() const {
  std::vector<ListenAddress> bound;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    bound.push_back({options_.addresses[i].host, servers_[i]->port()});
  }
  return bound;
}

}  // namespace radar_spoof
