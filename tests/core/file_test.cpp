#include "radar_spoof/core/file.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

const std::string kText = "a file\n" + HashedLine("one") + HashedLine("") + HashedLine("three");

TEST_CASE("lines that were written are read back, the last also without its newline") {
  for (const std::string& text : {kText, kText.substr(0, kText.size() - 1)}) {
    HashedLines lines(text, "a file");
    REQUIRE(lines.begins_right());
    CHECK(lines.Next() == "one");
    CHECK(lines.Next() == "");
    CHECK_FALSE(lines.AtEnd());
    CHECK(lines.Next() == "three");
    CHECK(lines.AtEnd());
  }
}

TEST_CASE("a byte that was changed costs its line, or the next one too, and no other") {
  for (std::size_t at = kText.find('\n') + 1; at < kText.size(); ++at) {
    CAPTURE(at);
    std::string changed = kText;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    int good = 0;
    for (HashedLines lines(changed, "a file"); !lines.AtEnd();) {
      if (const auto line = lines.Next()) {
        CHECK((line == "one" || line == "" || line == "three"));
        ++good;
      }
    }
    CHECK(good >= 1);
    CHECK(good <= 2);
  }
}

TEST_CASE("another first line is another file") {
  CHECK(HashedLines("a file", "a file").begins_right());
  for (const char* text : {"", "\n", "a fil\n", "a files\n", " a file\n"}) {
    CAPTURE(text);
    CHECK_FALSE(HashedLines(text, "a file").begins_right());
  }
}

}  // namespace
}  // namespace radar_spoof
