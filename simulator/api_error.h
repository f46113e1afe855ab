// A refusal as the API words it: an HTTP status and the entries of the envelope's `errors`.
//
// Codes from Cloudflare's "Radar API error codes" (2001, 2002, 7003, 1015) and from answers seen in
// the wild (6003 with its chain, 10000, 971), as are the texts "Not Found", "Invalid option for
// dimension.", "Internal Error", "comparisons must have same duration as main series" and
// "aggregation interval is too low for date range".
// Thread rule: plain values.
#pragma once

#include <vector>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof::simulator {

struct ApiError {
  int http_status = 400;
  int code = 0;  // 0: none is sent
  std::string message;
  std::vector<std::pair<int, std::string>> chain = {};  // `error_chain`: code and message
  // Radar's own envelope: no `messages`, and `"result": {}`. Otherwise Cloudflare's, with null.
  bool by_radar = false;
};

// Radar's answer to a parameter it does not accept: 400 with code 2001.
inline ApiError InvalidInput(std::string message) {
  return {400, 2001, std::move(message), {}, true};
}

// What a parameter held, in the message of a refusal.
inline std::string Quoted(std::string_view text) { return "'" + ForLog(text, 40) + "'"; }

}  // namespace radar_spoof::simulator
