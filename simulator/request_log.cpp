#include "simulator/request_log.h"

#include <cctype>

#include <fmt/format.h>

namespace radar_spoof::simulator {
namespace {

constexpr std::size_t kMaxBytes = 4096;

std::string PercentEncoded(std::string_view text) {
  constexpr std::string_view kLeftAlone = "-._~,:/";
  std::string encoded;
  for (const char c : text.substr(0, kMaxBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) || kLeftAlone.find(c) != std::string_view::npos)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace

void RequestLog::Add(const ServerRequest& request, int status) {
  ++total_;
  ++by_status_[status];
  last_ = {ForLog(Redacted(request.method), kMaxBytes),
           PercentEncoded(Redacted(request.path)),
           {},
           ForLog(Redacted(std::string(request.Header("user-agent"))), kMaxBytes),
           {},
           status};
  for (const auto& [name, value] : request.query) {
    if (!last_.query.empty()) last_.query += '&';
    last_.query += PercentEncoded(Redacted(name)) + '=' + PercentEncoded(Redacted(value));
  }
  for (const auto& [name, value] : request.headers) {
    last_.header_names.push_back(ForLog(Redacted(name), kMaxBytes));
  }
}

std::string RequestLog::Redacted(std::string text) const {
  constexpr std::string_view kInstead = "(credential)";
  for (const std::string& credential :
       {never_logged_.token, never_logged_.email, never_logged_.key}) {
    if (credential.empty()) continue;
    for (std::size_t at = text.find(credential); at != std::string::npos;
         at = text.find(credential, at + kInstead.size())) {
      text.replace(at, credential.size(), kInstead);
    }
  }
  return text;
}

}  // namespace radar_spoof::simulator
