#include "radar_spoof/cli/process_environment.h"

#include <cstdlib>
#include <cstring>

namespace radar_spoof {

std::optional<std::string> ProcessEnvironment::Read(const std::string& name) {
  auto known = read_.find(name);
  if (known == read_.end()) {
    char* const value = std::getenv(name.c_str());
    known = read_.emplace(name, value ? std::optional(Secret(value)) : std::nullopt).first;
    // unsetenv alone would leave the bytes where they are.
    if (value != nullptr) explicit_bzero(value, std::strlen(value));
    unsetenv(name.c_str());
  }
  if (!known->second) return std::nullopt;
  return known->second->Reveal();
}

}  // namespace radar_spoof
