// One request through an HttpClient, from start to end.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof::test {

inline HttpClient::Finished AwaitFinished(HttpClient& client) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto finished = client.Wait(1s)) return std::move(*finished);
  }
  throw std::runtime_error("the transfer does not end");
}

inline HttpClient::Finished Fetch(HttpClient& client, const std::string& url,
                                  std::vector<HttpHeader> headers = {}) {
  client.Start(0, {url, std::move(headers)});
  return AwaitFinished(client);
}

}  // namespace radar_spoof::test
