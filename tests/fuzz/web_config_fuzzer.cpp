// Any bytes are a web configuration or a list of placed, printable problems. Files it names are
// looked for in an empty place, so none is read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "radar_spoof/web/basic_auth.h"
#include "radar_spoof/web/web_config.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const int file = memfd_create("web.yaml", MFD_CLOEXEC);
  Require(file >= 0 && write(file, bytes, size) == static_cast<ssize_t>(size));
  const auto web = radar_spoof::LoadWebConfig("/proc/self/fd/" + std::to_string(file));
  close(file);
  if (!web) {
    Require(!web.error().empty());
    for (const auto& problem : web.error()) {
      Require(!problem.message.empty());
      for (const char c : problem.Text()) {
        Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
      }
    }
    return 0;
  }
  for (const auto& [user, hash] : web.value().users) {
    Require(radar_spoof::IsBcryptHash(hash));
  }
  return 0;
}
