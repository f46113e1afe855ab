#include "answer_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explanation.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kLabelColumns = 14;
constexpr std::size_t kTableRows = 12;
constexpr std::size_t kShownAnnotations = 8;
constexpr std::size_t kLongestBar = 40;
constexpr std::size_t kShortestBar = 5;
constexpr int kTrustedLevel = 3;

std::string Percent(double ratio) { return fmt::format("{:.2f} %", ratio * 100); }

std::string WithoutZone(const std::string& time) { return time.substr(0, time.size() - 4); }

// "2026-06-08 11:00 to 12:00 UTC", with the second date where it is another.
std::string SpanText(WallTime from, WallTime to) {
  constexpr std::size_t kDateAndSpace = 11;
  const std::string begin = WithoutZone(MinuteText(from));
  const std::string end = MinuteText(to);
  const bool same_day = begin.compare(0, kDateAndSpace, end, 0, kDateAndSpace) == 0;
  return fmt::format("{} to {}", begin, same_day ? end.substr(kDateAndSpace) : end);
}

std::string SpanText(const Annotation& annotation) {
  const auto& [type, start, end, position] = annotation;
  if (start && end && start == end) return "at " + MinuteText(*start);
  if (start && end) return SpanText(*start, *end);
  if (start) return "since " + MinuteText(*start);
  return end ? "until " + MinuteText(*end) : "without times";
}

class Report {
 public:
  Report(const AnsweredQuery& answer, const Terminal& terminal)
      : answer_(answer),
        query_(answer.state.query),
        sample_(*answer.state.sample),
        host_(HostAndPort(answer.url)),
        terminal_(terminal),
        width_(static_cast<std::size_t>(std::max(terminal.columns, 1))),
        chart_(answer.window.buckets, Length(query_.agg_interval)) {}

  std::string Text() {
    Title();
    Banner();
    Numbers();
    Trust();
    Trend();
    Table();
    Lines(Source(), Tone::kSoft);
    return std::move(text_);
  }

 private:
  void Line(std::string_view line = "") {
    text_ += line;
    text_ += '\n';
  }

  void Lines(std::string_view text, Tone tone) {
    for (const std::string& line : Wrapped(text, width_)) Line(Toned(line, tone, terminal_));
  }

  // "Spoof         22.89 %", wrapped under itself.
  void Field(std::string_view label, std::string_view value, Tone tone = Tone::kPlain) {
    const bool beside = width_ > 2 * kLabelColumns;
    const std::size_t indent = beside ? kLabelColumns : 2;
    std::string begin = Toned(label, Tone::kSoft, terminal_);
    if (beside) {
      begin += std::string(kLabelColumns - label.size(), ' ');
    } else if (!label.empty()) {
      Line(begin);
      begin = "  ";
    }
    for (const std::string& line : Wrapped(value, width_ - std::min(indent, width_ - 1))) {
      Line(begin + Toned(line, tone, terminal_));
      begin = std::string(indent, ' ');
    }
  }

  void Title() {
    Line(Toned(ForTerminal(query_.name, terminal_.unicode), Tone::kBold, terminal_));
    Field("Asked", fmt::format("{}, {} buckets over {}{}", FilterText(query_.filters),
                               RequestName(query_.agg_interval), query_.date_range.Text(),
                               query_.control ? ", with control period" : ""));
    Line();
  }

  void Banner() {
    if (WhoseNumbers(host_) != NumbersOf::kThisMachine) return;
    Lines("Simulated data: these numbers are from " + ForTerminal(host_, terminal_.unicode) +
              ", a program on this machine, and not from Cloudflare.",
          Tone::kBad);
    Line();
  }

  std::string Source() const {
    if (WhoseNumbers(host_) != NumbersOf::kCloudflare) {
      return "Data: from " + ForTerminal(host_, terminal_.unicode);
    }
    return fmt::format("Data: Cloudflare Radar ({}), CC BY-NC 4.0",
                       ForTerminal(host_, terminal_.unicode));
  }

  void Numbers() {
    Field("Spoof", Percent(sample_.spoof.value()), Tone::kBold);
    Field("Not spoof", Percent(sample_.not_spoof.value()));
    const WallTime now = answer_.received.wall;
    if (const auto end = answer_.state.BucketEnd()) {
      Field("Bucket", fmt::format("{}, ended {} ago", SpanText(*sample_.bucket_start, *end),
                                  InWords(now - *end)));
    } else {
      Field("Bucket", "the last of the answer, which gives no times");
    }
    if (!IsFresh(answer_.state, answer_.polling, answer_.received)) {
      Field("", "Too old: the exporter would not publish these values.", Tone::kBad);
    }
    Usual();
    Expected();
    if (sample_.control) {
      Field("Control", fmt::format("{}, {}", Percent(sample_.control->value()), ControlTime()));
    } else if (query_.control) {
      Field("Control", "none: the answer has no such bucket that can be used");
    }
    Field("Data of", fmt::format("{}, {} ago", MinuteText(sample_.last_updated),
                                 InWords(now - sample_.last_updated)));
  }

  void Usual() {
    const std::size_t before = answer_.window.buckets.size() - 1;
    if (!sample_.window) {
      Field("Usual", fmt::format("unknown: {} bucket{} before the latest, 2 are needed", before,
                                 before == 1 ? "" : "s"));
      return;
    }
    const auto& [mean, deviation] = *sample_.window;
    Field("Usual", fmt::format("{} {} {:.2f}, from the {} buckets before", Percent(mean),
                               terminal_.unicode ? "±" : "+/-", deviation * 100, before));
    const double away = sample_.spoof.value() - mean;
    if (deviation > 0) {
      Field("", fmt::format("the latest is {:.1f} standard deviations {}",
                            std::abs(away) / deviation, away < 0 ? "below" : "above"));
    }
  }

  void Expected() {
    if (!sample_.expectation) {
      Field("Expected", "unknown: the window is too short to say");
      return;
    }
    const auto& [ratio, upper, above] = *sample_.expectation;
    Field("Expected", fmt::format("{}, upper bound {}", Percent(ratio), Percent(upper)));
    if (above == 0) return;
    Field("",
          above == 1 ? std::string("the latest bucket is far above")
                     : fmt::format("the latest {} buckets in a row are far above", above),
          Tone::kBad);
  }

  std::string ControlTime() const {
    const SpoofBucket* const control = ControlBucket(query_, answer_.window);
    if (control == nullptr || !control->start) return "the control period's last bucket";
    return "of " + SpanText(*control->start, *control->start + Length(query_.agg_interval));
  }

  void Trust() {
    if (sample_.confidence_level) {
      const int level = *sample_.confidence_level;
      Field("Confidence", fmt::format("{} of 5: {}", level, ConfidenceText(level)),
            level < kTrustedLevel ? Tone::kBad : Tone::kGood);
    } else {
      Field("Confidence", "not given");
    }
    const auto& annotations = answer_.window.confidence.annotations;
    if (annotations.empty()) {
      Field("Annotations", "none");
      return;
    }
    const std::string counts = CountsOfNewest();
    Field("Annotations",
          counts.empty() ? "none in the latest bucket" : "in the latest bucket: " + counts,
          counts.empty() ? Tone::kPlain : Tone::kBad);
    for (std::size_t i = 0; i < std::min(annotations.size(), kShownAnnotations); ++i) {
      Field("", fmt::format("{} {}", Name(annotations[i].type), SpanText(annotations[i])));
    }
    if (annotations.size() > kShownAnnotations) {
      Field("", fmt::format("and {} more", annotations.size() - kShownAnnotations));
    }
  }

  // "1 OUTAGE, 2 PIPELINE", or nothing.
  std::string CountsOfNewest() const {
    std::string counts;
    for (const EventType type : kAllEventTypes) {
      const int count = sample_.annotations[static_cast<std::size_t>(type)];
      if (count == 0) continue;
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, Name(type));
    }
    return counts;
  }

  void Trend() {
    const std::size_t each = chart_.IntervalsAColumn(width_);
    Line();
    std::string caption = fmt::format("Spoof over the window, 0 to {}", Percent(chart_.highest()));
    if (each > 1) caption += fmt::format("; a column is the highest of {} buckets", each);
    Lines(caption, Tone::kSoft);
    const auto columns = chart_.Columns(width_);
    Line(Sparkline(columns, chart_.highest(), terminal_));
    const auto& buckets = answer_.window.buckets;
    if (buckets.front().start && buckets.size() > 1) {
      const std::string from = WithoutZone(MinuteText(*buckets.front().start));
      const std::string to = WithoutZone(MinuteText(*buckets.back().start));
      std::string axis = from;
      if (from.size() + 1 + to.size() <= columns.size()) {
        axis += std::string(columns.size() - from.size() - to.size(), ' ') + to;
      }
      Line(Toned(axis, Tone::kSoft, terminal_));
    }
    Line();
  }

  void Table() {
    constexpr std::size_t kTimeColumns = 16;
    constexpr std::size_t kPercentColumns = 10;
    constexpr std::size_t kBarFrom = kTimeColumns + kPercentColumns + 2;
    const std::size_t rows = std::min(chart_.intervals(), kTableRows);
    const std::size_t room = width_ > kBarFrom ? std::min(width_ - kBarFrom, kLongestBar) : 0;
    const bool has_times = answer_.window.buckets.back().start.has_value();
    Line(Toned(fmt::format("{:<{}}{:>{}}", has_times ? "Bucket (UTC)" : "Bucket", kTimeColumns,
                           "Spoof", kPercentColumns),
               Tone::kSoft, terminal_));
    for (std::size_t back = rows; back-- > 0;) {
      const SpoofBucket* const bucket = chart_.FromEnd(back);
      std::string line =
          fmt::format("{:<{}}{:>{}}", BucketName(back), kTimeColumns,
                      bucket == nullptr ? "-" : Percent(bucket->spoof.value()), kPercentColumns);
      if (bucket != nullptr && room >= kShortestBar && chart_.highest() > 0) {
        line += "  " + Bar(bucket->spoof.value() / chart_.highest(), room, terminal_);
      }
      Line(line);
    }
    Line();
  }

  std::string BucketName(std::size_t back) const {
    const auto& newest = answer_.window.buckets.back();
    if (!newest.start) return back == 0 ? "latest" : fmt::format("latest - {}", back);
    const auto start = *newest.start - back * Length(query_.agg_interval);
    return WithoutZone(MinuteText(start));
  }

  const AnsweredQuery& answer_;
  const Query& query_;
  const SpoofSample& sample_;
  const std::string host_;
  const Terminal& terminal_;
  const std::size_t width_;
  const WindowChart chart_;
  std::string text_;
};

}  // namespace

std::string AnswerText(const AnsweredQuery& answer, const Terminal& terminal) {
  return Report(answer, terminal).Text();
}

std::string ExplanationText(const AnsweredQuery& answer, const Terminal& terminal) {
  std::string text = Toned("What each exported series is made of", Tone::kBold, terminal) + '\n';
  for (const ExplainedSeries& each : Explain(answer)) {
    text +=
        fmt::format("{}\n    {} {}\n", ForTerminal(each.series, terminal.unicode),
                    each.value.empty() ? "absent; else from" : each.value + " from", each.source);
  }
  const std::string_view headers =
      answer.by_legacy_key
          ? R"('X-Auth-Email: %s\nX-Auth-Key: %s\n' "$CLOUDFLARE_EMAIL" "$CLOUDFLARE_API_KEY")"
          : R"('Authorization: Bearer %s\n' "$CLOUDFLARE_API_TOKEN")";
  // Through a pipe, for whoever lists the processes sees a command line.
  return text + fmt::format(
                    "\nTo check a number, ask for the same answer:\n\nprintf {} |\n  curl -H @- "
                    "\\\n  '{}'\n",
                    headers, answer.url);
}

std::string FailureText(const Failure& failure) {
  return fmt::format("{} ({}: {}). {}", InPlainWords(failure.reason), Name(failure.reason),
                     failure.detail, WhatToDo(failure.reason));
}

double WindowChart::highest() const {
  double highest = 0;
  for (const SpoofBucket& bucket : buckets_) highest = std::max(highest, bucket.spoof.value());
  return highest;
}

std::size_t WindowChart::IntervalsAColumn(std::size_t columns) const {
  return (intervals() + columns - 1) / columns;
}

std::vector<std::optional<double>> WindowChart::Columns(std::size_t columns) const {
  const std::size_t each = IntervalsAColumn(columns);
  const std::size_t count = (intervals() + each - 1) / each;
  const std::size_t stretch = std::min(columns / count, kWidestInterval);
  std::vector<std::optional<double>> highest(count * stretch);
  for (const SpoofBucket& bucket : buckets_) {
    const auto end = highest.rbegin() + static_cast<std::ptrdiff_t>(Back(bucket) / each * stretch);
    const double value = std::max(end->value_or(0), bucket.spoof.value());
    std::fill_n(end, stretch, value);
  }
  return highest;
}

const SpoofBucket* WindowChart::FromEnd(std::size_t intervals_back) const {
  const auto found =
      std::find_if(buckets_.rbegin(), buckets_.rend(),
                   [&](const SpoofBucket& bucket) { return Back(bucket) == intervals_back; });
  return found == buckets_.rend() ? nullptr : &*found;
}

std::size_t WindowChart::Back(const SpoofBucket& bucket) const {
  const SpoofBucket& newest = buckets_.back();
  if (!newest.start) return newest.position - bucket.position;
  return static_cast<std::size_t>((*newest.start - *bucket.start) / interval_);
}

}  // namespace radar_spoof
