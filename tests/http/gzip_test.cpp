#include "radar_spoof/http/gzip.h"

#include <random>

#include <doctest/doctest.h>

#include "support/gunzip.h"

namespace radar_spoof {
namespace {

using test::Gunzip;

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

TEST_CASE("blocks are joined in any order, and read back with whatever the member was ended with") {
  std::mt19937 random(2);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::string long_run(2'000'000, 'x');
  using Texts = std::vector<std::string>;
  for (const Texts& texts : {Texts{}, Texts{""}, Texts{"a", "", "a"}, Texts{noise, long_run, "a"},
                             Texts{long_run, "a", noise}}) {
    GzipCompressor compressor;
    GzipPrefix prefix;
    std::string all;
    for (const std::string& text : texts) {
      prefix.Append(compressor.Compress(text));
      all += text;
    }
    GzipPrefix reversed;
    for (std::size_t i = texts.size(); i-- > 0;) reversed.Append(prefix.Block(i));
    GzipPrefix again;
    for (std::size_t i = texts.size(); i-- > 0;) again.Append(reversed.Block(i));
    CHECK(again.bytes() == prefix.bytes());
    for (const std::string& rest : {std::string(), std::string("b\n"), noise}) {
      CAPTURE(all.size());
      CAPTURE(rest.size());
      CHECK(Gunzip(again.bytes() + again.End(rest)) == all + rest);
    }
  }
}

TEST_CASE("a block does not depend on what was compressed before it") {
  GzipCompressor compressor;
  const std::string text = "cloudflare_radar_up 1\n";
  const std::string first(compressor.Compress(text).bytes);
  (void)compressor.Compress(text + text);
  CHECK(compressor.Compress(text).bytes == first);
}

TEST_CASE("equal input gives equal output") { CHECK(Gzip("metrics") == Gzip("metrics")); }

}  // namespace
}  // namespace radar_spoof
