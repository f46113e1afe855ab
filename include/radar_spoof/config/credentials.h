// What the exporter proves itself to the API with, and where that comes from.
//
// Sources: bearer tokens and the legacy pair of `X-Auth-Email` and `X-Auth-Key` are described at
// https://developers.cloudflare.com/fundamentals/api/; neither has a documented length or alphabet.
// Refused: files that are not regular or over 4 KiB, and contents that could break a header or are
// plainly not a credential. Neither errors nor warnings ever hold any of the content.
// Blocking: reads one small regular file. Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <vector>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// Where the credentials are, never what they are. `email` empty: a bearer token, from `token_file`,
// else $CREDENTIALS_DIRECTORY/api-token, else the file that the variable `token_env` with _FILE
// behind it names, or the variable `token_env` itself. `email` set: the legacy key pair, from
// `key_file`, else by `key_env` in the same way. It is an error to set both variables.
struct CredentialSource {
  std::string token_file;
  std::string token_env = "CLOUDFLARE_API_TOKEN";
  std::string email;
  std::string key_file;
  std::string key_env = "CLOUDFLARE_API_KEY";

  friend bool operator==(const CredentialSource&, const CredentialSource&) = default;
};

struct BearerToken {
  Secret token;
};

struct LegacyKey {
  std::string email;
  Secret key;
};

using Credentials = std::variant<BearerToken, LegacyKey>;

// Whether they are the same. Not for what others claim: it takes longer the more is alike.
bool AreSame(const Credentials& a, const Credentials& b);

// A variable of the environment, nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct CredentialReading {
  Credentials credentials;
  std::string origin;   // "token_file /etc/...", "environment variable CLOUDFLARE_API_TOKEN"
  std::string warning;  // empty, or a sentence about the file's permissions
};

class CredentialReader {
 public:
  // Reads the environment here and never again, so that main can overwrite what was read: token_env
  // and key_env, whichever is used, and that one's _FILE.
  CredentialReader(const CredentialSource& source, const Environment& environment);

  // The error says which sources were looked at and what to do.
  Result<CredentialReading, std::string> Read();

  // Whether a file it reads from is another one, or was written to, since the last Read(), which
  // may have failed. Costs at most a stat() of each place. Always false for the environment.
  bool Changed() const;

 private:
  // Tells one state of a file from the next; also a file replaced by renaming, as secrets are
  // rotated in Kubernetes.
  struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t changed_nanoseconds = 0;  // ctime: moves with every write, chmod and rename
    std::int64_t size = 0;

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
  };

  // A file that is there.
  struct Present {
    std::string path;
    FileStamp stamp;
  };

  // The first of `files_` that is there.
  std::optional<Present> FirstPresent() const;
  // The name of the variable: token_env or key_env.
  const std::string& Variable() const;
  Result<CredentialReading, std::string> ReadFile(const std::string& what,
                                                  const std::string& path) const;
  Result<CredentialReading, std::string> Reading(std::string_view raw, const std::string& origin,
                                                 std::string warning) const;
  std::string NotFound() const;

  CredentialSource source_;
  std::string systemd_file_;        // in $CREDENTIALS_DIRECTORY; empty where that is not set
  std::optional<Secret> variable_;  // of token_env or key_env
  std::string variable_file_;       // of the same with _FILE; empty where that is not set
  std::vector<std::string> files_;  // where a credential file is or may appear, best first
  std::optional<FileStamp> stamp_;  // of the first that was there
};

// A credential as it was typed into a file or variable, without the white space around it. The
// error fits behind "holds" and never repeats the content.
Result<Secret, std::string> CleanCredential(std::string_view raw);

}  // namespace radar_spoof
