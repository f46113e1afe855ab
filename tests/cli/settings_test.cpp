#include "radar_spoof/cli/settings.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

std::vector<const char*> EnvironmentPointers() {
  std::vector<const char*> pointers;
  for (const char* const* each = environ; *each != nullptr; ++each) pointers.push_back(*each);
  return pointers;
}

TEST_CASE("a variable that was read holds nothing, and no other one is moved for it") {
  constexpr const char* kName = "RADAR_SPOOF_TEST_TOKEN";
  constexpr std::string_view kValue = "canary-0123456789";
  setenv(kName, kValue.data(), 1);
  const char* const value = std::getenv(kName);
  const auto before = EnvironmentPointers();

  CredentialSource source;
  source.token_env = kName;
  ProcessEnvironment environment;
  for (int i = 0; i < 2; ++i) {
    const auto reading = environment.ReaderOf(source).Read();
    REQUIRE(reading);
    CHECK(std::get<BearerToken>(reading.value().credentials).token.Reveal() == kValue);
    CHECK(std::all_of(value, value + kValue.size(), [](char c) { return c == '\0'; }));
    CHECK(EnvironmentPointers() == before);
  }
  unsetenv(kName);
}

}  // namespace
}  // namespace radar_spoof
