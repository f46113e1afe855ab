#include "src/backfill/history_file.h"

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

const std::string kApi = "https://api.example/client/v4";
const WallTime kNoon = *ParseRfc3339("2026-06-09T12:00:00Z");

std::vector<SpoofBucket> Buckets(std::initializer_list<double> percents) {
  std::vector<SpoofBucket> buckets;
  WallTime start = kNoon;
  for (const double percent : percents) {
    buckets.push_back({start, *Ratio::FromPercent(percent), *Ratio::FromPercent(100 - percent)});
    start += 1h;
  }
  return buckets;
}

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string ProblemOf(const std::string& path) {
  const auto file = HistoryFile::Open(path, kApi);
  return file ? "" : file.error();
}

struct Fixture {
  test::TemporaryDirectory directory;
  std::string path = directory.Path("history.om.partial");
  Query query = test::MakeQuery("q", AggInterval::k1h, "7d");

  std::unique_ptr<HistoryFile> Open() {
    auto file = HistoryFile::Open(path, kApi);
    if (!file) throw std::runtime_error(file.error());
    return std::move(file).value();
  }
};

TEST_CASE_FIXTURE(Fixture, "what was added is known in this run and in the next, to the last bit") {
  const auto buckets = Buckets({100.0 / 3, 1.4e-05, 0, 100});
  const TimeRange range{kNoon, kNoon + 5h};
  {
    const auto file = Open();
    CHECK(file->Known(query).empty());
    CHECK(file->Add(query, range, buckets) == std::nullopt);
    CHECK(file->Known(query) == std::vector{range});
  }
  const auto file = Open();
  CHECK(file->Known(query) == std::vector{range});
  const auto read = file->Buckets(query);
  REQUIRE(read.size() == buckets.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    CHECK(read[i].start == buckets[i].start);
    CHECK(read[i].spoof == buckets[i].spoof);
    CHECK(read[i].not_spoof == buckets[i].not_spoof);
  }
}

TEST_CASE_FIXTURE(Fixture, "queries share what does not depend on name, range and control") {
  CHECK(Open()->Add(query, {kNoon, kNoon + 1h}, Buckets({10})) == std::nullopt);
  const auto file = Open();
  Query same = test::MakeQuery("other", AggInterval::k1h, "1d");
  same.control = true;
  CHECK(file->Known(same).size() == 1);
  CHECK(file->Known(test::MakeQuery("q", AggInterval::k1d, "7d")).empty());
  REQUIRE(same.filters.Add(Dimension::kSpf, "PASS"));
  CHECK(file->Known(same).empty());
}

TEST_CASE_FIXTURE(Fixture, "buckets come in order, and once, however they were added") {
  auto buckets = Buckets({10, 20, 30});
  const auto file = Open();
  CHECK(file->Add(query, {kNoon + 1h, kNoon + 3h}, std::span(buckets).subspan(1)) == std::nullopt);
  CHECK(file->Add(query, {kNoon, kNoon + 2h}, std::span(buckets).first(2)) == std::nullopt);
  const auto read = file->Buckets(query);
  REQUIRE(read.size() == 3);
  for (std::size_t i = 0; i < read.size(); ++i) CHECK(read[i].start == kNoon + i * 1h);
}

TEST_CASE_FIXTURE(Fixture, "cut short anywhere, the file still gives what is whole, and goes on") {
  {
    const auto file = Open();
    CHECK(file->Add(query, {kNoon, kNoon + 1h}, Buckets({10})) == std::nullopt);
    CHECK(file->Add(query, {kNoon + 1h, kNoon + 2h}, {}) == std::nullopt);
  }
  const std::string whole = Read(path);
  const std::size_t header = whole.find('\n') + 1;
  const std::size_t first = whole.find('\n', header) + 1;
  for (std::size_t length = header; length <= whole.size(); ++length) {
    CAPTURE(length);
    directory.Write("history.om.partial", whole.substr(0, length));
    // A line is whole without its newline.
    const std::size_t known =
        (length + 1 >= first ? 1U : 0U) + (length + 1 >= whole.size() ? 1U : 0U);
    CHECK(Open()->Known(query).size() == known);
    CHECK(Open()->Add(query, {kNoon + 5h, kNoon + 6h}, {}) == std::nullopt);
    CHECK(Open()->Known(query).size() == known + 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "cut short within its first line, it is begun anew") {
  Open();
  const std::string whole = Read(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    directory.Write("history.om.partial", whole.substr(0, length));
    CHECK(Open()->Add(query, {kNoon, kNoon + 1h}, Buckets({10})) == std::nullopt);
    CHECK(Open()->Known(query).size() == 1);
    CHECK(Read(path).starts_with(whole));
  }
  // Of another API, too: it held nothing yet.
  directory.Write("history.om.partial", "radar_spoof_exporter backfill 2 https://api.elsewh");
  CHECK(Open()->Known(query).empty());
  CHECK(Read(path) == whole);
}

TEST_CASE_FIXTURE(Fixture, "a line with any byte changed is not believed") {
  CHECK(Open()->Add(query, {kNoon, kNoon + 1h}, Buckets({10})) == std::nullopt);
  const std::string whole = Read(path);
  for (std::size_t i = whole.find('\n') + 1; i + 1 < whole.size(); ++i) {
    CAPTURE(i);
    std::string changed = whole;
    changed[i] = changed[i] == '1' ? '2' : '1';
    directory.Write("history.om.partial", changed);
    CHECK(Open()->Known(query).empty());
  }
}

TEST_CASE_FIXTURE(Fixture, "what is no such file is refused and left as it is") {
  directory.Write("history.om.partial", "# a diary\n");
  CHECK(ProblemOf(path) ==
        path + ": not what an earlier backfill from this API left; remove it to begin anew");
  CHECK(Read(path) == "# a diary\n");
  for (const std::string other : {"a diary", "radar_spoof_exporter backfill 1 https://a", "\n",
                                  "radar_spoof_exporter\n", " radar_spoof_exporter"}) {
    CAPTURE(other);
    directory.Write("history.om.partial", other);
    CHECK(ProblemOf(path).find("remove it to begin anew") != std::string::npos);
    CHECK(Read(path) == other);
  }
  directory.Write("history.om.partial",
                  "radar_spoof_exporter backfill 2 https://api.elsewhere/client/v4\n");
  CHECK(ProblemOf(path).find("remove it to begin anew") != std::string::npos);
  CHECK(ProblemOf(directory.Path("no/such/directory")) ==
        directory.Path("no/such/directory") + ": No such file or directory");
  const std::string pipe = directory.Path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(ProblemOf(pipe) == pipe + ": not a regular file");
}

TEST_CASE_FIXTURE(Fixture, "one at a time, and nobody else may read it") {
  auto file = Open();
  CHECK(ProblemOf(path) == path + ": in use by another backfill");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  file.reset();
  CHECK(ProblemOf(path).empty());
}

TEST_CASE_FIXTURE(Fixture, "what cannot be written is told, and known in this run all the same") {
  const auto file = Open();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit full = before;
  full.rlim_cur = Read(path).size();
  std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
  const auto problem = file->Add(query, {kNoon, kNoon + 1h}, Buckets({10}));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, SIG_DFL);
  CHECK(problem == path + ": File too large");
  CHECK(file->Known(query).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "it is used up when of each range in it something was needed") {
  const TimeRange early{kNoon, kNoon + 2h};
  const TimeRange late{kNoon + 2h, kNoon + 4h};
  const TimeRange nothing{kNoon + 1h, kNoon + 1h};
  const Query daily = test::MakeQuery("q", AggInterval::k1d, "7d");
  const auto file = Open();
  const auto used_up = [&file](std::vector<Query> queries, std::vector<TimeRange> needed) {
    return file->IsUsedUp(queries, needed);
  };
  CHECK(used_up({query}, {nothing}));
  CHECK(file->Add(query, early, Buckets({10, 20})) == std::nullopt);
  CHECK(file->Add(query, late, {}) == std::nullopt);
  CHECK(used_up({query}, {{early.from, late.to}}));
  CHECK(used_up({query}, {{early.from + 1h, late.to}}));
  CHECK_FALSE(used_up({query}, {{early.to, late.to}}));
  CHECK_FALSE(used_up({query}, {early}));
  CHECK_FALSE(used_up({query}, {nothing}));
  CHECK(used_up({query, query}, {late, early}));
  CHECK_FALSE(used_up({query, daily}, {late, early}));
  CHECK_FALSE(used_up({}, {}));
}

TEST_CASE_FIXTURE(Fixture, "when nothing is left to do the file goes") {
  Open()->Remove();
  CHECK_FALSE(std::ifstream(path).is_open());
}

}  // namespace
}  // namespace radar_spoof
