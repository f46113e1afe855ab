#include "radar_spoof/web/failed_logins.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kFirstGuess{1000s};

void Fail(FailedLogins& failed, std::string_view client, SteadyTime now, int times = 10) {
  for (int i = 0; i < times; ++i) failed.Add(client, now);
}

TEST_CASE("the tenth failure within a minute of the first makes a client wait until it is over") {
  FailedLogins failed;
  Fail(failed, "192.0.2.1", kFirstGuess, 9);
  CHECK(failed.Wait("192.0.2.1", kFirstGuess) == 0s);
  Fail(failed, "192.0.2.1", kFirstGuess + 59s, 1);
  CHECK(failed.Wait("192.0.2.1", kFirstGuess + 59s) == 1s);
  CHECK(failed.Wait("192.0.2.1", kFirstGuess + 60s) == 0s);
  CHECK(failed.Wait("192.0.2.2", kFirstGuess + 59s) == 0s);
}

TEST_CASE("after the minute counting begins anew") {
  FailedLogins failed;
  Fail(failed, "192.0.2.1", kFirstGuess);
  Fail(failed, "192.0.2.1", kFirstGuess + 60s, 9);
  CHECK(failed.Wait("192.0.2.1", kFirstGuess + 61s) == 0s);
  Fail(failed, "192.0.2.1", kFirstGuess + 61s, 1);
  CHECK(failed.Wait("192.0.2.1", kFirstGuess + 61s) == 59s);
}

TEST_CASE("IPv6 addresses of one network of 64 bits are one client") {
  FailedLogins failed;
  Fail(failed, "2001:db8::1", kFirstGuess, 5);
  Fail(failed, "2001:db8::ffff:0:0:2", kFirstGuess, 5);
  CHECK(failed.Wait("2001:db8:0:0:3::", kFirstGuess) == 60s);
  CHECK(failed.Wait("2001:db8:0:1::1", kFirstGuess) == 0s);
}

TEST_CASE(
    "1024 clients are remembered; one more makes the oldest forgotten, not the worst of now") {
  FailedLogins failed;
  const auto client = [](int i) {
    return "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
  };
  for (int i = 0; i < 1024; ++i) Fail(failed, client(i), kFirstGuess + Milliseconds(i));
  CHECK(failed.Wait(client(0), kFirstGuess) > 0s);
  failed.Add(client(1024), kFirstGuess + 2s);
  CHECK(failed.Wait(client(0), kFirstGuess + 2s) == 0s);
  CHECK(failed.Wait(client(1), kFirstGuess + 2s) > 0s);
  CHECK(failed.Wait(client(1023), kFirstGuess + 2s) > 0s);
}

}  // namespace
}  // namespace radar_spoof
