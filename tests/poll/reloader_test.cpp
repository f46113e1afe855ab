// Whoever asks for a reload is told what became of it.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
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
  static constexpr Milliseconds kInterval{30'000};

  ReloaderFixture()
      : log_(LogLevel::kInfo, LogFormat::kLogfmt,
             [this](std::string_view line) {
               const std::lock_guard lock(lines_mutex_);
               lines_.emplace_back(line);
             }),
        settings_(WrittenSettings()),
        store(FirstSnapshot(settings_.config, clock_.Now().wall)),
        poller(settings_, clock_, http, store, log_, 1),
        reloader(directory_.Path("config.yaml"), settings_, kInterval, environment_, poller, log_) {
  }
  ~ReloaderFixture() {
    poller.Stop();
    if (polling_.joinable()) polling_.join();
  }
  ReloaderFixture(const ReloaderFixture&) = delete;
  ReloaderFixture& operator=(const ReloaderFixture&) = delete;

  const TemporaryDirectory directory_;
  Milliseconds until_look{0};

  void Configure(const std::string& timeout) const {
    directory_.Write("config.yaml", Configuration(timeout));
  }
  void Run() {
    polling_ = std::thread([this] { poller.Run(); });
  }
  std::ptrdiff_t TimesLogged(std::string_view text) {
    const std::lock_guard lock(lines_mutex_);
    return std::count_if(lines_.begin(), lines_.end(), [text](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }
  bool Logged(std::string_view text) { return TimesLogged(text) > 0; }
  // How often a configuration was taken over by now.
  std::ptrdiff_t Reloads() { return TimesLogged("msg=\"configuration reloaded\""); }

  // Looks at the file after so much time.
  void LookAfter(Milliseconds time) {
    now_ += time;
    until_look = reloader.ReloadIfChanged(now_);
  }
  // An interval later, and again when the reloader asks for it.
  void LookTwice() {
    LookAfter(kInterval);
    LookAfter(until_look);
  }

 protected:
  Settings WrittenSettings() {
    Configure("10s");
    ProcessEnvironment environment;
    return ReadSettings(directory_.Path("config.yaml"), environment, log_).value();
  }
  std::string Configuration(const std::string& timeout) const {
    directory_.Write("token", kToken);
    return ConfigText(directory_, "queries:\n  - name: all\n", "  timeout: " + timeout + "\n");
  }

  SteadyTime now_{};
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
  CHECK(reloader.Reload(ReloadCause::kRequest) == std::nullopt);
  CHECK(Logged("msg=\"configuration reloaded\""));
  CHECK(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload that there is no memory for is no success") {
  Run();
  http.lacks_memory = true;
  Configure("11s");
  const auto problem = reloader.Reload(ReloadCause::kRequest);
  REQUIRE(problem);
  CHECK(problem->starts_with("The old configuration stays: there was not enough memory"));
  CHECK_FALSE(Logged("configuration reloaded"));
  CHECK(Logged("reload failed"));
  CHECK_FALSE(store.Load()->reload.successful);

  http.lacks_memory = false;
  CHECK(reloader.Reload(ReloadCause::kRequest) == std::nullopt);
  CHECK(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload that the poll loop does not come to is no success") {
  Configure("11s");
  const auto problem = reloader.Reload(ReloadCause::kRequest);
  REQUIRE(problem);
  CHECK(problem->starts_with("The poll loop has not taken the new configuration over yet"));
  CHECK_FALSE(Logged("configuration reloaded"));
  CHECK(Logged("reload failed"));
}

TEST_CASE_FIXTURE(ReloaderFixture, "a reload while the program stops is no success") {
  Configure("11s");
  poller.Stop();
  const auto problem = reloader.Reload(ReloadCause::kRequest);
  REQUIRE(problem);
  CHECK(problem->find("the program is stopping") != std::string::npos);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a file that cannot be used is named, and the old one stays") {
  Run();
  Configure("soon");
  const auto problem = reloader.Reload(ReloadCause::kRequest);
  REQUIRE(problem);
  CHECK(problem->starts_with("The old configuration stays: "));
  CHECK(problem->find("config.yaml:4:") != std::string::npos);
  CHECK_FALSE(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture,
                  "a file that changed is read again, and one that did not is not") {
  Run();
  LookAfter(Milliseconds(0));
  CHECK(until_look == kInterval);
  for (int i = 0; i < 3; ++i) LookAfter(kInterval);
  CHECK(Reloads() == 0);
  Configure("10s");  // written again, and the same
  LookTwice();
  CHECK(Reloads() == 0);

  Configure("11s");
  LookAfter(kInterval - Milliseconds(1));
  CHECK(until_look == Milliseconds(1));
  LookAfter(until_look);
  CHECK(until_look == Reloader::kWholeAfter);
  CHECK(Reloads() == 0);
  LookAfter(until_look);
  CHECK(Reloads() == 1);
  CHECK(Logged(R"(msg="configuration reloaded" queries=1 cause="the file changed")"));
  CHECK(until_look == kInterval);
  CHECK(store.Load()->reload.successful);
  for (int i = 0; i < 3; ++i) LookAfter(kInterval);
  CHECK(Reloads() == 1);
}

TEST_CASE_FIXTURE(ReloaderFixture,
                  "a file that is still being written is not read before it is whole") {
  Run();
  LookAfter(Milliseconds(0));
  Configure("11s");
  LookAfter(kInterval);
  Configure("12s");
  LookAfter(until_look);
  Configure("13s");
  LookAfter(until_look);
  CHECK(Reloads() == 0);
  LookAfter(until_look);
  CHECK(Reloads() == 1);
  // What went back to what is in use is no change.
  Configure("14s");
  LookAfter(kInterval);
  Configure("13s");
  LookAfter(until_look);
  Configure("14s");
  LookAfter(kInterval);
  CHECK(Reloads() == 1);
}

TEST_CASE_FIXTURE(ReloaderFixture,
                  "a bad file is told of once, and again only when it is bad otherwise") {
  Run();
  LookAfter(Milliseconds(0));
  Configure("never");
  LookTwice();
  CHECK(TimesLogged("reload failed") == 1);
  CHECK(Logged(R"(cause="the file changed")"));
  CHECK_FALSE(store.Load()->reload.successful);
  for (int i = 0; i < 3; ++i) LookAfter(kInterval);
  CHECK(TimesLogged("reload failed") == 1);
  CHECK(reloader.Reload(ReloadCause::kSignal));  // who asks is answered
  CHECK(TimesLogged("reload failed") == 2);
  Configure("always");
  LookTwice();
  CHECK(TimesLogged("reload failed") == 3);
  std::filesystem::remove(directory_.Path("config.yaml"));
  LookTwice();
  CHECK(TimesLogged("reload failed") == 4);
  LookTwice();
  CHECK(TimesLogged("reload failed") == 4);

  Configure("10s");
  LookTwice();
  CHECK(Reloads() == 1);
  CHECK(store.Load()->reload.successful);
}

TEST_CASE_FIXTURE(ReloaderFixture,
                  "what the last reload lacked is looked for without another change") {
  Run();
  LookAfter(Milliseconds(0));
  const std::string token = directory_.Path("token");
  Configure("11s");
  std::filesystem::remove(token);
  LookTwice();
  CHECK(TimesLogged("reload failed") == 1);
  LookAfter(kInterval);
  CHECK(TimesLogged("reload failed") == 1);
  directory_.Write("token", kToken);
  LookAfter(kInterval);
  CHECK(Reloads() == 1);
  CHECK(Logged(R"(cause="tried again")"));
}

TEST_CASE_FIXTURE(ReloaderFixture, "looking more often does not make half a file whole") {
  Run();
  Reloader often(directory_.Path("config.yaml"), settings_, 100ms, environment_, poller, log_);
  Milliseconds now{0};
  const auto look = [&] { return often.ReloadIfChanged(SteadyTime(now)); };
  (void)look();
  Configure("11s");
  for (now = 100ms; now < 100ms + Reloader::kWholeAfter; now += 100ms) CHECK(look() == 100ms);
  CHECK(Reloads() == 0);
  (void)look();
  CHECK(Reloads() == 1);
}

TEST_CASE_FIXTURE(ReloaderFixture, "a change that was reloaded by hand is not reloaded again") {
  Run();
  LookAfter(Milliseconds(0));
  Configure("11s");
  LookAfter(kInterval);
  CHECK(reloader.Reload(ReloadCause::kSignal) == std::nullopt);
  CHECK(Logged("cause=SIGHUP"));
  LookAfter(until_look);
  LookAfter(kInterval);
  CHECK(Reloads() == 1);
}

TEST_CASE_FIXTURE(ReloaderFixture,
                  "a file that is replaced by renaming, or behind a link, is seen as changed") {
  Run();
  LookAfter(Milliseconds(0));
  const std::filesystem::path file = directory_.Path("config.yaml");
  Configure("11s");
  const std::filesystem::path other = directory_.Path("other.yaml");
  std::filesystem::rename(file, other);
  std::filesystem::create_symlink(other, directory_.Path("link"));
  std::filesystem::rename(directory_.Path("link"), file);
  LookTwice();
  CHECK(Reloads() == 1);
}

TEST_CASE_FIXTURE(ReloaderFixture, "another content of ca_file is a change of the configuration") {
  Run();
  LookAfter(Milliseconds(0));
  directory_.Write("ca.pem", "-----BEGIN CERTIFICATE-----\n1");
  Configure("11s\n  ca_file: " + directory_.Path("ca.pem"));
  LookTwice();
  CHECK(Reloads() == 1);
  LookTwice();
  CHECK(Reloads() == 1);
  directory_.Write("ca.pem", "-----BEGIN CERTIFICATE-----\n2");
  LookTwice();
  CHECK(Reloads() == 2);
}

TEST_CASE_FIXTURE(ReloaderFixture, "with an interval of 0 the file is never looked at") {
  Run();
  Reloader without(directory_.Path("config.yaml"), settings_, Milliseconds(0), environment_, poller,
                   log_);
  Configure("11s");
  for (const int later : {0, 60, 120}) {
    CHECK(without.ReloadIfChanged(SteadyTime() + Seconds(later)) == Milliseconds::max());
  }
  CHECK(Reloads() == 0);
}

}  // namespace
}  // namespace radar_spoof::test
