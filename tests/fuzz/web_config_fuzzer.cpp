// Any bytes are a web configuration or a list of placed, printable problems. Files it names are
// looked for in an empty place, so none is read.
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "radar_spoof/web/basic_auth.h"
#include "radar_spoof/web/web_config.h"
#include "tests/fuzz/fuzz_target.h"

namespace radar_spoof::test {

FUZZ_TARGET(web_config) {
  const int file = memfd_create("web.yaml", MFD_CLOEXEC);
  Require(file >= 0 &&
          write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  const auto web = LoadWebConfig("/proc/self/fd/" + std::to_string(file));
  close(file);
  if (!web) {
    Require(!web.error().empty());
    for (const auto& problem : web.error()) {
      Require(!problem.message.empty());
      for (const char c : problem.Text()) {
        Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
      }
    }
    return;
  }
  for (const auto& [user, hash] : web.value().users) {
    Require(IsBcryptHash(hash));
  }
}

}  // namespace radar_spoof::test
