#include "radar_spoof/poll/saved_state.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "radar_spoof/core/hash.h"
#include "radar_spoof/core/json_text.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kFormat = "radar_spoof_exporter-state-2";
constexpr std::size_t kHeaderLength =
    kFormat.size() + std::string_view(" 0123456789abcdef\n").size();

// What four digits of a year can say: beyond it the arithmetic on times may overflow.
constexpr WallTime kFirstTime = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr WallTime kLastTime = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);

bool IsKept(WallTime time) { return kFirstTime <= time && time < kLastTime; }

std::string HeaderFor(std::string_view body) {
  return fmt::format("{} {:016x}\n", kFormat, Fnv1a(body));
}

JsonText Time(WallTime time) { return JsonNumber(time.time_since_epoch().count()); }

void AddTime(JsonObject& object, std::string_view key, const std::optional<WallTime>& time) {
  if (time && IsKept(*time)) object.Add(key, Time(*time));
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

JsonText SampleText(const SpoofSample& sample) {
  JsonObject object;
  object.Add("spoof", JsonNumber(sample.spoof.value()));
  object.Add("not_spoof", JsonNumber(sample.not_spoof.value()));
  AddTime(object, "bucket_start", sample.bucket_start);
  AddTime(object, "last_updated", sample.last_updated);
  if (sample.window && std::isfinite(sample.window->mean) &&
      std::isfinite(sample.window->standard_deviation)) {
    object.Add("window_mean", JsonNumber(sample.window->mean));
    object.Add("window_stddev", JsonNumber(sample.window->standard_deviation));
  }
  if (sample.control) object.Add("control", JsonNumber(sample.control->value()));
  if (sample.confidence_level) {
    object.Add("confidence", JsonNumber(std::int64_t{*sample.confidence_level}));
  }
  if (sample.expectation) {
    object.Add("expected", JsonNumber(sample.expectation->ratio));
    object.Add("expected_upper", JsonNumber(sample.expectation->upper));
    object.Add("buckets_above", JsonNumber(std::int64_t{sample.expectation->buckets_above}));
  }
  if (!sample.trend.empty()) object.Add("trend", JsonString(TrendText(sample.trend)));
  JsonArray annotations;
  for (const int count : sample.annotations) annotations.Add(JsonNumber(std::int64_t{count}));
  object.Add("annotations", annotations.Text());
  return object.Text();
}

JsonText QueryText(const SavedQuery& query) {
  JsonObject object;
  object.Add("name", JsonString(query.name));
  object.Add("asks", JsonString(query.asks));
  object.Add("asked", Time(query.asked));
  object.Add("ended", JsonBool(query.ended));
  if (query.failure) object.Add("failure", JsonString(Name(*query.failure)));
  if (query.sample && query.last_success && IsKept(*query.last_success)) {
    AddTime(object, "last_success", query.last_success);
    object.Add("sample", SampleText(*query.sample));
  }
  return object.Text();
}

// What is wrong with a line though the hash is right: only another version's writer can be to
// blame.
struct Foreign {
  std::string what;
};

const JsonValue& Member(const JsonValue& object, std::string_view key, Kind kind) {
  const JsonValue* const found = object.Find(key);
  if (found == nullptr || !found->Is(kind)) throw Foreign{fmt::format("{} is not there", key)};
  return *found;
}

template <typename T>
T NumberOf(const JsonValue& value) {
  T number{};
  const char* const end = value.text.data() + value.text.size();
  const auto [stopped, error] = std::from_chars(value.text.data(), end, number);
  if (!value.Is(Kind::kNumber) || error != std::errc() || stopped != end) {
    throw Foreign{"a number is none"};
  }
  return number;
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
  if (!IsKept(time)) throw Foreign{"a time is none"};
  return time;
}

Ratio RatioOf(double fraction) {
  const auto ratio = Ratio::FromFraction(fraction);
  if (!ratio) throw Foreign{"a ratio is not within 0 and 1"};
  return *ratio;
}

std::vector<float> TrendOf(std::string_view text) {
  std::vector<float> trend;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    int value = 0;
    const auto [stopped, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool gap = word == "-";
    const bool whole = error == std::errc() && stopped == word.data() + word.size();
    if (trend.size() == kTrendLength || (!gap && (!whole || value < 0 || value > kTrendUnits))) {
      throw Foreign{"a trend is none"};
    }
    trend.push_back(gap ? std::numeric_limits<float>::quiet_NaN()
                        : static_cast<float>(value) / kTrendUnits);
  }
  return trend;
}

SpoofSample SampleOf(const JsonValue& tree) {
  SpoofSample sample{
      .spoof = RatioOf(NumberOf<double>(Member(tree, "spoof", Kind::kNumber))),
      .not_spoof = RatioOf(NumberOf<double>(Member(tree, "not_spoof", Kind::kNumber))),
      .bucket_start = OptionalTime(tree, "bucket_start"),
      .window = std::nullopt,
      .control = std::nullopt,
      .confidence_level = OptionalNumber<int>(tree, "confidence"),
      .last_updated = OptionalTime(tree, "last_updated")};
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
    if (*above < 0) throw Foreign{"a count is below 0"};
    sample.expectation = {RatioOf(*expected).value(), RatioOf(*upper).value(), *above};
  }
  if (tree.Find("trend") != nullptr) {
    sample.trend = TrendOf(Member(tree, "trend", Kind::kString).text);
  }
  const JsonValue& annotations = Member(tree, "annotations", Kind::kArray);
  if (annotations.items.size() != sample.annotations.size()) throw Foreign{"annotations differ"};
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
  throw Foreign{"a failure has no known reason"};
}

SavedQuery QueryOf(const JsonValue& tree) {
  const auto asked = OptionalTime(tree, "asked");
  if (!asked) throw Foreign{"asked is not there"};
  SavedQuery query{.name = std::string(Member(tree, "name", Kind::kString).text),
                   .asks = std::string(Member(tree, "asks", Kind::kString).text),
                   .asked = *asked,
                   .ended = Member(tree, "ended", Kind::kBool).boolean,
                   .last_success = OptionalTime(tree, "last_success"),
                   .failure = FailureOf(tree),
                   .sample = std::nullopt};
  if (tree.Find("sample") != nullptr)
    query.sample = SampleOf(Member(tree, "sample", Kind::kObject));
  if (query.sample.has_value() != query.last_success.has_value()) {
    throw Foreign{"a sample has no time"};
  }
  return query;
}

SavedState FirstLineOf(const JsonValue& tree) {
  return {.base_url = std::string(Member(tree, "base_url", Kind::kString).text),
          .path = std::string(Member(tree, "path", Kind::kString).text),
          .up = Member(tree, "up", Kind::kBool).boolean,
          .held_until = OptionalTime(tree, "held_until")};
}

// The line with its newline, which the last one may lack.
std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
  text.remove_prefix(line.size());
  return line;
}

template <typename T, typename Reader>
Result<T, std::string> ReadLine(std::string_view line, Reader read) {
  const auto document = ParseJson(line);
  if (!document) return document.error().detail;
  try {
    return read(document.value().root);
  } catch (const Foreign& foreign) {
    return foreign.what;
  }
}

}  // namespace

std::string AsksFor(const Query& query) {
  std::string text;
  for (const Dimension dimension : kAllDimensions) {
    text += fmt::format("{}={} ", LabelName(dimension), query.filters.Label(dimension));
  }
  return text + fmt::format("agg_interval={} date_range={} control={}",
                            RequestName(query.agg_interval), query.date_range.Text(),
                            query.control);
}

std::string WriteSavedState(const SavedState& state) {
  JsonObject first;
  first.Add("base_url", JsonString(state.base_url));
  first.Add("path", JsonString(state.path));
  first.Add("up", JsonBool(state.up));
  AddTime(first, "held_until", state.held_until);
  std::string body = first.Text().text + '\n';
  for (const SavedQuery& query : state.queries) {
    if (!IsKept(query.asked)) continue;
    const std::string line = QueryText(query).text + '\n';
    if (body.size() + line.size() > kSavedStateLimit - kHeaderLength) break;
    body += line;
  }
  return HeaderFor(body) + body;
}

Result<SavedState, std::string> ReadSavedState(std::string_view text) {
  if (!text.starts_with(kFormat)) return std::string("it is not a state file of this version");
  const std::string header(TakeLine(text));
  if (header != HeaderFor(text)) return std::string("it is damaged: its hash does not fit");
  auto state = ReadLine<SavedState>(TakeLine(text), FirstLineOf);
  if (!state) return "it is not this program's: " + state.error();
  SavedState& read = state.value();
  while (!text.empty()) {
    auto query = ReadLine<SavedQuery>(TakeLine(text), QueryOf);
    if (query) {
      read.queries.push_back(std::move(query).value());
    } else {
      ++read.refused;
      read.refusal = query.error();
    }
  }
  return state;
}

}  // namespace radar_spoof
