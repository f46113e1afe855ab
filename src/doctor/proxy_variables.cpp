#include "proxy_variables.h"

#include <algorithm>
#include <array>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

struct Variable {
  std::string name;
  std::string value;
};

// The first that is set to something; otherwise without a value.
Variable FirstOf(std::initializer_list<const char*> names, const ReadVariable& read) {
  for (const char* const name : names) {
    const auto value = read(name);
    if (value && !value->empty()) return {name, *value};
  }
  return {};
}

// Whatever the value is, what stands before an "@" is not repeated.
std::string WithoutUser(std::string_view value) {
  constexpr std::array<std::string_view, 6> kSchemes = {"http",    "https",  "socks4",
                                                        "socks4a", "socks5", "socks5h"};
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

std::optional<ProxyVariable> ProxyVariableFor(std::string_view host, const ReadVariable& read) {
  const Variable set = FirstOf({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}, read);
  if (set.value.empty()) return std::nullopt;
  const Variable exceptions = FirstOf({"no_proxy", "NO_PROXY"}, read);
  return ProxyVariable{.name = set.name,
                       .proxy = WithoutUser(set.value),
                       .excepted = IsExcepted(host, exceptions.value)};
}

}  // namespace radar_spoof
