#include "radar_spoof/core/line_writer.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <utility>

#include "radar_spoof/core/file.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kQueueBytes = std::size_t{1} << 20;
constexpr auto kLastWords = 500ms;

// While it lives, threads that are started get no signals: those are for others.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct LineWriter::Queue {
  Queue(int to, LossText text) : descriptor(to), loss_text(std::move(text)) {}

  void Put(std::string line);
  void Drain();
  // Called and returns with the lock held; without it meanwhile.
  void WriteFirst(std::unique_lock<std::mutex>& lock);
  void TellLosses(std::unique_lock<std::mutex>& lock);

  const int descriptor;
  const LossText loss_text;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> lines;
  std::size_t bytes = 0;  // of `lines`
  std::uint64_t lost = 0;
  bool closed = false;
  bool drained = false;
};

void LineWriter::Queue::Put(std::string line) {
  const std::lock_guard lock(mutex);
  if (bytes + line.size() > kQueueBytes) {
    ++lost;
    return;
  }
  bytes += line.size();
  try {
    lines.push_back(std::move(line));
  } catch (const std::exception&) {
    bytes -= line.size();
    ++lost;
  }
  changed.notify_all();
}

void LineWriter::Queue::Drain() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return closed || !lines.empty(); });
    if (lines.empty()) break;
    WriteFirst(lock);
  }
  drained = true;
  changed.notify_all();
}

void LineWriter::Queue::WriteFirst(std::unique_lock<std::mutex>& lock) {
  const std::string line = std::move(lines.front());
  lines.pop_front();
  bytes -= line.size();
  lock.unlock();
  const bool written = WriteAll(descriptor, line);
  lock.lock();
  if (!written) ++lost;
  // What was lost came after all that was queued.
  if (written && lines.empty() && lost > 0) TellLosses(lock);
}

void LineWriter::Queue::TellLosses(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t told = std::exchange(lost, 0);
  lock.unlock();
  bool written = false;
  try {
    written = !loss_text || WriteAll(descriptor, loss_text(told));
  } catch (const std::exception&) {
    written = false;
  }
  lock.lock();
  if (!written) lost += told;
}

LineWriter::LineWriter(int descriptor, LossText loss_text)
    : queue_(std::make_shared<Queue>(descriptor, std::move(loss_text))) {
  const NoSignals threads_without;
  thread_ = std::thread([queue = queue_] { queue->Drain(); });
}

LineWriter::~LineWriter() {
  bool drained = false;
  {
    std::unique_lock lock(queue_->mutex);
    queue_->closed = true;
    queue_->changed.notify_all();
    drained = queue_->changed.wait_for(lock, kLastWords, [this] { return queue_->drained; });
  }
  if (drained) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::Write(std::string line) { queue_->Put(std::move(line)); }

}  // namespace radar_spoof
