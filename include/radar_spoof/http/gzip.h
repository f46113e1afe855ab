// Gzip, for pages that are sent to clients who allow it; the only door to zlib.
//
// Thread rule: functions are pure; a GzipCompressor is used by one thread at a time. Everything
// here throws std::bad_alloc when there is no memory for it, and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace radar_spoof {

// One gzip member (RFC 1952) that holds `bytes`. Equal input gives equal output.
std::string Gzip(std::string_view bytes);

// Part of a member: deflate (RFC 1951) that ends at a byte boundary and does not look back at what
// came before it, so that a page's unchanged blocks can be used again.
struct DeflateBlock {
  std::string_view bytes;  // empty for nothing
  std::uint32_t crc = 0;   // of what was compressed
  std::uint32_t size = 0;  // likewise, modulo 2^32
};

// Keeps zlib's working memory, a quarter of a megabyte, from block to block.
class GzipCompressor {
 public:
  GzipCompressor();
  ~GzipCompressor();
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  // The result's bytes are valid until the next call.
  DeflateBlock Compress(std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The beginning of a member, made of blocks one after the other; it can be ended more than once.
class GzipPrefix {
 public:
  GzipPrefix();

  void Append(const DeflateBlock& block);
  // One of those appended; its bytes are valid until the next Append().
  DeflateBlock Block(std::size_t number) const;

  const std::string& bytes() const { return bytes_; }
  // What, after bytes(), makes one member that holds the blocks and `rest`. `rest` is meant to be
  // small: it is not compressed.
  std::string End(std::string_view rest) const;

 private:
  struct Place {
    std::size_t end;
    std::uint32_t crc;
    std::uint32_t size;
  };

  std::string bytes_;
  std::uint32_t crc_ = 0;   // of all that was compressed
  std::uint32_t size_ = 0;  // likewise
  std::vector<Place> places_;
};

}  // namespace radar_spoof
