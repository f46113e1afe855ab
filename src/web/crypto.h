// What passwords need of GnuTLS.
//
// Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

// The bytes that `text` stands for (RFC 4648, 4); nullopt when it is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);

// Takes as long wherever they differ; how long they are may show.
bool EqualInConstantTime(std::string_view a, std::string_view b);

// HMAC-SHA256, in a few microseconds: for a memory of passwords that were already checked, not for
// storing them. "" when it cannot be had. `key` is RandomKey(), made anew by each process.
std::string KeyedDigest(const std::string& text, const std::string& key);
// Throws std::runtime_error when the system has no random bytes.
std::string RandomKey();

}  // namespace radar_spoof
