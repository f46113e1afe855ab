// One HTTP request under way in libcurl: how it is asked, and what came of it.
//
// Used by: curl_http_client; what http_client.h promises of security is set here. Made for one set
// of options; after a good answer it can be used for another request, which saves libcurl to make
// its handle anew. Thread rule: one thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include <curl/curl.h>

#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof {

// Pinned: libcurl holds its address.
class CurlTransfer {
 public:
  // Throws std::bad_alloc, or std::runtime_error when libcurl lacks an option.
  CurlTransfer(const std::string& user_agent, const HttpClientOptions& options);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  CURL* easy() const { return easy_.get(); }

  // Before it is given to libcurl. Throws as the constructor.
  void SetRequest(const HttpRequest& request);
  // After libcurl said how it ended and no longer has it: the answer, at most once for a request.
  // Nothing of the request's headers is kept.
  Result<HttpResponse, Failure> TakeOutcome(CURLcode code);
  Milliseconds Duration() const;

 private:
  void SetProtocol(const std::string& user_agent);
  void SetLimits(const HttpClientOptions& options);
  void SetTls(const HttpClientOptions& options);
  void SetCallbacks();

  static std::size_t OnBody(const char* bytes, std::size_t, std::size_t count, void* self) noexcept;
  static std::size_t OnHeader(const char* bytes, std::size_t, std::size_t count,
                              void* self) noexcept;

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  std::string proxy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpResponse response_;
  bool began_ = false;  // the answer
  bool header_complete_ = false;
  bool body_too_large_ = false;
};

}  // namespace radar_spoof
