#include "quality/series_file.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof::quality {
namespace {

// Without blanks, the end of a Windows line, and quotes.
std::string_view Unquoted(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\"";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
}

std::optional<WallTime> TimeIn(std::string_view text) {
  constexpr double kYear10000 = 253402300800;
  const auto seconds = ParseNumber<double>(text);
  if (!seconds) return ParseRfc3339(text);
  if (!(*seconds >= 0 && *seconds < kYear10000)) return std::nullopt;
  return WallTime(Milliseconds(std::llround(*seconds * 1000)));
}

}  // namespace

Result<Series, std::string> ReadSeriesFile(std::string_view text, AggInterval interval) {
  constexpr std::size_t kMostBuckets = 10'000'000;
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  Series series{interval, {}, {}};
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = TakeUntil(text, "\n");
    const std::string_view time = Unquoted(TakeUntil(line, ","));
    const std::string_view ratio = Unquoted(TakeUntil(line, ","));
    if ((time.empty() && ratio.empty()) || (number == 1 && time.starts_with("time"))) continue;
    const auto start = TimeIn(time);
    if (!start || FloorTo(*start, Length(interval)) != *start) {
      return fmt::format("line {}: \"{}\" is not the start of a bucket of {}", number, time,
                         RequestName(interval));
    }
    if (series.ratios.empty()) series.start = *start;
    const auto place = (*start - series.start) / Length(interval);
    const auto count = static_cast<std::int64_t>(series.ratios.size());
    if (place < count) {
      return fmt::format("line {}: {} is not later than the bucket before", number, time);
    }
    if (place >= static_cast<std::int64_t>(kMostBuckets)) {
      return fmt::format("line {}: {} is too far from the first bucket", number, time);
    }
    series.ratios.resize(static_cast<std::size_t>(place), kMissing);
    const auto value = ratio.empty() ? kMissing : ParseNumber<double>(ratio).value_or(-1);
    if (!ratio.empty() && !(value >= 0 && value <= 1)) {
      return fmt::format("line {}: \"{}\" is not a ratio from 0 to 1", number, ratio);
    }
    series.ratios.push_back(value);
  }
  if (series.ratios.empty()) return std::string("no bucket in it");
  return series;
}

}  // namespace radar_spoof::quality
