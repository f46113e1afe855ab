#include "config_check.h"

#include <cstdio>

#include "exit_code.h"
#include "radar_spoof/config/config.h"
#include "settings.h"

namespace radar_spoof {

int CheckConfig(const std::string& config_file, const std::string& web_config_file) {
  const auto web = ReadWebConfig(web_config_file);
  if (!web) std::fprintf(stderr, "%s\n", web.error().c_str());
  const auto config = LoadConfig(config_file);
  if (!config) {
    for (const ConfigProblem& problem : config.error()) {
      std::fprintf(stderr, "%s\n", problem.Text().c_str());
    }
    return kUnusable;
  }
  for (const ConfigProblem& warning : config.value().warnings()) {
    std::fprintf(stderr, "warning: %s\n", warning.Text().c_str());
  }
  std::printf("%s: good\n%s", config_file.c_str(), config.value().Plan().Text().c_str());
  return web ? 0 : kUnusable;
}

}  // namespace radar_spoof
