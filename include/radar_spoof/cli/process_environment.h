// The process's environment variables, read once each. A variable that was read is overwritten, so
// that a credential in it is in no child's environment and not in /proc/PID/environ.
//
// Thread rule: one thread at a time; no other thread may use getenv meanwhile.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "radar_spoof/core/types.h"

namespace radar_spoof {

class ProcessEnvironment {
 public:
  // The variable's value, as it was at the first call for it; nullopt when it was not set then.
  std::optional<std::string> Read(const std::string& name);

 private:
  std::map<std::string, std::optional<Secret>> read_;
};

}  // namespace radar_spoof
