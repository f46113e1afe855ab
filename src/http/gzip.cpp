#include "radar_spoof/http/gzip.h"

#include <algorithm>
#include <limits>
#include <new>

#include <zlib.h>

namespace radar_spoof {
namespace {

// As zlib takes them: + 16 adds gzip's header and trailer, negative is bare.
constexpr int kGzip = 15 + 16;
constexpr int kBare = -15;
constexpr int kMemoryLevel = 8;

// RFC 1952, 2.3: deflate, no flags, no time; compressed by the fastest algorithm on Unix.
constexpr std::string_view kHeader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03", 10);

std::uint32_t Crc(std::uint32_t before, std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void AppendLittleEndian(std::uint32_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

// A page is compressed once for every change: the fastest level costs a third of the default's time
// for a tenth more bytes.
class Deflation {
 public:
  explicit Deflation(int window_bits) {
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, window_bits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Deflation() { (void)deflateEnd(&stream_); }
  Deflation(const Deflation&) = delete;
  Deflation& operator=(const Deflation&) = delete;

  // All of `bytes`, from a new beginning. `last`: Z_FINISH ends the stream, Z_SYNC_FLUSH ends at a
  // byte boundary. Valid until the next call.
  std::string_view Run(std::string_view bytes, int last) {
    constexpr std::size_t kFlushBytes = 16;
    (void)deflateReset(&stream_);
    const std::size_t bound =
        deflateBound(&stream_, static_cast<uLong>(bytes.size())) + kFlushBytes;
    if (out_.size() < bound) out_.resize(bound);
    // zlib's input pointer lacks a const; its sizes are 32 bits wide, so both ends go in pieces.
    constexpr std::size_t kPiece = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    for (bool done = false; !done;) {
      const std::size_t in_left = bytes.size() - stream_.total_in;
      const std::size_t out_left = out_.size() - stream_.total_out;
      stream_.avail_in = static_cast<uInt>(std::min(in_left, kPiece));
      stream_.avail_out = static_cast<uInt>(std::min(out_left, kPiece));
      const bool final_piece = in_left <= kPiece;
      const int result = deflate(&stream_, final_piece ? last : Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END) throw std::bad_alloc();
      done = last == Z_FINISH ? result == Z_STREAM_END
                              : final_piece && stream_.avail_in == 0 && stream_.avail_out > 0;
    }
    return std::string_view(out_).substr(0, stream_.total_out);
  }

 private:
  z_stream stream_{};
  std::string out_;
};

}  // namespace

std::string Gzip(std::string_view bytes) {
  return std::string(Deflation(kGzip).Run(bytes, Z_FINISH));
}

struct GzipCompressor::State {
  Deflation deflation{kBare};
};

GzipCompressor::GzipCompressor() : state_(std::make_unique<State>()) {}
GzipCompressor::~GzipCompressor() = default;

GzipPiece GzipCompressor::Compress(std::string_view bytes) {
  if (bytes.empty()) return {};
  return {state_->deflation.Run(bytes, Z_SYNC_FLUSH), Crc(0, bytes),
          static_cast<std::uint32_t>(bytes.size())};
}

GzipBegun::GzipBegun() : bytes_(kHeader) {}

void GzipBegun::Append(const GzipPiece& piece) {
  bytes_ += piece.bytes;
  places_.push_back({bytes_.size(), piece.crc, piece.size});
  crc_ =
      static_cast<std::uint32_t>(crc32_combine(crc_, piece.crc, static_cast<z_off_t>(piece.size)));
  size_ += piece.size;
}

GzipPiece GzipBegun::Piece(std::size_t number) const {
  const std::size_t begin = number == 0 ? kHeader.size() : places_[number - 1].end;
  const Place& place = places_[number];
  return {std::string_view(bytes_).substr(begin, place.end - begin), place.crc, place.size};
}

// As stored blocks (RFC 1951, 3.2.4): to compress a little costs more than to send it.
std::string GzipBegun::End(std::string_view rest) const {
  constexpr std::size_t kLongestBlock = 0xFFFF;
  const std::uint32_t crc = Crc(crc_, rest);
  const std::uint32_t size = size_ + static_cast<std::uint32_t>(rest.size());
  std::string end;
  end.reserve(rest.size() + rest.size() / kLongestBlock * 5 + 16);
  do {
    const std::string_view block = rest.substr(0, kLongestBlock);
    rest.remove_prefix(block.size());
    const auto length = static_cast<std::uint32_t>(block.size());
    end += rest.empty() ? '\1' : '\0';
    AppendLittleEndian(length, 2, end);
    AppendLittleEndian(~length, 2, end);
    end += block;
  } while (!rest.empty());
  AppendLittleEndian(crc, 4, end);
  AppendLittleEndian(size, 4, end);
  return end;
}

}  // namespace radar_spoof
