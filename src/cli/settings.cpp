#include "radar_spoof/cli/settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/web/web_config.h"

namespace radar_spoof {
namespace {

// The loop takes milliseconds; this is for a machine that is nearly dead.
constexpr Milliseconds kLongestReload{2000};

// "" when there was none.
std::string ProblemOf(Poller::ReloadEnd end) {
  switch (end) {
    case Poller::ReloadEnd::kTakenOver: break;
    case Poller::ReloadEnd::kNotTakenOver:
      return "The old configuration stays: there was not enough memory to apply the new one. "
             "Reload again.";
    case Poller::ReloadEnd::kNotYet:
      return "The poll loop has not taken the new configuration over yet. It will when it comes to "
             "it; the page then says whether it did.";
    case Poller::ReloadEnd::kStopped:
      return "The old configuration stays: the program is stopping.";
  }
  return "";
}

// Of what is in the file; of why that cannot be read, where it cannot.
std::uint64_t HashOf(const std::string& file) {
  constexpr std::size_t kMaxBytes = std::size_t{8} << 20;  // a ca_file; a configuration has less
  const auto read = ReadRegularFile(file, kMaxBytes);
  return Fnv1a(read ? read.value().content : read.error());
}

std::string_view Name(ReloadCause cause) {
  switch (cause) {
    case ReloadCause::kSignal: return "SIGHUP";
    case ReloadCause::kRequest: return "/-/reload";
    case ReloadCause::kFileChange: return "the file changed";
    case ReloadCause::kRetry: return "tried again";
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
    // Not by unsetenv(), which leaves the bytes there, and moves the pointers to the variables
    // behind it, while another thread may be in getenv(): in libcurl's or the system's code.
    if (value != nullptr) explicit_bzero(value, std::strlen(value));
  }
  if (!known->second) return std::nullopt;
  return known->second->Reveal();
}

Result<Settings, std::string> ReadSettings(const std::string& config_file,
                                           ProcessEnvironment& environment, Log& log) {
  // Before the file is read: what changes in between is then seen as a change, not missed.
  const std::uint64_t content_hash = HashOf(config_file);
  auto config = LoadConfig(config_file);
  if (!config) return Joined(config.error(), "\n");
  CredentialReader reader = environment.ReaderOf(config.value().api().credentials);
  auto credentials = reader.Read();
  if (!credentials) return credentials.error();
  for (const ConfigProblem& warning : config.value().warnings()) {
    log.Warn("configuration", {{"detail", warning.Text()}});
  }
  if (!credentials.value().warning.empty()) {
    log.Warn("credentials", {{"detail", credentials.value().warning}});
  }
  return Settings{std::move(config).value(), std::move(reader), credentials.value().credentials,
                  content_hash};
}

int CheckConfig(const std::string& config_file, const std::string& web_config_file) {
  const auto web = LoadWebConfig(web_config_file);
  if (!web) std::fprintf(stderr, "%s\n", Joined(web.error(), "\n").c_str());
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

Reloader::Reloader(std::string config_file, const Settings& in_use, Milliseconds interval,
                   ProcessEnvironment& environment, Poller& poller, Log& log)
    : config_file_(std::move(config_file)),
      interval_(interval),
      environment_(environment),
      poller_(poller),
      log_(log),
      ca_file_(in_use.config.api().ca_file),
      read_(in_use.content_hash ^ in_use.config.api().ca_file_hash) {}

Milliseconds Reloader::ReloadIfChanged(SteadyTime now) {
  if (interval_ == Milliseconds(0)) return Milliseconds::max();
  if (next_look_ && now < *next_look_) return *next_look_ - now;
  const bool is_first = !next_look_;
  next_look_ = now + interval_;
  if (is_first) return interval_;
  const std::uint64_t found = ContentHash();
  if (found == read_) {
    changed_.reset();
    if (!last_problem_.empty()) (void)Reload(ReloadCause::kRetry);
  } else if (changed_ && changed_->hash == found && now - changed_->since >= kWholeAfter) {
    (void)Reload(ReloadCause::kFileChange);
  } else {
    if (!changed_ || changed_->hash != found) changed_ = {found, now};
    next_look_ = now + std::min(interval_, kWholeAfter);
  }
  return *next_look_ - now;
}

std::optional<std::string> Reloader::Reload(ReloadCause cause) {
  try {
    changed_.reset();
    read_ = ContentHash();  // also of what cannot be used
    auto settings = ReadSettings(config_file_, environment_, log_);
    if (!settings) return Fail(settings.error(), cause);
    const ApiConfig& api = settings.value().config.api();
    ca_file_ = api.ca_file;
    read_ = settings.value().content_hash ^ api.ca_file_hash;
    const std::size_t queries = settings.value().config.queries().size();
    poller_.Reconfigure(std::move(settings).value());
    std::string problem = ProblemOf(poller_.AwaitReload(kLongestReload));
    if (!problem.empty()) {
      if (IsNews(problem, cause)) {
        log_.Error("reload failed", {{"detail", problem}, {"cause", Name(cause)}});
      }
      return problem;
    }
    last_problem_.clear();
    log_.Info("configuration reloaded", {{"queries", queries}, {"cause", Name(cause)}});
    return std::nullopt;
  } catch (const std::exception& error) {
    return Fail(error.what(), cause);
  }
}

std::uint64_t Reloader::ContentHash() const {
  return HashOf(config_file_) ^ (ca_file_.empty() ? 0 : HashOf(ca_file_));
}

std::string Reloader::Fail(const std::string& problem, ReloadCause cause) {
  poller_.NoteFailedReload();
  if (IsNews(problem, cause)) {
    log_.Error("reload failed; the old configuration stays",
               {{"detail", problem}, {"cause", Name(cause)}});
  }
  poller_.AwaitReload(kLongestReload);
  return "The old configuration stays: " + problem;
}

bool Reloader::IsNews(const std::string& problem, ReloadCause cause) {
  const bool is_asked = cause == ReloadCause::kSignal || cause == ReloadCause::kRequest;
  return std::exchange(last_problem_, problem) != problem || is_asked;
}

}  // namespace radar_spoof
