// Time, as the pipeline is told it, and as text. Never touches the local time zone.
//
// Two clocks are read together: wall time decides which bucket exists and stamps exported times;
// steady time measures delays and ages, so that a step of the wall clock can neither freeze polling
// nor make a value look fresh.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// UTC, as Unix time.
using WallTime = std::chrono::sys_time<Milliseconds>;
// Never steps; its zero has no meaning. Goes on while the machine is suspended (CLOCK_BOOTTIME), so
// that what became too old meanwhile is too old at once.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Milliseconds>;

struct Instant {
  WallTime wall;
  SteadyTime steady;

  Instant operator+(Milliseconds delta) const { return {wall + delta, steady + delta}; }

  // What one clock showed, or will show, when the other shows that, if none is stepped.
  WallTime WallAt(SteadyTime time) const { return wall + (time - steady); }
  SteadyTime SteadyAt(WallTime time) const { return steady + (time - wall); }
  // The moment of a time in the past that only the wall clock showed. One in the future means that
  // the clock was wrong then or is now, and becomes this moment.
  Instant AtPastWallTime(WallTime time) const {
    const WallTime past = time < wall ? time : wall;
    return {past, SteadyAt(past)};
  }
};

// Thread rule: Now() may be called from any thread. Never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const override;
};

// Seconds since 1970, with milliseconds as the fraction: the form of every exported timestamp.
double UnixSeconds(WallTime time);

// Whether RFC 3339 has it: a year from 0 to 9999, in UTC. Beyond, the arithmetic may overflow.
bool IsWithinRfc3339(WallTime time);

// RFC 3339, as the API writes and reads it: "2026-06-08T00:00:00Z", with any fraction (cut to
// milliseconds) and any offset ("+02:00"). nullopt for anything else, also for impossible dates and
// times that are not within it. A leap second reads as the second after.
std::optional<WallTime> ParseRfc3339(std::string_view text);

// "2026-06-08T00:00:00Z"; milliseconds are dropped. REQUIRES: IsWithinRfc3339(time).
std::string FormatRfc3339(WallTime time);

// "2026-06-08 11:15 UTC".
std::string MinuteText(WallTime time);

// "42 seconds", "1 minute", "3 hours", "5 days": the largest unit that fits, rounded down;
// "a moment" under a second.
std::string InWords(Milliseconds duration);
// Whether it rounds nothing off.
bool IsExactInWords(Seconds duration);

}  // namespace radar_spoof
