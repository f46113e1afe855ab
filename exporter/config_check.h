// `--config.check`: prints all that is wrong with the files, or what the configuration will ask
// for. Warns where the credentials cannot be read.
//
// Blocking: reads files.
#pragma once

#include <string>

namespace radar_spoof {

// The exit code. `web_config_file` may be "".
int CheckConfig(const std::string& config_file, const std::string& web_config_file);

}  // namespace radar_spoof
