#include "exporter/reload_loop.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <new>
#include <semaphore>
#include <thread>

#include <doctest/doctest.h>

namespace radar_spoof::test {
namespace {

using namespace std::chrono_literals;
using ReloadOutcome = AskedReload::Outcome;

class SteppedClock final : public Clock {
 public:
  Instant Now() const override { return {WallTime{}, SteadyTime(Milliseconds(now_))}; }
  void Advance(Milliseconds step) { now_ += step.count(); }

 private:
  std::atomic<Milliseconds::rep> now_ = 1'000'000;
};

// A disk: whoever reads from it waits while it hangs.
class HangingDisk {
 public:
  void Read(ReloadCause cause) {
    std::unique_lock lock(mutex_);
    causes_.push_back(cause);
    changed_.notify_all();
    changed_.wait(lock, [this] { return let_through_ > 0; });
    --let_through_;
  }
  void LetThrough(int reads) {
    const std::lock_guard lock(mutex_);
    let_through_ += reads;
    changed_.notify_all();
  }
  // Waits until so many reads have begun, and returns the causes of all that have.
  std::vector<ReloadCause> Begun(std::size_t reads) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, reads] { return causes_.size() >= reads; });
    return causes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReloadCause> causes_;
  int let_through_ = 0;
};

class ReloadLoopFixture {
 public:
  ReloadLoopFixture()
      : log_(LogLevel::kInfo, LogFormat::kLogfmt,
             [this](std::string_view line) {
               const std::lock_guard lock(lines_mutex_);
               lines_.emplace_back(line);
             }),
        loop(clock, log_) {
    sources_.push_back({"/etc/config.yaml",
                        [this](ReloadCause cause) {
                          disk.Read(cause);
                          if (lacks_memory.exchange(false)) throw std::bad_alloc();
                          return problem;
                        },
                        [this] {
                          looked_.release();
                          return ReloadLoop::kLookInterval;
                        }});
    thread_ = std::thread([this] { loop.Run(sources_); });
  }
  ~ReloadLoopFixture() {
    loop.Stop();
    disk.LetThrough(1000);
    if (thread_.joinable()) thread_.join();
  }
  ReloadLoopFixture(const ReloadLoopFixture&) = delete;
  ReloadLoopFixture& operator=(const ReloadLoopFixture&) = delete;

 protected:
  // What became of it, once that is told.
  static ReloadOutcome OutcomeOf(const std::shared_ptr<AskedReload>& asked) {
    std::promise<void> ended;
    const auto future = ended.get_future();
    asked->ended.Then([&ended] { ended.set_value(); });
    future.wait();
    asked->ended.Forget();  // not before set_value() has returned
    return asked->outcome;
  }
  static bool HasEnded(const std::shared_ptr<AskedReload>& asked) {
    bool ended = false;
    asked->ended.Then([&ended] { ended = true; });
    asked->ended.Forget();
    return ended;
  }
  std::ptrdiff_t TimesLogged(std::string_view text) {
    const std::lock_guard lock(lines_mutex_);
    return std::ranges::count_if(
        lines_, [text](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  Log log_;
  std::counting_semaphore<> looked_{0};
  std::vector<ReloadLoop::Source> sources_;
  SteppedClock clock;
  HangingDisk disk;
  std::atomic<bool> lacks_memory = false;
  std::optional<std::string> problem;  // of every reload
  ReloadLoop loop;
  std::thread thread_;
};

TEST_CASE_FIXTURE(ReloadLoopFixture,
                  "what is asked for while a reload runs leads to another one, which all share") {
  loop.Ask();
  disk.Begun(1);
  loop.Ask();
  const auto first = loop.AskFromWeb();
  const auto second = loop.AskFromWeb();
  CHECK_FALSE(HasEnded(first));
  disk.LetThrough(1);
  disk.Begun(2);
  CHECK_FALSE(HasEnded(first));
  const auto third = loop.AskFromWeb();
  disk.LetThrough(1);
  CHECK(OutcomeOf(first) == ReloadOutcome::kReloaded);
  CHECK(OutcomeOf(second) == ReloadOutcome::kReloaded);
  disk.Begun(3);
  CHECK_FALSE(HasEnded(third));
  disk.LetThrough(1);
  CHECK(OutcomeOf(third) == ReloadOutcome::kReloaded);
  // Of those that share a reload the signal counts, for which more is read again.
  using enum ReloadCause;
  CHECK(disk.Begun(3) == std::vector{kSignal, kSignal, kRequest});
}

TEST_CASE_FIXTURE(ReloadLoopFixture, "a client is told what became of its reload") {
  disk.LetThrough(2);
  problem = "The old configuration stays: config.yaml:3:1: unknown key";
  const auto failed = loop.AskFromWeb();
  CHECK(OutcomeOf(failed) == ReloadOutcome::kNotReloaded);
  CHECK(failed->problem == *problem);
}

TEST_CASE_FIXTURE(ReloadLoopFixture,
                  "a client is answered in time, though its reload hangs, and is reloaded for") {
  const auto asked = loop.AskFromWeb();
  disk.Begun(1);
  const auto later = loop.AskFromWeb();
  CHECK(loop.Attend() == ReloadLoop::kAnswerWithin);
  clock.Advance(ReloadLoop::kAnswerWithin - 1ms);
  CHECK(loop.Attend() == 1ms);
  CHECK_FALSE(HasEnded(asked));
  clock.Advance(1ms);
  CHECK(loop.Attend() == Milliseconds::max());
  CHECK(OutcomeOf(asked) == ReloadOutcome::kNotYet);
  CHECK(OutcomeOf(later) == ReloadOutcome::kNotYet);
  disk.LetThrough(2);
  disk.Begun(2);
}

TEST_CASE_FIXTURE(ReloadLoopFixture,
                  "beyond 16 clients that wait, another is answered at once, and reloaded for") {
  loop.Ask();
  disk.Begun(1);
  std::vector<std::shared_ptr<AskedReload>> waiting;
  for (std::size_t i = 0; i < ReloadLoop::kMostWaiting; ++i) waiting.push_back(loop.AskFromWeb());
  const auto beyond = loop.AskFromWeb();
  CHECK(OutcomeOf(beyond) == ReloadOutcome::kTooManyWait);
  CHECK(std::ranges::none_of(waiting, HasEnded));
  disk.LetThrough(2);
  for (const auto& each : waiting) CHECK(OutcomeOf(each) == ReloadOutcome::kReloaded);
  CHECK(disk.Begun(2).size() == 2);
}

TEST_CASE_FIXTURE(ReloadLoopFixture,
                  "a file whose reading hangs is named once, and so is its end") {
  loop.Ask();
  disk.Begun(1);
  clock.Advance(ReloadLoop::kHungAfter - 1ms);
  loop.Attend();
  CHECK(TimesLogged("level=") == 0);
  clock.Advance(1ms);
  for (int i = 0; i < 3; ++i) loop.Attend();
  CHECK(
      TimesLogged("level=warn msg=\"reading the configuration hangs; nothing is reloaded until it "
                  "returns\" file=/etc/config.yaml seconds=30") == 1);
  CHECK(TimesLogged("level=") == 1);
  clock.Advance(70s);
  disk.LetThrough(1);
  loop.Ask();
  disk.Begun(2);
  clock.Advance(5s);
  for (int i = 0; i < 3; ++i) loop.Attend();
  CHECK(TimesLogged("level=info msg=\"the configuration can be read again\" "
                    "file=/etc/config.yaml seconds=100") == 1);
  CHECK(TimesLogged("level=") == 2);
}

TEST_CASE_FIXTURE(ReloadLoopFixture, "no memory for a reload does not end the loop") {
  disk.LetThrough(1);
  lacks_memory = true;
  const auto failed = loop.AskFromWeb();
  disk.Begun(1);
  loop.Ask();
  disk.Begun(2);
  CHECK(TimesLogged("reload loop: iteration failed, retrying\" detail=std::bad_alloc") == 1);
  clock.Advance(ReloadLoop::kAnswerWithin);
  loop.Attend();
  CHECK(OutcomeOf(failed) == ReloadOutcome::kNotYet);
}

TEST_CASE_FIXTURE(ReloadLoopFixture,
                  "files are looked at without being asked for, until the stop") {
  looked_.acquire();
  loop.Stop();
  thread_.join();
  CHECK(disk.Begun(0).empty());
}

}  // namespace
}  // namespace radar_spoof::test
