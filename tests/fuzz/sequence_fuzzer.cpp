// What one answer leaves behind for the next: whatever an API says, one answer after the other, the
// poller lives, no log line is broken or shows the credential, the counts agree, and an API that
// then answers well is believed: both queries are well again, with its numbers.
//
// The input is a list of replies, divided by lines "----", for one request each, in the order in
// which they are made; after those every reply is good. A reply reads like one: "STATUS
// MILLISECONDS", header lines, an empty line, the body; without a status the transport failed. @0@
// and @1@ are the names by which the request asks for its series, @TOKEN@ is the credential.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "radar_spoof/core/text.h"
#include "radar_spoof/page/exposition.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/poller_fixture.h"

namespace radar_spoof::test {
namespace {

constexpr std::size_t kMostReplies = 16;
// A reply is followed within an hour by the next request, whatever it said.
constexpr Milliseconds kPerReply = 1h;
constexpr Milliseconds kRecovery = 2h;
constexpr std::array kGoodPercents = {30, 31};
constexpr std::string_view kQueries =
    "polling: { max_data_age: 1d }\n"
    "queries:\n  - { name: q, matrix: { spf: [PASS, FAIL] } }\n";

int ReadNumber(std::string_view digits) {
  int number = 0;
  for (const char c : digits.substr(0, 4)) {
    if (c >= '0' && c <= '9') number = number * 10 + (c - '0');
  }
  return number;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

// By which the API answers: the n-th name that was asked for, or, without names, `serie_n`.
std::string SeriesName(const std::string& url, int place) {
  constexpr std::string_view kName = "&name=";
  std::size_t at = url.find(kName);
  if (at == std::string::npos) return "serie_" + std::to_string(place);
  for (int i = 0; i < place && at != std::string::npos; ++i) at = url.find(kName, at + 1);
  if (at == std::string::npos) return "none";
  const std::size_t begin = at + kName.size();
  return url.substr(begin, url.find('&', begin) - begin);
}

ScriptedHttpClient::Answer Read(std::string_view reply, const std::string& url) {
  const auto filled_in = [&](std::string_view text) {
    std::string filled = Replaced(std::string(text), "@TOKEN@", kToken);
    filled = Replaced(std::move(filled), "@0@", SeriesName(url, 0));
    return Replaced(std::move(filled), "@1@", SeriesName(url, 1));
  };
  std::string_view first = TakeUntil(reply, "\n");
  const int status = ReadNumber(TakeUntil(first, " "));
  const Milliseconds takes(ReadNumber(first));
  if (status < 100 || status > 999) {
    return {Failure(FailureReason::kTransport, "the connection was reset"), takes};
  }
  HttpResponse response;
  response.status = status;
  for (std::string_view line = TakeUntil(reply, "\n"); !line.empty();
       line = TakeUntil(reply, "\n")) {
    const std::string_view name = TakeUntil(line, ": ");
    response.headers.emplace_back(name, filled_in(line));
  }
  response.body = filled_in(reply);
  return {std::move(response), takes};
}

// Both series, or the one that is asked for alone: PASS is 30, FAIL 31 percent.
ScriptedHttpClient::Answer GoodReply(const ScriptedHttpClient::Request& request) {
  const WallTime reach = FloorTo(request.at.wall - 5min, 15min);
  const bool pass = request.url.find("spf=PASS") != std::string::npos;
  const bool fail = request.url.find("spf=FAIL") != std::string::npos;
  const std::string series = "\"serie_0\":{";
  const std::string first = GoodAnswer(reach, AggInterval::k15m, kGoodPercents[pass ? 0 : 1]);
  const std::size_t begin = first.find(series);
  std::string body = Replaced(first, "serie_0", SeriesName(request.url, 0));
  if (pass && fail) {
    const std::string second = GoodAnswer(reach, AggInterval::k15m, kGoodPercents[1]);
    const std::size_t end = second.find("\"meta\"");
    const bool in_order = request.url.find("spf=PASS") < request.url.find("spf=FAIL");
    Require(in_order);
    body.insert(begin,
                Replaced(second.substr(begin, end - begin), "serie_0", SeriesName(request.url, 1)));
  }
  return {Response(200, std::move(body))};
}

void CheckLines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    Require(line.find(kToken) == std::string::npos);
    for (const char c : line) Require(c >= 0x20 && c < 0x7f);
  }
}

void CheckEnd(const PollerFixture& fixture) {
  const auto snapshot = fixture.Now();
  Require(snapshot->queries.size() == kGoodPercents.size());
  for (std::size_t i = 0; i < kGoodPercents.size(); ++i) {
    const QueryState& query = snapshot->queries[i];
    Require(query.failures < query.polls);
    Require(query.success() && query.sample.has_value());
    Require(query.sample->spoof.value() * 100 - kGoodPercents[i] < 1e-6);
    Require(kGoodPercents[i] - query.sample->spoof.value() * 100 < 1e-6);
  }
  Require(snapshot->api.up);
  const std::string page = RenderWithoutProcess(*snapshot, fixture.poller.metrics(),
                                                fixture.clock.Now(), ExpositionFormat::kText);
  Require(page.find(kToken) == std::string::npos);
  CheckLines(fixture.lines);
  CheckLines(fixture.debug_lines);
}

}  // namespace

FUZZ_TARGET(sequence) {
  std::string_view rest = input;
  std::vector<std::string_view> replies;
  while (!rest.empty() && replies.size() < kMostReplies) {
    replies.push_back(TakeUntil(rest, "\n----\n"));
  }
  PollerFixture fixture(
      [&](const ScriptedHttpClient::Request& request) {
        return request.number < replies.size() ? Read(replies[request.number], request.url)
                                               : GoodReply(request);
      },
      std::string(kQueries), "  max_series_per_request: 2\n");
  fixture.RunFor(kRecovery + kPerReply * static_cast<int>(replies.size()));
  CheckEnd(fixture);
}

}  // namespace radar_spoof::test
