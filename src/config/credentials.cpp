#include "radar_spoof/config/credentials.h"

#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "api_text_rules.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kMaxCredentialBytes = 4096;
constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";
constexpr unsigned kOthersMayRead = 04;

std::string WhatToDo(const CredentialSource& source) {
  const bool is_legacy = !source.email.empty();
  return fmt::format("put {} in a file and name it in api.{}, or in {}_FILE",
                     is_legacy ? "the legacy API key of " + source.email
                               : "an API token (permission Account > Radar > Read)",
                     is_legacy ? "key_file" : "token_file",
                     is_legacy ? source.key_env : source.token_env);
}

// "CLOUDFLARE_API_TOKEN=...", copied from a file of variables. "=" alone proves nothing: a token
// may hold any character.
bool BeginsWithVariableName(std::string_view raw) {
  const std::size_t end = raw.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  return end != std::string_view::npos && raw[end] == '=' &&
         raw.find_first_not_of('=', end) != std::string_view::npos &&
         raw.substr(0, end).find('_') != std::string_view::npos;
}

}  // namespace

bool AreSame(const Credentials& a, const Credentials& b) {
  if (const auto* const bearer = std::get_if<BearerToken>(&a)) {
    const auto* const other = std::get_if<BearerToken>(&b);
    return other != nullptr && bearer->token.Reveal() == other->token.Reveal();
  }
  const auto& legacy = std::get<LegacyKey>(a);
  const auto* const other = std::get_if<LegacyKey>(&b);
  return other != nullptr && legacy.email == other->email &&
         legacy.key.Reveal() == other->key.Reveal();
}

Result<Secret, std::string> CleanCredential(std::string_view raw) {
  if (raw.starts_with(kByteOrderMark)) return std::string("a byte order mark");
  const std::size_t first = raw.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return std::string("nothing");
  raw = raw.substr(first, raw.find_last_not_of(kWhiteSpace) - first + 1);
  if (raw.size() > kMaxCredentialBytes) return std::string("more than 4 KiB");
  for (const char c : raw) {
    if (kWhiteSpace.find(c) != std::string_view::npos) {
      return std::string("white space between other characters (one credential alone is expected)");
    }
    if (static_cast<unsigned char>(c) >= 0x80U) return std::string("a character outside ASCII");
    if (c < 0x20 || c == 0x7F) return std::string("a control character");
    if (c == '"' || c == '\'' || c == '`' || c == '\\') {
      return std::string("a quote or backslash (the credential stands alone, without quotes)");
    }
  }
  if (BeginsWithVariableName(raw)) {
    return std::string("a variable's name (the credential stands alone, without NAME=)");
  }
  return Secret(std::string(raw));
}

CredentialReader::CredentialReader(const CredentialSource& source, const Environment& environment)
    : source_(source) {
  const bool is_legacy = !source.email.empty();
  const auto read = [&environment](const std::string& name, std::optional<Secret>& variable) {
    if (auto value = environment(name)) variable.emplace(*std::move(value));
  };
  std::optional<Secret> unused;
  read(source.token_env, is_legacy ? unused : variable_);
  read(source.key_env, is_legacy ? variable_ : unused);
  variable_file_ = environment(Variable() + "_FILE").value_or("");
  if (!is_legacy) {
    const auto directory = environment("CREDENTIALS_DIRECTORY");
    if (directory && !directory->empty()) systemd_file_ = *directory + "/api-token";
  }
  const std::string& configured = is_legacy ? source.key_file : source.token_file;
  files_ =
      configured.empty() ? std::vector{systemd_file_, variable_file_} : std::vector{configured};
}

const std::string& CredentialReader::Variable() const {
  return source_.email.empty() ? source_.token_env : source_.key_env;
}

std::optional<CredentialReader::Present> CredentialReader::FirstPresent() const {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  struct stat status {};
  for (const std::string& path : files_) {
    if (path.empty() || stat(path.c_str(), &status) != 0) continue;
    return Present{
        path,
        {status.st_dev, status.st_ino,
         status.st_ctim.tv_sec * kNanosecondsPerSecond + status.st_ctim.tv_nsec, status.st_size}};
  }
  return std::nullopt;
}

bool CredentialReader::Changed() const {
  const auto present = FirstPresent();
  return stamp_ != (present ? std::optional(present->stamp) : std::nullopt);
}

Result<CredentialReading, std::string> CredentialReader::Read() {
  // Before the file is read: what changes in between is then seen as a change, not missed.
  const auto present = FirstPresent();
  stamp_ = present ? std::optional(present->stamp) : std::nullopt;
  const bool is_legacy = !source_.email.empty();
  const std::string& configured = is_legacy ? source_.key_file : source_.token_file;
  if (!configured.empty()) return ReadFile(is_legacy ? "key_file" : "token_file", configured);
  // systemd sets the directory for any credential, so the token need not be among them.
  if (present && present->path == systemd_file_) {
    return ReadFile("systemd credential", systemd_file_);
  }
  if (!variable_file_.empty()) {
    // An empty one is how Compose passes on a variable that is not set.
    if (variable_ && !variable_->Reveal().empty()) {
      return fmt::format("{0} and {0}_FILE are both set; expected one of them", Variable());
    }
    YamlNode name;
    name.kind = YamlNode::Kind::kScalar;
    name.text = variable_file_;
    if (auto problem = FileNameProblem(name)) {
      return fmt::format("{}_FILE: {}", Variable(), *problem);
    }
    return ReadFile(Variable() + "_FILE", variable_file_);
  }
  if (!variable_) return NotFound();
  return Reading(variable_->Reveal(), "environment variable " + Variable(), "");
}

Result<CredentialReading, std::string> CredentialReader::ReadFile(const std::string& what,
                                                                  const std::string& path) const {
  const std::string origin = fmt::format("{} {}", what, path);
  auto file = ReadRegularFile(path, kMaxCredentialBytes);
  if (!file) return fmt::format("{}: found {}; {}", origin, file.error(), WhatToDo(source_));
  const unsigned mode = file.value().mode;
  const Secret content(std::move(file.value().content));
  std::string warning =
      (mode & kOthersMayRead) == 0
          ? ""
          : fmt::format("{} can be read by every user (mode {:04o}); expected 0640 or stricter",
                        path, mode);
  return Reading(content.Reveal(), origin, std::move(warning));
}

Result<CredentialReading, std::string> CredentialReader::Reading(std::string_view raw,
                                                                 const std::string& origin,
                                                                 std::string warning) const {
  auto clean = CleanCredential(raw);
  if (!clean) return fmt::format("{} holds {}; {}", origin, clean.error(), WhatToDo(source_));
  Secret secret = std::move(clean).value();
  if (source_.email.empty()) {
    return CredentialReading{BearerToken{std::move(secret)}, origin, std::move(warning)};
  }
  return CredentialReading{LegacyKey{source_.email, std::move(secret)}, origin, std::move(warning)};
}

std::string CredentialReader::NotFound() const {
  if (!source_.email.empty()) {
    return fmt::format(
        "no API key: api.key_file is not configured, {0}_FILE is not set, and {0} is "
        "not set; {1}",
        source_.key_env, WhatToDo(source_));
  }
  const std::string systemd = systemd_file_.empty()
                                  ? "CREDENTIALS_DIRECTORY is not set"
                                  : fmt::format("{} does not exist", systemd_file_);
  return fmt::format(
      "no API token: api.token_file is not configured, {0}, {1}_FILE is not set, and "
      "{1} is not set; {2}",
      systemd, source_.token_env, WhatToDo(source_));
}

}  // namespace radar_spoof
