#include "connections.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <numeric>
#include <utility>

namespace radar_spoof {
namespace {

// Who reads what it asked for has it by then, or nearly.
constexpr Milliseconds kGrace = std::chrono::seconds(1);

// How far beyond the limits newcomers may go while all others are too new to be reset; who comes
// later then makes room for all of them.
constexpr int kMostWaiting = 64;

}  // namespace

Connections::~Connections() {
  for (const auto& [descriptor, connection] : connections_) {
    if (connection.is_kept) sockets_.close(descriptor);
  }
}

bool Connections::Add(int descriptor, const std::string& network, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  // The system has given the number anew, so its last bearer is gone, whoever forgot to say so.
  if (const auto stale = connections_.find(descriptor); stale != connections_.end()) Erase(stale);
  const auto client = clients_.try_emplace(network).first;
  ++client->second.connections;
  ++all_;
  auto at = connections_.end();
  try {
    at = connections_.try_emplace(descriptor, Connection{client, now, now + limits_.head_deadline})
             .first;
    at->second.turn = ++turns_;
    const auto excess = [&] {
      return std::max(all_ - limits_.connections,
                      client->second.connections - limits_.connections_of_client);
    };
    if (excess() > 0) EndTails(now);
    bool made_room = true;
    while (excess() > 0 && made_room) {
      const bool over_share = client->second.connections > limits_.connections_of_client;
      made_room = over_share ? ResetOneOf(client, IsOne, kGrace, now)
                             : ResetOneOfGreatest(client, 1, IsOne, now);
    }
    if (excess() <= kMostWaiting) return true;
  } catch (const std::bad_alloc&) {
    if (at == connections_.end()) {
      Uncount(client);
    } else {
      Erase(at);
    }
    throw;
  }
  Erase(at);
  return false;
}

void Connections::HandOver(int descriptor) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at != connections_.end()) at->second.has_owner = true;
}

void Connections::Closing(int descriptor) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at == connections_.end()) return;
  const bool has_tail = at->second.phase == Phase::kTail && sockets_.has_untaken(descriptor);
  const int kept = has_tail ? sockets_.keep(descriptor) : -1;
  if (kept < 0) {
    if (has_tail)
      sockets_.reset(descriptor);  // else it would be the system's, and have no deadline
    Erase(at);
    return;
  }
  if (const auto stale = connections_.find(kept); stale != connections_.end()) Erase(stale);
  auto node = connections_.extract(at);
  node.key() = kept;
  node.mapped().is_kept = true;
  connections_.insert(std::move(node));
}

bool Connections::BeginResponse(int descriptor, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at == connections_.end() || at->second.is_reset) return false;
  Connection& connection = at->second;
  SetPhase(connection, Phase::kHead);  // a tail before it is as good as taken
  BeginTurn(connection, limits_.response_deadline, now);
  const auto client = connection.client;
  const auto share_is_used = [&] {
    return client->second.responses >= limits_.responses_of_client;
  };
  if (share_is_used() || responses_ >= limits_.responses) EndTails(now);
  if (share_is_used()) {
    if (!ResetOneOf(client, IsResponse, kGrace, now)) return false;
  } else if (responses_ >= limits_.responses) {
    if (!ResetOneOfGreatest(client, 1, IsResponse, now)) return false;
  }
  SetPhase(connection, Phase::kResponse);
  return true;
}

void Connections::Delay(int descriptor, Milliseconds delay) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at != connections_.end()) at->second.deadline += delay;
}

bool Connections::Hold(int descriptor, std::size_t own,
                       const std::shared_ptr<const std::string>& shared, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at == connections_.end() || at->second.phase != Phase::kResponse) return true;
  Connection& connection = at->second;
  const std::string* const text = shared.get();
  Let(connection);
  // What others hold of the same text costs nothing more.
  const Weight others = [text](const Connection& each) {
    return each.own_bytes +
           (each.shared == nullptr || each.shared == text ? 0 : each.shared->size());
  };
  const std::size_t wanted = own + (text == nullptr ? 0 : text->size());
  while ((own_bytes_ > 0 || !shared_.empty()) && BytesWith(own, text) > limits_.response_bytes) {
    if (!ResetOneOfGreatest(connection.client, wanted, others, now)) return false;
  }
  if (text != nullptr) ++shared_[text];
  connection.shared = text;
  connection.own_bytes = own;
  own_bytes_ += own;
  return true;
}

void Connections::EndResponse(int descriptor, bool complete, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(descriptor);
  if (at == connections_.end() || at->second.is_reset) return;
  Connection& connection = at->second;
  Let(connection);
  if (connection.phase == Phase::kResponse && !complete) {
    Reset(at);
  } else if (connection.phase == Phase::kResponse && sockets_.has_untaken(descriptor)) {
    SetPhase(connection, Phase::kTail);
  } else {
    AwaitHead(connection, now);
  }
}

bool Connections::Sweep(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  EndTails(now);
  for (auto at = connections_.begin(); at != connections_.end();) {
    const Connection& connection = at->second;
    if (connection.is_reset || connection.deadline > now) {
      ++at;
    } else if (connection.has_owner) {
      at = Reset(at);
    } else {
      at = Erase(at);  // the library gave it up, and does not say so
    }
  }
  return !connections_.empty();
}

void Connections::SetPhase(Connection& connection, Phase phase) {
  const int change = (phase != Phase::kHead ? 1 : 0) - (connection.phase != Phase::kHead ? 1 : 0);
  connection.phase = phase;
  connection.client->second.responses += change;
  responses_ += change;
}

void Connections::AwaitHead(Connection& connection, SteadyTime now) {
  SetPhase(connection, Phase::kHead);
  BeginTurn(connection, limits_.head_deadline, now);
}

void Connections::BeginTurn(Connection& connection, Milliseconds at_most, SteadyTime now) {
  connection.since = now;
  connection.deadline = now + at_most;
  connection.turn = ++turns_;
}

// What its response holds is not held any more.
void Connections::Let(Connection& connection) {
  own_bytes_ -= std::exchange(connection.own_bytes, 0);
  const auto shared = shared_.find(std::exchange(connection.shared, nullptr));
  if (shared != shared_.end() && --shared->second == 0) shared_.erase(shared);
}

void Connections::Uncount(Clients::iterator client) {
  --all_;
  if (--client->second.connections == 0) clients_.erase(client);
}

void Connections::Discount(Connection& connection) {
  Let(connection);
  SetPhase(connection, Phase::kHead);
  connection.is_reset = true;
  Uncount(connection.client);
}

Connections::Map::iterator Connections::Erase(Map::iterator at) {
  if (!at->second.is_reset) Discount(at->second);
  return connections_.erase(at);
}

Connections::Map::iterator Connections::Reset(Map::iterator at) {
  sockets_.reset(at->first);
  if (at->second.is_kept) {
    sockets_.close(at->first);
    return Erase(at);
  }
  Discount(at->second);
  return std::next(at);
}

void Connections::EndTails(SteadyTime now) {
  for (auto at = connections_.begin(); at != connections_.end();) {
    if (at->second.phase != Phase::kTail || sockets_.has_untaken(at->first)) {
      ++at;
    } else if (at->second.is_kept) {
      sockets_.close(at->first);
      at = Erase(at);
    } else {
      AwaitHead(at->second, now);
      ++at;
    }
  }
}

// False when it has none that may go.
bool Connections::ResetOneOf(Clients::iterator client, const Weight& weight, Milliseconds grace,
                             SteadyTime now) {
  const auto rank = [](const Connection& each) {
    return std::pair(each.phase != Phase::kHead, each.turn);
  };
  auto victim = connections_.end();
  for (auto at = connections_.begin(); at != connections_.end(); ++at) {
    const Connection& each = at->second;
    if (each.is_reset || !each.has_owner || each.client != client || weight(each) == 0) continue;
    if (each.phase != Phase::kHead && each.since + grace > now) continue;
    if (victim == connections_.end() || rank(each) < rank(victim->second)) victim = at;
  }
  if (victim == connections_.end()) return false;
  Reset(victim);
  return true;
}

bool Connections::ResetOneOfGreatest(Clients::iterator newcomer, std::size_t wanted,
                                     const Weight& weight, SteadyTime now) {
  std::map<const Client*, std::size_t> sums;
  auto greatest = newcomer;
  std::size_t most = 0;
  for (const auto& [descriptor, each] : connections_) {
    if (each.is_reset || !each.has_owner) continue;
    std::size_t& sum = sums[&each.client->second];
    sum += weight(each);
    if (sum > most) {
      most = sum;
      greatest = each.client;
    }
  }
  const bool is_greedy = most > 2 * (sums[&newcomer->second] + wanted);
  return ResetOneOf(greatest, weight, is_greedy ? Milliseconds(0) : kGrace, now);
}

std::size_t Connections::BytesWith(std::size_t own, const std::string* shared) const {
  const std::size_t added = shared == nullptr || shared_.contains(shared) ? 0 : shared->size();
  return std::accumulate(
      shared_.begin(), shared_.end(), own_bytes_ + own + added,
      [](std::size_t sum, const auto& each) { return sum + each.first->size(); });
}

}  // namespace radar_spoof
