// The loop that reads the configuration and the web configuration again: when somebody asks for it,
// and from time to time, to see whether they changed. A disk that hangs under these files holds its
// thread and nothing else.
//
// Thread rule: Run() on a thread of its own, once; Attend() on the main thread; the rest on any.
// Blocking: Run() alone.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "radar_spoof/cli/settings.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/web/pages.h"

namespace radar_spoof {

class ReloadLoop {
 public:
  // A file that is read again, and what it names. Only Run() calls the functions; they return when
  // the disk lets them, and may throw for want of memory.
  struct Source {
    std::string file;
    // Reads it, and uses it at once; why the old content stays, if it does.
    std::function<std::optional<std::string>(ReloadCause)> reload;
    // Looks whether it changed, if a look is due. How long until the next one is.
    std::function<Milliseconds()> look;
  };

  static constexpr Milliseconds kLookInterval{5000};    // each look() is called at least so often
  static constexpr Milliseconds kAnswerWithin{10'000};  // who asked by AskFromWeb()
  static constexpr Milliseconds kHungAfter{30'000};     // the log then names what is being read
  // So many wait for an answer, each on a connection of its own; others are answered at once.
  static constexpr std::size_t kMostWaiting = 16;

  // REQUIRES: `clock` and `log` outlive this.
  ReloadLoop(const Clock& clock, Log& log) : clock_(clock), log_(log) {}

  // Until Stop(), and until the source that it is at then returns. REQUIRES: `sources` outlive the
  // last call of Attend().
  void Run(const std::vector<Source>& sources);
  void Stop();

  // A reload begins after this call, also when one is under way, which may have read already what
  // changed since. All who ask before it begins have the same one.
  void Ask();
  // The same, for a client that is told what became of it, or kNotYet where that takes too long, or
  // kTooManyWait.
  std::shared_ptr<AskedReload> AskFromWeb();

  // Answers who has waited for kAnswerWithin, and logs a reading that hangs, once, and its end. How
  // long until it must be called again.
  Milliseconds Attend();

 private:
  struct Waiting {
    std::shared_ptr<AskedReload> asked;
    SteadyTime deadline;
    bool begun = false;  // its reload
  };
  struct Reading {
    const std::string* file;
    SteadyTime since;
    bool told = false;
  };
  struct EndedHang {
    const std::string* file;
    Milliseconds length;
  };

  void Reload(const std::vector<Source>& sources, ReloadCause cause);
  void NoteReading(const std::string* file);  // nullptr: none any more
  void Answer(const std::optional<std::string>& problem);

  const Clock& clock_;
  Log& log_;
  std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  bool stopped_ = false;
  std::optional<ReloadCause> wish_;  // for a reload that has not begun
  std::vector<Waiting> waiting_;
  std::optional<Reading> reading_;
  std::optional<EndedHang> ended_hang_;  // to be told of
};

}  // namespace radar_spoof
