#include "doctor_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/core/json_writer.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/core/version.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kNameColumns = 16;
constexpr std::size_t kVerdictColumns = 11;
constexpr std::size_t kExpectedColumns = 32;
constexpr int kNarrowest = 80;  // for a table

Tone ToneOf(const CheckRow& row) {
  return row.verdict == Verdict::kOk ? Tone::kGood : row.IsOtherwise() ? Tone::kBad : Tone::kSoft;
}

// A line of a cell, with spaces behind it.
std::string LineOf(const std::vector<std::string>& cell, std::size_t i, std::size_t columns = 0) {
  std::string line = i < cell.size() ? cell[i] : "";
  line.append(columns - std::min(columns, Columns(line)), ' ');
  return line;
}

// The lines of one row, its three wrapped cells side by side.
void AppendRow(std::string& text, const CheckRow& row, const Terminal& terminal) {
  constexpr std::size_t kIndent = kNameColumns + kVerdictColumns;
  const std::size_t width = static_cast<std::size_t>(terminal.columns) - kIndent;
  const auto cell = [&](const std::string& value, std::size_t columns) {
    return Wrapped(ForTerminal(value, terminal.unicode), columns);
  };
  const auto name = cell(row.name, kNameColumns - 1);
  const auto expected = cell(row.expected, kExpectedColumns - 1);
  const auto found = cell(row.found, width - kExpectedColumns);
  const std::string verdict(Name(row.verdict));
  for (std::size_t i = 0; i < std::max({name.size(), expected.size(), found.size()}); ++i) {
    std::string line = LineOf(name, i, kNameColumns);
    // A name of one long word has a line of its own.
    if (Columns(line) > kNameColumns) line += '\n' + std::string(kNameColumns, ' ');
    line += i == 0 ? Toned(verdict, ToneOf(row), terminal) : std::string(verdict.size(), ' ');
    line.append(kVerdictColumns - verdict.size(), ' ');
    line += LineOf(expected, i, kExpectedColumns) + LineOf(found, i);
    line.erase(line.find_last_not_of(" \n") + 1);
    if (!line.empty()) text += line + '\n';
  }
  if (row.change.empty()) return;
  std::string begin = std::string(kIndent, ' ') + "-> ";
  for (const std::string& line : cell(row.change, width - 3)) {
    text += begin + Toned(line, Tone::kBold, terminal) + '\n';
    begin = std::string(begin.size(), ' ');
  }
}

// `begin` and the text, wrapped behind an indent; nothing for "".
void AppendWrapped(std::string& text, std::size_t indent, const std::string& begin,
                   const std::string& value, const Terminal& terminal) {
  if (value.empty()) return;
  const auto width = static_cast<std::size_t>(terminal.columns);
  for (const std::string& line : Wrapped(begin + ForTerminal(value, terminal.unicode),
                                         width > 2 * indent ? width - indent : width)) {
    text += std::string(indent, ' ') + line + '\n';
  }
}

void AppendParagraph(std::string& text, const CheckRow& row, const Terminal& terminal) {
  text += ForTerminal(row.name, terminal.unicode) + ": " +
          Toned(Name(row.verdict), ToneOf(row), terminal) + '\n';
  AppendWrapped(text, 2, "expected: ", row.expected, terminal);
  AppendWrapped(text, 2, "found: ", row.found, terminal);
  AppendWrapped(text, 2, "-> ", row.change, terminal);
}

std::string CountsText(std::span<const CheckRow> rows) {
  std::string text;
  for (const Verdict verdict : kAllVerdicts) {
    const auto count = std::ranges::count(rows, verdict, &CheckRow::verdict);
    if (count > 0) AppendTo(text, fmt::format("{} {}", count, Name(verdict)));
  }
  return text;
}

std::string Host(const Subject& subject) { return HostAndPort(subject.api.base_url); }

// "" for Cloudflare.
std::string WhoseText(const Subject& subject) {
  const NumbersOf whose = WhoseNumbers(Host(subject));
  if (whose == NumbersOf::kCloudflare) return "";
  if (whose == NumbersOf::kSomebody) return "This was not Cloudflare's own host.";
  return "This was a program on this machine, and not Cloudflare: it says nothing of the real API.";
}

std::string InMarkdown(std::string_view text) {
  std::string safe;
  for (const char c : ForTerminal(text, true)) {
    if (std::string_view("|\\<*_`").find(c) != std::string_view::npos) safe += '\\';
    safe += c;
  }
  return safe;
}

void AppendRequest(std::string& text, const AskedRequest& asked, std::size_t number,
                   const Redactor& redactor) {
  const auto harmless = [&](std::string_view value) {
    return WithoutIdentity(redactor.Redacted(ForTerminal(value, false)));
  };
  text += fmt::format("\n### {}. {}\n\n```\nGET {}\n", number, InMarkdown(asked.title),
                      harmless(asked.url));
  if (asked.status() == 0) {
    text += fmt::format("no answer: {}\n```\n", harmless(asked.answer.error().detail));
    return;
  }
  text += fmt::format("HTTP {}, {} ms\n", asked.status(), asked.duration.count());
  for (const std::string name :
       {"date", "content-type", "content-encoding", "cf-cache-status", "age", "ratelimit",
        "ratelimit-policy", "retry-after", "deprecation", "sunset"}) {
    const std::string value = asked.Header(name);
    if (!value.empty()) text += name + ": " + harmless(ForLog(value, 120)) + '\n';
  }
  const std::string& body = asked.answer.value().body;
  const auto parsed = ParseJson(body);
  text += parsed ? harmless(ShapeOf(parsed.value().root)) + '\n'
                 : fmt::format("{} bytes that are not JSON\n", body.size());
  if (const Failure* const failure = asked.failure()) {
    text += fmt::format("{}: {}\n", Name(failure->reason), harmless(failure->detail));
  }
  text += "```\n";
}

}  // namespace

std::string AnnouncementText(const Subject& subject, const PlannedExamination& plan) {
  std::string text = fmt::format(
      "{} requests to {}, one after the other; at most {}, where some have to be repeated.\n"
      "They count towards what Cloudflare allows the user or account of the token, 1200 in 5 "
      "minutes; api.rate_limit is {}.\n",
      std::min(plan.requests.size(), plan.most_requests), ForTerminal(Host(subject), false),
      plan.most_requests, subject.api.rate_limit);
  if (plan.left_out > 0) {
    text += fmt::format("Of the {} configured queries {} are asked; {} are left out.\n",
                        subject.queries.size(), plan.queries.size(), plan.left_out);
  }
  return text;
}

std::string DoctorText(const Examination& examination, std::span<const CheckRow> rows,
                       const Terminal& terminal) {
  std::string text;
  const bool is_table = terminal.columns >= kNarrowest;
  if (is_table) {
    text = Toned(fmt::format("{:<{}}{:<{}}{:<{}}Found", "Check", kNameColumns, "Verdict",
                             kVerdictColumns, "The exporter relies on", kExpectedColumns),
                 Tone::kSoft, terminal) +
           '\n';
  }
  for (const CheckRow& row : rows) {
    is_table ? AppendRow(text, row, terminal) : AppendParagraph(text, row, terminal);
  }
  const auto note = [&](const std::string& line) { AppendWrapped(text, 0, "", line, terminal); };
  text += '\n';
  note(fmt::format("{} checks by {} requests: {}.", rows.size(), examination.requests,
                   CountsText(rows)));
  if (!examination.stopped.empty()) note("Not all was asked: " + examination.stopped + ".");
  if (examination.plan.left_out > 0) {
    note(fmt::format("{} configured queries were left out.", examination.plan.left_out));
  }
  note(WhoseText(examination.subject));
  return text;
}

std::string DoctorJson(const Examination& examination, std::span<const CheckRow> rows) {
  JsonWriter json;
  json.Object([&] {
    json.Member("version", Version());
    json.Member("host", Host(examination.subject));
    json.Member("path", examination.subject.api.path);
    json.Member("all_well", IsAllWell(examination, rows));
    json.Member("requests", static_cast<std::uint64_t>(examination.requests));
    json.Member("stopped",
                examination.stopped.empty() ? std::nullopt : std::optional(examination.stopped));
    json.Member("queries_left_out", static_cast<std::uint64_t>(examination.plan.left_out));
    json.Key("checks");
    json.Array([&] {
      for (const CheckRow& row : rows) {
        json.Object([&] {
          json.Member("name", row.name);
          json.Member("verdict", Name(row.verdict));
          json.Member("expected", row.expected);
          json.Member("found", ForTerminal(row.found, true));
          json.Member("change", row.change.empty() ? std::nullopt : std::optional(row.change));
        });
      }
    });
  });
  return json.Text() + '\n';
}

std::string DoctorReport(const Examination& examination, std::span<const CheckRow> rows,
                         const Redactor& redactor, WallTime now) {
  std::string text =
      fmt::format("{}\n- version {}, revision {}, {}\n- {}\n- host {}, with {}\n- {}\n",
                  kReportTitle, Version(), Revision(), Compiler(), FormatRfc3339(now),
                  InMarkdown(Host(examination.subject)), examination.credential, CountsText(rows));
  const std::string whose = WhoseText(examination.subject);
  if (!whose.empty()) text += "- " + whose + '\n';
  if (!examination.stopped.empty()) {
    text += "- not all was asked: " + InMarkdown(examination.stopped) + '\n';
  }
  text +=
      "\n| check | verdict | the exporter relies on | found | to be changed |\n"
      "| --- | --- | --- | --- | --- |\n";
  for (const CheckRow& row : rows) {
    text += fmt::format("| {} | {} | {} | {} | {} |\n", InMarkdown(row.name), Name(row.verdict),
                        InMarkdown(row.expected), InMarkdown(row.found), InMarkdown(row.change));
  }
  text +=
      "\n## Requests\nEach with the shape of its answer; the numbers themselves are left out.\n";
  for (std::size_t i = 0; i < examination.asked.size(); ++i) {
    AppendRequest(text, examination.asked[i], i + 1, redactor);
  }
  return text;
}

}  // namespace radar_spoof
