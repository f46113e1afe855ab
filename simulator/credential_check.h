// Whether a request may come in.
//
// The answers are those seen from api.cloudflare.com: a credential of the wrong form is 400 with
// code 6003 and a chain that names the header; a well-formed wrong one is 403 with code 10000.
// Thread rule: pure.
#pragma once

#include "radar_spoof/http/http_server.h"
#include "simulator/api_error.h"

namespace radar_spoof::simulator {

// What is let in: a token, or the legacy pair. They guard made-up numbers and are no secret.
struct Credentials {
  std::string token = "simulator-token";
  std::string email = "simulator@example.com";
  std::string key = "simulator-key";
};

// nullopt: welcome. Sending a token and a legacy header together is refused.
std::optional<ApiError> CheckCredentials(const ServerRequest& request, const Credentials& accepted);

ApiError AuthenticationFailed();

}  // namespace radar_spoof::simulator
