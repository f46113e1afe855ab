// Whoever asks for a reload is told what became of it.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include <doctest/doctest.h>

#include "radar_spoof/cli/settings.h"
#include "support/poller_fixture.h"

namespace radar_spoof::test {
namespace {

// Answers nothing; there is no memory to configure it when told so.
class MuteHttpClient final : public HttpClient {
 public:
  std::atomic<bool> lacks_memory = false;

  void Configure(const HttpClientOptions&) override {
    if (lacks_memory) throw std::bad_alloc();
  }
  void Start(TransferId, const HttpRequest&) override {}
  std::optional<Finished> Wait(Milliseconds at_most) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return woken_; });
    woken_ = false;
    return std::nullopt;
  }
  void CancelAll() override {}
  void Wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

class ReloaderFixture {
 public:
  ReloaderFixture()
      : log_(LogLevel::kInfo, LogFormat::kLogfmt,
             [this](std::string_view line) {
               const std::lock_guard lock(lines_mutex_);
               lines_.emplace_back(line);
             }),
        settings_(SettingsOf(Configuration("10s"))),
        store(FirstSnapshot(settings_.config, clock_.Now().wall)),
        poller(settings_, clock_, http, store, log_, 1),
        reloader(directory_.Path("config.yaml"), environment_, poller, log_) {}
  ~ReloaderFixture() {
    poller.Stop();
    if (polling_.joinable()) polling_.join();
  }
  ReloaderFixture(const ReloaderFixture&) = delete;
  ReloaderFixture& operator=(const ReloaderFixture&) = delete;

  void Configure(const std::string& timeout) const {
    directory_.Write("config.yaml", Configuration(timeout));
  }
  void Run() {
    polling_ = std::thread([this] { poller.Run(); });
  }
  bool Logged(std::string_view text) {
    const std::lock_guard lock(lines_mutex_);
    return std::any_of(lines_.begin(), lines_.end(), [text](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

 private:
  std::string Configuration(const std::string& timeout) const {
    directory_.Write("token", kToken);
    return ConfigText(directory_, "queries:\n  - name: all\n", "  timeout: " + timeout + "\n");
  }

  TemporaryDirectory directory_;
  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  Log log_;
  SystemClock clock_;
  Settings settings_;
  ProcessEnvironment environment_;
  std::thread polling_;

 public:
  MuteHttpClient http;
  SnapshotStore store;
  Poller poller;
  Reloader reloader;
};

TEST_CASE_FIXTURE(ReloaderFixture, "a reload that was taken over is told of once it is") {
  Run();
  Configure("11s");
  CHECK(reloader.Reload() == std::nullopt);
  CHECK(Logged("msg=\"configuration reloaded\""));
  CHECK(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload that there is no memory for is no success") {
  Run();
  http.lacks_memory = true;
  Configure("11s");
  const auto problem = reloader.Reload();
  REQUIRE(problem);
  CHECK(problem->starts_with("The old configuration stays: there was no memory"));
  CHECK_FALSE(Logged("configuration reloaded"));
  CHECK(Logged("reload failed"));
  CHECK_FALSE(store.Load()->reload.successful);

  http.lacks_memory = false;
  CHECK(reloader.Reload() == std::nullopt);
  CHECK(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload that the poll loop does not come to is no success") {
  Configure("11s");
  const auto problem = reloader.Reload();
  REQUIRE(problem);
  CHECK(problem->starts_with("The poll loop has not taken the new configuration over yet"));
  CHECK_FALSE(Logged("configuration reloaded"));
  CHECK(Logged("reload failed"));
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload while the program stops is no success") {
  Configure("11s");
  poller.Stop();
  const auto problem = reloader.Reload();
  REQUIRE(problem);
  CHECK(problem->find("the program is stopping") != std::string::npos);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a file that cannot be used is named, and the old one stays") {
  Run();
  Configure("soon");
  const auto problem = reloader.Reload();
  REQUIRE(problem);
  CHECK(problem->starts_with("The old configuration stays: "));
  CHECK(problem->find("config.yaml:4:") != std::string::npos);
  CHECK_FALSE(store.Load()->reload.successful);
}

}  // namespace
}  // namespace radar_spoof::test
