#include "radar_spoof/poll/saved_state.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/json_writer.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kFormat = "radar_spoof_exporter state 3";

void WriteTime(JsonWriter& json, std::string_view key, const std::optional<WallTime>& time) {
  if (time && IsWithinRfc3339(*time))
    json.Member(key, std::int64_t{time->time_since_epoch().count()});
}

constexpr int kTrendUnits = 10'000;

// "1899 - 1900": hundredths of a percent, which is finer than a picture; "-" is a gap.
std::string TrendText(const Trend& trend) {
  std::string text;
  for (const float ratio : trend) {
    if (!text.empty()) text += ' ';
    text += std::isnan(ratio) ? "-" : std::to_string(std::lround(ratio * kTrendUnits));
  }
  return text;
}

void WriteSample(JsonWriter& json, const SpoofSample& sample) {
  json.Member("spoof", sample.spoof.value());
  json.Member("not_spoof", sample.not_spoof.value());
  WriteTime(json, "bucket_start", sample.bucket_start);
  WriteTime(json, "last_updated", sample.last_updated);
  if (sample.window && std::isfinite(sample.window->mean) &&
      std::isfinite(sample.window->standard_deviation)) {
    json.Member("window_mean", sample.window->mean);
    json.Member("window_stddev", sample.window->standard_deviation);
  }
  if (sample.control) json.Member("control", sample.control->value());
  if (sample.confidence_level) json.Member("confidence", *sample.confidence_level);
  if (sample.expectation) {
    json.Member("expected", sample.expectation->ratio);
    json.Member("expected_upper", sample.expectation->upper);
    json.Member("buckets_above", sample.expectation->buckets_above);
  }
  if (!sample.trend.empty()) json.Member("trend", TrendText(sample.trend));
  json.Key("annotations");
  json.Array([&] {
    for (const int count : sample.annotations) json.Value(count);
  });
}

template <typename Members>
std::string LineOf(Members members) {
  JsonWriter json;
  json.Object([&] { members(json); });
  return HashedLine(json.Text());
}

std::string FirstLine(const SavedState& state, std::size_t queries) {
  return LineOf([&](JsonWriter& json) {
    json.Member("base_url", state.base_url);
    json.Member("path", state.path);
    json.Member("up", state.up);
    WriteTime(json, "held_until", state.held_until);
    json.Member("queries", std::uint64_t{queries});
  });
}

std::string QueryLine(const SavedQuery& query) {
  return LineOf([&](JsonWriter& json) {
    json.Member("name", query.name);
    json.Member("asks", query.asks);
    WriteTime(json, "asked", query.asked);
    json.Member("ended", query.ended);
    if (query.failure) json.Member("failure", Name(*query.failure));
    WriteTime(json, "logged", query.logged);
    if (!query.sample || !IsWithinRfc3339(query.sample->last_updated)) return;
    if (!query.last_success || !IsWithinRfc3339(*query.last_success)) return;
    WriteTime(json, "last_success", query.last_success);
    json.Key("sample");
    json.Object([&] { WriteSample(json, *query.sample); });
  });
}

// What is wrong with a line though the hash is right: only another version's writer can be to
// blame.
struct Problem {
  std::string what;
};

const JsonValue& Member(const JsonValue& object, std::string_view key, Kind kind) {
  const JsonValue* const found = object.Find(key);
  if (found == nullptr || !found->Is(kind)) throw Problem{fmt::format("{} is missing", key)};
  return *found;
}

template <typename T>
T NumberOf(const JsonValue& value) {
  const auto number = value.NumberAs<T>();
  if (!number) throw Problem{"a number cannot be read"};
  return *number;
}

template <typename T>
std::optional<T> OptionalNumber(const JsonValue& object, std::string_view key) {
  const JsonValue* const found = object.Find(key);
  return found == nullptr ? std::nullopt : std::optional(NumberOf<T>(*found));
}

std::optional<WallTime> OptionalTime(const JsonValue& object, std::string_view key) {
  const auto number = OptionalNumber<std::int64_t>(object, key);
  if (!number) return std::nullopt;
  const WallTime time{Milliseconds(*number)};
  if (!IsWithinRfc3339(time)) throw Problem{"a time cannot be read"};
  return time;
}

Ratio RatioOf(double fraction) {
  const auto ratio = Ratio::FromFraction(fraction);
  if (!ratio) throw Problem{"a ratio is not within 0 and 1"};
  return *ratio;
}

std::vector<float> TrendOf(std::string_view text) {
  std::vector<float> trend;
  while (!text.empty()) {
    const std::string_view word = TakeUntil(text, " ");
    const auto value = ParseNumber<int>(word);
    const bool gap = word == "-";
    if (trend.size() == kTrendLength || (!gap && (!value || *value < 0 || *value > kTrendUnits))) {
      throw Problem{"the trend cannot be read"};
    }
    trend.push_back(gap ? std::numeric_limits<float>::quiet_NaN()
                        : static_cast<float>(*value) / kTrendUnits);
  }
  return trend;
}

WallTime TimeOf(const JsonValue& object, std::string_view key) {
  const auto time = OptionalTime(object, key);
  if (!time) throw Problem{fmt::format("{} is missing", key)};
  return *time;
}

SpoofSample SampleOf(const JsonValue& tree) {
  SpoofSample sample{
      .spoof = RatioOf(NumberOf<double>(Member(tree, "spoof", Kind::kNumber))),
      .not_spoof = RatioOf(NumberOf<double>(Member(tree, "not_spoof", Kind::kNumber))),
      .bucket_start = OptionalTime(tree, "bucket_start"),
      .window = std::nullopt,
      .control = std::nullopt,
      .confidence_level = OptionalNumber<int>(tree, "confidence"),
      .last_updated = TimeOf(tree, "last_updated")};
  const auto mean = OptionalNumber<double>(tree, "window_mean");
  const auto deviation = OptionalNumber<double>(tree, "window_stddev");
  if (mean && deviation) sample.window = {*mean, *deviation};
  if (const auto control = OptionalNumber<double>(tree, "control")) {
    sample.control = RatioOf(*control);
  }
  const auto expected = OptionalNumber<double>(tree, "expected");
  const auto upper = OptionalNumber<double>(tree, "expected_upper");
  const auto above = OptionalNumber<int>(tree, "buckets_above");
  if (expected && upper && above) {
    if (*above < 0) throw Problem{"a count is below 0"};
    sample.expectation = {RatioOf(*expected).value(), RatioOf(*upper).value(), *above};
  }
  if (tree.Find("trend") != nullptr) {
    sample.trend = TrendOf(Member(tree, "trend", Kind::kString).text);
  }
  const JsonValue& annotations = Member(tree, "annotations", Kind::kArray);
  if (annotations.items.size() != sample.annotations.size()) throw Problem{"annotations differ"};
  for (std::size_t i = 0; i < sample.annotations.size(); ++i) {
    sample.annotations[i] = NumberOf<int>(annotations.items[i]);
  }
  return sample;
}

std::optional<FailureReason> FailureOf(const JsonValue& tree) {
  if (tree.Find("failure") == nullptr) return std::nullopt;
  const std::string_view name = Member(tree, "failure", Kind::kString).text;
  for (const FailureReason reason : kAllFailureReasons) {
    if (Name(reason) == name) return reason;
  }
  throw Problem{"a failure has no known reason"};
}

SavedQuery QueryOf(const JsonValue& tree) {
  const WallTime asked = TimeOf(tree, "asked");
  SavedQuery query{.name = std::string(Member(tree, "name", Kind::kString).text),
                   .asks = std::string(Member(tree, "asks", Kind::kString).text),
                   .asked = asked,
                   .ended = Member(tree, "ended", Kind::kBool).boolean,
                   .last_success = OptionalTime(tree, "last_success"),
                   .failure = FailureOf(tree),
                   .logged = OptionalTime(tree, "logged")};
  if (tree.Find("sample") != nullptr)
    query.sample = SampleOf(Member(tree, "sample", Kind::kObject));
  if (query.sample.has_value() != query.last_success.has_value()) {
    throw Problem{"a sample has no time"};
  }
  return query;
}

struct FirstLineRead {
  SavedState state;
  std::size_t queries;  // lines that follow
};

FirstLineRead ReadFirstLine(const JsonValue& tree) {
  SavedState state{.base_url = std::string(Member(tree, "base_url", Kind::kString).text),
                   .path = std::string(Member(tree, "path", Kind::kString).text),
                   .up = Member(tree, "up", Kind::kBool).boolean,
                   .held_until = OptionalTime(tree, "held_until")};
  return {std::move(state), NumberOf<std::size_t>(Member(tree, "queries", Kind::kNumber))};
}

template <typename T, typename Reader>
Result<T, std::string> ReadJson(std::string_view line, Reader read) {
  const auto document = ParseJson(line);
  if (!document) return document.error().detail;
  try {
    return read(document.value().root);
  } catch (const Problem& problem) {
    return problem.what;
  }
}

}  // namespace

std::string AsksFor(const Query& query) {
  std::string text;
  for (const Dimension dimension : kAllDimensions) {
    text += fmt::format("{}={} ", LabelName(dimension), query.filters.Label(dimension));
  }
  const SpikeBounds& expected = query.alert.expected;
  return text + fmt::format("agg_interval={} date_range={} control={} expected={}/{}/{}/{}",
                            RequestName(query.agg_interval), query.date_range.Text(), query.control,
                            expected.scales, expected.factor, expected.rise, expected.floor);
}

std::string WriteSavedState(const SavedState& state) {
  const std::size_t most =
      kSavedStateLimit - kFormat.size() - 1 - FirstLine(state, state.queries.size()).size();
  std::string lines;
  std::size_t queries = 0;
  for (const SavedQuery& query : state.queries) {
    if (!IsWithinRfc3339(query.asked)) continue;
    const std::string line = QueryLine(query);
    if (lines.size() + line.size() > most) break;
    lines += line;
    ++queries;
  }
  return fmt::format("{}\n{}{}", kFormat, FirstLine(state, queries), lines);
}

Result<SavedState, std::string> ReadSavedState(std::string_view text) {
  HashedLines written(text, kFormat);
  if (!written.begins_right()) return std::string("it is not a state file of this version");
  std::vector<std::string_view> lines;
  while (!written.AtEnd()) {
    const auto line = written.Next();
    if (!line) return std::string("it is damaged: its hash does not match");
    lines.push_back(*line);
  }
  if (lines.empty() || !text.ends_with('\n')) return std::string("it is damaged: it was cut short");
  auto first = ReadJson<FirstLineRead>(lines.front(), ReadFirstLine);
  if (!first) return "it is not this program's: " + first.error();
  if (first.value().queries != lines.size() - 1)
    return std::string("it is damaged: it was cut short");
  SavedState read = std::move(first.value().state);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto query = ReadJson<SavedQuery>(lines[i], QueryOf);
    if (query) {
      read.queries.push_back(std::move(query).value());
    } else {
      ++read.refused;
      read.refusal = query.error();
    }
  }
  return read;
}

}  // namespace radar_spoof
