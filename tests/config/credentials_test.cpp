#include "radar_spoof/config/credentials.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

// Replaces the file by renaming, as rotation does.
std::string Replace(const test::TemporaryDirectory& directory, const std::string& name,
                    const std::string& content, mode_t mode = 0600) {
  const std::string path = directory.Write("new", content);
  CHECK(chmod(path.c_str(), mode) == 0);
  std::filesystem::rename(path, directory.Path(name));
  return directory.Path(name);
}

std::string DirectoryOf(const test::TemporaryDirectory& directory) {
  return std::filesystem::path(directory.Path("any")).parent_path().string();
}

constexpr const char* kCanary = "canary-Sn3MNlnq8EhqW9z4QeC0DYk3vXyRt7BwPqLz";

Environment Fake(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

CredentialSource TokenFile(const std::string& path) {
  CredentialSource source;
  source.token_file = path;
  return source;
}

std::string Token(CredentialReader& reader) {
  const auto reading = reader.Read();
  if (!reading) return "error: " + reading.error();
  const auto* const token = std::get_if<BearerToken>(&reading.value().credentials);
  return token == nullptr ? "not a token" : token->token.Reveal();
}

std::string Token(const CredentialSource& source, const Environment& environment) {
  CredentialReader reader(source, environment);
  return Token(reader);
}

TEST_CASE("a token comes from token_file, else the systemd credential, else the variable") {
  const test::TemporaryDirectory scratch;
  const std::string file = Replace(scratch, "token", "from-file\n");
  const Environment all = Fake(
      {{"CREDENTIALS_DIRECTORY", DirectoryOf(scratch)}, {"CLOUDFLARE_API_TOKEN", "from-variable"}});
  CHECK(Token(CredentialSource{}, all) == "from-variable");  // no api-token in the directory yet
  Replace(scratch, "api-token", "from-systemd\n");
  CHECK(Token(CredentialSource{}, all) == "from-systemd");
  CHECK(Token(TokenFile(file), all) == "from-file");
}

TEST_CASE("the variable's name is the configured one") {
  CredentialSource source;
  source.token_env = "RADAR_TOKEN";
  CHECK(Token(source, Fake({{"RADAR_TOKEN", "a"}, {"CLOUDFLARE_API_TOKEN", "b"}})) == "a");
}

TEST_CASE("a variable with _FILE behind its name names a file, as Docker's secrets have it") {
  const test::TemporaryDirectory scratch;
  const std::string file = Replace(scratch, "secret", "from-named-file\n");
  CHECK(Token(CredentialSource{}, Fake({{"CLOUDFLARE_API_TOKEN_FILE", file}})) ==
        "from-named-file");
  CredentialSource source;
  source.token_env = "RADAR_TOKEN";
  CHECK(Token(source, Fake({{"RADAR_TOKEN_FILE", file}, {"CLOUDFLARE_API_TOKEN", "b"}})) ==
        "from-named-file");
  CHECK(Token(CredentialSource{}, Fake({{"CLOUDFLARE_API_TOKEN_FILE", scratch.Path("missing")}}))
            .starts_with("error: CLOUDFLARE_API_TOKEN_FILE " + scratch.Path("missing") +
                         ": found no such file; put an API token"));
  // What comes before the variable comes before its file, too.
  const Environment all =
      Fake({{"CREDENTIALS_DIRECTORY", DirectoryOf(scratch)}, {"CLOUDFLARE_API_TOKEN_FILE", file}});
  CHECK(Token(CredentialSource{}, all) == "from-named-file");
  Replace(scratch, "api-token", "from-systemd\n");
  CHECK(Token(CredentialSource{}, all) == "from-systemd");
  CHECK(Token(TokenFile(Replace(scratch, "token", "from-file\n")), all) == "from-file");

  CredentialSource legacy;
  legacy.email = "you@example.com";
  CredentialReader reader(legacy, Fake({{"CLOUDFLARE_API_KEY_FILE", file}}));
  const auto reading = reader.Read();
  REQUIRE(reading.ok());
  CHECK(std::get<LegacyKey>(reading.value().credentials).key.Reveal() == "from-named-file");
}

TEST_CASE("both variables at once are an error that names both, unless one of them is empty") {
  const test::TemporaryDirectory scratch;
  const std::string file = Replace(scratch, "secret", "from-named-file\n");
  const auto token = [](const std::string& variable, const std::string& named) {
    return Token(CredentialSource{},
                 Fake({{"CLOUDFLARE_API_TOKEN", variable}, {"CLOUDFLARE_API_TOKEN_FILE", named}}));
  };
  CHECK(token("from-variable", file) ==
        "error: CLOUDFLARE_API_TOKEN and CLOUDFLARE_API_TOKEN_FILE are both set; expected one of "
        "them");
  CHECK(token("", file) == "from-named-file");
  CHECK(token("from-variable", "") == "from-variable");
}

TEST_CASE("a credential in the place of its file's name is not repeated") {
  const std::string error =
      Token(CredentialSource{}, Fake({{"CLOUDFLARE_API_TOKEN_FILE", kCanary}}));
  CHECK(error ==
        "error: CLOUDFLARE_API_TOKEN_FILE: found what looks like the credential itself; expected "
        "the name of the file that holds it");
}

TEST_CASE("a file that a variable names is watched, and so is the systemd credential before it") {
  const test::TemporaryDirectory scratch;
  const std::string file = Replace(scratch, "secret", "a\n");
  CredentialReader reader(CredentialSource{}, Fake({{"CREDENTIALS_DIRECTORY", DirectoryOf(scratch)},
                                                    {"CLOUDFLARE_API_TOKEN_FILE", file}}));
  CHECK(Token(reader) == "a");
  CHECK_FALSE(reader.Changed());
  Replace(scratch, "secret", "b\n");
  CHECK(reader.Changed());
  CHECK(Token(reader) == "b");
  CHECK_FALSE(reader.Changed());
  Replace(scratch, "api-token", "c\n");
  CHECK(reader.Changed());
  CHECK(Token(reader) == "c");
  CHECK_FALSE(reader.Changed());
}

TEST_CASE("a source that was chosen and cannot be used is an error, not a reason to try the next") {
  const test::TemporaryDirectory scratch;
  const Environment all = Fake(
      {{"CREDENTIALS_DIRECTORY", DirectoryOf(scratch)}, {"CLOUDFLARE_API_TOKEN", "from-variable"}});
  CHECK(Token(TokenFile(scratch.Path("missing")), all) ==
        "error: token_file " + scratch.Path("missing") +
            ": found no such file; put an API token (permission Account > Radar > Read) in a file "
            "and name it in api.token_file, or in CLOUDFLARE_API_TOKEN_FILE");
  Replace(scratch, "api-token", "");
  CHECK(Token(CredentialSource{}, all)
            .starts_with("error: systemd credential " + scratch.Path("api-token") +
                         " holds nothing; "));
}

TEST_CASE("without any source the error names each that was looked at") {
  CHECK(Token(CredentialSource{}, Fake({})) ==
        "error: no API token: api.token_file is not configured, CREDENTIALS_DIRECTORY is not set, "
        "CLOUDFLARE_API_TOKEN_FILE is not set, and CLOUDFLARE_API_TOKEN is not set; put an API "
        "token (permission Account > Radar > Read) in a file and name it in api.token_file, or in "
        "CLOUDFLARE_API_TOKEN_FILE");
  CHECK(Token(CredentialSource{}, Fake({{"CREDENTIALS_DIRECTORY", "/nonexistent"}}))
            .find("/nonexistent/api-token does not exist") != std::string::npos);
}

TEST_CASE("with an e-mail address the legacy key is read, and no token") {
  const test::TemporaryDirectory scratch;
  CredentialSource source;
  source.email = "you@example.com";
  const Environment environment =
      Fake({{"CLOUDFLARE_API_KEY", "key-from-variable"}, {"CLOUDFLARE_API_TOKEN", "token"}});
  const auto key = [&] {
    CredentialReader reader(source, environment);
    const auto reading = reader.Read();
    REQUIRE(reading.ok());
    const auto* const pair = std::get_if<LegacyKey>(&reading.value().credentials);
    REQUIRE(pair != nullptr);
    CHECK(pair->email == "you@example.com");
    return pair->key.Reveal();
  };
  CHECK(key() == "key-from-variable");
  source.key_file = Replace(scratch, "key", "key-from-file");
  CHECK(key() == "key-from-file");
  source.key_file.clear();
  CredentialReader reader(source, Fake({}));
  const auto reading = reader.Read();
  REQUIRE_FALSE(reading.ok());
  CHECK(reading.error() ==
        "no API key: api.key_file is not configured, CLOUDFLARE_API_KEY_FILE is not set, and "
        "CLOUDFLARE_API_KEY is not set; put the legacy API key of you@example.com in a file and "
        "name it in api.key_file, or in CLOUDFLARE_API_KEY_FILE");
}

TEST_CASE("both variables are read, so that what is not used can be overwritten, too") {
  for (const char* const email : {"", "you@example.com"}) {
    CAPTURE(email);
    CredentialSource source;
    source.email = email;
    source.token_file = source.key_file = "/nonexistent";
    std::set<std::string> read;
    const CredentialReader reader(source, [&read](const std::string& name) {
      read.insert(name);
      return std::optional<std::string>("value");
    });
    CHECK(read.contains("CLOUDFLARE_API_TOKEN"));
    CHECK(read.contains("CLOUDFLARE_API_KEY"));
  }
}

TEST_CASE("white space around a credential is no part of it") {
  for (const char* raw : {"abc", "abc\n", "abc\r\n", "  abc\t\n\n", "\v\fabc"}) {
    CAPTURE(raw);
    const auto clean = CleanCredential(raw);
    REQUIRE(clean.ok());
    CHECK(clean.value().Reveal() == "abc");
  }
}

TEST_CASE("every character of the token syntax is accepted") {
  for (const char* raw : {"ABCxyz0123456789-._~+/==", "v1.0-abc", "a:b", "cfut_x", "=", "a=b", "=a",
                          "MIX=ed_Case=", "A1_B=c", "A_B=="}) {
    CAPTURE(raw);
    CHECK(CleanCredential(raw).ok());
  }
}

TEST_CASE("what could break a header, or is no credential, is refused and never repeated") {
  const std::string token = kCanary;
  using std::string_literals::operator""s;
  const std::map<std::string, std::string> rows = {
      {"", "nothing"},
      {" \r\n\t", "nothing"},
      {token + "\nX-Other: 1",
       "white space between other characters (one credential alone is expected)"},
      {token + "\r\nX-Other: 1",
       "white space between other characters (one credential alone is expected)"},
      {"Bearer " + token,
       "white space between other characters (one credential alone is expected)"},
      {token + "\0x"s, "a control character"},
      {token + "\0"s, "a control character"},
      {token + "\x1B[0m", "a control character"},
      {"\x7F" + token, "a control character"},
      {"\xEF\xBB\xBF" + token, "a byte order mark"},
      {token + "\xC3\xA4", "a character outside ASCII"},
      {token + "\xC2\xA0", "a character outside ASCII"},
      {token + "\xFF", "a character outside ASCII"},
      {"\"" + token + "\"", "a quote or backslash (the credential stands alone, without quotes)"},
      {"'" + token + "'", "a quote or backslash (the credential stands alone, without quotes)"},
      {"CLOUDFLARE_API_TOKEN=" + token,
       "a variable's name (the credential stands alone, without NAME=)"},
      {std::string(4097, 'x'), "more than 4 KiB"},
  };
  for (const auto& row : rows) {
    const std::string& raw = row.first;
    CAPTURE(raw);
    const auto clean = CleanCredential(raw);
    REQUIRE_FALSE(clean.ok());
    CHECK(clean.error() == row.second);
    CHECK(Token(CredentialSource{}, Fake({{"CLOUDFLARE_API_TOKEN", raw}})).find(token) ==
          std::string::npos);
  }
}

TEST_CASE("only a small regular file is read") {
  const test::TemporaryDirectory scratch;
  const auto error = [&](const std::string& path) {
    const std::string text = Token(TokenFile(path), Fake({}));
    return text.substr(0, text.find("; put"));
  };
  const auto expected = [](const std::string& path, const std::string& found) {
    return "error: token_file " + path + ": found " + found;
  };
  CHECK(error(scratch.Path("")) == expected(scratch.Path(""), "a directory"));
  CHECK(error("/dev/zero") == expected("/dev/zero", "something that is not a regular file"));
  const std::string fifo = scratch.Path("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(error(fifo) == expected(fifo, "something that is not a regular file"));
  const std::string large = Replace(scratch, "large", std::string(10'000'000, 'x'));
  CHECK(error(large) == expected(large, "a file of more than 4 KiB"));
  CHECK(error(Replace(scratch, "largest", std::string(4095, 'x') + "\n")) ==
        std::string(4095, 'x'));
}

TEST_CASE("a file that every user can read is used, with a warning that says so") {
  const test::TemporaryDirectory scratch;
  const auto warning = [&](mode_t mode) {
    CredentialReader reader(TokenFile(Replace(scratch, "token", kCanary, mode)), Fake({}));
    const auto reading = reader.Read();
    REQUIRE(reading.ok());
    return reading.value().warning;
  };
  CHECK(warning(0644) == scratch.Path("token") +
                             " can be read by every user (mode 0644); expected 0640 or stricter");
  CHECK(warning(0640).empty());
  CHECK(warning(0400).empty());
}

TEST_CASE("the origin says where the credential is from, and not what it is") {
  const test::TemporaryDirectory scratch;
  const auto origin = [](const CredentialSource& source, const Environment& environment) {
    CredentialReader reader(source, environment);
    const auto reading = reader.Read();
    REQUIRE(reading.ok());
    return reading.value().origin;
  };
  const std::string file = Replace(scratch, "api-token", kCanary);
  CHECK(origin(TokenFile(file), Fake({})) == "token_file " + file);
  CHECK(origin(CredentialSource{}, Fake({{"CREDENTIALS_DIRECTORY", DirectoryOf(scratch)}})) ==
        "systemd credential " + file);
  CHECK(origin(CredentialSource{}, Fake({{"CLOUDFLARE_API_TOKEN", kCanary}})) ==
        "environment variable CLOUDFLARE_API_TOKEN");
}

TEST_CASE("a replaced, emptied, removed or restored file is seen as changed, once each") {
  const test::TemporaryDirectory scratch;
  CredentialReader reader(TokenFile(Replace(scratch, "token", "one")), Fake({}));
  CHECK(reader.Changed());  // never read
  CHECK(Token(reader) == "one");
  CHECK_FALSE(reader.Changed());

  Replace(scratch, "token", "two");  // the same length, by renaming
  CHECK(reader.Changed());
  CHECK(Token(reader) == "two");
  CHECK_FALSE(reader.Changed());

  std::filesystem::resize_file(scratch.Path("token"), 0);
  CHECK(reader.Changed());
  CHECK(Token(reader).starts_with("error: "));
  CHECK_FALSE(reader.Changed());

  std::filesystem::remove(scratch.Path("token"));
  CHECK(reader.Changed());
  CHECK(Token(reader).starts_with("error: "));
  CHECK_FALSE(reader.Changed());

  Replace(scratch, "token", "three");
  CHECK(reader.Changed());
  CHECK(Token(reader) == "three");
}

TEST_CASE("the variable is read once: overwriting it afterwards changes nothing") {
  std::string value = "before";
  CredentialReader reader(CredentialSource{},
                          [&](const std::string& name) -> std::optional<std::string> {
                            if (name != "CLOUDFLARE_API_TOKEN") return std::nullopt;
                            return value;
                          });
  value = "xxxxxx";
  CHECK(Token(reader) == "before");
  CHECK(Token(reader) == "before");
  CHECK_FALSE(reader.Changed());
}

}  // namespace
}  // namespace radar_spoof
