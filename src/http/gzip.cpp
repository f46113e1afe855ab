#include "radar_spoof/http/gzip.h"

#include <algorithm>
#include <limits>
#include <new>

#include <zlib.h>

namespace radar_spoof {
namespace {

constexpr int kBare = -15;  // as zlib takes it: without a header and a trailer
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

}  // namespace

std::string Gzip(std::string_view bytes) {
  GzipCompressor compressor;
  GzipPrefix prefix;
  prefix.Append(compressor.Compress(bytes));
  return prefix.bytes() + prefix.End("");
}

struct GzipCompressor::State {
  z_stream stream{};
  std::string out;
};

// A page is compressed once for every change: the fastest level costs a third of the default's time
// for a tenth more bytes.
GzipCompressor::GzipCompressor() : state_(std::make_unique<State>()) {
  if (deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, kBare, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

GzipCompressor::~GzipCompressor() { (void)deflateEnd(&state_->stream); }

DeflateBlock GzipCompressor::Compress(std::string_view bytes) {
  if (bytes.empty()) return {};
  auto& [stream, out] = *state_;
  constexpr std::size_t kFlushBytes = 16;
  (void)deflateReset(&stream);
  const std::size_t bound = deflateBound(&stream, static_cast<uLong>(bytes.size())) + kFlushBytes;
  if (out.size() < bound) out.resize(bound);
  // zlib's input pointer lacks a const; its sizes are 32 bits wide, so both ends go in pieces.
  constexpr std::size_t kPiece = std::numeric_limits<uInt>::max();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  for (bool done = false; !done;) {
    const std::size_t in_left = bytes.size() - stream.total_in;
    const std::size_t out_left = out.size() - stream.total_out;
    stream.avail_in = static_cast<uInt>(std::min(in_left, kPiece));
    stream.avail_out = static_cast<uInt>(std::min(out_left, kPiece));
    const bool final_piece = in_left <= kPiece;
    if (deflate(&stream, final_piece ? Z_SYNC_FLUSH : Z_NO_FLUSH) != Z_OK) throw std::bad_alloc();
    done = final_piece && stream.avail_in == 0 && stream.avail_out > 0;
  }
  return {std::string_view(out).substr(0, stream.total_out), Crc(0, bytes),
          static_cast<std::uint32_t>(bytes.size())};
}

GzipPrefix::GzipPrefix() : bytes_(kHeader) {}

void GzipPrefix::Append(const DeflateBlock& block) {
  bytes_ += block.bytes;
  places_.push_back({bytes_.size(), block.crc, block.size});
  crc_ =
      static_cast<std::uint32_t>(crc32_combine(crc_, block.crc, static_cast<z_off_t>(block.size)));
  size_ += block.size;
}

DeflateBlock GzipPrefix::Block(std::size_t number) const {
  const std::size_t begin = number == 0 ? kHeader.size() : places_[number - 1].end;
  const Place& place = places_[number];
  return {std::string_view(bytes_).substr(begin, place.end - begin), place.crc, place.size};
}

// As stored blocks (RFC 1951, 3.2.4): to compress a little costs more than to send it.
std::string GzipPrefix::End(std::string_view rest) const {
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
