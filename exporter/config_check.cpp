#include "config_check.h"

#include <cstdio>

#include "radar_spoof/cli/exit_code.h"
#include "radar_spoof/cli/process_environment.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"

namespace radar_spoof {
namespace {

void Warn(const std::string& text) { std::fprintf(stderr, "warning: %s\n", text.c_str()); }

// Not an error: the file may be checked where the service's credentials are not, as under systemd.
void CheckCredentials(const CredentialSource& source) {
  ProcessEnvironment environment;
  const auto read = CredentialReader(source, [&environment](const std::string& name) {
                      return environment.Read(name);
                    }).Read();
  if (!read) {
    Warn("credentials: " + read.error() +
         ". Here a start or a reload would fail; a service may have another user and environment");
  } else if (!read.value().warning.empty()) {
    Warn("credentials: " + read.value().warning);
  }
}

}  // namespace

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
    Warn(warning.Text());
  }
  CheckCredentials(config.value().api().credentials);
  std::printf("%s: valid\n%s", config_file.c_str(), config.value().Plan().Text().c_str());
  return web ? 0 : kUnusable;
}

}  // namespace radar_spoof
