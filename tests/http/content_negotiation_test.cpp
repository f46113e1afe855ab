#include "radar_spoof/http/content_negotiation.h"

#include <ostream>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

struct HeaderRow {
  const char* who;
  const char* header;
  bool expected;
};

TEST_CASE("gzip is sent to those who allow it, and to nobody else") {
  const HeaderRow rows[] = {
      {"Prometheus, curl --compressed of old", "gzip", true},
      {"browser", "gzip, deflate, br, zstd", true},
      {"no header", "", false},
      {"identity only", "identity", false},
      {"others only", "deflate, br", false},
      {"refused", "gzip;q=0", false},
      {"refused in three decimals", "gzip;q=0.000", false},
      {"refused beside a wildcard", "gzip;q=0, *", false},
      {"wildcard", "*", true},
      {"wildcard refused", "*;q=0", false},
      {"gzip though the wildcard is refused", "gzip, *;q=0", true},
      {"old name", "x-gzip", true},
      {"upper case", "GZIP", true},
      {"part of another name", "notgzip, gzipped", false},
      {"identity preferred", "identity, gzip;q=0.5", false},
      {"gzip preferred", "identity;q=0.5, gzip", true},
      {"bad quality", "gzip;q=no", false},
  };
  for (const HeaderRow& row : rows) {
    CAPTURE(row.who);
    CHECK(AcceptsGzip(row.header) == row.expected);
  }
}

}  // namespace
}  // namespace radar_spoof
