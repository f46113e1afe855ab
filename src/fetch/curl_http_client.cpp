#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>

#include <curl/curl.h>

#include "curl_transfer.h"
#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

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
    HttpClientOptions copy = options;
    options_ = std::move(copy);
    const auto connections = static_cast<long>(options.max_connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, connections);
  }

  void Start(TransferId id, const HttpRequest& request) override {
    auto transfer = std::make_unique<CurlTransfer>(
        CurlTransfer::Client{user_agent_, options_, sockets_}, request);
    Add(*transfer);
    transfers_.insert_or_assign(id, std::move(transfer));
  }

  std::optional<Finished> Wait(Milliseconds at_most) override {
    if (auto finished = TakeFinished()) return finished;
    if (auto finished = Perform()) return finished;
    const auto longest = std::clamp<std::int64_t>(at_most.count(), 0, kLongestWait.count());
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(longest), nullptr);
    return Perform();
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

  void Add(const CurlTransfer& transfer) {
    if (curl_multi_add_handle(multi_.get(), transfer.easy()) != CURLM_OK) {
      throw std::runtime_error("libcurl does not take a transfer");
    }
  }

  std::optional<Finished> Perform() {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    return TakeFinished();
  }

  std::optional<Finished> TakeFinished() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto found = std::ranges::find(transfers_, message->easy_handle,
                                           [](const auto& entry) { return entry.second->easy(); });
      // The message dies with its handle.
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.get(), found->second->easy());
      auto& transfer = found->second;
      if (transfer->MetStaleConnection()) {
        auto again = transfer->OverNewConnection();
        Add(*again);
        transfer = std::move(again);
        continue;
      }
      Finished finished{found->first, transfer->TakeOutcome(code), transfer->Duration(),
                        transfer->TakeConnection()};
      transfers_.erase(found);
      return finished;
    }
    return std::nullopt;
  }

  CurlGlobal global_;
  OpenSockets sockets_;  // of the connections that multi_ keeps
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::string user_agent_;
  HttpClientOptions options_;
  std::map<TransferId, std::unique_ptr<CurlTransfer>> transfers_;
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
