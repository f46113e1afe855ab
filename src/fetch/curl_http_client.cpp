#include <algorithm>
#include <map>
#include <stdexcept>

#include <curl/curl.h>

#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/words/lower_case.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

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
    return {FailureReason::kTooLarge, "the body passes " + std::to_string(kBodyLimit) + " bytes"};
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

// One request under way. Pinned: libcurl holds its address.
class Transfer {
 public:
  Transfer(const HttpRequest& request, const std::string& user_agent,
           const HttpClientOptions& options)
      : easy_(curl_easy_init(), curl_easy_cleanup), headers_(nullptr, curl_slist_free_all) {
    if (!easy_) throw std::bad_alloc();
    SetRequest(request, user_agent);
    SetProxy(request, options.proxy);
    SetLimits(options);
    SetCallbacks();
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const { return easy_.get(); }

  Result<HttpResponse, Failure> Outcome(CURLcode code) {
    if (code != CURLE_OK) {
      const char* const text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code);
      return FailureOf(code, body_too_large_, Excerpt(text, kDetailBytes));
    }
    // libcurl takes a connection that ends there for an answer without a body.
    if (!header_complete_) return Failure(FailureReason::kTransport, "the header ends early");
    long status = 0;
    curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }

  Milliseconds Duration() const {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy(), CURLINFO_TOTAL_TIME_T, &microseconds);
    return Milliseconds(microseconds / 1000);
  }

 private:
  static constexpr std::size_t kDetailBytes = 250;

  void SetRequest(const HttpRequest& request, const std::string& user_agent) {
    for (const HttpHeader& header : request.headers) {
      const Secret line(header.name + ": " + header.value.Reveal());
      curl_slist* const longer = curl_slist_append(headers_.get(), line.Reveal().c_str());
      if (longer == nullptr) throw std::bad_alloc();
      (void)headers_.release();
      headers_.reset(longer);
    }
    SetText(easy(), CURLOPT_URL, request.url.c_str());
    SetText(easy(), CURLOPT_USERAGENT, user_agent.c_str());
    SetText(easy(), CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, headers_.get());
    // HTTP/1.1 keeps the count of requests exact and HTTP/2's framing faults out.
    SetLong(easy(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    SetText(easy(), CURLOPT_PROTOCOLS_STR, "https,http");
    SetLong(easy(), CURLOPT_FOLLOWLOCATION, 0);
    SetLong(easy(), CURLOPT_NETRC, CURL_NETRC_IGNORED);
  }

  void SetProxy(const HttpRequest& request, const std::string& proxy) {
    if (proxy == "none" || request.url.starts_with("http://")) {
      SetText(easy(), CURLOPT_PROXY, "");
    } else if (proxy != "environment") {
      SetText(easy(), CURLOPT_PROXY, proxy.c_str());
    }
  }

  void SetLimits(const HttpClientOptions& options) {
    SetLong(easy(), CURLOPT_NOSIGNAL, 1);
    // Without it a dead name server holds the transfer for longer than its timeout.
    SetLong(easy(), CURLOPT_QUICK_EXIT, 1);
    SetLong(easy(), CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    SetLong(easy(), CURLOPT_SSL_VERIFYPEER, 1);
    SetLong(easy(), CURLOPT_SSL_VERIFYHOST, 2);
    if (!options.ca_file.empty()) {
      SetText(easy(), CURLOPT_CAINFO, options.ca_file.c_str());
      // Else the system's directory of certificates would be trusted beside that file.
      SetText(easy(), CURLOPT_CAPATH, nullptr);
    }
    SetLong(easy(), CURLOPT_CONNECTTIMEOUT_MS,
            Milliseconds(std::min(kConnectTimeout, options.timeout)).count());
    SetLong(easy(), CURLOPT_TIMEOUT_MS, Milliseconds(options.timeout).count());
    SetLong(easy(), CURLOPT_LOW_SPEED_LIMIT, kLowestBytesPerSecond);
    SetLong(easy(), CURLOPT_LOW_SPEED_TIME, kLowSpeedPeriod.count());
  }

  void SetCallbacks() {
    curl_easy_setopt(easy(), CURLOPT_ERRORBUFFER, error_.data());
    curl_easy_setopt(easy(), CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(easy(), CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy(), CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(easy(), CURLOPT_HEADERDATA, this);
  }

  // An exception must not pass through C: 0 bytes taken makes libcurl give the transfer up.
  static std::size_t OnBody(const char* bytes, std::size_t, std::size_t count,
                            void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
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

  static std::size_t OnHeader(const char* bytes, std::size_t, std::size_t count,
                              void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view line(bytes, count);
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

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpResponse response_;
  bool header_complete_ = false;
  bool body_too_large_ = false;
};

// libcurl's process-wide state, for as long as a client lives.
struct CurlGlobal {
  CurlGlobal() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw std::runtime_error("libcurl does not start");
    }
  }
  ~CurlGlobal() { curl_global_cleanup(); }
  CurlGlobal(const CurlGlobal&) = delete;
  CurlGlobal& operator=(const CurlGlobal&) = delete;
};

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(std::string user_agent, const HttpClientOptions& options)
      : multi_(curl_multi_init(), curl_multi_cleanup), user_agent_(std::move(user_agent)) {
    if (!multi_) throw std::bad_alloc();
    Configure(options);
  }
  ~CurlHttpClient() override { CancelAll(); }
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  void Configure(const HttpClientOptions& options) override {
    options_ = options;
    const auto connections = static_cast<long>(options.max_connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, connections);
  }

  void Start(TransferId id, const HttpRequest& request) override {
    auto transfer = std::make_unique<Transfer>(request, user_agent_, options_);
    if (curl_multi_add_handle(multi_.get(), transfer->easy()) != CURLM_OK) {
      throw std::runtime_error("libcurl does not take a transfer");
    }
    transfers_.insert_or_assign(id, std::move(transfer));
  }

  std::optional<Finished> Wait(Milliseconds at_most) override {
    if (auto finished = TakeFinished()) return finished;
    const auto longest = std::clamp<std::int64_t>(at_most.count(), 0, kLongestWait.count());
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(longest), nullptr);
    return TakeFinished();
  }

  void CancelAll() override {
    for (const auto& [id, transfer] : transfers_) {
      curl_multi_remove_handle(multi_.get(), transfer->easy());
    }
    transfers_.clear();
  }

  void Wake() override { curl_multi_wakeup(multi_.get()); }

 private:
  static constexpr Milliseconds kLongestWait = 1h;

  std::optional<Finished> TakeFinished() {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto found = std::find_if(
          transfers_.begin(), transfers_.end(),
          [message](const auto& entry) { return entry.second->easy() == message->easy_handle; });
      // The message dies with its handle.
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.get(), found->second->easy());
      Finished finished{found->first, found->second->Outcome(code), found->second->Duration()};
      transfers_.erase(found);
      return finished;
    }
    return std::nullopt;
  }

  CurlGlobal global_;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::string user_agent_;
  HttpClientOptions options_;
  std::map<TransferId, std::unique_ptr<Transfer>> transfers_;
};

}  // namespace

std::string HttpResponse::Header(std::string_view name) const {
  std::string joined;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

std::unique_ptr<HttpClient> MakeCurlHttpClient(std::string user_agent,
                                               const HttpClientOptions& options) {
  return std::make_unique<CurlHttpClient>(std::move(user_agent), options);
}

}  // namespace radar_spoof
