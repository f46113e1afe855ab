// Every open connection: whose it is, by when it must have got on, and what its response holds.
//
// A client that sends or reads a byte now and then is never idle, and still must not stay for ever;
// and one that opens many connections must not take what the others need. A client is a network, as
// in ClientNetwork(). When its share is used up, or all there is, the newcomer gets the place of
// another connection, which is reset: one of that client, or of the one that has most; one that has
// waited longest for a request, or else the one that has been answered longest. A response that is
// less than a second old gives way only to a client that has less than half as much; a newcomer
// that finds no place is refused. A response is over when the client has taken it, not when the
// system has.
// Thread rule: any thread. Descriptors are reset and closed under the lock, so that none can be
// closed elsewhere, and its number given away, meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

class Connections {
 public:
  struct Limits {
    int connections;
    int connections_of_client;
    int responses;  // that are not over
    int responses_of_client;
    std::size_t response_bytes;  // in this process; one response may have more
    Milliseconds head_deadline;
    Milliseconds response_deadline;
  };
  // What is asked of a descriptor and done to it. None of these throws.
  struct Sockets {
    std::function<bool(int)> has_untaken;  // whether the system holds bytes that the client lacks
    std::function<void(int)> reset;        // drops them and wakes the owner, who closes it
    std::function<int(int)> keep;          // another descriptor of the same socket; -1: none
    std::function<void(int)> close;
  };

  Connections(Limits limits, Sockets sockets) : limits_(limits), sockets_(std::move(sockets)) {}
  // Closes what it has kept.
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // A connection that was accepted; false when it must be closed. May throw std::bad_alloc, and
  // then it must be, too.
  [[nodiscard]] bool Add(int descriptor, const std::string& network, SteadyTime now);
  // It has an owner, who tells when it is closed; until then it is not reset.
  void HandOver(int descriptor);
  // To be called before the owner closes it. What a client has not taken of a whole response is
  // kept until it has, or until the response's deadline. Harmless when it is not there.
  void Closing(int descriptor);

  // A whole head has come. False when there are too many responses: then it is refused in a few
  // words, which count for nothing.
  [[nodiscard]] bool BeginResponse(int descriptor, SteadyTime now);
  // The server itself holds the response back for so long.
  void Delay(int descriptor, Milliseconds delay);
  // What the response holds: `own` bytes, and `shared`, which is counted once however many hold it.
  // False when that is too much. May throw std::bad_alloc.
  [[nodiscard]] bool Hold(int descriptor, std::size_t own,
                          const std::shared_ptr<const std::string>& shared, SteadyTime now);
  // The owner is done with it; `complete`: the system has all of it.
  void EndResponse(int descriptor, bool complete, SteadyTime now);

  // Resets what is late, once. Whether there is any connection.
  bool Sweep(SteadyTime now);

 private:
  // Its client owes a request; or we owe a response; or the system does.
  enum class Phase { kHead, kResponse, kTail };

  struct Client {
    int connections = 0;
    int responses = 0;
  };
  using Clients = std::map<std::string, Client>;

  struct Connection {
    Clients::iterator client;
    SteadyTime since;  // of the head's turn or of the response, its tail included
    SteadyTime deadline;
    Phase phase = Phase::kHead;
    bool has_owner = false;
    bool is_kept = false;   // the descriptor is ours
    bool is_reset = false;  // and counts no more
    std::size_t own_bytes = 0;
    const std::string* shared = nullptr;
    std::uint64_t turn = 0;  // orders those that began within one tick of the clock
  };
  using Map = std::map<int, Connection>;
  using Weight = std::function<std::size_t(const Connection&)>;

  static std::size_t IsOne(const Connection&) { return 1; }
  static std::size_t IsResponse(const Connection& each) {
    return each.phase != Phase::kHead ? 1 : 0;
  }

  void SetPhase(Connection& connection, Phase phase);
  void BeginTurn(Connection& connection, Milliseconds at_most, SteadyTime now);
  void AwaitHead(Connection& connection, SteadyTime now);
  void Let(Connection& connection);
  void Uncount(Clients::iterator client);
  void Discount(Connection& connection);
  Map::iterator Erase(Map::iterator at);
  Map::iterator Reset(Map::iterator at);
  void EndTails(SteadyTime now);
  bool ResetOneOf(Clients::iterator client, const Weight& weight, Milliseconds grace,
                  SteadyTime now);
  bool ResetOneOfGreatest(Clients::iterator newcomer, std::size_t wanted, const Weight& weight,
                          SteadyTime now);
  std::size_t BytesWith(std::size_t own, const std::string* shared) const;

  const Limits limits_;
  const Sockets sockets_;
  std::mutex mutex_;  // for all that follows
  Clients clients_;   // with a connection that counts
  Map connections_;   // by descriptor
  int all_ = 0;       // that count
  int responses_ = 0;
  std::uint64_t turns_ = 0;  // that began
  std::size_t own_bytes_ = 0;
  std::map<const std::string*, int> shared_;  // and how many hold it
};

}  // namespace radar_spoof
