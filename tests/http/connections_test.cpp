#include "src/http/connections.h"

#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1000s};

// Connections whose sockets are numbers; the system holds something of those in `untaken_`.
class ConnectionsFixture {
 protected:
  bool Open(int descriptor, const std::string& client, SteadyTime now = kStart) {
    if (!connections_.Add(descriptor, client, now)) return false;
    connections_.HandOver(descriptor);
    return true;
  }
  bool Ask(int descriptor, const std::string& client, SteadyTime now = kStart) {
    return Open(descriptor, client, now) && connections_.BeginResponse(descriptor, now);
  }
  // What was reset since the last call.
  std::vector<int> Reset() { return std::exchange(reset_, {}); }
  std::vector<int> Late(SteadyTime now) {
    (void)connections_.Sweep(now);
    return Reset();
  }

  std::vector<int> reset_;
  std::set<int> untaken_;
  std::vector<int> closed_;
  Connections connections_{{.connections = 8,
                            .connections_of_client = 4,
                            .responses = 6,
                            .responses_of_client = 3,
                            .response_bytes = 1000,
                            .head_deadline = 10s,
                            .response_deadline = 30s},
                           {.has_untaken = [this](int fd) { return untaken_.contains(fd); },
                            .reset = [this](int fd) { reset_.push_back(fd); },
                            .keep =
                                [this](int fd) {
                                  untaken_.insert(fd + 100);
                                  return fd + 100;
                                },
                            .close = [this](int fd) { closed_.push_back(fd); }}};
};

TEST_CASE_FIXTURE(
    ConnectionsFixture,
    "a connection is reset when its head's deadline comes, not before and not again") {
  CHECK(Open(7, "a"));
  CHECK(Open(8, "a", kStart + 1s));
  CHECK(Late(kStart + 10s - 1ms).empty());
  CHECK(Late(kStart + 10s) == std::vector{7});
  CHECK(Late(kStart + 10s).empty());
  CHECK(Late(kStart + 1h) == std::vector{8});
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "a response has a deadline of its own, and after it the next head has one") {
  CHECK(Ask(7, "a"));
  CHECK(Late(kStart + 29s).empty());
  connections_.EndResponse(7, true, kStart + 29s);
  CHECK(Late(kStart + 38s).empty());
  CHECK(Late(kStart + 39s) == std::vector{7});
  CHECK(Ask(8, "a"));
  connections_.Delay(8, 5s);
  CHECK(Late(kStart + 34s).empty());
  CHECK(Late(kStart + 35s) == std::vector{8});
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "a connection that was closed is never reset, whoever has its number now") {
  CHECK(Open(7, "a"));
  connections_.Closing(7);
  connections_.Closing(7);
  CHECK(Late(kStart + 1h).empty());
  CHECK_FALSE(connections_.Sweep(kStart));
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "one without an owner is never reset, and not kept for ever") {
  CHECK(connections_.Add(7, "a", kStart));
  CHECK(connections_.Sweep(kStart + 9s));
  CHECK_FALSE(connections_.Sweep(kStart + 10s));
  CHECK(reset_.empty());
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "a client's newcomer gets the place of its own that waited longest for a head") {
  CHECK(Ask(1, "a"));
  for (int fd = 2; fd <= 4; ++fd) CHECK(Open(fd, "a", kStart + Seconds(fd)));
  CHECK(Open(5, "b"));
  CHECK(reset_.empty());
  CHECK(Open(6, "a", kStart + 5s));
  CHECK(Reset() == std::vector{2});
  connections_.Closing(2);
  CHECK(Open(7, "a", kStart + 5s));
  CHECK(Reset() == std::vector{3});
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "a burst that nobody has looked at yet is let in, and made up for by the next") {
  for (int fd = 1; fd <= 6; ++fd) CHECK(connections_.Add(fd, "a", kStart));
  CHECK(reset_.empty());
  for (int fd = 1; fd <= 6; ++fd) connections_.HandOver(fd);
  CHECK(Open(7, "a"));
  CHECK(Reset() == std::vector{1, 2, 3});
  int refused = 0;
  for (int fd = 8; fd < 108; ++fd) refused += connections_.Add(fd, "b", kStart) ? 0 : 1;
  CHECK(refused > 20);
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "when all places are taken, who has most gives one up; a first one is let in") {
  for (int fd = 1; fd <= 4; ++fd) CHECK(Open(fd, "a"));
  for (int fd = 5; fd <= 7; ++fd) CHECK(Open(fd, "b"));
  CHECK(Open(8, "c"));
  CHECK(Open(9, "d"));
  CHECK(Reset() == std::vector{1});
  CHECK(Open(10, "e"));
  CHECK(Reset().size() == 1);
}

TEST_CASE_FIXTURE(
    ConnectionsFixture,
    "a client's responses beyond its share are refused, or replace its own of a second "
    "ago, never another's") {
  CHECK(Ask(9, "b", kStart - 20s));
  for (int fd = 1; fd <= 3; ++fd) CHECK(Ask(fd, "a", kStart + Milliseconds(fd)));
  CHECK_FALSE(Ask(4, "a", kStart + 500ms));
  CHECK(reset_.empty());
  CHECK(connections_.BeginResponse(4, kStart + 1001ms));
  CHECK(Reset() == std::vector{1});
  CHECK_FALSE(Ask(5, "a", kStart + 1001ms));
}

TEST_CASE_FIXTURE(
    ConnectionsFixture,
    "when all responses are taken, who has more than twice as many gives one up at once") {
  for (int fd = 1; fd <= 3; ++fd) CHECK(Ask(fd, "a"));
  CHECK(Ask(4, "b"));
  CHECK(Ask(5, "b"));
  CHECK(Ask(6, "c"));
  CHECK(Ask(7, "d"));  // "a" has three, "d" would have one
  CHECK(Reset() == std::vector{1});
  CHECK_FALSE(Ask(8, "e"));  // now nobody has more than two
}

TEST_CASE_FIXTURE(ConnectionsFixture, "a response is over when the client has taken it") {
  for (int fd = 1; fd <= 3; ++fd) CHECK(Ask(fd, "a"));
  untaken_ = {1, 2};
  for (int fd = 1; fd <= 3; ++fd) connections_.EndResponse(fd, true, kStart);
  CHECK(connections_.BeginResponse(3, kStart));
  CHECK(Open(4, "a"));
  CHECK_FALSE(connections_.BeginResponse(4, kStart));
  untaken_ = {2};
  CHECK(connections_.BeginResponse(4, kStart));
  CHECK(Late(kStart + 10s) == std::vector{1});  // which waited for a head since then
  CHECK(Late(kStart + 30s) == std::vector{2, 3, 4});
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "what a client has not taken when its connection is closed stays its connection "
                  "until it has, or until the deadline") {
  for (int fd = 1; fd <= 3; ++fd) {
    CHECK(Ask(fd, "a"));
    untaken_.insert(fd);
    connections_.EndResponse(fd, true, kStart);
    connections_.Closing(fd);
  }
  CHECK_FALSE(Ask(4, "a"));
  untaken_.erase(101);
  CHECK(connections_.Sweep(kStart));
  CHECK(closed_ == std::vector{101});
  CHECK(connections_.BeginResponse(4, kStart + 5s));
  CHECK(Late(kStart + 30s) == std::vector{102, 103});
  CHECK(closed_ == std::vector{101, 102, 103});
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "a response that is given up leaves nothing with the system") {
  CHECK(Ask(1, "a"));
  untaken_ = {1};
  connections_.EndResponse(1, false, kStart);
  CHECK(Reset() == std::vector{1});
  connections_.Closing(1);
  CHECK_FALSE(connections_.Sweep(kStart));
}

TEST_CASE_FIXTURE(ConnectionsFixture, "a text that many are sent is counted once") {
  const auto text = std::make_shared<const std::string>(400, 'x');
  for (int fd = 1; fd <= 3; ++fd) CHECK(Ask(fd, "a"));
  for (int fd = 1; fd <= 3; ++fd) CHECK(connections_.Hold(fd, 100, text, kStart));
  CHECK(Ask(4, "b"));
  CHECK(connections_.Hold(4, 300, text, kStart));
  CHECK(reset_.empty());
}

TEST_CASE_FIXTURE(ConnectionsFixture,
                  "beyond the bytes there are, the greatest gives way; one alone may have more") {
  CHECK(Ask(1, "a"));
  CHECK(connections_.Hold(1, 5000, nullptr, kStart));
  CHECK(Ask(2, "b"));
  CHECK(connections_.Hold(2, 300, nullptr, kStart));
  CHECK(Reset() == std::vector{1});
  CHECK(Ask(3, "c"));
  CHECK(connections_.Hold(3, 600, nullptr, kStart));
  CHECK(Ask(4, "d"));
  CHECK_FALSE(connections_.Hold(4, 400, nullptr, kStart));  // "c" has less than twice that
  CHECK(reset_.empty());
  CHECK(connections_.Hold(4, 400, nullptr, kStart + 1s));
  CHECK(Reset() == std::vector{3});
}

}  // namespace
}  // namespace radar_spoof
