#include "radar_spoof/serve/gzip.h"

#include <array>
#include <cstdio>
#include <random>
#include <stdexcept>

#include <doctest/doctest.h>

#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

// By the gzip command: another reader than the library that wrote it.
std::string Gunzip(const std::string& compressed) {
  const test::TemporaryDirectory directory;
  const std::string command = "gzip -dc '" + directory.Write("page.gz", compressed) + "'";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  std::array<char, 65536> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    text.append(buffer.data(), size);
  }
  CHECK(::pclose(pipe) == 0);
  return text;
}

TEST_CASE("what was compressed is read back by gzip, whatever it was") {
  std::mt19937 random(1);
  std::string noise(1'000'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  for (const std::string& text : {std::string(), std::string("a"), std::string("a\0b", 3),
                                  std::string(10'000'000, 'x'), noise}) {
    CAPTURE(text.size());
    CHECK(Gunzip(Gzip(text)) == text);
  }
}

TEST_CASE("a page of metrics becomes a small part of itself") {
  std::string page;
  for (int i = 0; i < 1000; ++i) {
    page += "cloudflare_radar_email_spoof_ratio{query=\"q" + std::to_string(i) + "\"} 0." +
            std::to_string(i) + "\n";
  }
  CHECK(Gzip(page).size() < page.size() / 5);
}

TEST_CASE("what was begun is read back with whatever it was ended with") {
  std::mt19937 random(2);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  for (const std::string& first :
       {std::string(), std::string("a"), std::string(2'000'000, 'x'), noise}) {
    const GzipBegun begun = BeginGzip(first);
    for (const std::string& rest : {std::string(), std::string("b\n"), noise}) {
      CAPTURE(first.size());
      CAPTURE(rest.size());
      CHECK(Gunzip(begun.bytes + EndGzip(begun, rest)) == first + rest);
    }
  }
}

TEST_CASE("equal input gives equal output") { CHECK(Gzip("metrics") == Gzip("metrics")); }

}  // namespace
}  // namespace radar_spoof
