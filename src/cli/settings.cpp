#include "radar_spoof/cli/settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "radar_spoof/cli/common_flags.h"

namespace radar_spoof {
namespace {

// The loop takes milliseconds; this is for a machine that is nearly dead.
constexpr Milliseconds kLongestReload{2000};

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

void Warn(const std::string& text) { std::fprintf(stderr, "warning: %s\n", text.c_str()); }

// Not an error: the file may be checked where the service's credentials are not, as under systemd.
void CheckCredentials(const CredentialSource& source) {
  const auto read = ProcessEnvironment().ReaderOf(source).Read();
  if (!read) {
    Warn("credentials: " + read.error() +
         ". Here a start or a reload would fail; a service may have another user and environment");
  } else if (!read.value().warning.empty()) {
    Warn("credentials: " + read.value().warning);
  }
}

}  // namespace

CredentialReader ProcessEnvironment::ReaderOf(const CredentialSource& source) {
  return {source, [this](const std::string& name) { return Read(name); }};
}

std::optional<std::string> ProcessEnvironment::Read(const std::string& name) {
  auto known = read_.find(name);
  if (known == read_.end()) {
    char* const value = std::getenv(name.c_str());
    known = read_.emplace(name, value ? std::optional(Secret(value)) : std::nullopt).first;
    // unsetenv alone would leave the bytes where they are.
    if (value != nullptr) explicit_bzero(value, std::strlen(value));
    unsetenv(name.c_str());
  }
  if (!known->second) return std::nullopt;
  return known->second->Reveal();
}

Result<Settings, std::string> ReadSettings(const std::string& config_file,
                                           ProcessEnvironment& environment, Log& log) {
  auto config = LoadConfig(config_file);
  if (!config) return Joined(config.error(), "\n");
  for (const ConfigProblem& warning : config.value().warnings()) {
    log.Warn("configuration", {{"detail", warning.Text()}});
  }
  CredentialReader reader = environment.ReaderOf(config.value().api().credentials);
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
  return Joined(web.error(), "\n");
}

int CheckConfig(const std::string& config_file, const std::string& web_config_file) {
  const auto web = ReadWebConfig(web_config_file);
  if (!web) std::fprintf(stderr, "%s\n", web.error().c_str());
  const auto config = LoadConfig(config_file);
  if (!config) {
    std::fprintf(stderr, "%s\n", Joined(config.error(), "\n").c_str());
    return kUnusable;
  }
  for (const ConfigProblem& warning : config.value().warnings()) Warn(warning.Text());
  CheckCredentials(config.value().api().credentials);
  std::printf("%s: valid\n%s", config_file.c_str(), config.value().Plan().Text().c_str());
  return web ? 0 : kUnusable;
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
