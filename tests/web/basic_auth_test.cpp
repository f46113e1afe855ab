#include "radar_spoof/web/basic_auth.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

using Users = std::map<std::string, std::string>;

// Hashes of "secret", "Grüße" and twice again "secret", at the costs in their names.
constexpr const char* kSecretCost4 = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr const char* kGruesseCost4 =
    "$2y$04$abcdefghijklmnopqrstuuzzfwLY11Q0O66TF2XZ7FUib2Ngtn1va";
constexpr const char* kSecretCost10 =
    "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u";
constexpr const char* kSecretCost13 =
    "$2b$13$abcdefghijklmnopqrstuuyd9ipDgNyTEie103vumVuve9x.2WtxW";

TEST_CASE("an Authorization header is read only if it is basic authentication in full") {
  struct Row {
    const char* header;
    const char* user;  // nullptr: refused
    const char* password;
  };
  const Row rows[] = {
      {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},  // RFC 7617
      {"basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
      {"BASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ== ", "Aladdin", "open sesame"},
      {"Basic YTpiOmM=", "a", "b:c"},
      {"Basic Og==", "", ""},
      {"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},
      {"", nullptr, nullptr},
      {"Basic", nullptr, nullptr},
      {"Basic ", nullptr, nullptr},
      {"BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==", nullptr, nullptr},
      {"Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", nullptr, nullptr},
      {"Basic QWxhZGRpbg==", nullptr, nullptr},                // no colon
      {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", nullptr, nullptr},  // no padding
      {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=====", nullptr, nullptr},
      {"Basic ====", nullptr, nullptr},
      {"Basic YTpi!!!!", nullptr, nullptr},
      {"Basic YTpiAA==", nullptr, nullptr},  // NUL in the password
      {"Basic YTpiCg==", nullptr, nullptr},  // newline in the password
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    const auto credentials = ParseBasicAuthorization(row.header);
    CHECK(credentials.has_value() == (row.user != nullptr));
    if (credentials && row.user != nullptr) {
      CHECK(credentials->user == row.user);
      CHECK(credentials->password == row.password);
    }
  }
}

constexpr SteadyTime kFirstTry{Seconds(1000)};
constexpr const char* kClient = "192.0.2.1";

AuthDecision Waited(const AuthDecision& decision) {
  if (decision.outcome != AuthDecision::Outcome::kComparing) return decision;
  std::promise<void> done;
  decision.comparison->done.Then([&done] { done.set_value(); });
  done.get_future().wait();
  return decision.comparison->decision;
}

// "allowed", "refused", or "later" with the seconds; waits for a comparison.
std::string Outcome(const AuthDecision& first) {
  const AuthDecision decision = Waited(first);
  switch (decision.outcome) {
    case AuthDecision::Outcome::kAllowed: return "allowed";
    case AuthDecision::Outcome::kRefused: return "refused";
    case AuthDecision::Outcome::kTryLater:
    case AuthDecision::Outcome::kComparing: break;
  }
  return "later " + std::to_string(decision.retry_after.count());
}

// A client that never guesses twice, so that only what it says counts.
bool Allows(BasicAuth& auth, std::string_view header) {
  static std::atomic<int> client = 0;
  const std::string address = "192.0.2." + std::to_string(++client);
  return Outcome(auth.Check(header, address, 0, kFirstTry)) == "allowed";
}

TEST_CASE("16 KiB of base64 are refused like any wrong password") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  std::string header = "Basic cHJvbTph";  // prom:a
  while (header.size() < 16'000) header += "YWFh";
  CHECK(!Allows(auth, header));
}

TEST_CASE("the right password of a known user is let in, again and again, and nothing else") {
  BasicAuth auth(Users{{"prom", kSecretCost4}, {"j\xc3\xb6rg", kGruesseCost4}});
  for (int turn = 0; turn < 3; ++turn) {
    CHECK(Allows(auth, "Basic cHJvbTpzZWNyZXQ="));       // prom:secret
    CHECK(Allows(auth, "Basic asO2cmc6R3LDvMOfZQ=="));   // jörg:Grüße
    CHECK(!Allows(auth, "Basic cHJvbTpTZWNyZXQ="));      // prom:Secret
    CHECK(!Allows(auth, "Basic cHJvbTpzZWNyZXQA"));      // prom:secret and a NUL
    CHECK(!Allows(auth, "Basic cHJvbTo="));              // prom: and no password
    CHECK(!Allows(auth, "Basic UHJvbTpzZWNyZXQ="));      // Prom:secret
    CHECK(!Allows(auth, "Basic cHJvbTpHcsO8w59l"));      // prom with jörg's password
    CHECK(!Allows(auth, "Basic bm9ib2R5OnNlY3JldA=="));  // nobody, with prom's password
    CHECK(!Allows(auth, ""));
  }
}

TEST_CASE("only forms of bcrypt that libcrypt and Go agree on are taken for hashes") {
  const std::string tail = "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
  for (const char* head : {"$2y$04$", "$2a$10$", "$2b$31$"}) CHECK(IsBcryptHash(head + tail));
  for (const char* head :
       {"$2x$04$", "$2$004$", "$1y$04$", "$2y$03$", "$2y$32$", "$2y$4$0", "2y$04$$"}) {
    CAPTURE(head);
    CHECK(!IsBcryptHash(head + tail));
  }
  CHECK(!IsBcryptHash("$2y$04$" + tail + "a"));
  CHECK(!IsBcryptHash("$2y$04$" + tail.substr(1)));
  CHECK(!IsBcryptHash("$2y$04$" + tail.substr(1) + "!"));
  CHECK(!IsBcryptHash("secret"));
  CHECK(!IsBcryptHash(""));
}

bool IsCompared(BasicAuth& auth, std::string_view header) {
  static std::atomic<int> client = 0;
  const AuthDecision decision =
      auth.Check(header, "198.51.100." + std::to_string(++client), 0, kFirstTry);
  (void)Waited(decision);
  return decision.outcome == AuthDecision::Outcome::kComparing;
}

// CPU time of the process, so that a busy machine changes nothing.
double SecondsOfWork(BasicAuth& auth, std::string_view header) {
  const std::clock_t start = std::clock();
  CHECK(IsCompared(auth, header));
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST_CASE("credentials that were right before cost no second bcrypt") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  CHECK(IsCompared(auth, "Basic cHJvbTpzZWNyZXQ="));
  CHECK(!IsCompared(auth, "Basic cHJvbTpzZWNyZXQ="));
}

TEST_CASE("an unknown user takes as much work as a wrong password for the costliest hash") {
  BasicAuth auth(Users{{"anna", kSecretCost4}, {"prom", kSecretCost10}, {"zoe", kSecretCost4}});
  const auto wrong = SecondsOfWork(auth, "Basic cHJvbTpTZWNyZXQ=");
  const auto unknown = SecondsOfWork(auth, "Basic bm9ib2R5OnNlY3JldA==");
  CHECK(unknown > wrong / 3);
  CHECK(unknown < wrong * 3);
}

constexpr const char* kRight = "Basic cHJvbTpzZWNyZXQ=";       // prom:secret
constexpr const char* kWrong = "Basic cHJvbTo=";               // prom: and no password
constexpr const char* kNobody = "Basic bm9ib2R5OnNlY3JldA==";  // nobody:secret

TEST_CASE("who has no users lets everyone in") {
  BasicAuth auth(Users{});
  CHECK(Outcome(auth.Check("", kClient, 0, kFirstTry)) == "allowed");
  CHECK(Outcome(auth.Check(kWrong, kClient, 0, kFirstTry)) == "allowed");
}

TEST_CASE("after 10 wrong guesses in a minute a client's next are not looked at until it is over") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  for (int guess = 0; guess < 10; ++guess) {
    CHECK(Outcome(auth.Check(guess % 2 == 0 ? kWrong : kNobody, kClient, 0,
                             kFirstTry + Seconds(guess))) == "refused");
  }
  CHECK(Outcome(auth.Check(kWrong, kClient, 0, kFirstTry + Seconds(10))) == "later 50");
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry + Milliseconds(59'999))) == "later 1");
  CHECK(Outcome(auth.Check(kWrong, "192.0.2.2", 0, kFirstTry + Seconds(10))) == "refused");
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry + Seconds(60))) == "allowed");
}

TEST_CASE("requests without credentials are not guesses") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  for (int turn = 0; turn < 20; ++turn) {
    CHECK(Outcome(auth.Check("", kClient, 0, kFirstTry)) == "refused");
    CHECK(Outcome(auth.Check("Bearer x", kClient, 0, kFirstTry)) == "refused");
  }
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry)) == "allowed");
}

TEST_CASE("credentials that were right before are let in from an address that guesses, too") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry)) == "allowed");
  for (int guess = 0; guess < 11; ++guess) (void)Outcome(auth.Check(kWrong, kClient, 0, kFirstTry));
  CHECK(Outcome(auth.Check(kWrong, kClient, 0, kFirstTry)) == "later 60");
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry)) == "allowed");
}

TEST_CASE("new users take the place of the old; who is known stays so with the same hash only") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  CHECK(Allows(auth, kRight));
  auth.SetUsers(Users{{"prom", kSecretCost4}, {"other", kSecretCost4}}, 0);
  CHECK(!IsCompared(auth, kRight));
  auth.SetUsers(Users{{"prom", kGruesseCost4}}, 0);
  CHECK(!Allows(auth, kRight));
  CHECK(Allows(auth, "Basic cHJvbTpHcsO8w59l"));  // prom:Grüße
  auth.SetUsers(Users{{"other", kSecretCost4}}, 0);
  CHECK(!Allows(auth, "Basic cHJvbTpHcsO8w59l"));
}

TEST_CASE(
    "connections of earlier settings keep their users, and have none once those are forgotten") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  auth.SetUsers({}, 1);
  CHECK(Outcome(auth.Check("", kClient, 0, kFirstTry)) == "refused");
  CHECK(Outcome(auth.Check("", kClient, 1, kFirstTry)) == "allowed");
  auth.SetUsers(Users{{"prom", kGruesseCost4}}, 2);
  CHECK(Outcome(auth.Check("", kClient, 1, kFirstTry)) == "allowed");
  CHECK(Outcome(auth.Check(kRight, kClient, 2, kFirstTry)) == "refused");
  for (int settings = 3; settings < 20; ++settings) auth.SetUsers({}, settings);
  CHECK(Outcome(auth.Check("", kClient, 1, kFirstTry)) == "refused");
  CHECK(Outcome(auth.Check("", kClient, 19, kFirstTry)) == "allowed");
}

TEST_CASE("users for settings that never came are forgotten when others come") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  auth.SetUsers({}, 1);
  auth.SetUsers(Users{{"other", kSecretCost4}}, 0);
  CHECK(Outcome(auth.Check("", kClient, 1, kFirstTry)) == "refused");
}

// As an event loop does: without waiting for what it is told.
TEST_CASE("who asks never waits: a client's guesses are compared one at a time, the known let in") {
  BasicAuth auth(Users{{"prom", kSecretCost4}, {"slow", kSecretCost13}});
  CHECK(Allows(auth, kRight));
  const std::string slow = "Basic c2xvdzp3cm9uZw==";  // slow:wrong, half a second of work
  using enum AuthDecision::Outcome;
  const AuthDecision first = auth.Check(slow, kClient, 0, kFirstTry);
  CHECK(first.outcome == kComparing);
  CHECK(Outcome(auth.Check(slow, kClient, 0, kFirstTry)) == "later 1");
  CHECK(Outcome(auth.Check(kRight, kClient, 0, kFirstTry)) == "allowed");
  const AuthDecision other = auth.Check("Basic cHJvbTo=", "192.0.2.9", 0, kFirstTry);
  CHECK(other.outcome == kComparing);
  CHECK(Outcome(other) == "refused");
  CHECK(Outcome(first) == "refused");
}

TEST_CASE("16 guesses wait, of as many clients; one more is told to try later") {
  auto auth = std::make_unique<BasicAuth>(Users{{"slow", kSecretCost13}});
  const double one = SecondsOfWork(*auth, "Basic c2xvdzpvdGhlcg==");
  const auto guess = [&](int client) {
    return auth->Check("Basic c2xvdzp3cm9uZw==", "192.0.2." + std::to_string(client), 0, kFirstTry);
  };
  for (int i = 0; i < 16; ++i) CHECK(guess(i).outcome == AuthDecision::Outcome::kComparing);
  CHECK(Outcome(guess(16)) == "later 1");
  const std::clock_t start = std::clock();
  auth.reset();  // without those that wait, or it would take as much CPU time as 16
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 6 * one);
}

TEST_CASE("many threads may ask at once") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  CHECK(Allows(auth, kRight));
  std::vector<std::future<bool>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&auth, i] {
      bool all = true;
      for (int turn = 0; turn < 20; ++turn) {
        all &= Allows(auth, kRight);
        if (i % 2 == 0) all &= !Allows(auth, kWrong);  // refused, or told to try later
      }
      return all;
    }));
  }
  for (auto& answer : answers) CHECK(answer.get());
}

constexpr SteadyTime kFirstGuess{1000s};

void Fail(FailedLogins& failed, const std::string& client, SteadyTime now, int times = 10) {
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
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  const auto guess = [&](std::string_view client) {
    return Outcome(auth.Check(kWrong, client, 0, kFirstGuess));
  };
  for (int i = 0; i < 5; ++i) {
    CHECK(guess("2001:db8::1") == "refused");
    CHECK(guess("2001:db8::ffff:0:0:2") == "refused");
  }
  CHECK(guess("2001:db8:0:0:3::") == "later 60");
  CHECK(guess("2001:db8:0:1::1") == "refused");
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
