#include "radar_spoof/core/clock.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// Reads fixed-width decimal fields from the front of a text.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  std::optional<int> Number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int number = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!IsDigit(c)) return std::nullopt;
      number = number * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return number;
  }

  bool Take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool AtDigit() const { return !rest_.empty() && IsDigit(rest_.front()); }
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::sys_days> ReadDate(Fields& fields) {
  const auto year = fields.Number(4);
  if (!year || !fields.Take("-")) return std::nullopt;
  const auto month = fields.Number(2);
  if (!month || !fields.Take("-")) return std::nullopt;
  const auto day = fields.Number(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<Milliseconds> ReadTimeOfDay(Fields& fields) {
  const auto hour = fields.Number(2);
  if (!hour || *hour > 23 || !fields.Take(":")) return std::nullopt;
  const auto minute = fields.Number(2);
  if (!minute || *minute > 59 || !fields.Take(":")) return std::nullopt;
  const auto second = fields.Number(2);
  if (!second || *second > 60) return std::nullopt;
  int milliseconds = 0;
  if (fields.Take(".")) {
    if (!fields.AtDigit()) return std::nullopt;
    for (int scale = 100; fields.AtDigit(); scale /= 10) milliseconds += scale * *fields.Number(1);
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + Seconds(*second) +
         Milliseconds(milliseconds);
}

std::optional<Seconds> ReadOffset(Fields& fields) {
  if (fields.Take("Zz")) return Seconds(0);
  const bool east = fields.Take("+");
  if (!east && !fields.Take("-")) return std::nullopt;
  const auto hours = fields.Number(2);
  if (!hours || *hours > 23 || !fields.Take(":")) return std::nullopt;
  const auto minutes = fields.Number(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const Seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return east ? offset : -offset;
}

}  // namespace

Instant SystemClock::Now() const {
  using std::chrono::floor;
  timespec since_boot{};
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto steady = std::chrono::steady_clock::duration(
      std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec));
  return {floor<Milliseconds>(std::chrono::system_clock::now()),
          floor<Milliseconds>(std::chrono::steady_clock::time_point(steady))};
}

double UnixSeconds(WallTime time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

bool IsWithinRfc3339(WallTime time) {
  using std::chrono::sys_days;
  using std::chrono::year;
  return time >= sys_days(year(0) / 1 / 1) && time < sys_days(year(10000) / 1 / 1);
}

std::optional<WallTime> ParseRfc3339(std::string_view text) {
  Fields fields(text);
  const auto date = ReadDate(fields);
  if (!date || !fields.Take("Tt ")) return std::nullopt;
  const auto time_of_day = ReadTimeOfDay(fields);
  if (!time_of_day) return std::nullopt;
  const auto offset = ReadOffset(fields);
  if (!offset || !fields.AtEnd()) return std::nullopt;
  const WallTime time = WallTime(*date) + *time_of_day - *offset;
  // An offset or a leap second may have led out of it.
  return IsWithinRfc3339(time) ? std::optional(time) : std::nullopt;
}

std::string FormatRfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<Seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string MinuteText(WallTime time) {
  return FormatRfc3339(time).replace(10, 1, " ").replace(16, 4, " UTC");
}

std::string InWords(Milliseconds duration) {
  struct Unit {
    Seconds length;
    std::string_view name;
  };
  constexpr std::array kUnits = {Unit{Seconds(86400), "day"}, Unit{Seconds(3600), "hour"},
                                 Unit{Seconds(60), "minute"}, Unit{Seconds(1), "second"}};
  for (const Unit& unit : kUnits) {
    const auto count = duration / unit.length;
    if (count >= 1) return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
  }
  return "a moment";
}

bool IsExactInWords(Seconds duration) {
  return InWords(duration) != InWords(duration - Seconds(1));
}

}  // namespace radar_spoof
