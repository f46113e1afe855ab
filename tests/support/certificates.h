// Certificates for tests, made by the openssl command; each signs itself and is its own authority.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "support/temporary_directory.h"

namespace radar_spoof::test {

inline std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

constexpr const char* kEcdsaKey = "ec -pkeyopt ec_paramgen_curve:prime256v1";
constexpr const char* kRsaKey = "rsa:2048";

// Writes NAME.crt and NAME.key, valid for `names`, as openssl writes them.
inline void MakeCertificate(const TemporaryDirectory& directory, const std::string& name,
                            const std::string& names = "IP:127.0.0.1",
                            const std::string& key = kEcdsaKey) {
  const std::string command = "openssl req -x509 -nodes -days 2 -newkey " + key +
                              " -subj /CN=" + name + " -addext subjectAltName=" + names +
                              " -keyout '" + directory.Path(name + ".key") + "' -out '" +
                              directory.Path(name + ".crt") + "' 2>/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl req");
}

}  // namespace radar_spoof::test
