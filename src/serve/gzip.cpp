#include "radar_spoof/serve/gzip.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>

#include <zlib.h>

namespace radar_spoof {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // + 16: a gzip header, not zlib's own
constexpr int kMemoryLevel = 8;           // zlib's default

}  // namespace

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  // A page is compressed for every scrape that finds it changed: the fastest level costs a third of
  // the default's time for a tenth more bytes.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, decltype(&deflateEnd)> owner(&stream, &deflateEnd);

  std::string compressed(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  // zlib's input pointer lacks a const; its sizes are 32 bits wide, so both ends go in pieces.
  constexpr std::size_t kPiece = std::numeric_limits<uInt>::max();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  int result = Z_OK;
  while (result == Z_OK) {
    const std::size_t in_left = bytes.size() - stream.total_in;
    const std::size_t out_left = compressed.size() - stream.total_out;
    stream.avail_in = static_cast<uInt>(std::min(in_left, kPiece));
    stream.avail_out = static_cast<uInt>(std::min(out_left, kPiece));
    result = deflate(&stream, in_left > kPiece ? Z_NO_FLUSH : Z_FINISH);
  }
  if (result != Z_STREAM_END) throw std::bad_alloc();
  compressed.resize(stream.total_out);
  return compressed;
}

}  // namespace radar_spoof
