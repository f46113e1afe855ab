#include "radar_spoof/poll/state_saver.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/text.h"
#include "radar_spoof/fetch/radar_request.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kShortestGap = 1s;
constexpr Milliseconds kGapPerQuery = 10ms;
constexpr Milliseconds kGapAfterFailure = 1min;

void ResumeQuery(const SavedQuery& saved, QueryState& state, Instant now) {
  state.sample = saved.sample;
  state.logged = saved.logged;
  if (saved.last_success) state.last_success = now.AtPastWallTime(*saved.last_success);
  if (saved.failure) {
    state.last_failure = Failure(*saved.failure, "this was before the last restart");
  }
}

SavedQuery SavedFrom(const QueryState& state, WallTime asked, bool ended) {
  SavedQuery saved{.name = state.query.name,
                   .asks = AsksFor(state.query),
                   .asked = asked,
                   .ended = ended,
                   .sample = state.sample,
                   .logged = state.logged};
  if (state.last_success) saved.last_success = state.last_success->wall;
  if (state.last_failure) saved.failure = state.last_failure->reason;
  return saved;
}

SavedState StateOf(const ApiConfig& api, const Snapshot& snapshot, const Schedule& schedule,
                   Instant now) {
  SavedState state{.base_url = api.base_url, .path = api.path, .up = snapshot.api.up};
  if (const auto& held = schedule.held_until(); held && held->steady > now.steady) {
    state.held_until = now.WallAt(held->steady);
  }
  for (std::size_t i = 0; i < snapshot.queries.size(); ++i) {
    const auto asked = schedule.LastAsked(i, now);
    if (!asked) continue;
    state.queries.push_back(SavedFrom(snapshot.queries[i], *asked, !schedule.IsInFlight(i)));
  }
  return state;
}

// The file, or the reason why it cannot be had. O_NONBLOCK: opening a FIFO must not wait for its
// other end.
Result<FileDescriptor, std::string> OpenRegular(const std::string& file, int flags) {
  constexpr int kAlways = O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  FileDescriptor opened(open(file.c_str(), flags | kAlways, 0600));
  struct stat status {};
  if (!opened || fstat(opened.number(), &status) != 0) return file + ": " + SystemErrorText(errno);
  if (!S_ISREG(status.st_mode)) return file + " is not a regular file";
  return opened;
}

}  // namespace

StateSaver::StateSaver(const std::string& directory, Log& log)
    : directory_(directory), path_(directory + "/state"), log_(log) {}

std::optional<std::string> StateSaver::Lock() {
  if (lock_) return std::nullopt;
  auto lock = OpenRegular(directory_ + "/lock", O_RDWR);
  if (!lock) return lock.error();
  // Where the file system knows no locks, it goes on without one.
  if (flock(lock.value().number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return "another process keeps its state in " + directory_;
  }
  lock_ = std::move(lock).value();
  return std::nullopt;
}

std::optional<std::string> StateSaver::Replace(std::string_view text) {
  if (auto problem = Lock()) return problem;
  const std::string fresh = path_ + ".new";
  std::optional<std::string> problem;
  {
    const auto opened = OpenRegular(fresh, O_WRONLY | O_TRUNC);
    if (!opened) return opened.error();
    const int file = opened.value().number();
    if (!WriteAll(file, text) || fsync(file) != 0) problem = SystemErrorText(errno);
  }
  if (!problem && std::rename(fresh.c_str(), path_.c_str()) != 0) problem = SystemErrorText(errno);
  if (problem) unlink(fresh.c_str());
  return problem;
}

std::optional<SavedState> StateSaver::Load() {
  if (access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  const auto file = ReadRegularFile(path_, kSavedStateLimit);
  if (!file) {
    SetAside("found " + file.error());
    return std::nullopt;
  }
  auto state = ReadSavedState(file.value().content);
  if (!state) {
    SetAside(state.error());
    return std::nullopt;
  }
  if (state.value().refused > 0) {
    log_.Warn(
        "the saved state of some queries cannot be used; they begin anew",
        {{"file", path_}, {"queries", state.value().refused}, {"detail", state.value().refusal}});
  }
  return std::move(state).value();
}

void StateSaver::SetAside(const std::string& reason) {
  const std::string aside = path_ + ".damaged";
  const bool moved = !Lock() && std::rename(path_.c_str(), aside.c_str()) == 0;
  log_.Warn("the saved state cannot be used; starting without it",
            {{"file", path_}, {"detail", reason}, {"set_aside", moved ? aside : "no"}});
}

void StateSaver::Tell(const std::optional<std::string>& problem) {
  const bool failed = problem.has_value();
  if (failed && !failing_) {
    log_.Warn("the state cannot be saved; a restart would poll every query again",
              {{"file", path_}, {"detail", *problem}});
  } else if (!failed && failing_) {
    log_.Info("the state is saved again", {{"file", path_}});
  }
  failing_ = failed;
}

void StateSaver::Resume(const ApiConfig& api, Snapshot& snapshot, Schedule& schedule, Instant now) {
  Tell(Lock());
  const auto saved = Load();
  if (!saved) return;
  if (!RadarEndpoint(saved->base_url, saved->path).IsSameApi({api.base_url, api.path})) {
    log_.Info("the saved state is of another API and is not used",
              {{"api", saved->base_url + saved->path}});
    return;
  }
  std::map<std::string_view, const SavedQuery*> by_name;
  for (const SavedQuery& each : saved->queries) by_name.emplace(each.name, &each);
  std::vector<Schedule::Resumed> asked;
  for (std::size_t i = 0; i < snapshot.queries.size(); ++i) {
    QueryState& state = snapshot.queries[i];
    const auto found = by_name.find(state.query.name);
    if (found == by_name.end() || found->second->asks != AsksFor(state.query)) continue;
    const SavedQuery& query = *found->second;
    ResumeQuery(query, state, now);
    std::optional<WallTime> reach;
    if (state.sample) reach = state.sample->last_updated;
    asked.push_back({i, query.asked, query.ended && state.success(), reach});
  }
  snapshot.api.up = saved->up;
  log_.Info("resumed from saved state", {{"queries", asked.size()}});
  schedule.Resume(std::move(asked), saved->held_until, now);
  snapshot.api.blocked_until = schedule.held_until();
}

void StateSaver::Save(const ApiConfig& api, const Snapshot& snapshot, const Schedule& schedule,
                      Instant now) {
  std::optional<std::string> problem;
  try {
    problem = Replace(WriteSavedState(StateOf(api, snapshot, schedule, now)));
  } catch (const std::bad_alloc&) {
    problem = "out of memory";
  }
  changed_ = problem.has_value();
  const auto queries = static_cast<std::int64_t>(snapshot.queries.size());
  next_ = now.steady + (problem ? kGapAfterFailure : kShortestGap + queries * kGapPerQuery);
  try {
    Tell(problem);
  } catch (const std::bad_alloc&) {
    // The next write tells.
  }
}

}  // namespace radar_spoof
