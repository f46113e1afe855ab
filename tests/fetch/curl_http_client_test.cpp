#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radar_spoof/http/http_server.h"
#include "support/certificates.h"
#include "support/http_fetch.h"
#include "support/misbehaving_server.h"
#include "support/query_builder.h"
#include "support/radar_answers.h"
#include "support/read_answer.h"
#include "support/temporary_directory.h"

namespace radar_spoof::test {
namespace {

using test::ReadAnswer;
using namespace std::chrono_literals;
using Connection = MisbehavingServer::Connection;
using Script = MisbehavingServer::Script;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

const WallTime kNow = *ParseRfc3339("2026-06-05T12:28:00Z");
const std::string kGood = GoodAnswer(*ParseRfc3339("2026-06-05T12:15:00Z"), AggInterval::k15m, 30);

std::unique_ptr<HttpClient> Client(Seconds timeout = 1s, std::string ca_file = "") {
  return MakeCurlHttpClient("radar_spoof_exporter/1.2.3",
                            {.ca_file = std::move(ca_file), .timeout = timeout});
}

// What the poller would make of it.
Result<SpoofSample, Failure> Judge(const HttpClient::Finished& finished) {
  if (!finished.result) return finished.result.error();
  return ReadAnswer(MakeQuery("all"), finished.result.value(), kNow);
}

struct Expected {
  FailureReason reason;
  RetryClass retry;
  std::optional<FailureReason> of_newer_curl = std::nullopt;
};

void CheckFailure(const Result<SpoofSample, Failure>& judged, const Expected& expected) {
  CHECK_FALSE(judged.ok());
  if (judged.ok()) return;
  if (judged.error().reason != expected.of_newer_curl) {
    CHECK(Name(judged.error().reason) == Name(expected.reason));
  }
  CHECK(static_cast<int>(judged.error().retry) == static_cast<int>(expected.retry));
  CHECK_FALSE(judged.error().detail.empty());
  CHECK(judged.error().detail.size() <= 300);
  CHECK(judged.error().detail.find('\n') == std::string::npos);
  INFO(judged.error().detail);
}

std::string Chunked(std::string_view chunks, std::string_view more_headers = "") {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(more_headers) + "\r\n" +
         std::string(chunks);
}

std::string WithLength(const std::string& length, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n" + body;
}

std::string WithFirstLine(const std::string& line) {
  return "HTTP/1.1 200 OK\r\n" + line + "\r\nContent-Length: 2\r\n\r\n{}";
}

constexpr RetryClass kT = RetryClass::kTransient;
constexpr RetryClass kOnce = RetryClass::kTransientOnce;
constexpr RetryClass kN = RetryClass::kNextSlot;

std::int64_t KibibytesOf(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stoll(line.substr(line.find(':') + 1));
  }
  return -1;
}

// By how much the resident memory rose above its present size at the worst moment of `work`.
template <typename Work>
std::int64_t PeakRiseInKibibytes(const Work& work) {
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::int64_t before = KibibytesOf("VmRSS:");
  work();
  return KibibytesOf("VmHWM:") - before;
}

// --- requests ------------------------------------------------------------------------------------

TEST_CASE("the request on the wire is exactly this one") {
  MisbehavingServer server(Reply(HttpReply("{}")));
  const auto client = Client();
  Fetch(*client, server.Url("/client/v4/radar?format=JSON&dmarc=FAIL,NONE"),
        {{"Authorization", Secret("Bearer tok+en/=")}, {"Accept", Secret("application/json")}});
  REQUIRE(server.Requests().size() == 1);
  CHECK(server.Requests().front() ==
        "GET /client/v4/radar?format=JSON&dmarc=FAIL,NONE HTTP/1.1\r\n"
        "Host: 127.0.0.1:" +
            std::to_string(server.port()) +
            "\r\n"
            "User-Agent: radar_spoof_exporter/1.2.3\r\n"
            "Accept-Encoding: gzip\r\n"
            "Authorization: Bearer tok+en/=\r\n"
            "Accept: application/json\r\n\r\n");
}

TEST_CASE("requests that follow each other share a connection") {
  MisbehavingServer server(KeepAlive({HttpReply("one"), HttpReply("two")}));
  const auto client = Client();
  CHECK(Fetch(*client, server.Url()).result.value().body == "one");
  const auto second = Fetch(*client, server.Url());
  CHECK(second.result.value().body == "two");
  CHECK(second.connection.address == "127.0.0.1");
  CHECK(second.connection.tls.empty());
  CHECK(server.Connections() == 1);
}

TEST_CASE("a connection of its own is new, and nothing follows on it") {
  MisbehavingServer server(KeepAlive({HttpReply("x")}));
  const auto client = Client();
  const auto fetch = [&](bool own_connection) {
    client->Start(0, {server.Url(), {}, own_connection});
    CHECK(AwaitFinished(*client).result.ok());
    return server.Connections();
  };
  CHECK(fetch(false) == 1);
  CHECK(fetch(true) == 2);
  CHECK(fetch(true) == 3);
  CHECK(fetch(false) == 3);
}

TEST_CASE("a connection that the server closed meanwhile costs nothing") {
  MisbehavingServer server(std::vector{Reply(HttpReply("one")), Reply(HttpReply("two"))});
  const auto client = Client();
  CHECK(Fetch(*client, server.Url()).result.value().body == "one");
  CHECK(Fetch(*client, server.Url()).result.value().body == "two");
  CHECK(server.Connections() == 2);
}

TEST_CASE("bytes behind an answer are never taken for the next one") {
  MisbehavingServer server(std::vector{KeepAlive({HttpReply("one") + HttpReply("smuggled")}),
                                       KeepAlive({HttpReply("two")})});
  const auto client = Client();
  CHECK(Fetch(*client, server.Url()).result.value().body == "one");
  CHECK(Fetch(*client, server.Url()).result.value().body == "two");
}

TEST_CASE("proxies and logins of the environment are not used") {
  MisbehavingServer proxy(Reply(HttpReply("from the proxy")));
  MisbehavingServer server(Reply(HttpReply("from the server")));
  const TemporaryDirectory home;
  home.Write(".netrc", "machine 127.0.0.1 login netrc-user password netrc-password\n");
  setenv("HOME", home.Path("").c_str(), 1);
  unsetenv("no_proxy");
  unsetenv("NO_PROXY");
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    setenv(name, proxy.Url().c_str(), 1);
  }
  const auto client = Client();
  CHECK(Fetch(*client, server.Url()).result.value().body == "from the server");
  CHECK(proxy.Connections() == 0);
  REQUIRE(server.Requests().size() == 1);
  CHECK(server.Requests().front().find("Authorization") == std::string::npos);
}

TEST_CASE("a configured proxy is asked to connect, and sees no credential") {
  const Script refuse = [](Connection& connection) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  };
  MisbehavingServer proxy(refuse);
  MisbehavingServer server(Reply(HttpReply(kGood)));
  unsetenv("no_proxy");
  unsetenv("NO_PROXY");
  setenv("https_proxy", proxy.Url().c_str(), 1);
  std::size_t asked = 0;
  for (const std::string& way : {proxy.Url(), std::string("environment")}) {
    CAPTURE(way);
    const auto client = MakeCurlHttpClient("radar_spoof_exporter/test",
                                           {.ca_file = "", .proxy = way, .timeout = 2s});
    const HttpHeader token{"Authorization", Secret("canary-credential")};
    const auto finished = Fetch(*client, "https://api.example/client", {token});
    CheckFailure(Judge(finished), {FailureReason::kTransport, kT, FailureReason::kConnect});
    CHECK(finished.connection.through_proxy);
    REQUIRE(proxy.Requests().size() == ++asked);
    CHECK(proxy.Requests().back().starts_with("CONNECT api.example:443 HTTP/1.1\r\n"));
    CHECK(proxy.Requests().back().find("canary") == std::string::npos);
    // In the clear it would see everything, so it is not used.
    CHECK(Judge(Fetch(*client, server.Url(), {token})).ok());
    CHECK(proxy.Requests().size() == asked);
  }
}

// --- answers -------------------------------------------------------------------------------------

TEST_CASE("an answer has the status, the headers in lower case and the body as sent") {
  MisbehavingServer server(
      Reply(HttpReply("<html>", "RateLimit: \"a\";r=1\r\nX-Empty:\r\nratelimit:\t\"b\";r=2 \r\n",
                      "503 Service Unavailable")));
  const auto client = Client();
  const auto finished = Fetch(*client, server.Url());
  REQUIRE(finished.result.ok());
  const HttpResponse& response = finished.result.value();
  CHECK(response.status == 503);
  CHECK(response.body == "<html>");
  CHECK(response.Header("ratelimit") == "\"a\";r=1, \"b\";r=2");
  CHECK(response.Header("x-empty").empty());
  CHECK(response.Header("absent").empty());
}

TEST_CASE("headers of an informational answer are dropped") {
  MisbehavingServer server(
      Reply("HTTP/1.1 103 Early Hints\r\nRetry-After: 900\r\nLink: </x>\r\n\r\n" +
            HttpReply("{}", "Retry-After: 7\r\n", "429 Too Many Requests")));
  const auto client = Client();
  const auto finished = Fetch(*client, server.Url());
  REQUIRE(finished.result.ok());
  CHECK(finished.result.value().status == 429);
  CHECK(finished.result.value().Header("retry-after") == "7");
  CHECK(finished.result.value().Header("link").empty());
}

TEST_CASE("a header line that is folded further down is one line") {
  MisbehavingServer server(Reply(HttpReply("{}", "Retry-After:\r\n 7\r\n\tseconds \r\n")));
  const auto client = Client();
  const auto finished = Fetch(*client, server.Url());
  REQUIRE(finished.result.ok());
  CHECK(finished.result.value().headers ==
        std::vector<std::pair<std::string, std::string>>{{"retry-after", "7 seconds"},
                                                         {"content-length", "2"}});
}

TEST_CASE("trailers are not headers") {
  const std::string trailers = "Retry-After: 900\r\nContent-Encoding: br\r\nHTTP/1.1 500 No: x\r\n";
  MisbehavingServer server(
      KeepAlive({Chunked("2\r\n{}\r\n0\r\n" + trailers + "\r\n", "X-Real: 1\r\n"),
                 Chunked("2\r\n[]\r\n0\r\n\r\n", "X-Real: 2\r\n")}));
  const auto client = Client();
  for (const std::string number : {"1", "2"}) {
    const auto finished = Fetch(*client, server.Url());
    REQUIRE(finished.result.ok());
    const HttpResponse& response = finished.result.value();
    CHECK(response.status == 200);
    CHECK(response.Header("retry-after").empty());
    CHECK(response.Header("content-encoding").empty());
    CHECK(response.headers.size() == 2);
    CHECK(response.Header("x-real") == number);
    CHECK(response.body == (number == "1" ? "{}" : "[]"));
  }
  CHECK(server.Connections() == 1);
}

TEST_CASE("a header line that looks like a status line is a header line") {
  MisbehavingServer server(Reply(HttpReply(
      "{}", "Retry-After: 7\r\nHTTP/1.1 500 No: x\r\nHTTP/2: yes\r\n", "429 Too Many Requests")));
  const auto client = Client();
  const auto finished = Fetch(*client, server.Url());
  REQUIRE(finished.result.ok());
  CHECK(finished.result.value().status == 429);
  CHECK(finished.result.value().Header("retry-after") == "7");
  CHECK(finished.result.value().Header("http/2") == "yes");
}

TEST_CASE("a compressed body arrives decoded") {
  MisbehavingServer server(Reply(HttpReply(Gzip(kGood), "Content-Encoding: gzip\r\n")));
  const auto client = Client();
  const auto finished = Fetch(*client, server.Url());
  REQUIRE(finished.result.ok());
  CHECK(finished.result.value().body == kGood);
  CHECK(Judge(finished).ok());
}

TEST_CASE("a redirect is an answer of its own and is never followed") {
  MisbehavingServer elsewhere(Reply(HttpReply(kGood)));
  for (const char* status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect",
                             "308 Permanent Redirect", "300 Choices"}) {
    for (const std::string& target :
         {elsewhere.Url("/other"), std::string("file:///etc/passwd"), std::string("ftp://x/")}) {
      CAPTURE(status);
      CAPTURE(target);
      MisbehavingServer server(Reply(HttpReply("", "Location: " + target + "\r\n", status)));
      const auto client = Client();
      const auto finished =
          Fetch(*client, server.Url(), {{"X-Auth-Key", Secret("canary-credential")}});
      CheckFailure(Judge(finished), {FailureReason::kRejected, kN});
      CHECK(server.Requests().size() == 1);
    }
  }
  CHECK(elsewhere.Connections() == 0);
}

// --- faults on the wire --------------------------------------------------------------------------

TEST_CASE("every fault on the wire has its reason and its retry class") {
  const std::string half = kGood.substr(0, kGood.size() / 2);
  const std::string zipped = Gzip(kGood);
  const std::string gzip = "Content-Encoding: gzip\r\n";
  const auto hang_up = [](Connection& connection) { connection.ReadRequest(); };
  const auto reset = [](Connection& connection) {
    connection.ReadRequest();
    connection.Reset();
  };
  const auto reset_in_body = [&](Connection& connection) {
    connection.ReadRequest();
    connection.Send(WithLength("9999", half));
    connection.Pause(50ms);
    connection.Reset();
  };
  struct Row {
    std::string fault;
    Script script;
    Expected expected;
    bool repeated = false;
  };
  const Expected transport{FailureReason::kTransport, kT};
  const Expected broken_protocol{FailureReason::kTransport, kOnce};
  const Expected no_protocol{FailureReason::kTransport, kN};
  const Expected not_json{FailureReason::kParse, kOnce};
  const Expected page{FailureReason::kParse, kN};
  const Row rows[] = {
      {"closed without a word", hang_up, transport, true},
      {"reset before the header", reset, transport, true},
      {"reset in the body", reset_in_body, transport},
      {"closed in the header", Reply("HTTP/1.1 200 OK\r\nContent-Le"), transport},
      {"shorter than Content-Length", Reply(WithLength("9999", kGood)), transport},
      {"longer than Content-Length", Reply(WithLength("50", kGood)), not_json},
      {"no length, closed early", Reply("HTTP/1.1 200 OK\r\n\r\n" + half), not_json},
      {"Content-Length twice",
       Reply(WithLength("9999\r\nContent-Length: 50", kGood)),
       {FailureReason::kParse, kOnce, FailureReason::kTransport}},
      {"Content-Length abc", Reply(WithLength("abc", kGood)), broken_protocol},
      {"Content-Length negative", Reply(WithLength("-5", kGood)), broken_protocol},
      {"Content-Length huge", Reply(WithLength("99999999999999999999", half)), not_json},
      {"chunk size not a number", Reply(Chunked("zz\r\nabc\r\n0\r\n\r\n")), transport},
      {"chunk size too large", Reply(Chunked("fffffffffffffffff\r\nabc\r\n")), transport},
      {"closed in a chunk", Reply(Chunked("ff\r\nabc")), transport},
      {"last chunk missing", Reply(Chunked("3\r\nabc\r\n")), transport},
      {"gzip garbage", Reply(HttpReply("\x1f\x8bnonsense, not deflate", gzip)), not_json},
      {"no gzip at all", Reply(HttpReply(kGood, gzip)), not_json},
      {"gzip cut short", Reply(HttpReply(zipped.substr(0, zipped.size() / 2), gzip)), not_json},
      {"unknown encoding", Reply(HttpReply(kGood, "Content-Encoding: snappy\r\n")), not_json},
      {"one header of 2 MB", Reply(HttpReply("", "X: " + std::string(2'000'000, 'a') + "\r\n")),
       transport},
      {"endless headers",
       [](Connection& connection) {
         connection.ReadRequest();
         connection.Send("HTTP/1.1 200 OK\r\n");
         connection.SendForever("X-Filler: " + std::string(1000, 'a') + "\r\n");
       },
       transport},
      {"endless informational answers",
       [](Connection& connection) {
         connection.ReadRequest();
         connection.SendForever("HTTP/1.1 103 Early Hints\r\nX: " + std::string(1000, 'a') +
                                "\r\n\r\n");
       },
       transport},
      {"first header line folded", Reply(WithFirstLine(" folded: x")), broken_protocol},
      {"first header line folded, by a tab", Reply(WithFirstLine("\tfolded: x")), broken_protocol},
      {"first header line of blanks", Reply(WithFirstLine("  ")), broken_protocol},
      {"header line without a colon", Reply(WithFirstLine("what is this")), broken_protocol},
      {"endless trailers",
       [](Connection& connection) {
         connection.ReadRequest();
         connection.Send(Chunked("3\r\nabc\r\n0\r\n"));
         connection.SendForever("X-Filler: " + std::string(1000, 'a') + "\r\n");
       },
       transport},
      {"switching protocols",
       Reply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + kGood),
       {FailureReason::kRejected, kN}},
      {"HTTP/0.9", Reply(kGood), no_protocol},
      {"status 99999", Reply(HttpReply(kGood, "", "99999 OK")), no_protocol},
      {"status 2000", Reply(HttpReply(kGood, "", "2000 OK")), no_protocol},
      {"status 099", Reply(HttpReply(kGood, "", "099 OK")), no_protocol},
      {"204", Reply("HTTP/1.1 204 No Content\r\n\r\n"), not_json},
      {"200 and nothing", Reply(HttpReply("")), not_json},
      {"a page for people", Reply(HttpReply("<!DOCTYPE html><p>Sign in", "")), page},
      {"an edge failure",
       Reply(HttpReply("<html>", "", "520 Unknown")),
       {FailureReason::kServer, kT}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fault);
    MisbehavingServer server(row.script);
    const auto client = Client(5s);
    CheckFailure(Judge(Fetch(*client, server.Url())), row.expected);
    // libcurl repeats a request of itself when a reused connection turns out dead; here none was.
    CHECK(server.Requests().size() == 1);
  }
  // The same, on a connection that gave a good answer before, and a good answer after it.
  for (const Row& row : rows) {
    CAPTURE(row.fault);
    const Script good_then_fault = [&row](Connection& connection) {
      connection.ReadRequest();
      connection.Send(HttpReply(kGood, "Content-Type: application/json\r\n"));
      row.script(connection);
    };
    MisbehavingServer server(
        std::vector{good_then_fault, row.script, KeepAlive({HttpReply(kGood)})});
    const auto client = Client(5s);
    CHECK(Judge(Fetch(*client, server.Url())).ok());
    CheckFailure(Judge(Fetch(*client, server.Url())), row.expected);
    // Whether the connection had died before the request came could not be told.
    const int repeated = row.repeated ? 1 : 0;
    CHECK(server.Connections() == 1 + repeated);
    CHECK(server.Requests().size() == 2 + repeated);
    if (repeated == 0) CheckFailure(Judge(Fetch(*client, server.Url())), row.expected);
    CHECK(Judge(Fetch(*client, server.Url())).ok());
  }
}

TEST_CASE("the header of an answer is read whatever a lying Content-Length says of the body") {
  MisbehavingServer server(Reply(WithLength("99999999999999999999", kGood)));
  const auto client = Client();
  CHECK(Judge(Fetch(*client, server.Url())).ok());
}

TEST_CASE("whatever comes too slowly ends with the timeout") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
  const auto drip = [](std::string before, std::string dripped) {
    return [=](Connection& connection) {
      connection.ReadRequest();
      connection.Send(before);
      connection.Drip(dripped, 20ms);
    };
  };
  const auto silent = [](Connection& connection) { connection.Stall(); };
  struct Row {
    std::string fault;
    Script script;
    std::string scheme;
  };
  const Row rows[] = {
      {"no header at all", ReplyThenStall(""), "http"},
      {"header stalls", ReplyThenStall("HTTP/1.1 200 OK\r\nContent-"), "http"},
      {"header drips", drip("HTTP/1.1 200 OK\r\n", std::string(500, 'a')), "http"},
      {"body stalls", ReplyThenStall(head + "{\"success\":"), "http"},
      {"body drips", drip(head, std::string(500, ' ')), "http"},
      {"chunk stalls", ReplyThenStall(Chunked("ff\r\nabc")), "http"},
      {"handshake stalls", silent, "https"},
  };
  std::vector<std::unique_ptr<MisbehavingServer>> servers;
  const auto client = Client(1s);
  for (const Row& row : rows) {
    servers.push_back(std::make_unique<MisbehavingServer>(row.script));
    client->Start(servers.size() - 1,
                  {row.scheme + "://127.0.0.1:" + std::to_string(servers.back()->port()), {}});
  }
  std::set<HttpClient::TransferId> ended;
  while (ended.size() < std::size(rows)) {
    const auto finished = AwaitFinished(*client);
    CAPTURE(rows[finished.id].fault);
    CheckFailure(Judge(finished), {FailureReason::kTimeout, kT});
    CHECK(finished.duration >= 900ms);
    ended.insert(finished.id);
  }
}

TEST_CASE("a peer that does not take the connection ends with the timeout") {
  // On loopback only a full backlog leaves a SYN without an answer.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener, generic, size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, generic, &size) == 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), generic, size);
  }
  const auto client = Client(1s);
  const auto finished =
      Fetch(*client, "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  CheckFailure(Judge(finished), {FailureReason::kTimeout, kT});
  for (const int filler : fillers) ::close(filler);
  ::close(listener);
}

TEST_CASE("nobody listening is connect") {
  int free_port = 0;
  { free_port = MisbehavingServer(Reply("")).port(); }
  const auto client = Client();
  CheckFailure(Judge(Fetch(*client, "http://127.0.0.1:" + std::to_string(free_port))),
               {FailureReason::kConnect, kT});
}

TEST_CASE("a name that does not resolve is dns") {
  // A label of 64 characters is refused by the resolver itself: nothing leaves the machine.
  const auto client = Client(5s);
  CheckFailure(Judge(Fetch(*client, "http://" + std::string(64, 'a') + ".invalid/")),
               {FailureReason::kDns, kT});
}

TEST_CASE("only http and https are spoken") {
  const auto client = Client();
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"}) {
    CAPTURE(url);
    CheckFailure(Judge(Fetch(*client, url)), {FailureReason::kTransport, kN});
  }
}

// --- size ----------------------------------------------------------------------------------------

TEST_CASE("a body is taken up to the limit and refused beyond it") {
  struct Row {
    std::string form;
    std::string reply;
    bool fits;
  };
  const std::string largest(kBodyLimit, ' ');
  const std::string gzip = "Content-Encoding: gzip\r\n";
  const Row rows[] = {
      {"the largest, plain", HttpReply(largest), true},
      {"one more, plain", HttpReply(largest + ' '), false},
      {"the largest, gzip", HttpReply(Gzip(largest), gzip), true},
      {"one more, gzip", HttpReply(Gzip(largest + ' '), gzip), false},
      {"one more, until the end", "HTTP/1.1 200 OK\r\n\r\n" + largest + ' ', false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.form);
    MisbehavingServer server(Reply(row.reply));
    const auto client = Client(20s);
    const auto finished = Fetch(*client, server.Url());
    CHECK(finished.result.ok() == row.fits);
    if (row.fits) {
      CHECK(finished.result.value().body.size() == kBodyLimit);
    } else {
      CheckFailure(Judge(finished), {FailureReason::kTooLarge, kN});
      CHECK(finished.result.error().fewer_series == FewerSeries::kHelp);
    }
  }
}

// Each alone, because memory that one has touched hides what the next one needs.
void CheckMemoryFor(const Script& script) {
  MisbehavingServer server(script);
  const auto client = Client(20s);
  std::optional<HttpClient::Finished> finished;
  const std::int64_t rise = PeakRiseInKibibytes([&] { finished = Fetch(*client, server.Url()); });
  CheckFailure(Judge(*finished), {FailureReason::kTooLarge, kN});
  // A sanitizer's shadow memory and quarantine are not the program's.
  if (!kSanitized) CHECK(rise < 8 * 1024);
}

TEST_CASE("a gzip bomb of 1 GiB takes less than 8 MiB of memory") {
  const std::string bomb = HttpReply(GzipOfZeros(1024), "Content-Encoding: gzip\r\n");
  CHECK(bomb.size() < std::size_t{2} << 20);
  CheckMemoryFor([&bomb](Connection& connection) {
    connection.ReadRequest();
    connection.Send(bomb);
    connection.Stall();
  });
}

TEST_CASE("an endless body takes less than 8 MiB of memory") {
  const std::string chunk = "1000\r\n" + std::string(0x1000, ' ') + "\r\n";
  CheckMemoryFor([&chunk](Connection& connection) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.SendForever(chunk);
  });
}

// --- TLS -----------------------------------------------------------------------------------------

std::unique_ptr<HttpServer> TlsServer(const TemporaryDirectory& directory, const std::string& name,
                                      std::atomic<int>& requests) {
  const TlsSettings tls{.certificate_pem = ReadText(directory.Path(name + ".crt")),
                        .key_pem = ReadText(directory.Path(name + ".key")),
                        .client_ca_pem = ""};
  const auto answer = [&requests](const ServerRequest&) {
    ++requests;
    return ServerResponse{200, {}, kGood, 0ms};
  };
  auto server = HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kPool, answer,
                                  {.max_connections = 16, .tls = tls, .on_error = {}});
  REQUIRE(server.ok());
  return std::move(server).value();
}

constexpr const char* kValid = "-days 2";
constexpr const char* kExpired = "-startdate 20200101000000Z -enddate 20200102000000Z";

// A certificate that signs itself, like MakeCertificate's, but not as it should be. `openssl ca`
// makes it, for `openssl x509` of version 3.0 knows no dates, and that of 3.5 none that are past.
void MakeBadCertificate(const TemporaryDirectory& directory, const std::string& name,
                        const std::string& key, const std::string& subject_alt_name,
                        const std::string& validity) {
  directory.Write(
      "ca.conf",
      "[ca]\ndefault_ca=this\n[this]\ndatabase=issued\nnew_certs_dir=.\nrand_serial=yes\n"
      "unique_subject=no\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\n"
      "[any]\ncommonName=supplied\n");
  directory.Write("issued", "");
  const std::string commands =
      "cd '" + directory.Path(".") + "' && exec 2>/dev/null && openssl req -new -newkey " + key +
      " -nodes -subj /CN=" + name + " -addext subjectAltName=" + subject_alt_name + " -keyout " +
      name + ".key -out " + name +
      ".csr && openssl ca -config ca.conf -selfsign -batch -notext -keyfile " + name + ".key -in " +
      name + ".csr " + validity + " -out " + name + ".crt";
  REQUIRE(std::system(commands.c_str()) == 0);
}

std::string HttpsUrl(int port) { return "https://127.0.0.1:" + std::to_string(port) + "/"; }

TEST_CASE("an answer over TLS is taken from a server that the CA file vouches for") {
  const TemporaryDirectory directory;
  MakeCertificate(directory, "good");
  std::atomic<int> requests = 0;
  const auto server = TlsServer(directory, "good", requests);
  const auto client = Client(5s, directory.Path("good.crt"));
  for (int i = 0; i < 2; ++i) {  // the second over the same connection
    const auto finished = Fetch(*client, HttpsUrl(server->port()));
    CHECK(finished.connection.tls == "TLSv1.3");
    CHECK(finished.connection.issuer.find("CN=") != std::string::npos);
    CHECK(finished.connection.address == "127.0.0.1");
    CHECK_FALSE(finished.connection.through_proxy);
    CHECK(Judge(finished).ok());
  }
}

TEST_CASE("a server that cannot prove who it is gets no request") {
  const TemporaryDirectory directory;
  const std::string elliptic = "ec -pkeyopt ec_paramgen_curve:prime256v1";
  MakeCertificate(directory, "good");
  MakeCertificate(directory, "self_signed");
  MakeBadCertificate(directory, "expired", elliptic, "IP:127.0.0.1", kExpired);
  MakeBadCertificate(directory, "wrong_host", elliptic, "DNS:other.example", kValid);
  MakeBadCertificate(directory, "weak_key", "rsa:1024", "IP:127.0.0.1", kValid);
  directory.Write("empty.crt", "");
  struct Row {
    std::string certificate;
    std::string authority;
    std::string told;
  };
  const Row rows[] = {
      {"expired", directory.Path("expired.crt"), "expired"},
      {"wrong_host", directory.Path("wrong_host.crt"), "127.0.0.1"},
      {"weak_key", directory.Path("weak_key.crt"), "too weak"},
      {"self_signed", directory.Path("good.crt"), "self-signed"},
      {"self_signed", "", "self-signed"},
      {"good", directory.Path("missing.crt"), "missing.crt"},
      {"good", directory.Path("empty.crt"), "empty.crt"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.certificate);
    CAPTURE(row.authority);
    std::atomic<int> requests = 0;
    const auto server = TlsServer(directory, row.certificate, requests);
    const auto client = Client(5s, row.authority);
    const auto judged = Judge(Fetch(*client, HttpsUrl(server->port())));
    CheckFailure(judged, {FailureReason::kTls, kN});
    CAPTURE(judged.error().detail);
    CHECK(judged.error().detail.find(row.told) != std::string::npos);
    CHECK(requests == 0);
  }
}

TEST_CASE("a peer that speaks no TLS 1.2 is tls") {
  // What it would answer: a fatal protocol_version alert; or plain HTTP on the TLS port.
  const std::string replies[] = {std::string("\x15\x03\x01\x00\x02\x02\x46", 7),
                                 "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"};
  for (const std::string& reply : replies) {
    MisbehavingServer server([&](Connection& connection) {
      connection.Send(reply);
      connection.Stall();
    });
    const auto client = Client(5s);
    CheckFailure(Judge(Fetch(*client, HttpsUrl(server.port()))), {FailureReason::kTls, kN});
  }
}

// --- the wait ------------------------------------------------------------------------------------

// Without transfers: libcurl's own timers would end the wait as well.
TEST_CASE("Wake ends a wait at once, from another thread and ahead of it") {
  const auto client = Client();
  SUBCASE("from another thread") {
    std::atomic<bool> woken = false;
    std::thread waker([&] {
      std::this_thread::sleep_for(100ms);
      woken = true;
      client->Wake();
    });
    CHECK_FALSE(client->Wait(1h));
    CHECK(woken);
    waker.join();
  }
  SUBCASE("ahead of it") {
    client->Wake();
    CHECK_FALSE(client->Wait(1h));
  }
}

TEST_CASE("a wait without transfers lasts as long as it was told") {
  const auto client = Client();
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(client->Wait(150ms));
  const auto waited = std::chrono::steady_clock::now() - began;
  CHECK(waited >= 140ms);
  CHECK(waited < 1s);
}

TEST_CASE("a slow transfer does not delay another") {
  MisbehavingServer slow(ReplyThenStall(""));
  MisbehavingServer fast(Reply(HttpReply("fast")));
  const auto client = Client(5s);
  client->Start(1, {slow.Url(), {}});
  REQUIRE_FALSE(client->Wait(50ms));
  client->Start(2, {fast.Url(), {}});
  const auto finished = AwaitFinished(*client);
  CHECK(finished.id == 2);
  CHECK(finished.result.value().body == "fast");
  CHECK(finished.duration < 1s);
}

TEST_CASE("transfers that end together are all reported, each once") {
  MisbehavingServer server(KeepAlive({HttpReply("x")}));
  const auto client = Client(5s);
  for (HttpClient::TransferId id = 0; id < 20; ++id) client->Start(id, {server.Url(), {}});
  std::set<HttpClient::TransferId> ended;
  for (int i = 0; i < 20; ++i) CHECK(ended.insert(AwaitFinished(*client).id).second);
  CHECK_FALSE(client->Wait(20ms));
  CHECK(server.Connections() <= 8);
}

TEST_CASE("what was cancelled is never reported, and its id is free again") {
  MisbehavingServer server(std::vector{ReplyThenStall(""), Reply(HttpReply("second"))});
  const auto client = Client(5s);
  client->Start(7, {server.Url(), {}});
  while (server.Requests().empty()) CHECK_FALSE(client->Wait(10ms));
  client->CancelAll();
  CHECK_FALSE(client->Wait(20ms));
  client->Start(7, {server.Url(), {}});
  const auto finished = AwaitFinished(*client);
  CHECK(finished.id == 7);
  CHECK(finished.result.value().body == "second");
}

TEST_CASE("new options hold for the transfers started afterwards") {
  MisbehavingServer server(ReplyThenStall(""));
  const auto client = Client(20s);
  client->Configure({.ca_file = "", .timeout = 1s});
  const auto finished = Fetch(*client, server.Url());
  CheckFailure(Judge(finished), {FailureReason::kTimeout, kT});
  CHECK(finished.duration < 2s);
}

}  // namespace
}  // namespace radar_spoof::test
