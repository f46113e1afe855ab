#include "radar_spoof/publish/state_saver.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "radar_spoof/config/regular_file.h"
#include "radar_spoof/words/write_all.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFileLimit = std::size_t{16} * 1024 * 1024;
constexpr Milliseconds kShortestGap = 1s;
constexpr Milliseconds kGapPerQuery = 10ms;
constexpr Milliseconds kGapAfterFailure = 1min;

std::string SystemReason() { return std::generic_category().message(errno); }

// After a crash of the machine there is the old file or the new one, never a half of either. The
// reason when it failed.
std::optional<std::string> ReplaceFile(const std::string& file, std::string_view text) {
  const std::string fresh = file + ".new";
  const int descriptor =
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return SystemReason();
  const bool written = WriteAll(descriptor, text) && fsync(descriptor) == 0;
  std::optional<std::string> problem;
  if (!written) problem = SystemReason();
  close(descriptor);
  if (written && std::rename(fresh.c_str(), file.c_str()) != 0) problem = SystemReason();
  if (problem) unlink(fresh.c_str());
  return problem;
}

void ResumeQuery(const SavedQuery& saved, QueryState& state, Instant now) {
  state.sample = saved.sample;
  if (saved.last_success) state.last_success = now.InThePast(*saved.last_success);
  if (saved.failure) {
    state.last_failure = Failure(*saved.failure, "this was before the last restart");
  }
}

std::optional<WallTime> NewestBucketEnd(const QueryState& state) {
  if (!state.sample || !state.sample->bucket_start) return std::nullopt;
  return *state.sample->bucket_start + Length(state.query.agg_interval);
}

SavedQuery SavedFrom(const QueryState& state, WallTime asked, bool ended) {
  SavedQuery saved{.name = state.query.name,
                   .asks = AsksFor(state.query),
                   .asked = asked,
                   .ended = ended,
                   .last_success = std::nullopt,
                   .failure = std::nullopt,
                   .sample = state.sample};
  if (state.last_success) saved.last_success = state.last_success->wall;
  if (state.last_failure) saved.failure = state.last_failure->reason;
  return saved;
}

}  // namespace

StateSaver::StateSaver(const std::string& directory, Log& log)
    : file_(directory + "/state"), log_(log) {}

std::optional<SavedState> StateSaver::Load() {
  if (access(file_.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  const auto file = ReadRegularFile(file_, kFileLimit);
  if (!file) {
    SetAside("found " + file.error().found);
    return std::nullopt;
  }
  auto state = ReadSavedState(file.value().content);
  if (state) return std::move(state).value();
  SetAside(state.error());
  return std::nullopt;
}

void StateSaver::SetAside(const std::string& reason) {
  const std::string aside = file_ + ".damaged";
  const bool moved = std::rename(file_.c_str(), aside.c_str()) == 0;
  log_.Warn("the saved state cannot be used; starting without it",
            {{"file", file_}, {"detail", reason}, {"set_aside", moved ? aside : "no"}});
}

void StateSaver::Resume(const std::string& base_url, Snapshot& snapshot, Schedule& schedule,
                        Instant now) {
  const auto saved = Load();
  if (!saved) return;
  if (saved->base_url != base_url) {
    log_.Info("the saved state is of another API and is not used", {{"api", saved->base_url}});
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
    asked.push_back({i, query.asked, query.ended && state.success(), NewestBucketEnd(state)});
  }
  snapshot.api.up = saved->up;
  log_.Info("going on from the saved state", {{"queries", asked.size()}});
  schedule.Resume(std::move(asked), saved->held_until, now);
  snapshot.api.blocked_until = schedule.held_until();
}

void StateSaver::Save(const std::string& base_url, const Snapshot& snapshot,
                      const Schedule& schedule, Instant now) {
  SavedState state{
      .base_url = base_url, .up = snapshot.api.up, .held_until = std::nullopt, .queries = {}};
  if (const auto& held = schedule.held_until(); held && held->steady > now.steady) {
    state.held_until = now.WallAt(held->steady);
  }
  for (std::size_t i = 0; i < snapshot.queries.size(); ++i) {
    const auto asked = schedule.LastAsked(i, now);
    if (!asked) continue;
    state.queries.push_back(SavedFrom(snapshot.queries[i], *asked, !schedule.IsInFlight(i)));
  }
  const auto problem = ReplaceFile(file_, WriteSavedState(state));
  changed_ = problem.has_value();
  const auto queries = static_cast<std::int64_t>(snapshot.queries.size());
  next_ = now.steady + (problem ? kGapAfterFailure : kShortestGap + queries * kGapPerQuery);
  if (problem && !failing_) {
    log_.Warn("the state cannot be saved; a restart would ask every query again",
              {{"file", file_}, {"detail", *problem}});
  } else if (!problem && failing_) {
    log_.Info("the state is saved again", {{"file", file_}});
  }
  failing_ = problem.has_value();
}

}  // namespace radar_spoof
