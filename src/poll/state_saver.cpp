#include "radar_spoof/poll/state_saver.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/fetch/radar_request.h"
#include "state_file.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kShortestGap = 1s;
constexpr Milliseconds kGapPerQuery = 10ms;
constexpr Milliseconds kGapAfterFailure = 1min;

void ResumeQuery(const SavedQuery& saved, QueryState& state, Instant now) {
  state.sample = saved.sample;
  if (saved.last_success) state.last_success = now.AtPastWallTime(*saved.last_success);
  if (saved.failure) {
    state.last_failure = Failure(*saved.failure, "this was before the last restart");
  }
}

std::optional<WallTime> ReachOf(const QueryState& state) {
  if (!state.sample) return std::nullopt;
  return state.sample->last_updated ? state.sample->last_updated : state.BucketEnd();
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
    : file_(std::make_unique<StateFile>(directory)), log_(log) {}

StateSaver::~StateSaver() = default;

std::optional<SavedState> StateSaver::Load() {
  const std::string& path = file_->path();
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  const auto file = ReadRegularFile(path, kSavedStateLimit);
  if (!file) {
    SetAside("found " + file.error().found);
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
        {{"file", path}, {"queries", state.value().refused}, {"detail", state.value().refusal}});
  }
  return std::move(state).value();
}

void StateSaver::SetAside(const std::string& reason) {
  log_.Warn("the saved state cannot be used; starting without it",
            {{"file", file_->path()},
             {"detail", reason},
             {"set_aside", file_->SetAside().value_or("no")}});
}

void StateSaver::Tell(const std::optional<std::string>& problem) {
  const bool failed = problem.has_value();
  if (failed && !failing_) {
    log_.Warn("the state cannot be saved; a restart would ask every query again",
              {{"file", file_->path()}, {"detail", *problem}});
  } else if (!failed && failing_) {
    log_.Info("the state is saved again", {{"file", file_->path()}});
  }
  failing_ = failed;
}

void StateSaver::Resume(const ApiConfig& api, Snapshot& snapshot, Schedule& schedule, Instant now) {
  Tell(file_->Lock());
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
    asked.push_back({i, query.asked, query.ended && state.success(), ReachOf(state)});
  }
  snapshot.api.up = saved->up;
  log_.Info("resumed from saved state", {{"queries", asked.size()}});
  schedule.Resume(std::move(asked), saved->held_until, now);
  snapshot.api.blocked_until = schedule.held_until();
}

void StateSaver::Save(const ApiConfig& api, const Snapshot& snapshot, const Schedule& schedule,
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
  const auto problem = file_->Replace(WriteSavedState(state));
  changed_ = problem.has_value();
  const auto queries = static_cast<std::int64_t>(snapshot.queries.size());
  next_ = now.steady + (problem ? kGapAfterFailure : kShortestGap + queries * kGapPerQuery);
  Tell(problem);
}

}  // namespace radar_spoof
