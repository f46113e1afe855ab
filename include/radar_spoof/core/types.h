// The nouns of the pipeline. Each can only hold what is legal, so no later stage checks again.
//
// Outside facts are from the Cloudflare API reference, "Radar > Email >
// Security > Timeseries groups", unless a line says otherwise.
// Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// A share between 0 and 1. The API speaks percent; everything after the parser speaks ratios.
class Ratio {
 public:
  // Accepts 0 to 100, and rounding noise up to 100.0001, which becomes 1. Anything else, NaN
  // included, is nullopt. As PercentToRatio().
  static std::optional<Ratio> FromPercent(double percent);
  // Accepts 0 to 1, exactly.
  static std::optional<Ratio> FromFraction(double fraction);

  double value() const { return value_; }
  friend bool operator==(const Ratio&, const Ratio&) = default;

 private:
  explicit Ratio(double value) : value_(value) {}
  double value_;
};

// The number nearest to a hundredth of the decimal that `percent` is written as: 0.17684967 for
// 17.684967, where dividing by 100 gives 0.17684967000000001. REQUIRES: finite.
double PercentToRatio(double percent);

// "19.0 %". `ratio`: 0 to 1.
std::string PercentText(double ratio);

// The width of one bucket: the API's `aggInterval`.
enum class AggInterval { k15m, k1h, k1d, k1w };

inline constexpr std::array kAllAggIntervals = {AggInterval::k15m, AggInterval::k1h,
                                                AggInterval::k1d, AggInterval::k1w};

Seconds Length(AggInterval interval);
// As a request spells it: "15m", "1h", "1d", "1w".
std::string_view RequestName(AggInterval interval);
// As `meta.aggInterval` spells it: "FIFTEEN_MINUTES", "ONE_HOUR", "ONE_DAY", "ONE_WEEK".
std::string_view MetaName(AggInterval interval);
std::optional<AggInterval> ParseAggInterval(std::string_view request_name);

// The latest multiple of `period` that is not after `time`. Weeks (whole multiples of 7 days) begin
// on Monday 00:00 UTC; every other period is counted from 1970-01-01T00:00:00Z.
// REQUIRES: period > 0.
WallTime FloorTo(WallTime time, Seconds period);
// The earliest that is not before it.
WallTime CeilTo(WallTime time, Seconds period);

// From `from` up to, and without, `to`.
struct TimeRange {
  WallTime from;
  WallTime to;

  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// The dimensions a query can be filtered by, in the order their labels stand on every series.
enum class Dimension { kArc, kDkim, kDmarc, kSpf, kTlsVersion };

inline constexpr std::size_t kDimensionCount = 5;
inline constexpr std::array kAllDimensions = {Dimension::kArc, Dimension::kDkim, Dimension::kDmarc,
                                              Dimension::kSpf, Dimension::kTlsVersion};

// As configuration and metric labels spell it: "arc" ... "tls_version".
std::string_view LabelName(Dimension dimension);
// As a request spells it: "arc" ... "tlsVersion".
std::string_view RequestName(Dimension dimension);
// The values the API accepts: PASS NONE FAIL, or TLSv1_0 ... TLSv1_3.
std::span<const std::string_view> LegalValues(Dimension dimension);

// What a query is narrowed to: for each dimension the accepted values, none meaning "any".
class Filters {
 public:
  // Adds one accepted value. False, and nothing changes, when the API has no such value or it is
  // already there.
  [[nodiscard]] bool Add(Dimension dimension, std::string_view value);

  bool IsAny(Dimension dimension) const;
  // The accepted values in alphabetical order, joined by commas, or "any": the label's value.
  std::string Label(Dimension dimension) const;

  friend bool operator==(const Filters&, const Filters&) = default;

 private:
  std::array<std::uint8_t, kDimensionCount> accepted_{};  // bit i: LegalValues()[i]
};

// "dmarc=FAIL spf=FAIL,NONE", or "all mail".
std::string FilterText(const Filters& filters, std::string_view separator = " ");

// A look-back window: `dateRange`, "1d" to "364d" or "1w" to "52w".
class DateRange {
 public:
  // Case-insensitive, as the API is. nullopt for anything the API would refuse.
  static std::optional<DateRange> Parse(std::string_view text);

  // Lower case, as it is sent and exported: "7d".
  std::string Text() const;
  Seconds Length() const;
  // `dateRange` of the control period: the same length, ControlShift() earlier: "7dcontrol".
  std::string ControlText() const;
  // The length rounded up to whole weeks.
  Seconds ControlShift() const;

  friend bool operator==(const DateRange&, const DateRange&) = default;

 private:
  DateRange(int count, char unit) : count_(count), unit_(unit) {}
  int count_;
  char unit_;
};

// How far above what was expected a bucket must be to count as far above: all four at once.
struct SpikeBounds {
  double scales = 3;    // times what the window's buckets usually are off their expectation
  double factor = 1.5;  // times the expected ratio
  double rise = 0.03;   // ratio: more than the expected one
  double floor = 0.05;  // ratio: never lower than this

  friend bool operator==(const SpikeBounds&, const SpikeBounds&) = default;
};

// Whom a spike of a query concerns: somebody is paged, somebody finds a ticket, or nobody is told.
enum class AlertSeverity { kCritical, kWarning, kNone };

// As the label `severity` says it: "critical", "warning", "none".
std::string_view Name(AlertSeverity severity);

// A label that the configuration gives: its name is one that Prometheus takes and that no series of
// ours has; the value is not empty.
struct StaticLabel {
  std::string name;
  std::string value;

  friend bool operator==(const StaticLabel&, const StaticLabel&) = default;
};

// When a query counts as spiking, and who is told.
struct SpikeAlert {
  SpikeBounds expected = {};
  AlertSeverity severity = AlertSeverity::kCritical;
  std::vector<StaticLabel> labels = {};  // by name, each once

  friend bool operator==(const SpikeAlert&, const SpikeAlert&) = default;
};

// One filter combination and how it is polled. Built by config, which guarantees: `name` is unique,
// 1 to 128 bytes of UTF-8 without control characters; `poll_interval` >= 1 s.
struct Query {
  std::string name;
  Filters filters;
  AggInterval agg_interval;
  DateRange date_range;
  bool control = false;  // also ask for the control period
  Seconds poll_interval;
  SpikeAlert alert = {};

  friend bool operator==(const Query&, const Query&) = default;
};

// `meta.confidenceInfo.annotations[].eventType`. The API's list changes; what is not documented is
// counted as kOther.
enum class EventType {
  kEvent,
  kGeneral,
  kOutage,
  kPartialProjection,
  kPipeline,
  kTrafficAnomaly,
  kOther
};

inline constexpr std::size_t kEventTypeCount = 7;
inline constexpr std::array kAllEventTypes = {EventType::kEvent,    EventType::kGeneral,
                                              EventType::kOutage,   EventType::kPartialProjection,
                                              EventType::kPipeline, EventType::kTrafficAnomaly,
                                              EventType::kOther};

// "EVENT" ... "TRAFFIC_ANOMALY", "OTHER".
std::string_view Name(EventType type);
// By its letters alone, whatever their case: what a PARTIAL_PROJECTION is called must not decide
// whether a projected number is shown.
EventType ParseEventType(std::string_view name);

using AnnotationCounts = std::array<int, kEventTypeCount>;  // indexed by EventType

// Of `meta.confidenceInfo.level`, half a sentence: "no known issue". REQUIRES: 1 <= level <= 5.
// Source: Cloudflare Radar, "Confidence levels".
std::string_view ConfidenceText(int level);

// SPOOF over the complete buckets of the window before the sample's.
struct WindowStatistics {
  double mean;                // ratio
  double standard_deviation;  // ratio; of the sample (n - 1)
};

// What the window's earlier buckets say of the sample's: expect/expectation.h.
struct Expectation {
  double ratio;       // what the bucket was expected to be
  double upper;       // above this it counts as far above
  int buckets_above;  // how many in a row, the sample's included, are above theirs

  friend bool operator==(const Expectation&, const Expectation&) = default;
};

// How many buckets of a window are kept for people to look at; none of the default ranges has more.
inline constexpr std::size_t kTrendLength = 192;

// SPOOF as a ratio, one value per interval, oldest first, the sample's last; NaN where the window
// has no bucket. At most kTrendLength. Copies share their values, which never change.
class Trend {
 public:
  Trend() = default;
  Trend(std::vector<float> values)
      : values_(std::make_shared<const std::vector<float>>(std::move(values))) {}
  Trend(std::initializer_list<float> values) : Trend(std::vector<float>(values)) {}

  std::size_t size() const { return values_ ? values_->size() : 0; }
  bool empty() const { return size() == 0; }
  const float* data() const { return values_ ? values_->data() : nullptr; }
  const float* begin() const { return data(); }
  const float* end() const { return data() + size(); }
  // REQUIRES: i < size().
  float operator[](std::size_t i) const { return (*values_)[i]; }
  // REQUIRES: not empty.
  float front() const { return values_->front(); }
  float back() const { return values_->back(); }

 private:
  std::shared_ptr<const std::vector<float>> values_;
};

// Everything one good answer says about one query. All of it is from the same answer.
struct SpoofSample {
  Ratio spoof;
  Ratio not_spoof;
  // Start of the bucket the ratios are from; nullopt when the answer had no timestamps.
  std::optional<WallTime> bucket_start;
  std::optional<WindowStatistics> window;  // nullopt under 2 earlier complete buckets
  std::optional<Ratio> control;            // same bucket, one control period earlier
  std::optional<int> confidence_level;     // 1 to 5; nullopt when the API does not say
  AnnotationCounts annotations{};          // those that overlap the sample's bucket
  WallTime last_updated;                   // `meta.lastUpdated`
  Trend trend = {};
  std::optional<Expectation> expectation = {};  // nullopt: the window is too short to say
};

// A credential. Cannot be printed, compared or converted; the memory is wiped when it dies.
class Secret {
 public:
  // `text` holds nothing of it afterwards.
  explicit Secret(std::string&& text) noexcept { TakeFrom(text); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // For the one line that puts it on the wire.
  const std::string& Reveal() const { return text_; }

 private:
  // REQUIRES: this one holds nothing that is secret.
  void TakeFrom(std::string& text) noexcept;

  std::string text_;
};

}  // namespace radar_spoof
