#include "landing_page.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/core/version.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --back: #fff; --ink: #1c2128; --line: #d5d9df; --soft: #57606a;
  --bad: #b3261e; --good: #1b6e3c; --link: #0b57d0; --trend: #3b6fb5; --warn: #8a4b00;
  --usual: #c5d3e6; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16191d; --ink: #e4e8ec; --line: #3a4048; --soft: #a5adb8; --bad: #ff9d94;
    --good: #7fd6a1; --link: #9cc3ff; --trend: #8ab4f8; --warn: #ffb95e; --usual: #33455e; } }
body { background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 84rem; padding: 1.5rem 1rem; }
a { color: var(--link); } h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.made-up { border: 2px solid var(--bad); color: var(--bad); padding: .5rem .75rem; }
nav a { display: inline-block; margin-right: 1.25rem; padding: .25rem 0; }
code { font-size: .9em; overflow-wrap: anywhere; }
small, footer, th { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--good); }
.warn { color: var(--warn); } tr.above td.name { border-left: 4px solid var(--warn); padding-left: .75rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .5rem 1rem .5rem 0; text-align: left;
  vertical-align: top; } th { font-weight: 500; white-space: nowrap; }
td.name { font-weight: 600; max-width: 22rem; min-width: 11rem; overflow-wrap: anywhere; }
td.name small { font-weight: 400; }
.time { white-space: nowrap; }
td small { display: block; overflow-wrap: anywhere; } footer { margin-top: 2rem; }
td.ratio .warn { font-weight: 600; } td.ratio b { font-size: 1.15rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { display: block; height: 2.25rem; width: 10rem; }
svg path { fill: none; stroke: var(--trend); stroke-linecap: round; stroke-linejoin: round;
  stroke-width: 1.5; }
svg circle { fill: var(--trend); } svg rect { fill: var(--usual); }
dl { display: grid; gap: .25rem 1rem; grid-template-columns: max-content 1fr; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; }
@media (max-width: 56rem) {
  thead { display: none; }
  tr { border-bottom: 1px solid var(--line); display: flex; flex-direction: column; padding: .75rem 0; }
  td.state { order: -1; } td.name { order: -2; } tr.above { border-left: 4px solid var(--warn); padding-left: .75rem; }
  tr.above td.name { border-left: 0; padding-left: 0; }
  td { border: 0; display: grid; grid-template-columns: 7.5rem 1fr; padding: .15rem 0; }
  td > * { grid-column: 2; } .time { white-space: normal; } td::before { color: var(--soft); content: attr(data-label); }
  td.name { display: block; min-width: 0; } td.name::before { content: none; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
)css";

// In units of the drawing; the margin keeps the strokes inside.
constexpr double kWidth = 160;
constexpr double kHeight = 36;
constexpr double kMargin = 3;

class Drawing {
 public:
  Drawing(std::span<const float> trend, float highest)
      : trend_(trend), scale_(highest > 0 ? highest : 1) {}

  // "M3.0 30.0L5.1 28.2": a piece of the line for each run without gaps.
  std::string Path() const {
    std::string path;
    for (std::size_t i = 0; i < trend_.size(); ++i) {
      if (std::isnan(trend_[i])) continue;
      const bool begins = i == 0 || std::isnan(trend_[i - 1]);
      path += fmt::format("{}{:.1f} {:.1f}", begins ? 'M' : 'L', X(i), Y(i));
      // A run of one value is a dot: the round cap of a line of no length.
      const bool alone = begins && (i + 1 == trend_.size() || std::isnan(trend_[i + 1]));
      if (alone) path += "h0";
    }
    return path;
  }
  // From what was expected of the latest bucket to its upper bound, as wide as its run at least.
  std::string Band(const Expectation& expectation) const {
    const std::size_t last = trend_.size() - 1;
    const std::size_t run =
        std::max(trend_.size() / 8, static_cast<std::size_t>(expectation.buckets_above));
    const double left = X(last - std::min(run, last));
    const double top = YOf(expectation.upper);
    return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>", left,
                       top, kWidth - left, YOf(expectation.ratio) - top);
  }
  double X(std::size_t i) const {
    const auto last = static_cast<double>(trend_.size() - 1);
    return kMargin + (kWidth - 2 * kMargin) * static_cast<double>(i) / last;
  }
  double Y(std::size_t i) const { return YOf(trend_[i]); }

 private:
  double YOf(double ratio) const {
    return kHeight - kMargin - (kHeight - 2 * kMargin) * ratio / static_cast<double>(scale_);
  }

  std::span<const float> trend_;
  float scale_;
};

// In a row, the latest included; 0 where that cannot be told. REQUIRES: the sample may be shown.
int BucketsAbove(const QueryState& state) {
  return state.sample->expectation ? state.sample->expectation->buckets_above : 0;
}

// Of the latest bucket, and how far above it is: "far above for 3 buckets of 1 hour".
std::string ExpectedText(const Expectation& expectation, AggInterval interval) {
  std::string text;
  if (const int above = expectation.buckets_above; above > 0) {
    text = fmt::format("<small class=\"warn\">far above for {} bucket{} of {}</small>", above,
                       above == 1 ? "" : "s", InWords(Length(interval)));
  }
  return text + fmt::format("<small>expected {}, upper bound {}</small>",
                            PercentText(expectation.ratio), PercentText(expectation.upper));
}

std::string RatioCell(const QueryState& state, bool fresh) {
  if (!fresh) {
    return state.sample ? "<span>none<small>the last one is too old</small></span>"
                        : "<span>none yet</span>";
  }
  const SpoofSample& sample = *state.sample;
  std::string times;
  if (sample.bucket_start) {
    times =
        fmt::format("<small>{} from <span class=\"time\">{}</span></small>",
                    InWords(Length(state.query.agg_interval)), MinuteText(*sample.bucket_start));
  }
  times += fmt::format("<small>data of <span class=\"time\">{}</span></small>",
                       MinuteText(sample.last_updated));
  const std::string expected =
      sample.expectation ? ExpectedText(*sample.expectation, state.query.agg_interval) : "";
  return fmt::format("<span><b{}>{}</b>{}{}</span>",
                     BucketsAbove(state) > 0 ? " class=\"warn\"" : "",
                     PercentText(sample.spoof.value()), expected, times);
}

std::string TrendCell(const QueryState& state, bool fresh) {
  if (!fresh) return "<span>-</span>";
  const SpoofSample& sample = *state.sample;
  std::string text = SparklineSvg(sample.trend, sample.expectation);
  if (sample.window && !sample.expectation) {
    text += fmt::format("<small>usual {} &plusmn; {:.1f}</small>", PercentText(sample.window->mean),
                        sample.window->standard_deviation * 100);
  }
  if (sample.control) {
    text += fmt::format("<small>control period {}</small>", PercentText(sample.control->value()));
  }
  return "<span>" + (text.empty() ? "-" : text) + "</span>";
}

std::string TrustCell(const QueryState& state, bool fresh) {
  if (!fresh) return "<span>-</span>";
  const SpoofSample& sample = *state.sample;
  std::string text = "not given";
  if (sample.confidence_level) {
    text = fmt::format("{} of 5<small>{}</small>", *sample.confidence_level,
                       ConfidenceText(*sample.confidence_level));
  }
  for (const EventType type : kAllEventTypes) {
    const int count = sample.annotations[static_cast<std::size_t>(type)];
    if (count > 0)
      text += fmt::format("<small class=\"bad\">{} &times; {}</small>", count, Name(type));
  }
  return "<span>" + text + "</span>";
}

// What fails more than one query is told once, above the table.
using Causes = std::map<std::pair<FailureReason, std::string_view>, int>;

Causes SharedCauses(const std::vector<QueryState>& queries) {
  Causes causes;
  for (const QueryState& each : queries) {
    if (each.last_failure) ++causes[{each.last_failure->reason, each.last_failure->detail}];
  }
  std::erase_if(causes, [](const auto& cause) { return cause.second < 2; });
  return causes;
}

std::string StateText(const QueryState& state, const Causes& told_above) {
  if (!state.tried()) return "not tried yet";
  if (!state.last_failure) return "<span class=\"good\">ok</span>";
  const Failure& failure = *state.last_failure;
  std::string text =
      fmt::format("<span class=\"bad\">failing: {}</span>", InPlainWords(failure.reason));
  if (!told_above.contains({failure.reason, failure.detail})) {
    text += fmt::format("<small>{}: {}</small>", Name(failure.reason), ForHtml(failure.detail));
  }
  return text;
}

std::string StateCell(const QueryState& state, const Causes& told_above, Instant now) {
  const std::string last =
      state.last_success
          ? fmt::format("last good answer {} ago", InWords(now.steady - state.last_success->steady))
          : "no good answer yet";
  std::string next = "at once";
  if (state.next_poll) {
    const Milliseconds wait = *state.next_poll - now.wall;
    next = wait < Seconds(1) ? "now" : "in " + InWords(wait);
  }
  return fmt::format("<span>{}<small>{}</small><small>next poll {}</small></span>",
                     StateText(state, told_above), last, next);
}

// "daily", "every 15 minutes", "every 1h30m".
std::string HowOften(Seconds interval) {
  if (interval == Seconds(3600)) return "hourly";
  if (interval == Seconds(86400)) return "daily";
  if (interval == Seconds(7 * 86400)) return "weekly";
  return "every " + (IsExactInWords(interval) ? InWords(interval) : DurationText(interval));
}

std::string_view AlertText(AlertSeverity severity) {
  constexpr std::array<std::string_view, 3> kTexts = {"a spike pages", "a spike opens a ticket",
                                                      "a spike alerts nobody"};
  return kTexts[static_cast<std::size_t>(severity)];
}

std::string Row(const QueryState& state, bool fresh, const Causes& told_above, Instant now) {
  const Query& query = state.query;
  return fmt::format(
      "<tr{}><td class=\"name\">{}<small>{}</small><small>{} over {}, polled {}{}; "
      "{}</small></td>\n"
      "<td class=\"ratio\" data-label=\"Spoofed\">{}</td>\n"
      "<td data-label=\"Trend\">{}</td>\n<td data-label=\"Confidence\">{}</td>\n"
      "<td class=\"state\" data-label=\"State\">{}</td></tr>\n",
      fresh && BucketsAbove(state) > 0 ? " class=\"above\"" : "", ForHtml(query.name),
      ForHtml(FilterText(query.filters)), RequestName(query.agg_interval), query.date_range.Text(),
      HowOften(query.poll_interval), query.control ? ", with control period" : "",
      AlertText(query.alert.severity), RatioCell(state, fresh), TrendCell(state, fresh),
      TrustCell(state, fresh), StateCell(state, told_above, now));
}

// The queries' rows: those that are far above what was expected first, the longest run before
// others, and the rest as configured.
struct Table {
  std::string rows;
  std::size_t above = 0;  // queries
  std::size_t shown = 0;  // queries with a value
};

Table TableOf(const Snapshot& snapshot, const Causes& told_above, Instant now) {
  struct Place {
    const QueryState* state;
    bool fresh;
    int above;
  };
  Table table;
  std::vector<Place> places;
  for (const QueryState& state : snapshot.queries) {
    const bool fresh = IsFresh(state, snapshot.polling, now);
    places.push_back({&state, fresh, fresh ? BucketsAbove(state) : 0});
    if (fresh) ++table.shown;
    if (places.back().above > 0) ++table.above;
  }
  std::ranges::stable_sort(places, std::greater<>(), &Place::above);
  for (const Place& place : places) {
    table.rows += Row(*place.state, place.fresh, told_above, now);
  }
  return table;
}

std::string Summary(const Snapshot& snapshot, const Table& table, Instant now) {
  const auto& queries = snapshot.queries;
  const auto count = [&](auto is) { return std::count_if(queries.begin(), queries.end(), is); };
  const auto failing = count([](const QueryState& each) { return each.last_failure.has_value(); });
  const auto untried = count([](const QueryState& each) { return !each.tried(); });
  std::string text;
  if (table.above > 0) {
    text = fmt::format("<strong class=\"warn\">{} of {} {} far above what was expected.</strong> ",
                       table.above, queries.size(), table.above == 1 ? "is" : "are");
  }
  text += failing == 0 ? "No query is failing"
                       : fmt::format("<span class=\"bad\">{} of {} {} failing</span>", failing,
                                     queries.size(), failing == 1 ? "is" : "are");
  if (untried > 0) text += fmt::format(", {} not tried yet", untried);
  return text + fmt::format("; {} of {} have a value to show. Rendered at {}.", table.shown,
                            queries.size(), MinuteText(now.wall));
}

std::string CausesText(const Causes& causes) {
  std::string text;
  for (const auto& [cause, queries] : causes) {
    text += fmt::format(
        "<p><span class=\"bad\">{} queries fail for one cause: {}</span> <small>{}: "
        "{}</small></p>\n",
        queries, InPlainWords(cause.first), Name(cause.first), ForHtml(cause.second));
  }
  return text;
}

// "2026-06-08 11:15:30 UTC".
std::string SecondText(WallTime time) {
  return FormatRfc3339(time).replace(10, 1, " ").replace(19, 1, " UTC");
}

std::string LastAnswer(const ApiState& api, Instant now) {
  std::string text = "<span class=\"bad\">failed</span>";
  if (!api.asked) {
    text = "not asked yet";
  } else if (api.up) {
    text = "<span class=\"good\">OK</span>";
  }
  if (api.blocked_until && api.blocked_until->steady > now.steady) {
    text += fmt::format(
        "; <span class=\"bad\">rate limited by the API: no requests for {}, until {}</span>",
        InWords(api.blocked_until->steady - now.steady), SecondText(api.blocked_until->wall));
  }
  return text;
}

// What was counted 5 minutes ago says nothing of the 5 minutes before now.
std::string BudgetText(const BudgetUse& budget, Instant now) {
  if (now.wall - budget.at > std::chrono::minutes(5)) {
    return fmt::format("no request has ended in the last 5 minutes; {} may be sent", budget.limit);
  }
  return fmt::format("{} of {} requests used in the 5 minutes before {}", budget.used, budget.limit,
                     MinuteText(budget.at));
}

std::string ApiList(const ApiState& api, Instant now) {
  std::string text = fmt::format(
      "<dl><dt>Host</dt><dd><code>{}</code></dd>\n"
      "<dt>Endpoint in use</dt><dd><code>{}</code></dd>\n<dt>Last API answer</dt><dd>{}</dd>\n"
      "<dt>Request budget</dt><dd>{}</dd>\n",
      ForHtml(api.host), ForHtml(api.path), LastAnswer(api, now), BudgetText(api.budget, now));
  for (const auto& [name, policy] : api.rate_limit) {
    if (!policy.remaining || (policy.reset && *policy.reset <= now.wall)) continue;
    text += fmt::format(
        "<dt>Budget left, says the API</dt><dd>{}{} requests left{} <small>({})</small></dd>\n",
        *policy.remaining, policy.limit ? fmt::format(" of {}", *policy.limit) : "",
        policy.reset ? " until " + MinuteText(*policy.reset) : "", ForHtml(name));
  }
  return text + "</dl>\n";
}

// What the page says of whom its numbers are from. Cloudflare is credited with its own alone.
struct Credit {
  std::string_view tagline;
  std::string_view link;
  std::string banner;
  std::string footer;
};

Credit CreditFor(const std::string& host) {
  Credit credit{"The share of email that is classified as spoof, for Prometheus.", "", "",
                fmt::format("Data: from <code>{}</code>", ForHtml(host))};
  switch (WhoseNumbers(host)) {
    case NumbersOf::kCloudflare:
      return {"Cloudflare Radar's view of spoofed email, for Prometheus.",
              "<a href=\"https://radar.cloudflare.com/email-security\">Cloudflare Radar</a>", "",
              "Data: <a href=\"https://radar.cloudflare.com/\">Cloudflare Radar</a>, "
              "<a href=\"https://creativecommons.org/licenses/by-nc/4.0/\">CC BY-NC 4.0</a>"};
    case NumbersOf::kThisMachine:
      credit.banner = fmt::format(
          "<p class=\"made-up\"><strong>Simulated data.</strong> These numbers are from "
          "<code>{}</code>, a program on this machine, and not from Cloudflare.</p>\n",
          ForHtml(host));
      break;
    case NumbersOf::kSomebody: break;
  }
  return credit;
}

std::string DocumentsText(const PageLinks& links) {
  if (!links.homepage.empty()) {
    return fmt::format("<a href=\"{0}\">{0}</a>", ForHtml(links.homepage));
  }
  return fmt::format(
      "<code>man radar_spoof_exporter</code>, and <code>{}</code> where it is installed",
      ForHtml(links.documents));
}

}  // namespace

std::string SparklineSvg(std::span<const float> trend,
                         const std::optional<Expectation>& expectation) {
  float lowest = 1;
  float highest = 0;
  int values = 0;
  for (const float ratio : trend) {
    if (std::isnan(ratio)) continue;
    lowest = std::min(lowest, ratio);
    highest = std::max(highest, ratio);
    ++values;
  }
  if (values < 2) return "";
  if (expectation) highest = std::max(highest, static_cast<float>(expectation->upper));
  const Drawing drawing(trend, highest);
  const std::size_t last = trend.size() - 1;
  std::string band;
  std::string expected;
  if (expectation) {
    band = drawing.Band(*expectation);
    expected = fmt::format(", expected {}, upper bound {}", PercentText(expectation->ratio),
                           PercentText(expectation->upper));
  }
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{} buckets between {} and {}, "
      "the latest {}{}\">{}<path d=\"{}\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/></svg>",
      kWidth, kHeight, values, PercentText(lowest), PercentText(highest), PercentText(trend[last]),
      expected, band, drawing.Path(), drawing.X(last), drawing.Y(last));
}

std::string RenderLandingPage(const Snapshot& snapshot, Instant now, const PageLinks& links) {
  const Causes causes = SharedCauses(snapshot.queries);
  const Table table = TableOf(snapshot, causes, now);
  const Credit credit = CreditFor(snapshot.api.host);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>radar_spoof_exporter</title>\n<link rel=\"icon\" "
      "href=\"data:,\">\n<style>{style}</style></head>\n<body>\n"
      "<header><h1>radar_spoof_exporter</h1>\n"
      "<p>{tagline} <small>Version {version}, revision {revision}.</small></p>\n"
      "<nav><a href=\"{base}{metrics}\">Metrics</a><a href=\"{base}/-/healthy\">Health</a>"
      "<a href=\"{base}/-/ready\">Readiness</a>{link}</nav></header>\n"
      "<main>{banner}<h2>What is polled</h2>\n<p>{summary}</p>\n{causes}"
      "<table><thead><tr><th>Query</th><th>Spoofed</th><th>Trend</th><th>Confidence</th>"
      "<th>State</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
      "<h2>The API</h2>\n{api}</main>\n"
      "<footer>{footer}<br>\nDocuments: {documents}</footer>\n</body></html>\n",
      fmt::arg("style", kStyle), fmt::arg("version", ForHtml(Version())),
      fmt::arg("revision", ForHtml(Revision())), fmt::arg("base", ForHtml(links.base)),
      fmt::arg("metrics", ForHtml(links.telemetry_path)),
      fmt::arg("documents", DocumentsText(links)), fmt::arg("tagline", credit.tagline),
      fmt::arg("link", credit.link), fmt::arg("banner", credit.banner),
      fmt::arg("footer", credit.footer), fmt::arg("summary", Summary(snapshot, table, now)),
      fmt::arg("causes", CausesText(causes)), fmt::arg("rows", table.rows),
      fmt::arg("api", ApiList(snapshot.api, now)));
}

}  // namespace radar_spoof
