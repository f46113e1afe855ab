// What one request leaves to the next: connections, addresses of names, certificate authorities.

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <netdb.h>

#include "support/certificates.h"
#include "support/http_fetch.h"
#include "support/misbehaving_server.h"
#include "support/temporary_directory.h"

namespace radar_spoof::test {
namespace {

using namespace std::chrono_literals;
using Connection = MisbehavingServer::Connection;
using Script = MisbehavingServer::Script;

// What "moving.test" and "silent.test" are looked up as; see getaddrinfo() below.
std::string moving_address;
std::atomic<int> lookups_of_moving = 0;

class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

Gate name_server_speaks;

// A number that one thread counts up and another waits for.
class Count {
 public:
  void Add() {
    ++number_;
    number_.notify_all();
  }
  void Await(int least) const {
    for (int now = number_; now < least; now = number_) number_.wait(now);
  }

 private:
  std::atomic<int> number_ = 0;
};

std::unique_ptr<HttpClient> NewClient(const HttpClientOptions& options = {}) {
  return MakeCurlHttpClient("radar_spoof_exporter/test", options);
}

std::string BodyOf(const HttpClient::Finished& finished) {
  return finished.result ? finished.result.value().body
                         : "failed: " + finished.result.error().detail;
}

std::string ReasonOf(const HttpClient::Finished& finished) {
  return finished.result ? "good" : std::string(Name(finished.result.error().reason));
}

// Of a request's head.
std::string PathOf(const std::string& head) {
  const std::size_t begin = head.find(' ') + 1;
  return head.substr(begin, head.find(' ', begin) - begin);
}

std::string ChunkedAnswer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n" + body + "\r\n0\r\n\r\n";
}

constexpr std::string_view kGivenUp =
    "HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n<html>Your browser didn't send a "
    "complete request in time.\n";

// --- unread input --------------------------------------------------------------------------------

TEST_CASE("an answer that is sent twice is taken once, and nothing follows on its connection") {
  const TemporaryDirectory directory;
  MakeCertificate(directory, "good");
  struct Row {
    std::string how;
    // The pieces, each a segment or a TLS record of its own, in which `body` is answered.
    std::function<std::vector<std::string>(const std::string& body)> pieces;
  };
  const Row rows[] = {
      {"two pieces",
       [](const std::string& body) {
         return std::vector{HttpReply(body), HttpReply(body)};
       }},
      {"two pieces, chunked",
       [](const std::string& body) {
         return std::vector{ChunkedAnswer(body), ChunkedAnswer(body)};
       }},
      {"one piece",
       [](const std::string& body) { return std::vector{HttpReply(body) + HttpReply(body)}; }},
      {"one piece, chunked",
       [](const std::string& body) {
         return std::vector{ChunkedAnswer(body) + ChunkedAnswer(body)};
       }},
      {"second with the end of the first",
       [](const std::string& body) {
         const std::string one = HttpReply(body);
         return std::vector{one.substr(0, one.size() - 2), one.substr(one.size() - 2) + one};
       }},
      {"longer than what is read at once",
       [](const std::string& body) {
         const std::string one = HttpReply(body + std::string(40'000, ' '));
         return std::vector{one, one};
       }},
      {"a header alone behind it",
       [](const std::string& body) {
         return std::vector{HttpReply(body), std::string("HTTP/1.1 200 OK\r\n")};
       }},
      {"no HTTP behind it",
       [](const std::string& body) {
         return std::vector{HttpReply(body), std::string("0")};
       }},
      {"behind an answer without a body",
       [](const std::string& body) {
         return std::vector{HttpReply("", "X-Body: " + body + "\r\n"), HttpReply("stale")};
       }},
  };
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    for (const Row& row : rows) {
      for (const auto pause : {0ms, 2ms, 5ms}) {
        CAPTURE(row.how);
        CAPTURE(pause.count());
        Count sent;
        const Script doubled = [&](Connection& connection) {
          for (std::string head; !(head = connection.ReadRequest()).empty();) {
            for (const std::string& piece : row.pieces(PathOf(head))) {
              if (!connection.Send(piece)) break;
              connection.Pause(pause);
            }
            connection.AwaitDelivery();
            sent.Add();
          }
        };
        const MisbehavingServer server({doubled},
                                       {.certificate = tls ? directory.Path("good") : ""});
        const auto client = NewClient({.ca_file = directory.Path("good.crt")});
        for (int i = 0; i < 4; ++i) {
          const std::string path = "/" + std::to_string(100 + i);
          const auto finished = Fetch(*client, server.Url(path));
          REQUIRE_MESSAGE(finished.result.ok(), BodyOf(finished));
          const HttpResponse& response = finished.result.value();
          CHECK((response.body.substr(0, 4) == path || response.Header("x-body") == path));
          sent.Await(i + 1);
        }
        // Not one was sent for nothing.
        CHECK(server.Requests().size() == 4);
      }
    }
  }
}

TEST_CASE("when every kept connection has unread input, each request still gets its answer") {
  Count sent;
  const Script doubled = [&](Connection& connection) {
    for (std::string head; !(head = connection.ReadRequest()).empty();) {
      connection.Send(HttpReply(PathOf(head)));
      connection.Send(HttpReply(PathOf(head)));
      connection.AwaitDelivery();
      sent.Add();
    }
  };
  const MisbehavingServer server({doubled});
  const auto client = NewClient();
  int asked = 0;
  for (int pass = 0; pass < 3; ++pass) {
    for (HttpClient::TransferId id = 0; id < 8; ++id) {
      client->Start(id, {server.Url("/" + std::to_string(pass) + std::to_string(id)), {}});
    }
    for (int i = 0; i < 8; ++i, ++asked) {
      const auto finished = AwaitFinished(*client);
      CHECK(BodyOf(finished) == "/" + std::to_string(pass) + std::to_string(finished.id));
    }
    sent.Await(asked);
  }
  CHECK(server.Requests().size() == 24);
}

TEST_CASE("connections over TLS are kept, and a late session ticket costs a new one at most") {
  const TemporaryDirectory directory;
  MakeCertificate(directory, "good");
  Count sent;
  bool with_ticket = false;
  const Script answers = [&](Connection& connection) {
    for (std::string head; !(head = connection.ReadRequest()).empty();) {
      connection.Send(HttpReply(PathOf(head)));
      if (with_ticket) connection.SendTicket();
      connection.AwaitDelivery();
      sent.Add();
    }
  };
  for (const bool ticket : {false, true}) {
    CAPTURE(ticket);
    with_ticket = ticket;
    const MisbehavingServer server({answers}, {.certificate = directory.Path("good")});
    const auto client = NewClient({.ca_file = directory.Path("good.crt")});
    for (int i = 0; i < 5; ++i) {
      CHECK(BodyOf(Fetch(*client, server.Url("/x"))) == "/x");
      sent.Await((ticket ? 5 : 0) + i + 1);
    }
    CHECK(server.Requests().size() == 5);
    CHECK(server.Connections() == (ticket ? 5 : 1));
  }
}

// --- 408 -----------------------------------------------------------------------------------------

TEST_CASE("a server that gives idle connections up with 408 fails no request") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    Count given_up;
    const Script gives_up = [&](Connection& connection) {
      connection.ReadRequest();
      connection.Send(HttpReply("good"));
      connection.Pause(1ms);
      connection.Send(kGivenUp);
      connection.AwaitDelivery();
      if (reset) connection.Reset();
      given_up.Add();
    };
    const MisbehavingServer server({gives_up});
    const auto client = NewClient();
    for (int i = 0; i < 5; ++i) {
      CHECK(BodyOf(Fetch(*client, server.Url())) == "good");
      given_up.Await(i + 1);
    }
    CHECK(server.Requests().size() == 5);
  }
}

TEST_CASE("a 408 that crosses the request is not its answer: it is asked again, once") {
  const std::string cut_short = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 999\r\n\r\n<html>";
  const auto answer_then = [](const std::string& second, bool reset) {
    return [=](Connection& connection) {
      connection.ReadRequest();
      connection.Send(HttpReply("good"));
      connection.ReadRequest();
      connection.Send(second);
      if (!reset) return;
      connection.Pause(20ms);
      connection.Reset();
    };
  };
  for (const Script& crossing :
       {Script(answer_then(std::string(kGivenUp), false)), Script(answer_then(cut_short, true))}) {
    const MisbehavingServer server({crossing, KeepAlive({HttpReply("good again")})});
    const auto client = NewClient();
    CHECK(BodyOf(Fetch(*client, server.Url())) == "good");
    CHECK(BodyOf(Fetch(*client, server.Url())) == "good again");
    CHECK(server.Requests().size() == 3);
  }
}

TEST_CASE("a 408 to the first request on a connection is the API's answer") {
  const std::string refusal = HttpReply("slow down", "", "408 Request Timeout");
  const MisbehavingServer server(
      {KeepAlive({refusal}), KeepAlive({HttpReply("good"), refusal}), KeepAlive({refusal})});
  const auto client = NewClient();
  const auto status = [&](bool own_connection) {
    client->Start(0, {server.Url(), {}, own_connection});
    return AwaitFinished(*client).result.value().status;
  };
  CHECK(status(true) == 408);
  CHECK(server.Requests().size() == 1);
  CHECK(status(false) == 200);
  CHECK(status(false) == 408);
  CHECK(server.Requests().size() == 4);
}

TEST_CASE("a request that is asked again has no more time than others") {
  const Script gives_up_late = [](Connection& connection) {
    connection.ReadRequest();
    connection.Send(HttpReply("good"));
    connection.ReadRequest();
    connection.Pause(2500ms);
    connection.Send(kGivenUp);
  };
  const MisbehavingServer server({gives_up_late, ReplyThenStall("")});
  const auto client = NewClient({.ca_file = "", .timeout = 3s});
  CHECK(BodyOf(Fetch(*client, server.Url())) == "good");
  const auto finished = Fetch(*client, server.Url());
  CHECK(ReasonOf(finished) == "timeout");
  CHECK(finished.duration >= 2900ms);
  CHECK(finished.duration < 5s);
}

// --- how long ------------------------------------------------------------------------------------

TEST_CASE("a connection is not used for longer than its lifetime, however often") {
  const MisbehavingServer server({KeepAlive({HttpReply("x")})});
  const auto client = NewClient({.ca_file = "", .connection_lifetime = 1s});
  const auto began = std::chrono::steady_clock::now();
  while (server.Connections() == 1 || server.Requests().empty()) {
    REQUIRE(std::chrono::steady_clock::now() - began < 30s);
    CHECK(BodyOf(Fetch(*client, server.Url())) == "x");
  }
  CHECK(std::chrono::steady_clock::now() - began > 1s);
  CHECK(server.Requests().size() > 2);
}

TEST_CASE("a name's new address is used, though the old one goes on answering") {
  moving_address = "127.0.0.1";
  const MisbehavingServer old_place({KeepAlive({HttpReply("old")})});
  const MisbehavingServer new_place(
      {KeepAlive({HttpReply("new")})},
      {.address = "127.0.0.2", .port = old_place.port(), .certificate = ""});
  const std::string url = "http://moving.test:" + std::to_string(old_place.port());
  const auto client = NewClient({.ca_file = "", .connection_lifetime = 1s});
  CHECK(BodyOf(Fetch(*client, url)) == "old");
  const int lookups = lookups_of_moving;  // libcurl may look up each address family by itself
  moving_address = "127.0.0.2";
  CHECK(BodyOf(Fetch(*client, url)) == "old");
  const auto began = std::chrono::steady_clock::now();
  while (new_place.Requests().empty()) {
    REQUIRE(std::chrono::steady_clock::now() - began < 30s);
    CHECK(Fetch(*client, url).result.ok());
  }
  CHECK(BodyOf(Fetch(*client, url)) == "new");
  CHECK(lookups_of_moving == 2 * lookups);
}

TEST_CASE("a lookup that takes too long is dns") {
  const auto client = NewClient({.ca_file = "", .timeout = 1s});
  const auto finished = Fetch(*client, "http://silent.test/");
  CHECK(ReasonOf(finished) == "dns");
  CHECK(finished.duration >= 900ms);
  name_server_speaks.Open();
}

TEST_CASE("an answer may begin as late as the timeout allows, but not be slow") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
  const Script late = [](Connection& connection) {
    connection.ReadRequest();
    connection.Pause(2500ms);
    connection.Send(HttpReply("late"));
  };
  const Script late_after_hints = [](Connection& connection) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 103 Early Hints\r\n\r\n");
    connection.Pause(2500ms);
    connection.Send(HttpReply("late"));
  };
  const Script drip = [&](Connection& connection) {
    connection.ReadRequest();
    connection.Send(head);
    connection.Drip(std::string(500, ' '), 50ms);
  };
  const Script stalls = ReplyThenStall(head + "{");
  const MisbehavingServer servers[] = {MisbehavingServer(late), MisbehavingServer(late_after_hints),
                                       MisbehavingServer(drip), MisbehavingServer(stalls)};
  const auto client = NewClient({.ca_file = "", .timeout = 20s, .slow_for = 1s});
  for (HttpClient::TransferId id = 0; id < 4; ++id) client->Start(id, {servers[id].Url(), {}});
  for (int i = 0; i < 4; ++i) {
    const auto finished = AwaitFinished(*client);
    CAPTURE(finished.id);
    CHECK(finished.duration < 10s);
    if (finished.id < 2) {
      CHECK(BodyOf(finished) == "late");
    } else {
      CHECK(ReasonOf(finished) == "timeout");
    }
  }
}

// --- authorities ---------------------------------------------------------------------------------

TEST_CASE("a CA file that was replaced holds for the next connection") {
  const TemporaryDirectory directory;
  MakeCertificate(directory, "old");
  MakeCertificate(directory, "new");
  const std::string ca_file = directory.Path("ca.crt");
  const auto replace_by = [&](const std::string& name) {
    std::filesystem::copy_file(directory.Path(name + ".crt"), directory.Path("next"));
    std::filesystem::rename(directory.Path("next"), ca_file);
  };
  const MisbehavingServer old_server({KeepAlive({HttpReply("x")})},
                                     {.certificate = directory.Path("old")});
  const MisbehavingServer new_server({KeepAlive({HttpReply("x")})},
                                     {.certificate = directory.Path("new")});
  replace_by("old");
  const auto client = NewClient({.ca_file = ca_file, .connection_lifetime = 1s});
  CHECK(ReasonOf(Fetch(*client, old_server.Url())) == "good");
  CHECK(ReasonOf(Fetch(*client, new_server.Url())) == "tls");
  replace_by("new");
  CHECK(ReasonOf(Fetch(*client, new_server.Url())) == "good");
  // What the old one vouched for is soon over, too.
  const auto began = std::chrono::steady_clock::now();
  while (ReasonOf(Fetch(*client, old_server.Url())) == "good") {
    REQUIRE(std::chrono::steady_clock::now() - began < 30s);
  }
  CHECK(ReasonOf(Fetch(*client, old_server.Url())) == "tls");
  replace_by("old");
  CHECK(ReasonOf(Fetch(*client, old_server.Url())) == "good");
}

}  // namespace
}  // namespace radar_spoof::test

// In place of the C library's: libcurl looks names up with this one.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using namespace radar_spoof::test;
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = node != nullptr ? node : "";
  if (name == "silent.test") {
    name_server_speaks.Pass();
    return EAI_NONAME;
  }
  if (name != "moving.test") return real(node, service, hints, result);
  ++lookups_of_moving;
  return real(moving_address.c_str(), service, hints, result);
}
