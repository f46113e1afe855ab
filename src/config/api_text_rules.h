// What the texts of the `api` section must look like, so that none of them can send a credential to
// the wrong place or break a header.
//
// Pure. Each gives what is wrong with a scalar, or nothing. Where the text may hold a secret by
// mistake, it is not repeated.
#pragma once

#include <optional>

#include "radar_spoof/config/yaml_document.h"

namespace radar_spoof {

// https://HOST[:PORT][/PATH], or http:// where HOST is this machine's loopback.
std::optional<std::string> BaseUrlProblem(const YamlNode& node);
// none, environment, or http[s]://HOST:PORT.
std::optional<std::string> ProxyProblem(const YamlNode& node);
// "/PATH", appended to base_url.
std::optional<std::string> PathProblem(const YamlNode& node);
// Any name of a file; whether it is there is not looked at.
std::optional<std::string> FileNameProblem(const YamlNode& node);
std::optional<std::string> VariableNameProblem(const YamlNode& node);
std::optional<std::string> EmailProblem(const YamlNode& node);

}  // namespace radar_spoof
