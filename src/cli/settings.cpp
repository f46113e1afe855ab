#include "radar_spoof/cli/settings.h"

namespace radar_spoof {
namespace {

// The loop takes milliseconds; this is for a machine that is nearly dead.
constexpr Milliseconds kLongestReload{2000};

std::string JoinedLines(const std::vector<ConfigProblem>& problems) {
  std::string lines;
  for (const ConfigProblem& problem : problems) {
    if (!lines.empty()) lines += '\n';
    lines += problem.Text();
  }
  return lines;
}

// "" when there was none.
std::string ProblemOf(Poller::ReloadEnd end) {
  switch (end) {
    case Poller::ReloadEnd::kTakenOver: break;
    case Poller::ReloadEnd::kNotTakenOver:
      return "The old configuration stays: there was no memory to take the new one over. Reload "
             "again.";
    case Poller::ReloadEnd::kNotYet:
      return "The poll loop has not taken the new configuration over yet. It will when it comes to "
             "it; the page then says whether it did.";
    case Poller::ReloadEnd::kStopped:
      return "The old configuration stays: the program is stopping.";
  }
  return "";
}

}  // namespace

Result<Settings, std::string> ReadSettings(const std::string& config_file,
                                           ProcessEnvironment& environment, Log& log) {
  auto config = LoadConfig(config_file);
  if (!config) return JoinedLines(config.error());
  for (const ConfigProblem& warning : config.value().warnings()) {
    log.Warn("configuration", {{"detail", warning.Text()}});
  }
  CredentialReader reader(
      config.value().api().credentials,
      [&environment](const std::string& name) { return environment.Read(name); });
  auto credentials = reader.Read();
  if (!credentials) return credentials.error();
  if (!credentials.value().warning.empty()) {
    log.Warn("credentials", {{"detail", credentials.value().warning}});
  }
  return Settings{std::move(config).value(), std::move(reader), credentials.value().credentials};
}

Result<WebConfig, std::string> ReadWebConfig(const std::string& web_config_file) {
  if (web_config_file.empty()) return WebConfig{};
  auto web = LoadWebConfig(web_config_file);
  if (web) return std::move(web).value();
  return JoinedLines(web.error());
}

Reloader::Reloader(std::string config_file, ProcessEnvironment& environment, Poller& poller,
                   Log& log)
    : config_file_(std::move(config_file)), environment_(environment), poller_(poller), log_(log) {}

std::optional<std::string> Reloader::Reload() {
  const std::lock_guard lock(reloading_);
  try {
    auto settings = ReadSettings(config_file_, environment_, log_);
    if (!settings) return Fail(settings.error());
    const std::size_t queries = settings.value().config.queries().size();
    poller_.Reconfigure(std::move(settings).value());
    const std::string problem = ProblemOf(poller_.AwaitReload(kLongestReload));
    if (!problem.empty()) {
      log_.Error("reload failed", {{"detail", problem}});
      return problem;
    }
    log_.Info("configuration reloaded", {{"queries", queries}});
    return std::nullopt;
  } catch (const std::exception& error) {
    return Fail(error.what());
  }
}

std::string Reloader::Fail(const std::string& problem) {
  log_.Error("reload failed; the old configuration stays", {{"detail", problem}});
  poller_.NoteFailedReload();
  poller_.AwaitReload(kLongestReload);
  return "The old configuration stays: " + problem;
}

}  // namespace radar_spoof
