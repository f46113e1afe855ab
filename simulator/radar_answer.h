// What the API knows in answer to a valid request, before it is written as JSON or CSV.
//
// Thread rule: pure functions and plain values.
#pragma once

#include "simulator/request_parameters.h"
#include "simulator/scenario.h"

namespace radar_spoof::simulator {

// What becomes of the bucket that is still filling: it is served as it is; left out; or served as
// if the rest of it went on like what there is, with a PARTIAL_PROJECTION annotation on it.
enum class LastBucket { kPartial, kOmitted, kProjected };

// SPOOF and NOT_SPOOF alone, which add up to 100; or a third class takes its share of the 100, and
// is listed as UNKNOWN or not at all.
enum class Classes { kTwo, kThree, kUnlisted };

// What `meta` says of the data's quality: a level; null for the level; null for all of it, with
// which annotations are lost, too.
enum class Confidence { kRated, kNullLevel, kNull };

// What a bucket without mail holds in every class: "0.0" or null.
enum class NoMailAs { kZeros, kNulls };

// What the data are like, whatever happens to them.
struct DataSet {
  std::uint64_t seed = 1;
  double volume = 80;  // of mail in a quarter hour; see HasMail
  LastBucket last_bucket = LastBucket::kPartial;
  Classes classes = Classes::kTwo;
  Confidence confidence = Confidence::kRated;
  NoMailAs no_mail_as = NoMailAs::kZeros;
};

// What decides every number. `last_updated` is a quarter hour: up to there the data reach.
struct World {
  DataSet data;
  WallTime last_updated;
  ActiveScenario scenario;
};

struct ClassValues {
  std::string_view name;
  std::vector<std::optional<MicroPercent>> values;  // nullopt: null
};

struct SeriesAnswer {
  std::string key;
  DateWindow date_range;             // the request's, widened to whole buckets or hours
  std::vector<WallTime> timestamps;  // bucket starts, ascending
  std::vector<ClassValues> classes;  // as many values each; none if the series is all without mail
};

struct Annotation {
  EventType event_type;
  std::string_view description;
  WallTime start;
  WallTime end;
};

struct ConfidenceInfo {
  std::optional<int> level;  // 1 to 5
  std::vector<Annotation> annotations;
};

struct RadarAnswer {
  AggInterval interval;
  WallTime last_updated;
  std::optional<ConfidenceInfo> confidence;
  std::vector<SeriesAnswer> series;
};

// The bucket that `last_updated` falls into is the last there can be; it is still filling. A spike
// shows in the bucket that was the newest complete one when the scenario began, and in all after
// it, so that what was usual before still looks usual. So do a pipeline issue, whose annotation
// reaches from there to the end of the newest complete one; `no-mail`; and `half-null`, in which
// NOT_SPOOF is null there and SPOOF is not.
RadarAnswer Answer(const RadarRequest& request, const World& world);

// "20.5731", "0.0": at most 6 decimals, zeros trimmed but for one.
std::string PercentText(MicroPercent percent);

}  // namespace radar_spoof::simulator
