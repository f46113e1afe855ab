// How good the spike alerts are: replays years of mail, or a file, through the very code that the
// exporter judges buckets with, and prints false pages and found spikes as a table.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "quality/replay.h"
#include "quality/series_file.h"
#include "quality/worlds.h"
#include "radar_spoof/core/flag_parser.h"

namespace radar_spoof::quality {
namespace {

struct Options {
  bool tuning = false;
  bool check = false;
  bool expectations = false;
  std::string csv;
  std::string interval = "1h";
  std::string range = "28d";
  std::string only;
  int moments = 60;
  SpikeBounds bounds;
};

std::optional<EarlyExit> ReadOptions(int argc, const char* const* argv, Options& options) {
  FlagParser flags("Without --csv: the made-up worlds that the alerts are judged by.",
                   "spike_quality");
  flags.AddSwitch("--tuning", options.tuning,
                  "The worlds that the thresholds were chosen by, instead");
  flags.AddSwitch("--check", options.check, "End with 1 when a goal is missed");
  flags.AddText("--csv", options.csv,
                "The series in FILE instead: lines of \"time,ratio\", time being the start of a "
                "bucket (RFC 3339 or Unix seconds), ratio 0 to 1 or empty",
                "FILE");
  flags.AddText("--interval", options.interval, "Of the file's buckets: 15m, 1h, 1d, 1w",
                "INTERVAL [1h]");
  flags.AddText("--range", options.range, "Of the windows that the file is judged by",
                "RANGE [28d]");
  flags.AddSwitch("--expectations", options.expectations,
                  "Print the file with what was expected of each bucket, as CSV");
  flags.AddText("--only", options.only, "Only worlds in buckets of this width", "INTERVAL");
  flags.AddNumber("--moments", options.moments, 1, 100'000,
                  "Spikes of each shape that are put into each series", "NUMBER [60]");
  const auto add_bound = [&flags](const std::string& name, double& bound) {
    flags.AddNumber("--" + name, bound, 0, 1000, "As under `expected:` in the configuration",
                    fmt::format("NUMBER [{}]", bound));
  };
  add_bound("scales", options.bounds.scales);
  add_bound("factor", options.bounds.factor);
  add_bound("rise", options.bounds.rise);
  add_bound("floor", options.bounds.floor);
  return flags.Parse(argc, argv);
}

// What all series of a world, or a file, gave together.
struct Score {
  double firings = 0;  // a year
  double days = 0;     // a year
  std::vector<Found> spikes;

  double Share(Spike spike) const {
    const Found& found = Of(spike);
    return found.tried == 0 ? std::nan("") : double(found.found) / found.tried;
  }
  double Delay(Spike spike) const {
    return Of(spike).found == 0 ? std::nan("") : Of(spike).delay / Of(spike).found;
  }
  double FiringShare(Spike spike) const {
    return Of(spike).tried == 0 ? std::nan("") : Of(spike).firing_share / Of(spike).tried;
  }
  const Found& Of(Spike spike) const { return spikes[static_cast<std::size_t>(spike)]; }
};

Score ScoreOf(const std::vector<Series>& all, std::size_t window, const Options& options) {
  Score score{.spikes = std::vector<Found>(SpikeShapes().size())};
  FalsePages sum;
  for (const Series& series : all) {
    const FalsePages pages = PagesOf(series, window, options.bounds);
    sum.years += pages.years;
    sum.firings += pages.firings;
    sum.days += pages.days;
    for (const SpikeShape& shape : SpikeShapes()) {
      const Found found = SpikesFound(series, window, options.bounds, shape, options.moments);
      Found& total = score.spikes[static_cast<std::size_t>(shape.spike)];
      total.tried += found.tried;
      total.found += found.found;
      total.delay += found.delay;
      total.firing_share += found.firing_share;
    }
  }
  score.firings = sum.firings / sum.years;
  score.days = sum.days / sum.years;
  return score;
}

std::string Percent(double share) {
  return std::isnan(share) ? "-" : fmt::format("{:.0f} %", share * 100);
}
std::string Buckets(double delay) { return std::isnan(delay) ? "-" : fmt::format("{:.1f}", delay); }

void PrintHead() {
  fmt::print(
      "| buckets, window | world | false pages a year | days with one | x2 for 2 | x1.5 for 3 | x3 "
      "for 2 | second x2 | one bucket of x5 | ramp to x3: found, after | x3 for 12: found, fires "
      "during | step x2, 48: found, fires during |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
}

void PrintRow(std::string_view what, std::string_view world, const Score& score) {
  using enum Spike;
  fmt::print("| {} | {} | {:.2f} | {:.2f} | {} | {} | {} | {} | {} | {}, {} | {}, {} | {}, {} |\n",
             what, world, score.firings, score.days, Percent(score.Share(kDoubleForTwo)),
             Percent(score.Share(kHalfMoreForThree)), Percent(score.Share(kTripleForTwo)),
             Percent(score.Share(kSecondDouble)), Percent(score.Share(kFivefoldForOne)),
             Percent(score.Share(kRamp)), Buckets(score.Delay(kRamp)),
             Percent(score.Share(kTripleForTwelve)), Percent(score.FiringShare(kTripleForTwelve)),
             Percent(score.Share(kStep)), Percent(score.FiringShare(kStep)));
  std::fflush(stdout);
}

struct Case {
  AggInterval interval;
  std::string_view range;
};
constexpr Case kCases[] = {{AggInterval::k15m, "1d"},
                           {AggInterval::k1h, "28d"},
                           {AggInterval::k1h, "7d"},
                           {AggInterval::k1d, "28d"},
                           {AggInterval::k1w, "52w"}};

std::size_t WindowOf(AggInterval interval, const DateRange& range) {
  return static_cast<std::size_t>(range.Length() / Length(interval));
}

// What a row of the table should reach, or the mean of all rows of the case.
struct Goal {
  AggInterval interval;
  std::string_view range;
  std::optional<World> world;  // nullopt: the mean of all
  double firings;              // a year, at most
  double doubled;              // found of x2 for 2, at least
  double second;               // found of the second x2, at least
  double firing;               // during x3 for 12, at least
};
constexpr Goal kGoals[] = {
    {AggInterval::k15m, "1d", std::nullopt, 3, 0.50, 0, 0},
    {AggInterval::k1h, "28d", World::kMildRhythm, 1, 0.85, 0.65, 0.90},
    {AggInterval::k1h, "28d", World::kStrongRhythm, 3, 0.50, 0.65, 0.90},
    {AggInterval::k1d, "28d", World::kMildRhythm, 1, 0.90, 0.65, 0.90},
    {AggInterval::k1d, "28d", World::kStrongRhythm, 3, 0.90, 0.65, 0.90},
    {AggInterval::k1w, "52w", World::kWeeks, 1, 0, 0, 0},
};

bool Reaches(const Case& each, const std::vector<std::pair<World, Score>>& rows) {
  bool reached = true;
  for (const Goal& goal : kGoals) {
    if (goal.interval != each.interval || goal.range != each.range) continue;
    const auto mean = [&](auto value) {
      double sum = 0;
      int count = 0;
      for (const auto& [world, score] : rows) {
        if (goal.world && *goal.world != world) continue;
        sum += value(score);
        ++count;
      }
      return sum / count;
    };
    const auto need = [&](bool good, std::string_view what) {
      if (good) return;
      fmt::print(stderr, "goal missed: {} over {}, {}: {}\n", RequestName(each.interval),
                 each.range, goal.world ? Name(*goal.world) : "mean", what);
      reached = false;
    };
    const auto doubled = [](const Score& score) { return score.Share(Spike::kDoubleForTwo); };
    const auto second = [](const Score& score) { return score.Share(Spike::kSecondDouble); };
    const auto firing = [](const Score& score) {
      return score.FiringShare(Spike::kTripleForTwelve);
    };
    need(mean([](const Score& score) { return score.firings; }) <= goal.firings, "false pages");
    need(mean(doubled) >= goal.doubled, "x2 for 2");
    need(mean(second) >= goal.second, "second x2");
    need(mean(firing) >= goal.firing, "fires during x3 for 12");
  }
  return reached;
}

int JudgeWorlds(const Options& options) {
  const Purpose purpose = options.tuning ? Purpose::kTuning : Purpose::kJudging;
  bool reached = true;
  PrintHead();
  for (const Case& each : kCases) {
    if (!options.only.empty() && RequestName(each.interval) != options.only) continue;
    const std::size_t window = WindowOf(each.interval, *DateRange::Parse(each.range));
    std::vector<std::pair<World, Score>> rows;
    for (const World world :
         {World::kSimulator, World::kMildRhythm, World::kStrongRhythm, World::kWeeks}) {
      const bool rhythm = world == World::kMildRhythm || world == World::kStrongRhythm;
      const bool weekly = each.interval == AggInterval::k1w;
      if (world != World::kSimulator && rhythm == weekly) continue;
      const Score score = ScoreOf(SeriesOf(world, purpose, each.interval), window, options);
      PrintRow(fmt::format("{}, {}", RequestName(each.interval), each.range), Name(world), score);
      rows.emplace_back(world, score);
    }
    reached = Reaches(each, rows) && reached;
  }
  return options.check && !reached ? 1 : 0;
}

void PrintExpectations(const Series& series, std::size_t window, const SpikeBounds& bounds) {
  fmt::print("time,ratio,expected_ratio,expected_upper_ratio,buckets_above\n");
  WallTime start = series.start;
  std::size_t i = 0;
  for (const auto& expectation : ExpectationsOf(series, window, bounds)) {
    const double ratio = series.ratios[i++];
    const std::string shown = std::isnan(ratio) ? "" : fmt::format("{}", ratio);
    fmt::print("{},{},", FormatRfc3339(start), shown);
    if (expectation) {
      fmt::print("{},{},{}\n", expectation->ratio, expectation->upper, expectation->buckets_above);
    } else {
      fmt::print(",,\n");
    }
    start += Length(series.interval);
  }
}

int JudgeFile(const Options& options) {
  const auto interval = ParseAggInterval(options.interval);
  const auto range = DateRange::Parse(options.range);
  std::ifstream file(options.csv, std::ios::binary);
  if (!interval || !range || !file) {
    fmt::print(stderr, "spike_quality: cannot read {}, or no such interval or range\n",
               options.csv);
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto series = ReadSeriesFile(text, *interval);
  if (!series) {
    fmt::print(stderr, "spike_quality: {}: {}\n", options.csv, series.error());
    return 2;
  }
  const std::size_t window = WindowOf(*interval, *range);
  if (options.expectations) {
    PrintExpectations(series.value(), window, options.bounds);
    return 0;
  }
  PrintHead();
  PrintRow(fmt::format("{}, {}", options.interval, options.range), options.csv,
           ScoreOf({series.value()}, window, options));
  return 0;
}

}  // namespace
}  // namespace radar_spoof::quality

int main(int argc, char** argv) {
  using namespace radar_spoof::quality;
  Options options;
  if (const auto early = ReadOptions(argc, argv, options)) return Print(*early);
  return options.csv.empty() ? JudgeWorlds(options) : JudgeFile(options);
}
