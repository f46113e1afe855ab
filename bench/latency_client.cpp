// One client on one connection, kept alive if the server keeps it: how long it waits for a page,
// from the first byte sent to the last received. Afterwards every page it was sent is checked.
//
//   latency_client PORT PATH gzip|identity text|openmetrics REQUESTS PAUSE_MS
//
// Prints one JSON object; exits with 1 when a page was not whole.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

namespace {

class Connection {
 public:
  explicit Connection(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    (void)::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  ~Connection() { (void)::close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool Send(const std::string& text) const {
    return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Appends what has come; false at the end, orderly or not.
  bool Receive(std::string& into, std::size_t& used) const {
    constexpr std::size_t kRoom = std::size_t{1} << 20;
    if (into.size() < used + kRoom) into.resize(2 * into.size() + kRoom);
    const ssize_t size = ::recv(descriptor_, into.data() + used, into.size() - used, 0);
    if (size < 0) return false;
    used += static_cast<std::size_t>(size);
    return size > 0;
  }

 private:
  int descriptor_;
};

struct Reply {
  std::string_view head;
  std::string_view body;
  bool closes = false;
};

// The header's value in lower-case `head`, or "".
std::string HeaderOf(std::string_view head, std::string_view name) {
  std::string lower(head);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::size_t at = lower.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return lower.substr(begin, lower.find("\r\n", begin) - begin);
}

Reply ReadReply(const Connection& connection, std::string& buffer) {
  std::size_t used = 0;
  std::size_t head_size = 0;
  std::size_t expected = std::string::npos;
  Reply reply;
  while (used < expected) {
    if (!connection.Receive(buffer, used)) {
      reply.closes = true;
      break;
    }
    if (head_size != 0) continue;
    const std::size_t end = std::string_view(buffer).substr(0, used).find("\r\n\r\n");
    if (end == std::string_view::npos) continue;
    head_size = end + 4;
    const std::string length =
        HeaderOf(std::string_view(buffer).substr(0, head_size), "content-length");
    if (!length.empty()) expected = head_size + std::stoul(length);
  }
  if (expected != std::string::npos && used != expected) throw std::runtime_error("short body");
  reply.head = std::string_view(buffer).substr(0, head_size);
  reply.body = std::string_view(buffer).substr(head_size, used - head_size);
  reply.closes = reply.closes || reply.head.starts_with("HTTP/1.0") ||
                 HeaderOf(reply.head, "connection") == "close";
  return reply;
}

std::string Gunzip(std::string_view compressed) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();
  std::string text(compressed.size() * 30 + 65536, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  int result = Z_OK;
  while (result == Z_OK) {
    if (stream.total_out == text.size()) text.resize(2 * text.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(text.size() - stream.total_out);
    result = inflate(&stream, Z_NO_FLUSH);
  }
  text.resize(stream.total_out);
  const bool all_read = stream.avail_in == 0;
  (void)inflateEnd(&stream);
  if (result != Z_STREAM_END || !all_read) throw std::runtime_error("not one gzip member");
  return text;
}

struct Page {
  std::size_t series = 0;
  std::size_t ratios = 0;
};

// Whole lines to the end, and for every query a spoof and a not_spoof ratio that add up to 1.
Page Check(std::string_view text, bool openmetrics) {
  if (!text.ends_with(openmetrics ? "# EOF\n" : "\n")) throw std::runtime_error("no end");
  constexpr std::string_view kSpoof = "cloudflare_radar_email_spoof_ratio{";
  constexpr std::string_view kNotSpoof = "cloudflare_radar_email_not_spoof_ratio{";
  std::unordered_map<std::string_view, double> spoof;
  Page page;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.starts_with('#')) continue;
    ++page.series;
    const std::size_t blank = line.rfind(' ');
    double value = 0;
    const auto parsed = std::from_chars(line.data() + blank + 1, line.data() + line.size(), value);
    if (parsed.ptr != line.data() + line.size()) {
      if (line.ends_with("Inf") || line.ends_with("NaN")) continue;
      throw std::runtime_error("not a sample: " + std::string(line));
    }
    if (line.starts_with(kSpoof)) {
      spoof.emplace(line.substr(kSpoof.size(), blank - kSpoof.size()), value);
    } else if (line.starts_with(kNotSpoof)) {
      const auto other = spoof.find(line.substr(kNotSpoof.size(), blank - kNotSpoof.size()));
      if (other == spoof.end() || std::abs(other->second + value - 1) > 1e-6) {
        throw std::runtime_error("does not add up: " + std::string(line));
      }
      ++page.ratios;
    }
  }
  if (page.ratios != spoof.size()) throw std::runtime_error("a spoof ratio without the other");
  return page;
}

double Milliseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

struct Options {
  int port;
  std::string path;
  bool gzip;
  bool openmetrics;
  std::size_t requests;
  std::chrono::milliseconds pause;
};

std::string RequestText(const Options& options) {
  return "GET " + options.path + " HTTP/1.1\r\nHost: localhost\r\nAccept: " +
         (options.openmetrics ? "application/openmetrics-text;version=1.0.0" : "text/plain") +
         "\r\nAccept-Encoding: " + (options.gzip ? "gzip" : "identity") + "\r\n\r\n";
}

void Run(const Options& options) {
  const std::string request = RequestText(options);
  std::vector<double> waits;
  std::string buffer;
  std::vector<std::string> bodies;  // those that differ from the one before
  bool compressed = false;
  std::unique_ptr<Connection> connection;
  while (waits.size() < options.requests) {
    const auto begin = std::chrono::steady_clock::now();
    Reply reply;
    // A server may close what it did not say it would.
    if (connection && connection->Send(request)) reply = ReadReply(*connection, buffer);
    if (reply.head.empty()) {
      connection = std::make_unique<Connection>(options.port);
      if (!connection->Send(request)) throw std::runtime_error("cannot send");
      reply = ReadReply(*connection, buffer);
    }
    waits.push_back(Milliseconds(std::chrono::steady_clock::now() - begin));
    if (reply.head.find(" 200 ") == std::string_view::npos) throw std::runtime_error("not 200");
    compressed = HeaderOf(reply.head, "content-encoding") == "gzip";
    if (bodies.empty() || bodies.back() != reply.body) bodies.emplace_back(reply.body);
    if (reply.closes) connection.reset();
    std::this_thread::sleep_for(options.pause);
  }
  Page page;
  for (const std::string& body : bodies) {
    page = Check(compressed ? Gunzip(body) : body, options.openmetrics);
  }
  std::sort(waits.begin(), waits.end());
  const auto percentile = [&waits](double share) {
    return waits[static_cast<std::size_t>(
        std::lround(share * static_cast<double>(waits.size() - 1)))];
  };
  std::printf(
      "{\"requests\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f, "
      "\"bytes\": %zu, \"series\": %zu, \"queries\": %zu}\n",
      waits.size(), percentile(0.5), percentile(0.99), waits.back(), bodies.back().size(),
      page.series, page.ratios);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fputs("usage: latency_client PORT PATH gzip|identity text|openmetrics REQUESTS PAUSE_MS\n",
               stderr);
    return 2;
  }
  try {
    Run({std::stoi(argv[1]), argv[2], argv[3] == std::string_view("gzip"),
         argv[4] == std::string_view("openmetrics"), std::stoul(argv[5]),
         std::chrono::milliseconds(std::stoi(argv[6]))});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "latency_client: %s\n", error.what());
    return 1;
  }
}
