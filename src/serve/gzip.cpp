#include "radar_spoof/serve/gzip.h"

#include <algorithm>
#include <limits>
#include <new>

#include <zlib.h>

namespace radar_spoof {
namespace {

struct DeflateSettings {
  int window_bits;  // as zlib takes it: + 16 adds gzip's header and trailer, negative is bare
  int memory_level;
};
constexpr DeflateSettings kGzip{15 + 16, 8};
// A small rest needs neither a large window nor a quarter of a megabyte to be looked at.
constexpr DeflateSettings kBareAndSmall{-12, 5};

// A page is compressed once for every change: the fastest level costs a third of the default's time
// for a tenth more bytes.
class Deflation {
 public:
  explicit Deflation(DeflateSettings settings) {
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, settings.window_bits,
                     settings.memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Deflation() { (void)deflateEnd(&stream_); }
  Deflation(const Deflation&) = delete;
  Deflation& operator=(const Deflation&) = delete;

  // All of `bytes`. `last`: Z_FINISH ends the stream, Z_SYNC_FLUSH ends at a byte boundary.
  std::string Run(std::string_view bytes, int last) {
    constexpr std::size_t kFlushBytes = 16;
    std::string out(deflateBound(&stream_, static_cast<uLong>(bytes.size())) + kFlushBytes, '\0');
    // zlib's input pointer lacks a const; its sizes are 32 bits wide, so both ends go in pieces.
    constexpr std::size_t kPiece = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    for (bool done = false; !done;) {
      const std::size_t in_left = bytes.size() - stream_.total_in;
      const std::size_t out_left = out.size() - stream_.total_out;
      stream_.avail_in = static_cast<uInt>(std::min(in_left, kPiece));
      stream_.avail_out = static_cast<uInt>(std::min(out_left, kPiece));
      const bool final_piece = in_left <= kPiece;
      const int result = deflate(&stream_, final_piece ? last : Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END) throw std::bad_alloc();
      done = last == Z_FINISH ? result == Z_STREAM_END
                              : final_piece && stream_.avail_in == 0 && stream_.avail_out > 0;
    }
    out.resize(stream_.total_out);
    return out;
  }

 private:
  z_stream stream_{};
};

std::uint32_t Crc(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void AppendLittleEndian(std::uint32_t value, std::string& out) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

std::string Gzip(std::string_view bytes) { return Deflation(kGzip).Run(bytes, Z_FINISH); }

GzipBegun BeginGzip(std::string_view bytes) {
  GzipBegun begun{Deflation(kGzip).Run(bytes, Z_SYNC_FLUSH), Crc(bytes),
                  static_cast<std::uint32_t>(bytes.size())};
  begun.bytes.shrink_to_fit();
  return begun;
}

std::string EndGzip(const GzipBegun& begun, std::string_view rest) {
  std::string end = Deflation(kBareAndSmall).Run(rest, Z_FINISH);
  const auto size = static_cast<z_off_t>(rest.size());
  AppendLittleEndian(static_cast<std::uint32_t>(crc32_combine(begun.crc, Crc(rest), size)), end);
  AppendLittleEndian(begun.size + static_cast<std::uint32_t>(rest.size()), end);
  return end;
}

}  // namespace radar_spoof
