#include "radar_spoof/serve/landing_page.h"

#include <array>

#include <fmt/format.h>

#include "radar_spoof/publish/freshness.h"
#include "radar_spoof/words/rfc3339.h"
#include "radar_spoof/words/version.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --line: #d5d9df; --soft: #5b6470; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4048; --soft: #a5adb8; --bad: #ff9d94; --good: #7fd6a1; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
nav a { margin-right: 1.25rem; } code { font-size: .9em; overflow-wrap: anywhere; }
small, footer, th { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--good); }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .45rem .75rem .45rem 0; text-align: left;
  vertical-align: top; } th { font-weight: 500; white-space: nowrap; }
td.name { font-weight: 600; min-width: 14rem; overflow-wrap: anywhere; }
td.name small { font-weight: 400; }
.time { white-space: nowrap; }
td small { display: block; overflow-wrap: anywhere; } footer { margin-top: 2rem; }
td.ratio b { font-size: 1.15rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 48rem) {
  thead { display: none; } tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem 0; }
  td { border: 0; display: grid; grid-template-columns: 7.5rem 1fr; padding: .1rem 0; }
  td > * { grid-column: 2; } td::before { color: var(--soft); content: attr(data-label); }
  td.name { display: block; min-width: 0; } td.name::before { content: none; } }
)css";

std::string Escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

// "42 seconds", "1 minute", "3 hours", "5 days": the largest unit that fits, rounded down.
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

// "2026-06-08 11:15 UTC".
std::string TimeText(WallTime time) {
  const std::string rfc3339 = FormatRfc3339(time);
  return rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 5) + " UTC";
}

std::string FilterText(const Filters& filters) {
  std::string text;
  for (const Dimension dimension : kAllDimensions) {
    if (filters.IsAny(dimension)) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", LabelName(dimension),
                        filters.Label(dimension));
  }
  return text.empty() ? "all mail" : text;
}

std::string RatioCell(const QueryState& state, const PollingConfig& polling, Instant now) {
  if (!IsFresh(state, polling, now)) {
    return state.sample ? "<span>none<small>the last one is too old</small></span>"
                        : "<span>none yet</span>";
  }
  std::string bucket;
  if (state.sample->bucket_start) {
    bucket = fmt::format("<small>{} from <span class=\"time\">{}</span></small>",
                         InWords(Length(state.query.agg_interval)),
                         TimeText(*state.sample->bucket_start));
  }
  return fmt::format("<span><b>{:.1f} %</b>{}</span>", state.sample->spoof.value() * 100, bucket);
}

std::string StateCell(const QueryState& state) {
  if (!state.tried()) return "<span>not tried yet</span>";
  if (!state.last_failure) return "<span class=\"good\">ok</span>";
  return fmt::format("<span class=\"bad\">failing: {}<small>{}</small></span>",
                     Name(state.last_failure->reason), Escape(state.last_failure->detail));
}

std::string NextPoll(const QueryState& state, Instant now) {
  if (!state.next_poll) return "at once";
  const Milliseconds wait = *state.next_poll - now.wall;
  return wait < Seconds(1) ? "now" : "in " + InWords(wait);
}

std::string Row(const QueryState& state, const PollingConfig& polling, Instant now) {
  const Query& query = state.query;
  const std::string last_success =
      state.last_success ? InWords(now.steady - state.last_success->steady) + " ago" : "never";
  return fmt::format(
      "<tr><td class=\"name\">{}<small>{}</small></td>\n"
      "<td data-label=\"Buckets\"><span><span class=\"time\">{} over {}</span><small>polled every "
      "{}{}</small></span></td>\n"
      "<td class=\"ratio\" data-label=\"Spoof ratio\">{}</td>\n"
      "<td data-label=\"Last success\"><span class=\"time\">{}</span></td>\n"
      "<td data-label=\"Next poll\"><span class=\"time\">{}</span></td>\n"
      "<td data-label=\"State\">{}</td></tr>\n",
      Escape(query.name), Escape(FilterText(query.filters)), RequestName(query.agg_interval),
      query.date_range.Text(), InWords(query.poll_interval),
      query.control ? ", with control period" : "", RatioCell(state, polling, now), last_success,
      NextPoll(state, now), StateCell(state));
}

std::string ApiText(const ApiState& api, Instant now) {
  std::string text = fmt::format("The API endpoint in use is <code>{}</code>. ", Escape(api.path));
  if (api.requests.empty()) {
    text += "It has not been asked yet.";
  } else if (api.up) {
    text += "Its last answer was <span class=\"good\">good</span>.";
  } else {
    text += "Its last answer was <span class=\"bad\">not good</span>.";
  }
  if (api.blocked_until && api.blocked_until->steady > now.steady) {
    text += fmt::format(" <span class=\"bad\">It limits our rate: no requests for {}.</span>",
                        InWords(api.blocked_until->steady - now.steady));
  }
  return text;
}

}  // namespace

std::string RenderLandingPage(const Snapshot& snapshot, Instant now,
                              std::string_view telemetry_path) {
  std::string rows;
  for (const QueryState& state : snapshot.queries) rows += Row(state, snapshot.polling, now);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>radar_spoof_exporter</title>\n<style>{style}</style></head>\n<body>\n"
      "<h1>radar_spoof_exporter</h1>\n"
      "<p>Cloudflare Radar's view of spoofed email, for Prometheus. "
      "<small>Version {version}, revision {revision}.</small></p>\n"
      "<nav><a href=\"{metrics}\">Metrics</a><a href=\"/-/healthy\">Health</a>"
      "<a href=\"/-/ready\">Readiness</a></nav>\n"
      "<h2>What is polled</h2>\n<p>{api}</p>\n"
      "<table><thead><tr><th>Query</th><th>Buckets</th><th>Spoof ratio</th>"
      "<th>Last success</th><th>Next poll</th><th>State</th></tr></thead>\n<tbody>\n"
      "{rows}</tbody></table>\n"
      "<footer>Data: <a href=\"https://radar.cloudflare.com/\">Cloudflare Radar</a>, "
      "<a href=\"https://creativecommons.org/licenses/by-nc/4.0/\">CC BY-NC 4.0</a></footer>\n"
      "</body></html>\n",
      fmt::arg("style", kStyle), fmt::arg("version", Escape(Version())),
      fmt::arg("revision", Escape(Revision())), fmt::arg("metrics", Escape(telemetry_path)),
      fmt::arg("api", ApiText(snapshot.api, now)), fmt::arg("rows", rows));
}

}  // namespace radar_spoof
