#include "connection_deadlines.h"

namespace radar_spoof {

void ConnectionDeadlines::Set(int descriptor, SteadyTime deadline) {
  const std::lock_guard lock(mutex_);
  deadlines_[descriptor] = deadline;
}

void ConnectionDeadlines::Remove(int descriptor) {
  const std::lock_guard lock(mutex_);
  deadlines_.erase(descriptor);
}

bool ConnectionDeadlines::ResetLate(SteadyTime now, const std::function<void(int)>& reset) {
  const std::lock_guard lock(mutex_);
  for (auto& [descriptor, deadline] : deadlines_) {
    if (deadline > now) continue;
    reset(descriptor);
    deadline = SteadyTime::max();
  }
  return !deadlines_.empty();
}

}  // namespace radar_spoof
