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

// Whether the scenario changes the bucket: it changes the one that was the newest complete one when
// it began, and all after it.
bool IsConcerned(WallTime bucket_start, AggInterval interval, const ActiveScenario& active) {
  return bucket_start >= FirstConcerned(interval, active);
}

DateWindow WidenedRange(const DateWindow& window, AggInterval interval) {
  if (interval == AggInterval::k15m) return window;
  const WallTime hour = FloorTo(window.end, 1h);
  return {FloorTo(window.start, Length(interval)), hour == window.end ? hour : hour + 1h};
}

std::vector<ClassValues> EmptyClasses(Classes classes) {
  std::vector<ClassValues> empty = {{"NOT_SPOOF", {}}, {"SPOOF", {}}};
  if (classes == Classes::kThree) empty.push_back({"UNKNOWN", {}});
  return empty;
}

// One bucket of mail, in the order of EmptyClasses().
std::vector<std::optional<MicroPercent>> Shares(const MailSelection& selection,
                                                const MailBucket& bucket, const World& world) {
  const Scenario scenario = world.scenario.scenario;
  const bool concerned = IsConcerned(bucket.start, bucket.interval, world.scenario);
  const bool spike =
      concerned && (scenario == Scenario::kSpike || scenario == Scenario::kPipelineIssue);
  const MicroPercent spoof = SpoofShare(world.data.seed, selection, bucket, spike);
  const MicroPercent unknown =
      world.data.classes == Classes::kTwo
          ? 0
          : std::min(UnknownShare(world.data.seed, selection, bucket), kAllMail - spoof);
  std::vector<std::optional<MicroPercent>> shares = {kAllMail - spoof - unknown, spoof};
  if (world.data.classes == Classes::kThree) shares.emplace_back(unknown);
  if (concerned && scenario == Scenario::kHalfNull) shares.front().reset();
  return shares;
}

SeriesAnswer AnswerSeries(const SeriesRequest& request, AggInterval interval, const World& world) {
  SeriesAnswer answer{
      request.key, WidenedRange(request.window, interval), {}, EmptyClasses(world.data.classes)};
  const Seconds length = Length(interval);
  const WallTime last = FloorTo(std::min(request.window.end, world.last_updated), length);
  bool any_mail = false;
  for (WallTime start = FloorTo(request.window.start, length); start <= last; start += length) {
    const auto filled =
        std::min<Seconds>(length, std::chrono::floor<Seconds>(world.last_updated - start));
    if (filled < length && world.data.last_bucket == LastBucket::kOmitted) break;
    const MailBucket bucket{start, interval, filled,
                            world.data.last_bucket == LastBucket::kProjected};
    const bool has_mail = !(world.scenario.scenario == Scenario::kNoMail &&
                            IsConcerned(start, interval, world.scenario)) &&
                          HasMail(world.data.seed, request.selection, bucket, world.data.volume);
    any_mail = any_mail || has_mail;
    answer.timestamps.push_back(start);
    std::vector<std::optional<MicroPercent>> shares(answer.classes.size());
    if (has_mail) {
      shares = Shares(request.selection, bucket, world);
    } else if (world.data.no_mail_as == NoMailAs::kZeros) {
      shares.assign(shares.size(), 0);
    }
    for (std::size_t i = 0; i < shares.size(); ++i) answer.classes[i].values.push_back(shares[i]);
  }
  if (!any_mail && !answer.timestamps.empty()) answer.classes.clear();
  return answer;
}

// On the last bucket of the data, where a series has it and it is not complete.
std::vector<Annotation> ProjectionAnnotation(const RadarAnswer& answer) {
  const Seconds length = Length(answer.interval);
  const WallTime start = FloorTo(answer.last_updated, length);
  const bool is_shown =
      std::any_of(answer.series.begin(), answer.series.end(), [&](const SeriesAnswer& series) {
        return !series.timestamps.empty() && series.timestamps.back() == start;
      });
  if (!is_shown) return {};
  return {{EventType::kPartialProjection, "Simulated: remaining time was projected", start,
           start + length}};
}

std::optional<ConfidenceInfo> Judge(const RadarAnswer& answer, const World& world) {
  constexpr int kNoKnownIssue = 5;
  constexpr int kTooLittleData = 2;
  if (world.data.confidence == Confidence::kNull) return std::nullopt;
  ConfidenceInfo confidence;
  if (world.data.confidence == Confidence::kRated) {
    confidence.level =
        world.scenario.scenario == Scenario::kLowConfidence ? kTooLittleData : kNoKnownIssue;
  }
  if (world.data.last_bucket == LastBucket::kProjected) {
    confidence.annotations = ProjectionAnnotation(answer);
  }
  if (world.scenario.scenario == Scenario::kPipelineIssue) {
    confidence.annotations.push_back(
        {EventType::kPipeline, "Simulated: data pipeline issue, values may be wrong",
         FirstConcerned(answer.interval, world.scenario),
         NewestCompleteBucket(answer.interval, world.last_updated) + Length(answer.interval)});
  }
  return confidence;
}

}  // namespace

RadarAnswer Answer(const RadarRequest& request, const World& world) {
  RadarAnswer answer{request.interval, world.last_updated, {}, {}};
  for (const SeriesRequest& series : request.series) {
    answer.series.push_back(AnswerSeries(series, request.interval, world));
  }
  answer.confidence = Judge(answer, world);
  return answer;
}

std::string PercentText(MicroPercent percent) {
  constexpr MicroPercent kOne = 1'000'000;
  std::string text = fmt::format("{}.{:06}", percent / kOne, percent % kOne);
  while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
  return text;
}

}  // namespace radar_spoof::simulator
