#include "curl_transfer.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "radar_spoof/words/lower_case.h"

namespace radar_spoof {
namespace {

constexpr Seconds kConnectTimeout{5};
constexpr long kLowestBytesPerSecond = 100;
constexpr Seconds kLowSpeedPeriod{10};

// libcurl's own setter is unchecked in C++: an int where it reads a long compiles.
void SetLong(CURL* easy, CURLoption option, long value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
    throw std::runtime_error("libcurl refuses option " + std::to_string(option));
  }
}

void SetText(CURL* easy, CURLoption option, const char* value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
    throw std::runtime_error("libcurl refuses option " + std::to_string(option));
  }
}

Failure FailureOf(CURLcode code, bool body_too_large, std::string detail) {
  if (body_too_large) {
    Failure failure(FailureReason::kTooLarge,
                    "the body passes " + std::to_string(kBodyLimit) + " bytes");
    failure.fewer_series = FewerSeries::kHelp;
    return failure;
  }
  // Other codes than these are all "an answer should have come": the enum is open.
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST: return {FailureReason::kDns, std::move(detail)};
    case CURLE_COULDNT_CONNECT: return {FailureReason::kConnect, std::move(detail)};
    case CURLE_OPERATION_TIMEDOUT: return {FailureReason::kTimeout, std::move(detail)};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return {FailureReason::kTls, std::move(detail)};
    case CURLE_BAD_CONTENT_ENCODING:
      return {FailureReason::kParse, RetryClass::kTransientOnce, std::move(detail)};
    case CURLE_WEIRD_SERVER_REPLY:
      return {FailureReason::kTransport, RetryClass::kTransientOnce, std::move(detail)};
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {FailureReason::kTransport, RetryClass::kNextSlot, std::move(detail)};
  }
  return {FailureReason::kTransport, std::move(detail)};
}

void StoreHeader(HttpResponse& response, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view value = line.substr(colon + 1);
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  response.headers.emplace_back(LowerCase(line.substr(0, colon)), value);
}

constexpr std::size_t kDetailBytes = 250;

}  // namespace

CurlTransfer::CurlTransfer(const std::string& user_agent, const HttpClientOptions& options)
    : easy_(curl_easy_init(), curl_easy_cleanup),
      headers_(nullptr, curl_slist_free_all),
      proxy_(options.proxy) {
  if (!easy_) throw std::bad_alloc();
  SetProtocol(user_agent);
  SetLimits(options);
  SetTls(options);
  SetCallbacks();
}

void CurlTransfer::SetRequest(const HttpRequest& request) {
  response_ = {};
  error_.front() = '\0';
  began_ = false;
  header_complete_ = false;
  body_too_large_ = false;
  SetText(easy(), CURLOPT_URL, request.url.c_str());
  for (const HttpHeader& header : request.headers) {
    const Secret line(header.name + ": " + header.value.Reveal());
    curl_slist* const longer = curl_slist_append(headers_.get(), line.Reveal().c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
  }
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, headers_.get());
  if (proxy_ == "none" || request.url.starts_with("http://")) {
    SetText(easy(), CURLOPT_PROXY, "");
  } else {
    SetText(easy(), CURLOPT_PROXY, proxy_ == "environment" ? nullptr : proxy_.c_str());
  }
}

Result<HttpResponse, Failure> CurlTransfer::TakeOutcome(CURLcode code) {
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, nullptr);
  headers_.reset();
  if (code != CURLE_OK) {
    const char* const text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code);
    Failure failure = FailureOf(code, body_too_large_, Excerpt(text, kDetailBytes));
    // So some servers refuse what is too long: without a byte.
    const bool closed = code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR;
    if (closed && !began_) failure.fewer_series = FewerSeries::kMayHelp;
    return failure;
  }
  // libcurl takes a connection that ends there for an answer without a body.
  if (!header_complete_) return Failure(FailureReason::kTransport, "the header ends early");
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

Milliseconds CurlTransfer::Duration() const {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy(), CURLINFO_TOTAL_TIME_T, &microseconds);
  return Milliseconds(microseconds / 1000);
}

void CurlTransfer::SetProtocol(const std::string& user_agent) {
  SetText(easy(), CURLOPT_USERAGENT, user_agent.c_str());
  SetText(easy(), CURLOPT_ACCEPT_ENCODING, "gzip");
  // HTTP/1.1 keeps the count of requests exact and HTTP/2's framing faults out.
  SetLong(easy(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  SetText(easy(), CURLOPT_PROTOCOLS_STR, "https,http");
  SetLong(easy(), CURLOPT_FOLLOWLOCATION, 0);
  SetLong(easy(), CURLOPT_NETRC, CURL_NETRC_IGNORED);
}

void CurlTransfer::SetLimits(const HttpClientOptions& options) {
  SetLong(easy(), CURLOPT_NOSIGNAL, 1);
  // Without it a dead name server holds the transfer for longer than its timeout.
  SetLong(easy(), CURLOPT_QUICK_EXIT, 1);
  SetLong(easy(), CURLOPT_CONNECTTIMEOUT_MS,
          Milliseconds(std::min(kConnectTimeout, options.timeout)).count());
  SetLong(easy(), CURLOPT_TIMEOUT_MS, Milliseconds(options.timeout).count());
  SetLong(easy(), CURLOPT_LOW_SPEED_LIMIT, kLowestBytesPerSecond);
  SetLong(easy(), CURLOPT_LOW_SPEED_TIME, kLowSpeedPeriod.count());
}

void CurlTransfer::SetTls(const HttpClientOptions& options) {
  SetLong(easy(), CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  SetLong(easy(), CURLOPT_SSL_VERIFYPEER, 1);
  SetLong(easy(), CURLOPT_SSL_VERIFYHOST, 2);
  if (options.ca_file.empty()) return;
  SetText(easy(), CURLOPT_CAINFO, options.ca_file.c_str());
  // Else the system's directory of certificates would be trusted beside that file.
  SetText(easy(), CURLOPT_CAPATH, nullptr);
}

void CurlTransfer::SetCallbacks() {
  curl_easy_setopt(easy(), CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy(), CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy(), CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy(), CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy(), CURLOPT_HEADERDATA, this);
}

// An exception must not pass through C: 0 bytes taken makes libcurl give the transfer up.
std::size_t CurlTransfer::OnBody(const char* bytes, std::size_t, std::size_t count,
                                 void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  std::string& body = transfer.response_.body;
  if (count > kBodyLimit - body.size()) {
    transfer.body_too_large_ = true;
    return 0;
  }
  try {
    body.append(bytes, count);
  } catch (const std::exception&) {
    return 0;
  }
  return count;
}

std::size_t CurlTransfer::OnHeader(const char* bytes, std::size_t, std::size_t count,
                                   void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view line(bytes, count);
  transfer.began_ = true;
  try {
    if (line.starts_with("HTTP/")) {
      // The header of the next answer begins: what came before was a 1xx.
      transfer.response_.headers.clear();
      transfer.header_complete_ = false;
    } else if (line == "\r\n" || line == "\n") {
      transfer.header_complete_ = true;
    } else {
      StoreHeader(transfer.response_, line);
    }
  } catch (const std::exception&) {
    return 0;
  }
  return count;
}

}  // namespace radar_spoof
