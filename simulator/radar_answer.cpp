#include "simulator/radar_answer.h"

#include <algorithm>

#include <fmt/format.h>

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

WallTime NewestCompleteBucket(AggInterval interval, WallTime last_updated) {
  return FloorTo(last_updated, Length(interval)) - Length(interval);
}

WallTime FirstConcerned(AggInterval interval, const ActiveScenario& active) {
  return NewestCompleteBucket(interval, active.last_updated_at_start);
}

bool IsSpiked(WallTime bucket_start, AggInterval interval, const ActiveScenario& active) {
  return (active.scenario == Scenario::kSpike || active.scenario == Scenario::kPipelineIssue) &&
         bucket_start >= FirstConcerned(interval, active);
}

DateWindow WidenedRange(const DateWindow& window, AggInterval interval) {
  if (interval == AggInterval::k15m) return window;
  const WallTime hour = FloorTo(window.end, 1h);
  return {FloorTo(window.start, Length(interval)), hour == window.end ? hour : hour + 1h};
}

SeriesAnswer AnswerSeries(const SeriesRequest& request, AggInterval interval, const World& world) {
  SeriesAnswer answer{request.key, WidenedRange(request.window, interval), {}, {}};
  const Seconds length = Length(interval);
  const WallTime last = FloorTo(std::min(request.window.end, world.last_updated), length);
  for (WallTime start = FloorTo(request.window.start, length); start <= last; start += length) {
    const auto filled =
        std::min<Seconds>(length, std::chrono::floor<Seconds>(world.last_updated - start));
    if (filled < length && world.omit_partial_bucket) break;
    answer.timestamps.push_back(start);
    answer.spoof.push_back(SpoofShare(world.seed, request.selection, {start, interval, filled},
                                      IsSpiked(start, interval, world.scenario)));
  }
  return answer;
}

std::vector<Annotation> Annotations(AggInterval interval, const World& world) {
  if (world.scenario.scenario != Scenario::kPipelineIssue) return {};
  return {{EventType::kPipeline, "Simulated: data pipeline issue, values may be wrong",
           FirstConcerned(interval, world.scenario),
           NewestCompleteBucket(interval, world.last_updated) + Length(interval)}};
}

}  // namespace

RadarAnswer Answer(const RadarRequest& request, const World& world) {
  constexpr int kNoKnownIssue = 5;
  constexpr int kTooLittleData = 2;
  RadarAnswer answer{
      request.interval,
      world.last_updated,
      world.scenario.scenario == Scenario::kLowConfidence ? kTooLittleData : kNoKnownIssue,
      Annotations(request.interval, world),
      {}};
  for (const SeriesRequest& series : request.series) {
    answer.series.push_back(AnswerSeries(series, request.interval, world));
  }
  return answer;
}

std::string PercentText(MicroPercent percent) {
  constexpr MicroPercent kOne = 1'000'000;
  std::string text = fmt::format("{}.{:06}", percent / kOne, percent % kOne);
  while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
  return text;
}

}  // namespace radar_spoof::simulator
