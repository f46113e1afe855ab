// What this build is.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

std::string_view Version();   // "0.1.0"
std::string_view Revision();  // abbreviated git commit, or "unknown"
std::string_view Compiler();  // "gcc 12.2.0"

std::string_view Homepage();   // the project's address; "" where the build was not told one
std::string_view Documents();  // the folder where the documents are installed

std::string UserAgent();  // "radar_spoof_exporter/0.1.0"

}  // namespace radar_spoof
