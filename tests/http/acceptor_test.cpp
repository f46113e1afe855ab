#include "src/http/acceptor.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include "radar_spoof/http/listen_socket.h"
#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

class AcceptorFixture {
 public:
  ~AcceptorFixture() { (void)::close(listening_); }

 protected:
  // True once there were so many ticks; false after far too long.
  bool TicksReach(int count) const {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (ticks_ < count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
    }
    return ticks_ >= count;
  }
  int TicksIn(std::chrono::milliseconds window) const {
    const int before = ticks_;
    std::this_thread::sleep_for(window);
    return ticks_ - before;
  }

  std::atomic<bool> more_ = false;
  std::atomic<int> ticks_ = 0;
  const int listening_ = OpenListenSocket({"127.0.0.1", 0}).value().Release();
  const int port_ = BoundPort(listening_);
  Acceptor acceptor_{{listening_},
                     1ms,
                     [](int descriptor, const sockaddr*, socklen_t) { (void)::close(descriptor); },
                     [this] {
                       ++ticks_;
                       return more_.load();
                     }};
};

TEST_CASE_FIXTURE(AcceptorFixture,
                  "without a connection there is no tick, and with one there are") {
  CHECK(TicksIn(100ms) == 0);
  { const test::TcpClient client(port_); }
  CHECK(TicksReach(Acceptor::kTicksAfterAccept));
  CHECK(TicksIn(100ms) == 0);
  CHECK(ticks_ == Acceptor::kTicksAfterAccept);
}

TEST_CASE_FIXTURE(AcceptorFixture, "ticks go on for as long as there is something to do") {
  more_ = true;
  { const test::TcpClient client(port_); }
  CHECK(TicksReach(3 * Acceptor::kTicksAfterAccept));
  more_ = false;
  const int so_far = ticks_;
  CHECK(TicksReach(so_far + Acceptor::kTicksAfterAccept));
  CHECK(TicksIn(100ms) <= 1);
}

TEST_CASE_FIXTURE(AcceptorFixture, "woken, it ticks without any connection") {
  acceptor_.Wake();
  CHECK(TicksReach(Acceptor::kTicksAfterAccept));
  CHECK(TicksIn(100ms) == 0);
  CHECK(ticks_ == Acceptor::kTicksAfterAccept);
}

}  // namespace
}  // namespace radar_spoof
