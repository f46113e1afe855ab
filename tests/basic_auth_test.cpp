#include "radar_spoof/serve/basic_auth.h"

#include <future>
#include <vector>

#include <doctest/doctest.h>
#include <time.h>

#include "radar_spoof/serve/password.h"

namespace radar_spoof {
namespace {

using Users = std::map<std::string, std::string>;

// Hashes of "secret", "Grüße" and again "secret", at the costs in their names.
constexpr const char* kSecretCost4 = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr const char* kGruesseCost4 =
    "$2y$04$abcdefghijklmnopqrstuuzzfwLY11Q0O66TF2XZ7FUib2Ngtn1va";
constexpr const char* kSecretCost10 =
    "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u";

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

TEST_CASE("16 KiB of base64 are refused like any wrong password") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  std::string header = "Basic cHJvbTph";  // prom:a
  while (header.size() < 16'000) header += "YWFh";
  CHECK(!auth.Allows(header));
}

TEST_CASE("the right password of a known user is let in, again and again, and nothing else") {
  BasicAuth auth(Users{{"prom", kSecretCost4}, {"j\xc3\xb6rg", kGruesseCost4}});
  for (int turn = 0; turn < 3; ++turn) {
    CHECK(auth.Allows("Basic cHJvbTpzZWNyZXQ="));       // prom:secret
    CHECK(auth.Allows("Basic asO2cmc6R3LDvMOfZQ=="));   // jörg:Grüße
    CHECK(!auth.Allows("Basic cHJvbTpTZWNyZXQ="));      // prom:Secret
    CHECK(!auth.Allows("Basic cHJvbTpzZWNyZXQA"));      // prom:secret and a NUL
    CHECK(!auth.Allows("Basic cHJvbTo="));              // prom: and no password
    CHECK(!auth.Allows("Basic UHJvbTpzZWNyZXQ="));      // Prom:secret
    CHECK(!auth.Allows("Basic cHJvbTpHcsO8w59l"));      // prom with jörg's password
    CHECK(!auth.Allows("Basic bm9ib2R5OnNlY3JldA=="));  // nobody, with prom's password
    CHECK(!auth.Allows(""));
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

// CPU time of this thread, so that a busy machine changes nothing.
double SecondsOfWork(BasicAuth& auth, std::string_view header) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  (void)auth.Allows(header);
  return now() - start;
}

TEST_CASE("credentials that were right before cost no second bcrypt") {
  BasicAuth auth(Users{{"prom", kSecretCost10}});
  const auto first = SecondsOfWork(auth, "Basic cHJvbTpzZWNyZXQ=");
  const auto second = SecondsOfWork(auth, "Basic cHJvbTpzZWNyZXQ=");
  CHECK(second < first / 3);
}

TEST_CASE("an unknown user takes as much work as a wrong password") {
  BasicAuth auth(Users{{"prom", kSecretCost10}});
  const auto wrong = SecondsOfWork(auth, "Basic cHJvbTpTZWNyZXQ=");
  const auto unknown = SecondsOfWork(auth, "Basic bm9ib2R5OnNlY3JldA==");
  CHECK(unknown > wrong / 3);
  CHECK(unknown < wrong * 3);
}

TEST_CASE("many threads may ask at once") {
  BasicAuth auth(Users{{"prom", kSecretCost4}});
  std::vector<std::future<bool>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&auth, i] {
      bool all = true;
      for (int turn = 0; turn < 20; ++turn) {
        all &= auth.Allows("Basic cHJvbTpzZWNyZXQ=") == true;
        if (i % 2 == 0) all &= !auth.Allows("Basic cHJvbTo=");
      }
      return all;
    }));
  }
  for (auto& answer : answers) CHECK(answer.get());
}

}  // namespace
}  // namespace radar_spoof
