// The poller with a state directory, over many lives.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "radar_spoof/poll/snapshot.h"
#include "support/poller_fixture.h"
#include "support/state_lines.h"

namespace radar_spoof::test {
namespace {

using Request = ScriptedHttpClient::Request;
using Answer = ScriptedHttpClient::Answer;

enum class End { kStopped, kKilled };

// Several runs of the exporter, one after the other, on one machine.
struct Machine {
  explicit Machine(ScriptedHttpClient::Script answers) : script(std::move(answers)) {
    directory.Write("token", kToken);
  }

  // The page as the run found it, and as it left it.
  struct Pages {
    std::shared_ptr<const Snapshot> first;
    std::shared_ptr<const Snapshot> last;
  };

  Pages RunFor(Milliseconds length, End end = End::kStopped,
               const std::string& config = kTwoQueries, const std::string& api = "") {
    ScriptedHttpClient http(clock, script);
    Settings settings = SettingsOf(ConfigText(directory, config, api));
    SnapshotStore store(FirstSnapshot(settings.config, clock.Now().wall));
    Poller poller(std::move(settings), clock, http, store, log, 1,
                  std::make_unique<StateSaver>(directory.Path(state_directory), log));
    Pages pages{store.Load(), nullptr};
    std::optional<std::string> at_the_kill;
    http.At(length, [&] {
      at_the_kill = Read();
      poller.Stop();
    });
    poller.Run();
    if (end == End::kKilled) Restore(at_the_kill);
    pages.last = store.Load();
    for (const Request& request : http.requests()) requests.push_back(request);
    return pages;
  }

  std::string File() const { return directory.Path(state_directory + "/state"); }
  std::optional<std::string> Read() const {
    std::ifstream file(File(), std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void Restore(const std::optional<std::string>& content) const {
    if (!content) {
      std::filesystem::remove(File());
    } else {
      std::ofstream(File(), std::ios::binary) << *content;
    }
  }
  std::size_t LinesWith(std::string_view text) const {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(),
                      [&](const auto& line) { return line.find(text) != std::string::npos; }));
  }

  TemporaryDirectory directory;
  std::string state_directory = ".";
  FakeClock clock{*ParseRfc3339("2026-06-05T12:28:00Z")};
  ScriptedHttpClient::Script script;
  std::vector<Request> requests;
  std::vector<std::string> lines;
  Log log{LogLevel::kDebug, LogFormat::kLogfmt,
          [this](std::string_view line) { lines.emplace_back(line); }};
};

bool AllFresh(const Snapshot& snapshot, Instant now) {
  return std::all_of(
      snapshot.queries.begin(), snapshot.queries.end(),
      [&](const QueryState& state) { return IsFresh(state, snapshot.polling, now); });
}

TEST_CASE("20 restarts in a minute cost one request a query, and the page is whole at once") {
  for (const End end : {End::kStopped, End::kKilled}) {
    CAPTURE(static_cast<int>(end));
    Machine machine([](const Request& request) { return Good(request); });
    for (int run = 0; run < 20; ++run) {
      CAPTURE(run);
      const auto pages = machine.RunFor(3s, end);
      CHECK(AllFresh(*pages.last, machine.clock.Now()));
      if (run == 0) continue;
      CHECK(AllFresh(*pages.first, machine.clock.Now()));
      CHECK(pages.first->queries[0].success());
      CHECK(pages.first->queries[0].sample->spoof == *Ratio::FromPercent(30));
      CHECK(pages.first->api.up);
    }
    CHECK(machine.requests.size() == 2);
  }
}

TEST_CASE("a crash before the first answer is not repeated within a minute") {
  Machine machine([](const Request& request) {
    Answer answer = Good(request);
    answer.takes = 10s;
    return answer;
  });
  for (int run = 0; run < 20; ++run) machine.RunFor(3s, End::kKilled);
  CHECK(machine.requests.size() == 2);
  machine.RunFor(20s);
  CHECK(machine.requests.size() == 4);
}

TEST_CASE("during an outage a restart waits for a minute after the last ask, and knows it failed") {
  Machine machine([](const Request&) { return Outage(); });
  machine.RunFor(20min);
  const std::size_t before = machine.requests.size();
  const auto pages = machine.RunFor(3s);
  CHECK_FALSE(pages.first->queries[0].success());
  CHECK(pages.first->queries[0].tried());
  CHECK(pages.first->queries[0].last_failure->reason == FailureReason::kServer);
  for (int run = 0; run < 10; ++run) machine.RunFor(3s);
  CHECK(machine.requests.size() <= before + 2);
  machine.RunFor(10min);
  CHECK(machine.requests.size() >= before + 4);
}

TEST_CASE("a rate-limit hold outlives a restart") {
  Machine machine([](const Request& request) {
    return request.at.wall < *ParseRfc3339("2026-06-05T12:28:01Z")
               ? Answer{Response(429, ErrorAnswer(1015, "rate limited"), {{"retry-after", "600"}})}
               : Good(request);
  });
  machine.RunFor(1s);
  const std::size_t before = machine.requests.size();
  for (int run = 0; run < 9; ++run) {
    const auto pages = machine.RunFor(60s);
    REQUIRE(pages.first->api.blocked_until);
    CHECK(pages.first->api.blocked_until->wall >= *ParseRfc3339("2026-06-05T12:38:00Z"));
  }
  CHECK(machine.requests.size() == before);
  const auto pages = machine.RunFor(3min);
  CHECK(machine.requests.size() == before + 2);
  CHECK(pages.last->queries[1].success());
}

TEST_CASE("polls go on where they were: a day in lives of an hour costs what a day costs") {
  const auto good = [](const Request& request) { return Good(request); };
  Machine whole(good);
  whole.RunFor(24h);
  Machine pieces(good);
  for (int run = 0; run < 24; ++run) pieces.RunFor(1h);
  CHECK(pieces.requests.size() <= whole.requests.size() * 4 / 3);
  CHECK(pieces.requests.size() >= 2 * 24 * 4);
}

TEST_CASE("values that became too old while the exporter was down are not shown") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  machine.clock.Advance(70min);
  const auto pages = machine.RunFor(3s);
  CHECK(pages.first->queries[0].sample);
  CHECK_FALSE(IsFresh(pages.first->queries[0], pages.first->polling, machine.clock.Now() + -3s));
  CHECK(machine.requests.size() == 4);
  CHECK(AllFresh(*pages.last, machine.clock.Now()));
}

TEST_CASE("only what is asked the same way of the same API is taken over") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  SUBCASE("a query that asks for something else begins anew") {
    const auto pages = machine.RunFor(
        1min, End::kStopped, "queries:\n  - { name: a, filters: { spf: PASS } }\n  - name: c\n");
    CHECK_FALSE(pages.first->queries[0].tried());
    CHECK_FALSE(pages.first->queries[1].tried());
    CHECK(machine.requests.size() == 4);
  }
  SUBCASE("another poll interval changes no number") {
    const auto pages = machine.RunFor(
        1min, End::kStopped,
        "polling: { stale_after: 2 }\nqueries:\n  - { name: a, poll_interval: 30m }\n");
    CHECK(pages.first->queries[0].success());
    CHECK(machine.requests.size() == 2);
  }
}

TEST_CASE("neither values nor a hold of one API go on for another, whose path differs alone") {
  Machine machine([](const Request& request) {
    return request.url.find("spf=FAIL") == std::string::npos
               ? Good(request)
               : Answer{Response(429, ErrorAnswer(1015, "slow"), {{"retry-after", "900"}})};
  });
  machine.RunFor(1min);
  REQUIRE(machine.requests.size() == 2);
  SUBCASE("another path") {
    machine.script = [](const Request& request) { return Good(request); };
    const auto pages =
        machine.RunFor(3s, End::kStopped, kTwoQueries, "  path: /radar/other/spoof\n");
    CHECK_FALSE(pages.first->queries[0].tried());
    CHECK_FALSE(pages.first->api.blocked_until);
    CHECK(machine.requests.size() == 4);
    CHECK(machine.LinesWith("the saved state is of another API") == 1);
  }
  SUBCASE("the other spelling of the same path") {
    const auto pages = machine.RunFor(3s, End::kStopped, kTwoQueries,
                                      "  path: /radar/email/security/timeseries_groups/SPOOF\n");
    CHECK(pages.first->queries[0].success());
    CHECK(pages.first->api.blocked_until);
    CHECK(machine.requests.size() == 2);
  }
}

TEST_CASE("a state file that cannot be used is set aside with one warning and never fatal") {
  struct Row {
    std::string name;
    std::function<void(const std::string&)> damage;
  };
  const Row rows[] = {
      {"cut short", [](const auto& file) { std::filesystem::resize_file(file, 100); }},
      {"empty", [](const auto& file) { std::filesystem::resize_file(file, 0); }},
      {"foreign", [](const auto& file) { std::ofstream(file) << "{\"ours\": false}\n"; }},
      {"zeros",
       [](const auto& file) {
         const auto size = std::filesystem::file_size(file);
         std::ofstream(file, std::ios::binary) << std::string(size, '\0');
       }},
      {"too large",
       [](const auto& file) { std::filesystem::resize_file(file, std::uintmax_t{17} << 20); }},
      {"a directory",
       [](const auto& file) {
         std::filesystem::remove(file);
         std::filesystem::create_directory(file);
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Machine machine([](const Request& request) { return Good(request); });
    machine.RunFor(1min);
    row.damage(machine.File());
    const auto pages = machine.RunFor(1min);
    CHECK_FALSE(pages.first->queries[0].tried());
    CHECK(machine.LinesWith("the saved state cannot be used; starting without it") == 1);
    CHECK(std::filesystem::exists(machine.File() + ".damaged"));
    CHECK(machine.requests.size() == 4);
    CHECK(AllFresh(*pages.last, machine.clock.Now()));
    machine.RunFor(1min);
    CHECK(machine.requests.size() == 4);
  }
}

TEST_CASE(
    "the answer of an API whose lastUpdated is the year 1 survives a restart, as all others") {
  Machine machine([](const Request& request) {
    if (request.url.find("spf=FAIL") == std::string::npos) return Good(request);
    return Answer{Response(
        200, R"({"success":true,"result":{"serie_0":{"SPOOF":["10"],"NOT_SPOOF":["90"]},"meta":{)"
             R"("aggInterval":"FIFTEEN_MINUTES","normalization":"PERCENTAGE",)"
             R"("lastUpdated":"0001-01-01T00:00:00Z"}}})")};
  });
  REQUIRE(machine.RunFor(30s).last->queries[1].success());
  const auto pages = machine.RunFor(3s);
  for (const QueryState& state : pages.first->queries) CHECK(state.success());
  CHECK(machine.requests.size() == 2);
  CHECK(machine.LinesWith("cannot be used") == 0);
}

TEST_CASE("a query that cannot be read in the state file begins anew; the others and a hold stay") {
  Machine machine([](const Request& request) {
    return request.url.find("spf=FAIL") == std::string::npos
               ? Good(request)
               : Answer{Response(429, ErrorAnswer(1015, "slow"), {{"retry-after", "900"}})};
  });
  machine.RunFor(1min);
  const std::string text = *machine.Read();
  std::string lines;
  for (HashedLines written(text, text.substr(0, text.find('\n'))); !written.AtEnd();) {
    lines += std::string(written.Next().value()) + '\n';
  }
  lines.replace(lines.find("\"name\":\"b\""), 6, "\"eman\"");
  machine.Restore(StateOf(lines));
  const auto pages = machine.RunFor(5min);
  CHECK(pages.first->queries[0].success());
  CHECK_FALSE(pages.first->queries[1].tried());
  CHECK(machine.requests.size() == 2);
  CHECK(machine.LinesWith("the saved state of some queries cannot be used") == 1);
}

TEST_CASE(
    "what stands under the names of our files and is none of ours is refused, not waited for") {
  for (const char* name : {"state.new", "lock"}) {
    CAPTURE(name);
    Machine machine([](const Request& request) { return Good(request); });
    const std::string fifo = machine.directory.Path(name);
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    SUBCASE("a FIFO that nobody reads") {}
    SUBCASE("a FIFO that somebody reads") {
      // Opened for both, so that this does not wait either.
      static std::fstream reader;
      reader = std::fstream(fifo, std::ios::in | std::ios::out);
    }
    CHECK(AllFresh(*machine.RunFor(2h).last, machine.clock.Now()));
    CHECK(machine.LinesWith("the state cannot be saved") == 1);
    CHECK(std::filesystem::is_fifo(fifo));
    std::filesystem::remove(fifo);
    machine.RunFor(1min);
    CHECK(machine.Read());
  }
}

TEST_CASE("a limit of the size of files fails a write as a full disk does; the old state stays") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  const std::string before = *machine.Read();
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit small{.rlim_cur = 100, .rlim_max = limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  machine.RunFor(1h);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, ignored);
  CHECK(machine.LinesWith("the state cannot be saved") == 1);
  CHECK(machine.LinesWith("File too large") == 1);
  CHECK(machine.Read() == before);
  CHECK_FALSE(std::filesystem::exists(machine.File() + ".new"));
}

TEST_CASE("of two processes with one directory the second says so, and saves when the first ends") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  auto first = std::make_unique<StateSaver>(machine.directory.Path("."), machine.log);
  Snapshot snapshot;
  Schedule schedule({}, {}, {}, 1);
  first->Resume({}, snapshot, schedule, machine.clock.Now());
  const std::string before = *machine.Read();

  const auto pages = machine.RunFor(1h);
  CHECK(pages.first->queries[0].success());
  CHECK(machine.LinesWith("another process keeps its state in ") == 1);
  CHECK(machine.Read() == before);

  machine.script = [&](const Request& request) {
    first.reset();
    return Good(request);
  };
  machine.RunFor(1h);
  CHECK(machine.LinesWith("another process keeps its state in ") == 2);
  CHECK(machine.LinesWith("the state is saved again") == 1);
  CHECK(machine.Read() != before);
}

TEST_CASE("a state that the first of two processes wrote and this one cannot read is left alone") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.directory.Write("state", "of another version");
  StateSaver first(machine.directory.Path("."), machine.log);
  Snapshot snapshot;
  Schedule schedule({}, {}, {}, 1);
  first.Save({}, snapshot, schedule, machine.clock.Now());
  machine.directory.Write("state", "of another version");
  machine.RunFor(1min);
  CHECK(machine.LinesWith("starting without it") == 1);
  CHECK(machine.Read() == "of another version");
}

TEST_CASE("a directory that cannot be written costs one log line, and its return another") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.state_directory = "later";
  machine.script = [&](const Request& request) {
    if (request.at.wall > *ParseRfc3339("2026-06-05T14:28:00Z")) {
      std::filesystem::create_directories(machine.directory.Path("later"));
    }
    return Good(request);
  };
  machine.RunFor(4h);
  CHECK(machine.LinesWith("the state cannot be saved") == 1);
  CHECK(machine.LinesWith("the state is saved again") == 1);
  CHECK(machine.requests.size() > 2 * 4 * 4 - 2);
  CHECK(machine.Read());
}

TEST_CASE("the file is for its owner alone, and holds no credential") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  CHECK(std::filesystem::status(machine.File()).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(machine.Read()->find("canary") == std::string::npos);
}

TEST_CASE("the file is written seldom: about twice a poll, never more than once a second") {
  Machine machine([](const Request& request) { return Good(request); });
  std::size_t writes = 0;
  std::optional<std::string> seen;
  machine.script = [&](const Request& request) {
    if (const auto now = machine.Read(); now != seen) {
      ++writes;
      seen = now;
    }
    return Good(request);
  };
  machine.RunFor(12h);
  CHECK(writes > 40);
  CHECK(writes <= machine.requests.size());
}

TEST_CASE("a wall clock that went back does not stop polling") {
  Machine machine([](const Request& request) { return Good(request); });
  machine.RunFor(1min);
  // The next boot believes it is a month earlier.
  machine.clock = FakeClock(machine.clock.Now().wall - 30 * 24h);
  machine.RunFor(2h);
  CHECK(machine.requests.size() >= 2 + 2 * 6);
}

}  // namespace
}  // namespace radar_spoof::test
