#include "proxy_variable.h"

#include <algorithm>
#include <array>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// The name and value of the first that is set to something; "" and "" where none is.
std::pair<std::string, std::string> FirstOf(std::initializer_list<const char*> names,
                                            const Environment& read) {
  for (const char* const name : names) {
    const auto value = read(name);
    if (value && !value->empty()) return {name, *value};
  }
  return {};
}

// Whatever the value is, what stands before an "@" is not repeated.
std::string WithoutUser(std::string_view value) {
  constexpr std::array kSchemes = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  std::string scheme = "http";
  if (const std::size_t end = value.find("://"); end != std::string_view::npos) {
    scheme = LowerCase(value.substr(0, end));
    value.remove_prefix(end + 3);
  }
  if (const std::size_t at = value.rfind('@'); at != std::string_view::npos) {
    value.remove_prefix(at + 1);
  }
  value = value.substr(0, value.find_first_of("/?#"));
  const bool is_known = std::ranges::find(kSchemes, scheme) != kSchemes.end();
  return is_known ? scheme + "://" + ForMessage(value, 80) : "a proxy of an unknown kind";
}

bool IsExcepted(std::string_view host, std::string_view list) {
  const std::string wanted = LowerCase(host);
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(", "), list.size());
    std::string item = LowerCase(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item == "*") return true;
    if (item.starts_with('.')) item.erase(0, 1);
    if (!item.empty() && (wanted == item || wanted.ends_with('.' + item))) return true;
  }
  return false;
}

}  // namespace

std::optional<ProxyVariable> ProxyVariableFor(std::string_view host, const Environment& read) {
  const auto [name, proxy] =
      FirstOf({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}, read);
  if (proxy.empty()) return std::nullopt;
  return ProxyVariable{
      .name = name,
      .proxy = WithoutUser(proxy),
      .excepted = IsExcepted(host, FirstOf({"no_proxy", "NO_PROXY"}, read).second)};
}

}  // namespace radar_spoof
