#include "radar_spoof/core/version.h"

namespace radar_spoof {

std::string_view Version() { return RADAR_SPOOF_VERSION; }

std::string_view Revision() { return RADAR_SPOOF_REVISION; }

std::string_view Compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

std::string_view Homepage() { return RADAR_SPOOF_HOMEPAGE; }

std::string_view Documents() { return RADAR_SPOOF_DOCUMENTS; }

std::string UserAgent() { return "radar_spoof_exporter/" + std::string(Version()); }

}  // namespace radar_spoof
