#include "curl_transfer.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr long kLowestBytesPerSecond = 100;
// Of one answer, trailers included; libcurl has no limit for those.
constexpr std::size_t kHeaderLimit = std::size_t{300} * 1024;
constexpr int kRequestTimeout = 408;
constexpr std::size_t kCurlDetailBytes = 250;
constexpr std::size_t kIssuerBytes = 120;

void Check(CURLcode code, CURLoption option) {
  if (code == CURLE_OK) return;
  throw std::runtime_error("libcurl refuses option " + std::to_string(option));
}

// libcurl's own setter is unchecked in C++: an int where it reads a long compiles. A long has 32
// bits on some machines.
void SetLong(CURL* easy, CURLoption option, std::int64_t value) {
  const auto most = std::int64_t{std::numeric_limits<long>::max()};
  Check(curl_easy_setopt(easy, option, static_cast<long>(std::min(value, most))), option);
}

void SetText(CURL* easy, CURLoption option, const char* value) {
  Check(curl_easy_setopt(easy, option, value), option);
}

Failure FailureOf(CURLcode code, bool is_looking_up, std::string detail) {
  // Other codes than these are all "an answer should have come": the enum is open.
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST: return {FailureReason::kDns, std::move(detail)};
    case CURLE_COULDNT_CONNECT: return {FailureReason::kConnect, std::move(detail)};
    case CURLE_OPERATION_TIMEDOUT:
      return {is_looking_up ? FailureReason::kDns : FailureReason::kTimeout, std::move(detail)};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return {FailureReason::kTls, std::move(detail)};
    case CURLE_BAD_CONTENT_ENCODING:
      return {FailureReason::kParse, RetryClass::kTransientOnce, std::move(detail)};
    case CURLE_BAD_FUNCTION_ARGUMENT:  // libcurl 7.88's word for it
      return {FailureReason::kTransport, RetryClass::kTransientOnce, "a bad line in the header"};
    case CURLE_WEIRD_SERVER_REPLY:
      return {FailureReason::kTransport, RetryClass::kTransientOnce, std::move(detail)};
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {FailureReason::kTransport, RetryClass::kNextSlot, std::move(detail)};
  }
  return {FailureReason::kTransport, std::move(detail)};
}

// Whether the status of a status line has three digits. libcurl 8 takes others, too.
bool HasStatus(std::string_view line) {
  (void)TakeUntil(line, " ");
  return std::ranges::find_if_not(line, IsDigit) - line.begin() == 3 && line.front() != '0';
}

// False for the rest of a folded line of which there is no beginning.
bool StoreHeader(std::string_view line, HttpResponse& response) {
  if (line.front() == ' ' || line.front() == '\t') {
    if (response.headers.empty()) return false;
    std::string& value = response.headers.back().second;
    if (!value.empty()) value += ' ';
    value += Trim(line);
    return true;
  }
  const std::string_view name = TakeUntil(line, ":");
  response.headers.emplace_back(LowerCase(name), Trim(line));
  return true;
}

// Another answer follows it.
bool IsInterim(int status) { return status >= 100 && status < 200 && status != 101; }

int OnClose(void* sockets, curl_socket_t socket) noexcept {
  return static_cast<OpenSockets*>(sockets)->Close(socket);
}

int LocalPort(curl_socket_t socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

bool IsReadable(curl_socket_t socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

// In digits.
std::string AddressText(const curl_sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto& any = reinterpret_cast<const sockaddr_storage&>(address.addr);
  const void* const digits =
      address.family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(any).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(any).sin_addr;
  return inet_ntop(address.family, digits, text.data(), text.size()) == nullptr ? "" : text.data();
}

// Of the connection that the transfer is about to use; nullptr where it cannot be told.
const curl_tlssessioninfo* TlsSession(CURL* easy) {
  curl_tlssessioninfo* tls = nullptr;
  return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK ? tls : nullptr;
}

// OpenSSL's object of it; nullptr without one.
const SSL* TlsOf(CURL* easy) {
  const curl_tlssessioninfo* const tls = TlsSession(easy);
  const bool is_openssl = tls != nullptr && tls->backend == CURLSSLBACKEND_OPENSSL;
  return is_openssl ? static_cast<const SSL*>(tls->internals) : nullptr;
}

std::string IssuerOf(const SSL* tls) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(tls),
                                                                X509_free);
  if (!certificate) return "";
  std::array<char, 256> name{};
  X509_NAME_oneline(X509_get_issuer_name(certificate.get()), name.data(),
                    static_cast<int>(name.size()));
  return ForLog(name.data(), kIssuerBytes);
}

// libcurl reads no further than an answer's end, which may lie within a TLS record.
bool MayHoldDecryptedInput(CURL* easy) {
  const curl_tlssessioninfo* const tls = TlsSession(easy);
  if (tls == nullptr) return true;
  if (tls->internals == nullptr) return false;  // not over TLS
  return tls->backend != CURLSSLBACKEND_OPENSSL ||
         SSL_has_pending(static_cast<const SSL*>(tls->internals)) != 0;
}

}  // namespace

curl_socket_t OpenSockets::Open(const curl_sockaddr& address) noexcept {
  const curl_socket_t socket =
      ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  try {
    sockets_.insert(socket);
  } catch (const std::bad_alloc&) {
    ::close(socket);
    return CURL_SOCKET_BAD;
  }
  return socket;
}

int OpenSockets::Close(curl_socket_t socket) noexcept {
  sockets_.erase(socket);
  return ::close(socket);
}

bool OpenSockets::MayHaveInput(CURL* easy, int local_port) const noexcept {
  bool found = false;
  for (const curl_socket_t socket : sockets_) {
    if (LocalPort(socket) != local_port) continue;
    if (IsReadable(socket)) return true;
    found = true;
  }
  return !found || MayHoldDecryptedInput(easy);
}

CurlTransfer::CurlTransfer(const Client& client, HttpRequest request)
    : client_(client),
      request_(std::move(request)),
      easy_(curl_easy_init(), curl_easy_cleanup),
      headers_(nullptr, curl_slist_free_all) {
  if (!easy_) throw std::bad_alloc();
  SetProtocol();
  SetLimits();
  SetTls();
  SetCallbacks();
  SetRequest();
}

bool CurlTransfer::MetStaleConnection() const {
  return had_input_ || (!has_connected_ && Status() == kRequestTimeout);
}

std::unique_ptr<CurlTransfer> CurlTransfer::OverNewConnection() const {
  auto again = std::make_unique<CurlTransfer>(client_, request_);
  again->spent_before_ = Duration();
  const Milliseconds left = client_.options.timeout - again->spent_before_;
  SetLong(again->easy(), CURLOPT_TIMEOUT_MS, std::max(left, Milliseconds(1)).count());
  SetLong(again->easy(), CURLOPT_FRESH_CONNECT, 1);
  return again;
}

Result<HttpResponse, Failure> CurlTransfer::TakeOutcome(CURLcode code) {
  if (given_up_) return *std::move(given_up_);
  if (code != CURLE_OK) {
    const char* const text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code);
    Failure failure = FailureOf(code, is_looking_up_, ForLog(text, kCurlDetailBytes));
    // libcurl 8's word, on a connection that was used before, for what is UNSUPPORTED_PROTOCOL on
    // others.
    const bool is_no_http = code == CURLE_WEIRD_SERVER_REPLY && header_bytes_ == 0;
    if (is_no_http) failure.retry = RetryClass::kNextSlot;
    // So some servers refuse what is too long: without a byte.
    const bool closed = code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR;
    if (closed && header_bytes_ == 0) failure.fewer_series = FewerSeries::kMayHelp;
    return failure;
  }
  // libcurl takes a connection that ends there for an answer without a body.
  if (part_ != Part::kBodyAndTrailers) {
    return Failure(FailureReason::kTransport, "the header ends early");
  }
  response_.status = Status();
  return std::move(response_);
}

Connection CurlTransfer::TakeConnection() {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &status);
  connection_.through_proxy = status != 0;
  return std::move(connection_);
}

Milliseconds CurlTransfer::Duration() const {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy(), CURLINFO_TOTAL_TIME_T, &microseconds);
  return spent_before_ + Milliseconds(microseconds / 1000);
}

int CurlTransfer::Status() const {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

void CurlTransfer::SetRequest() {
  SetText(easy(), CURLOPT_URL, request_.url.c_str());
  SetLong(easy(), CURLOPT_FRESH_CONNECT, request_.own_connection ? 1 : 0);
  SetLong(easy(), CURLOPT_FORBID_REUSE, request_.own_connection ? 1 : 0);
  for (const HttpHeader& header : request_.headers) {
    const Secret line(header.name + ": " + header.value.Reveal());
    curl_slist* const longer = curl_slist_append(headers_.get(), line.Reveal().c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
  }
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, headers_.get());
  const std::string& proxy = client_.options.proxy;
  if (proxy == "none" || request_.url.starts_with("http://")) {
    SetText(easy(), CURLOPT_PROXY, "");
  } else if (proxy != "environment") {
    SetText(easy(), CURLOPT_PROXY, proxy.c_str());
  }
}

void CurlTransfer::SetProtocol() {
  SetText(easy(), CURLOPT_USERAGENT, client_.user_agent.c_str());
  SetText(easy(), CURLOPT_ACCEPT_ENCODING, "gzip");
  // HTTP/1.1 keeps the count of requests exact and HTTP/2's framing faults out.
  SetLong(easy(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  SetText(easy(), CURLOPT_PROTOCOLS_STR, "https,http");
  SetLong(easy(), CURLOPT_FOLLOWLOCATION, 0);
  SetLong(easy(), CURLOPT_NETRC, CURL_NETRC_IGNORED);
}

void CurlTransfer::SetLimits() {
  const HttpClientOptions& options = client_.options;
  SetLong(easy(), CURLOPT_NOSIGNAL, 1);
  // Without it a dead name server holds the transfer for longer than its timeout.
  SetLong(easy(), CURLOPT_QUICK_EXIT, 1);
  // There is no shorter one for connecting: libcurl counts the lookup, and that takes 5 s when the
  // first name server is silent.
  SetLong(easy(), CURLOPT_TIMEOUT_MS, Milliseconds(options.timeout).count());
  SetLong(easy(), CURLOPT_MAXLIFETIME_CONN, options.connection_lifetime.count());
  SetLong(easy(), CURLOPT_DNS_CACHE_TIMEOUT, options.connection_lifetime.count());
}

void CurlTransfer::SetTls() {
  SetLong(easy(), CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  SetLong(easy(), CURLOPT_SSL_VERIFYPEER, 1);
  SetLong(easy(), CURLOPT_SSL_VERIFYHOST, 2);
  const std::string& ca_file = client_.options.ca_file;
  if (ca_file.empty()) return;
  SetText(easy(), CURLOPT_CAINFO, ca_file.c_str());
  // Else the system's directory of certificates would be trusted beside that file.
  SetText(easy(), CURLOPT_CAPATH, nullptr);
  // What the file says now, not what it said to an earlier connection.
  SetLong(easy(), CURLOPT_CA_CACHE_TIMEOUT, 0);
  SetLong(easy(), CURLOPT_SSL_SESSIONID_CACHE, 0);
}

void CurlTransfer::SetCallbacks() {
  curl_easy_setopt(easy(), CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy(), CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy(), CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy(), CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy(), CURLOPT_HEADERDATA, this);
  // A proxy's answer to CONNECT is not the API's.
  SetLong(easy(), CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
  curl_easy_setopt(easy(), CURLOPT_RESOLVER_START_FUNCTION, &OnLookup);
  curl_easy_setopt(easy(), CURLOPT_RESOLVER_START_DATA, this);
  curl_easy_setopt(easy(), CURLOPT_OPENSOCKETFUNCTION, &OnConnect);
  curl_easy_setopt(easy(), CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy(), CURLOPT_CLOSESOCKETFUNCTION, &OnClose);
  curl_easy_setopt(easy(), CURLOPT_CLOSESOCKETDATA, &client_.sockets);
  curl_easy_setopt(easy(), CURLOPT_PREREQFUNCTION, &OnRequest);
  curl_easy_setopt(easy(), CURLOPT_PREREQDATA, this);
}

bool CurlTransfer::TakeHeaderLine(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderLimit) {
    given_up_.emplace(FailureReason::kTransport,
                      "header and trailers pass " + std::to_string(kHeaderLimit) + " bytes");
    return false;
  }
  switch (part_) {
    case Part::kStatusLine:
      if (!HasStatus(line)) {
        given_up_.emplace(FailureReason::kTransport, RetryClass::kNextSlot,
                          "the status has not three digits");
        return false;
      }
      part_ = Part::kHeader;
      response_.headers.clear();
      // Not before: however slowly an answer begins, it has until the timeout.
      if (!IsInterim(Status())) {
        SetLong(easy(), CURLOPT_LOW_SPEED_LIMIT, kLowestBytesPerSecond);
        SetLong(easy(), CURLOPT_LOW_SPEED_TIME, client_.options.slow_for.count());
      }
      return true;
    case Part::kHeader:
      if (line == "\r\n" || line == "\n") {
        part_ = IsInterim(Status()) ? Part::kStatusLine : Part::kBodyAndTrailers;
        return true;
      }
      if (StoreHeader(line, response_)) return true;
      given_up_.emplace(FailureReason::kTransport, RetryClass::kTransientOnce,
                        "the header begins with a folded line");
      return false;
    case Part::kBodyAndTrailers: return true;
  }
  return false;
}

// An exception must not pass through C: 0 bytes taken makes libcurl give the transfer up.
std::size_t CurlTransfer::OnBody(const char* bytes, std::size_t, std::size_t count,
                                 void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  std::string& body = transfer.response_.body;
  try {
    if (count <= kBodyLimit - body.size()) {
      body.append(bytes, count);
      return count;
    }
    transfer.given_up_.emplace(FailureReason::kTooLarge,
                               "the body passes " + std::to_string(kBodyLimit) + " bytes");
    transfer.given_up_->fewer_series = FewerSeries::kHelp;
  } catch (const std::exception&) {
    return 0;
  }
  return 0;
}

std::size_t CurlTransfer::OnHeader(const char* bytes, std::size_t, std::size_t count,
                                   void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  try {
    return transfer.TakeHeaderLine({bytes, count}) ? count : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

int CurlTransfer::OnLookup(void*, void*, void* self) noexcept {
  static_cast<CurlTransfer*>(self)->is_looking_up_ = true;
  return 0;
}

curl_socket_t CurlTransfer::OnConnect(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  transfer.is_looking_up_ = false;
  transfer.has_connected_ = true;
  try {
    transfer.connection_.address = AddressText(*address);
  } catch (const std::bad_alloc&) {  // it is only told
  }
  return transfer.client_.sockets.Open(*address);
}

int CurlTransfer::OnRequest(void* self, char* address, char*, int, int local_port) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  try {
    transfer.connection_.address = address;
    if (const SSL* const tls = TlsOf(transfer.easy())) {
      transfer.connection_.tls = SSL_get_version(tls);
      transfer.connection_.issuer = IssuerOf(tls);
    }
  } catch (const std::bad_alloc&) {  // it is only told
  }
  transfer.had_input_ = !transfer.has_connected_ &&
                        transfer.client_.sockets.MayHaveInput(transfer.easy(), local_port);
  return transfer.had_input_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

}  // namespace radar_spoof
