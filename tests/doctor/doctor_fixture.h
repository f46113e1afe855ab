// `doctor` against the simulator in the test's own process, and what is done to its answers.
#pragma once

#include <algorithm>
#include <ctime>
#include <regex>
#include <set>

#include <doctest/doctest.h>

#include "src/doctor/checks.h"
#include "support/radar_answers.h"
#include "support/simulated_api.h"

namespace radar_spoof::test {

using Request = ScriptedHttpClient::Request;
using Answer = ScriptedHttpClient::Answer;

inline std::string HttpDate(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  std::array<char, 40> text{};
  gmtime_r(&seconds, &parts);
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

inline Query QueryNamed(std::string name, AggInterval interval, const std::string& range) {
  return {.name = std::move(name),
          .filters = {},
          .agg_interval = interval,
          .date_range = DateRange::Parse(range).value(),
          .poll_interval = Length(interval)};
}

struct DoctorFixture {
  DoctorFixture() {
    subject.api.base_url = "http://127.0.0.1:1/client/v4";
    subject.queries = {QueryNamed("mine", AggInterval::k1h, "28d")};
    options.data.volume = 80;
    options.credentials.token = std::string(kToken);
  }

  Examination Ask() {
    SimulatedApi api(clock, options);
    ScriptedHttpClient http(clock, [&](const Request& request) {
      Answer answer = api(request);
      if (answer.result) {
        answer.result.value().headers.emplace_back("date", HttpDate(clock.Now().wall));
      }
      if (change) change(request, answer);
      return answer;
    });
    http.labels_series = false;
    Examination made = Examine(
        subject, credentials, http, clock,
        {[](const PlannedRequest&) {}, [](const AskedRequest&) {}, [&] { return stop(http); }});
    requests = http.requests();
    return made;
  }

  void Run() {
    examination.emplace(Ask());
    rows = Judge(*examination, credentials.redactor);
  }

  const CheckRow& Row(std::string_view name) const {
    const auto found = std::ranges::find(rows, name, &CheckRow::name);
    REQUIRE(found != rows.end());
    return *found;
  }

  std::set<std::string> NotOk() const {
    std::set<std::string> names;
    for (const CheckRow& row : rows) {
      if (row.verdict != Verdict::kOk) names.insert(row.name);
    }
    return names;
  }

  FakeClock clock{*ParseRfc3339("2026-06-09T12:34:00Z")};
  simulator::SimulatorOptions options;
  Subject subject;
  CredentialsInUse credentials{BearerToken{Secret(std::string(kToken))}};
  std::function<void(const Request&, Answer&)> change;
  std::function<bool(const ScriptedHttpClient&)> stop = [](const auto&) { return false; };
  std::vector<Request> requests;
  std::optional<Examination> examination;
  std::vector<CheckRow> rows;
};

inline std::string& BodyOf(Answer& answer) { return answer.result.value().body; }

inline void Replace(Answer& answer, const std::string& pattern, const std::string& by) {
  BodyOf(answer) = std::regex_replace(BodyOf(answer), std::regex(pattern), by);
}

inline void SetHeader(Answer& answer, const std::string& name, const std::string& value) {
  auto& headers = answer.result.value().headers;
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  if (!value.empty()) headers.emplace_back(name, value);
}

inline Answer Refusal(int status, int code, const std::string& message) {
  return {Response(status, ErrorAnswer(code, message))};
}

inline bool Has(const Request& request, std::string_view text) {
  return request.url.find(text) != std::string::npos;
}

// What makes the API differ.
using Tell = std::function<void(DoctorFixture&)>;

// This is done to each answer, behind what is done to it already.
inline Tell Each(const std::function<void(const Request&, Answer&)>& change) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=, before = fixture.change](const Request& request, Answer& answer) {
      if (before) before(request, answer);
      change(request, answer);
    };
  };
}

inline Tell Both(const Tell& one, const Tell& other) {
  return [=](DoctorFixture& fixture) {
    one(fixture);
    other(fixture);
  };
}

// Of the query that is configured.
inline Tell Mine(const std::function<void(Query&)>& change) {
  return [=](DoctorFixture& fixture) { change(fixture.subject.queries.front()); };
}

inline Tell EachBody(const std::string& pattern, const std::string& by) {
  return Each([=](const Request&, Answer& answer) { Replace(answer, pattern, by); });
}

inline Tell EachHeader(const std::string& name, const std::string& value) {
  return Each([=](const Request&, Answer& answer) { SetHeader(answer, name, value); });
}

// Those whose URL has one of these parts are answered so.
inline Tell Refusing(const std::vector<std::string>& parts, const Answer& with) {
  return Each([=](const Request& request, Answer& answer) {
    for (const std::string& part : parts) {
      if (Has(request, part)) answer = with;
    }
  });
}

inline std::string ReplacedEach(const std::string& text, const std::string& pattern,
                                const std::function<std::string(const std::smatch&)>& by) {
  const std::regex each(pattern);
  std::string changed;
  auto from = text.begin();
  for (std::sregex_iterator it(text.begin(), text.end(), each), end; it != end; ++it) {
    changed.append(from, text.begin() + it->position());
    changed += by(*it);
    from = text.begin() + it->position() + it->length();
  }
  return changed.append(from, text.end());
}

// With `value` for each percentage.
inline Tell EachValue(const std::function<std::string(double)>& value) {
  return Each([=](const Request&, Answer& answer) {
    BodyOf(answer) = ReplacedEach(BodyOf(answer), R"re("(\d+\.\d+)")re",
                                  [&](const auto& match) { return value(std::stod(match[1])); });
  });
}

// With `by` for each series.
inline Tell EachSeries(const std::string& by) {
  return Each([=](const Request&, Answer& answer) {
    static const std::regex kKey("\"[sc]\\d+_\\w+\":\\{");
    std::string& body = BodyOf(answer);
    std::smatch match;
    while (std::regex_search(body, match, kKey)) {
      const auto begin = static_cast<std::size_t>(match.position() + match.length()) - 1;
      body.replace(begin, body.find('}', begin) + 1 - begin, by);
    }
  });
}

// Each timestamp so much later, by the interval asked for.
inline Tell TimesLater(const std::function<Seconds(AggInterval)>& by) {
  return Each([=](const Request& request, Answer& answer) {
    const auto later = [&](const std::smatch& time) {
      return FormatRfc3339(*ParseRfc3339(time.str()) + by(IntervalOf(request.url)));
    };
    BodyOf(answer) = ReplacedEach(BodyOf(answer), R"re("timestamps":\[[^\]]*\])re",
                                  [&](const std::smatch& times) {
                                    return ReplacedEach(times.str(), R"re(\d{4}-[^"]*Z)re", later);
                                  });
  });
}

// What the simulator answers to another URL.
inline Tell AsIfAsked(const std::function<std::string(const std::string&)>& url) {
  return [=](DoctorFixture& fixture) {
    const auto api = std::make_shared<SimulatedApi>(fixture.clock, fixture.options);
    Each([=](const Request& request, Answer& answer) {
      Request other = request;
      other.url = url(request.url);
      if (other.url != request.url) answer = (*api)(other);
    })(fixture);
  };
}

// To a URL in which this stands for what has that pattern.
inline Tell AsIfAsked(const std::string& pattern, const std::string& by) {
  return AsIfAsked(
      [=](const std::string& url) { return std::regex_replace(url, std::regex(pattern), by); });
}

// Without the filters behind that place.
inline std::string WithoutFilters(const std::string& url, std::size_t from) {
  static const std::regex kFilter("&(arc|dkim|dmarc|spf|tlsVersion)=[^&]*");
  if (from == std::string::npos) return url;
  return url.substr(0, from) + std::regex_replace(url.substr(from), kFilter, "");
}

inline std::string WithoutLaterFilters(const std::string& url) {
  return WithoutFilters(url, url.find("&name=s1_"));
}

inline Tell With(const std::function<void(simulator::SimulatorOptions&)>& set) {
  return [=](DoctorFixture& fixture) { set(fixture.options); };
}

// In requests of so many series the first two have each other's filters.
inline Tell Exchanged(std::ptrdiff_t least, std::ptrdiff_t most) {
  return AsIfAsked([=](const std::string& url) {
    static const std::regex kSeries("&name=[^&]*&dateRange=[^&]*([^\"]*?)(?=&name=|$)");
    const std::vector<std::smatch> series{std::sregex_iterator(url.begin(), url.end(), kSeries),
                                          std::sregex_iterator()};
    const auto count = static_cast<std::ptrdiff_t>(series.size());
    if (count < least || count > most || url.find("control") != std::string::npos) return url;
    const auto& one = series[0];
    const auto& other = series[1];
    return url.substr(0, static_cast<std::size_t>(one.position(1))) + other.str(1) +
           url.substr(
               static_cast<std::size_t>(one.position(1) + one.length(1)),
               static_cast<std::size_t>(other.position(1) - one.position(1) - one.length(1))) +
           one.str(1) + url.substr(static_cast<std::size_t>(other.position(1) + other.length(1)));
  });
}

// Three queries of one request.
inline void ShareARequest(DoctorFixture& fixture) {
  fixture.subject.api.max_series_per_request = 10;
  fixture.subject.queries.clear();
  for (const auto& [name, value] :
       {std::pair("mine", "FAIL"), std::pair("none", "NONE"), std::pair("pass", "PASS")}) {
    Query query = QueryNamed(name, AggInterval::k1d, "14d");
    (void)query.filters.Add(Dimension::kDmarc, value);
    fixture.subject.queries.push_back(std::move(query));
  }
}

inline const Answer kTooFine = Refusal(400, 2001, "aggregation interval is too low for date range");
inline const Answer kNoDimension = Refusal(400, 2001, "Invalid option for dimension.");
inline const Answer kPage{
    HttpResponse{200, {{"content-type", "text/html"}}, "<!DOCTYPE html><html></html>"}};

}  // namespace radar_spoof::test
