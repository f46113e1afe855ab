// Texts from upstream without the credential that upstream was told.
//
// Thread rule: pure.
#pragma once

#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof {

// Costs 8 KiB and some microseconds to make, so it is kept as long as the credentials are used.
class Redactor {
 public:
  explicit Redactor(const Credentials& credentials);

  // In `text`, these become "[redacted]": the token or key, and every part of it of 8 characters or
  // more; its first 4 characters or more where the text, or a quotation at its end, is cut; the
  // whole e-mail address of the legacy pair. Upper and lower case are alike, and so are a character
  // and its escapes in JSON (`\/`, `\u002f`, also escaped again) and in a URL (`%2F`). Shorter
  // parts stay.
  std::string Redacted(std::string_view text) const;

  // To be called before the answer is read, so that nothing that is cut from it holds a beginning
  // of the credential: headers and body as by Redacted(). But a credential that a good answer may
  // hold by itself, as it is under 8 characters or has a part of 8 in common with the API's own
  // words, is left there, since it would spoil the numbers.
  // Costs: one pass over the body that writes nothing, unless the credential is found.
  void Redact(HttpResponse& response) const;

 private:
  struct Needle {
    Needle(Secret lower_case, std::size_t shortest_part, bool beginning);

    Secret text;        // in lower case
    std::size_t part;   // so many of its characters are told
    bool by_beginning;  // also fewer, where the text is cut
    // The runs of `gram` characters in it, by hash.
    std::size_t gram;
    std::vector<bool> grams;
  };

  void Add(const std::string& text, std::size_t part, bool by_beginning);
  // Calls `found` with each place where a part begins. `text` has no escapes.
  template <typename Found>
  static void FindParts(std::string_view text, const Needle& needle, Found found);
  static std::string Without(std::string_view text, std::span<const Needle> needles);
  std::span<const Needle> Harmless() const { return {needles_.data(), harmless_}; }
  void RedactBeforeReading(std::string& text) const;

  std::vector<Needle> needles_;
  std::size_t harmless_;  // so many of them, the first: those that no good answer holds
};

// What requests are sent with and what comes back is redacted with.
struct CredentialsInUse {
  explicit CredentialsInUse(const Credentials& used) : credentials(used), redactor(used) {}

  Credentials credentials;
  Redactor redactor;
};

}  // namespace radar_spoof
