#include "support/misbehaving_server.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

namespace radar_spoof::test {
namespace {

constexpr std::chrono::seconds kPatience{10};

constexpr int kRawDeflate = -15;
constexpr int kGzipWindow = 15 + 16;

std::string Deflated(std::string_view plain, int window_bits, int flush) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string compressed(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, flush);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

std::string LittleEndian(std::uint64_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift & 0xFFU);
  return bytes;
}

}  // namespace

MisbehavingServer::MisbehavingServer(std::vector<Script> scripts)
    : MisbehavingServer(std::move(scripts), Place()) {}

MisbehavingServer::MisbehavingServer(std::vector<Script> scripts, const Place& place)
    : scripts_(std::move(scripts)),
      credentials_(nullptr, gnutls_certificate_free_credentials),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (!place.certificate.empty()) {
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_certificate_allocate_credentials(&credentials);
    credentials_.reset(credentials);
    if (gnutls_certificate_set_x509_key_file(credentials, (place.certificate + ".crt").c_str(),
                                             (place.certificate + ".key").c_str(),
                                             GNUTLS_X509_FMT_PEM) < 0) {
      throw std::runtime_error("no certificate " + place.certificate);
    }
    gnutls_session_ticket_key_generate(&ticket_key_);
  }
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(place.port));
  ::inet_pton(AF_INET, place.address.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::pipe(stop_) != 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

MisbehavingServer::~MisbehavingServer() {
  ::close(stop_[1]);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
  ::close(stop_[0]);
  gnutls_free(ticket_key_.data);
}

void MisbehavingServer::Accept() {
  for (std::size_t index = 0;; ++index) {
    pollfd waiting[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 || waiting[1].revents != 0) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const Script& script = scripts_[std::min(index, scripts_.size() - 1)];
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, fd, &script] {
      Connection connection(*this, fd);
      if (!credentials_ || connection.Handshake()) script(connection);
    });
  }
}

std::string MisbehavingServer::Url(std::string_view path) const {
  return (credentials_ ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(port_) +
         std::string(path);
}

void MisbehavingServer::Note(std::string head) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(head));
}

std::vector<std::string> MisbehavingServer::Requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int MisbehavingServer::Connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

bool MisbehavingServer::AwaitRequests(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (Requests().size() < count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

MisbehavingServer::Connection::Connection(MisbehavingServer& server, int fd)
    : server_(server), fd_(fd) {
  // Each Send() is a segment of its own, at once.
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

MisbehavingServer::Connection::~Connection() {
  if (session_ != nullptr) gnutls_deinit(session_);
  if (fd_ >= 0) ::close(fd_);
}

MisbehavingServer::Connection::Event MisbehavingServer::Connection::Await(
    short events, std::chrono::milliseconds at_most) {
  pollfd waiting[] = {{fd_, events, 0}, {server_.stop_[0], POLLIN, 0}};
  const int ready = ::poll(waiting, 2, static_cast<int>(at_most.count()));
  if (ready < 0 || waiting[1].revents != 0) return Event::kStopped;
  return ready == 0 ? Event::kTimeout : Event::kReady;
}

bool MisbehavingServer::Connection::Handshake() {
  gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
  gnutls_set_default_priority(session_);
  gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, server_.credentials_.get());
  gnutls_session_ticket_enable_server(session_, &server_.ticket_key_);
  gnutls_transport_set_int(session_, fd_);
  for (;;) {
    const int result = gnutls_handshake(session_);
    if (result == GNUTLS_E_SUCCESS) return true;
    if (gnutls_error_is_fatal(result) != 0) return false;
    const bool writes = gnutls_record_get_direction(session_) == 1;
    if (Await(writes ? POLLOUT : POLLIN, kPatience) != Event::kReady) return false;
  }
}

// As recv().
ssize_t MisbehavingServer::Connection::Receive(char* buffer, std::size_t size) {
  for (;;) {
    if (session_ != nullptr && gnutls_record_check_pending(session_) > 0) {
      return gnutls_record_recv(session_, buffer, size);
    }
    if (Await(POLLIN, kPatience * 6) != Event::kReady) return -1;
    if (session_ == nullptr) return ::recv(fd_, buffer, size, 0);
    const ssize_t received = gnutls_record_recv(session_, buffer, size);
    if (received >= 0 || gnutls_error_is_fatal(static_cast<int>(received)) != 0) return received;
  }
}

std::string MisbehavingServer::Connection::ReadRequest() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  while (received_.find(kEnd) == std::string::npos) {
    char buffer[4096];
    const ssize_t size = Receive(buffer, sizeof buffer);
    if (size <= 0) return "";
    received_.append(buffer, static_cast<std::size_t>(size));
  }
  const std::size_t end = received_.find(kEnd) + kEnd.size();
  std::string head = received_.substr(0, end);
  received_.erase(0, end);
  server_.Note(head);
  return head;
}

bool MisbehavingServer::Connection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (Await(POLLOUT, kPatience) != Event::kReady) return false;
    const ssize_t sent = session_ != nullptr
                             ? gnutls_record_send(session_, bytes.data(), bytes.size())
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (session_ != nullptr && sent == GNUTLS_E_AGAIN) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void MisbehavingServer::Connection::AwaitDelivery() {
  int left = 0;
  while (::ioctl(fd_, SIOCOUTQ, &left) == 0 && left > 0) {
    if (!Pause(std::chrono::milliseconds(1))) return;
  }
}

bool MisbehavingServer::Connection::Drip(std::string_view bytes,
                                         std::chrono::milliseconds interval) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!Send(bytes.substr(i, 1)) || !Pause(interval)) return false;
  }
  return true;
}

void MisbehavingServer::Connection::SendForever(std::string_view bytes) {
  while (Send(bytes)) {
  }
}

bool MisbehavingServer::Connection::Pause(std::chrono::milliseconds length) {
  return Await(0, length) == Event::kTimeout;
}

void MisbehavingServer::Connection::Stall() {
  char ignored[4096];
  while (Receive(ignored, sizeof ignored) > 0) {
  }
}

void MisbehavingServer::Connection::SendTicket() { gnutls_session_ticket_send(session_, 1, 0); }

void MisbehavingServer::Connection::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = -1;
}

MisbehavingServer::Script Reply(std::string bytes) {
  return [bytes = std::move(bytes)](MisbehavingServer::Connection& connection) {
    connection.ReadRequest();
    connection.Send(bytes);
  };
}

MisbehavingServer::Script KeepAlive(std::vector<std::string> replies) {
  return [replies = std::move(replies)](MisbehavingServer::Connection& connection) {
    for (std::size_t i = 0; !connection.ReadRequest().empty(); ++i) {
      if (!connection.Send(replies[std::min(i, replies.size() - 1)])) return;
    }
  };
}

MisbehavingServer::Script ReplyThenStall(std::string bytes) {
  return [bytes = std::move(bytes)](MisbehavingServer::Connection& connection) {
    connection.ReadRequest();
    connection.Send(bytes);
    connection.Stall();
  };
}

std::string HttpReply(std::string_view body, std::string_view more_headers,
                      std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(more_headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string Gzip(std::string_view plain) { return Deflated(plain, kGzipWindow, Z_FINISH); }

std::string GzipOfZeros(std::size_t mebibytes) {
  // After a full flush a block does not refer to what came before: the same one can be repeated.
  const std::string plain(std::size_t{1} << 20, '\0');
  const std::string block = Deflated(plain, kRawDeflate, Z_FULL_FLUSH);
  const uLong block_sum =
      crc32(0, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size()));
  std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  uLong sum = crc32(0, nullptr, 0);
  for (std::size_t i = 0; i < mebibytes; ++i) {
    gzip += block;
    sum = crc32_combine(sum, block_sum, static_cast<z_off_t>(plain.size()));
  }
  gzip += std::string("\x03\0", 2);
  return gzip + LittleEndian(sum) + LittleEndian(mebibytes << 20);
}

}  // namespace radar_spoof::test
