#include "radar_spoof/web/failed_logins.h"

#include <algorithm>

#include "radar_spoof/http/http_server.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kMostClients = 1024;
constexpr int kMostFailures = 10;
constexpr Milliseconds kWindow = std::chrono::minutes(1);

}  // namespace

void FailedLogins::Add(std::string_view client, SteadyTime now) {
  const std::string network = ClientNetwork(client);
  if (!counts_.contains(network)) MakeRoom(now);
  Count& count = counts_[network];
  if (count.failures == 0 || now - count.first >= kWindow) count = {now, 0};
  ++count.failures;
}

Milliseconds FailedLogins::Wait(std::string_view client, SteadyTime now) const {
  const auto found = counts_.find(ClientNetwork(client));
  if (found == counts_.end() || found->second.failures < kMostFailures) return {};
  return std::max(Milliseconds(0), found->second.first + kWindow - now);
}

void FailedLogins::MakeRoom(SteadyTime now) {
  if (counts_.size() < kMostClients) return;
  std::erase_if(counts_, [now](const auto& each) { return now - each.second.first >= kWindow; });
  if (counts_.size() < kMostClients) return;
  counts_.erase(std::min_element(
      counts_.begin(), counts_.end(),
      [](const auto& one, const auto& other) { return one.second.first < other.second.first; }));
}

}  // namespace radar_spoof
