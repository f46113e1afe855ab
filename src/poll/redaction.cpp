#include "radar_spoof/poll/redaction.h"

#include <algorithm>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kMark = "[redacted]";
constexpr std::size_t kTellingPart = 8;
constexpr std::size_t kTellingBeginning = 4;
constexpr std::size_t kMostSlashes = 9;  // of what was escaped four times
constexpr std::size_t kGram = 4;
constexpr std::size_t kGramHashes = 1U << 16U;
// What stands in good answers, as the API reference has it and as was seen.
constexpr std::string_view kAnswersWords =
    R"("success":true,"errors":[],"messages":[],"result":{"serie_0":{"timestamps":["not_spoof":["spoof":[)"
    R"("meta":{"daterange":[{"starttime":"endtime":"agginterval":"fifteen_minutes one_hour one_day one_week )"
    R"("confidenceinfo":{"level":"annotations":[{"datasource":"email_security"eventtype":"general outage )"
    R"(partial_projection pipeline traffic_anomaly "description":"startdate":"enddate":"isinstantaneous":false,)"
    R"("linkedurl":null "lastupdated":"normalization":"percentage","units":[{"name":"*","value":"requests"}])"
    R"(t00:00:00z t00:15:00z t00:30:00z t00:45:00z)";

std::optional<char> AsciiFromHex(std::string_view digits, std::size_t length) {
  const auto code = ParseNumber<unsigned>(digits.substr(0, length), 16);
  if (digits.size() < length || !code || *code > 0x7f) return std::nullopt;
  return static_cast<char>(*code);
}

// The character that `text`, which is not empty, begins with, and as how many it is written.
std::pair<char, std::size_t> FirstCharacter(std::string_view text) {
  if (text.front() == '%') {
    if (const auto c = AsciiFromHex(text.substr(1), 2)) return {*c, 3};
  }
  const std::size_t slashes =
      std::min(text.substr(0, kMostSlashes).find_first_not_of('\\'), text.size());
  const std::string_view escaped = text.substr(slashes);
  if (slashes > 0 && escaped.starts_with('u')) {
    if (const auto c = AsciiFromHex(escaped.substr(1), 4)) return {*c, slashes + 5};
  }
  if (slashes > 0 && escaped.starts_with('/')) return {'/', slashes + 1};
  return {text.front(), 1};
}

// `text` without escapes, and where each of its characters begins in it.
std::string WithoutEscapes(std::string_view text, std::vector<std::size_t>* begins) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = FirstCharacter(text.substr(at));
    plain += c;
    if (begins != nullptr) begins->push_back(at);
    at += length;
  }
  return plain;
}

// Without what may be the beginning of an escape.
std::string_view WithoutCutEscape(std::string_view text) {
  constexpr std::size_t kLongest = 5;  // of "\\u002f"
  const std::size_t at = text.find_last_of("\\%");
  return at != std::string_view::npos && text.size() - at <= kLongest ? text.substr(0, at) : text;
}

// Where the beginning of `secret` stands with which `text` is cut, and how long it is.
std::pair<std::size_t, std::size_t> CutBeginning(std::string_view text, std::string_view secret) {
  if (text.ends_with('"')) text.remove_suffix(1);
  text = WithoutCutEscape(text);
  for (std::size_t length = std::min(secret.size(), text.size()); length >= kTellingBeginning;
       --length) {
    const std::size_t at = text.size() - length;
    if (LowerCase(text.substr(at)) == secret.substr(0, length)) return {at, length};
  }
  return {0, 0};
}

std::size_t GramHash(std::string_view gram) {
  std::uint32_t hash = 0;
  for (const char c : gram) hash = hash << 8U | static_cast<unsigned char>(LowerCase(c));
  return hash * 2654435761U >> 16U;
}

}  // namespace

Redactor::Needle::Needle(Secret lower_case, std::size_t shortest_part, bool beginning)
    : text(std::move(lower_case)),
      part(std::min(shortest_part, text.Reveal().size())),
      by_beginning(beginning),
      gram(std::min(kGram, part)),
      grams(kGramHashes) {
  const std::string_view all = text.Reveal();
  for (std::size_t at = 0; at + gram <= all.size(); ++at) {
    grams[GramHash(all.substr(at, gram))] = true;
  }
}

Redactor::Redactor(const Credentials& credentials) {
  if (const auto* const bearer = std::get_if<BearerToken>(&credentials)) {
    Add(bearer->token.Reveal(), kTellingPart, true);
  } else if (const auto* const legacy = std::get_if<LegacyKey>(&credentials)) {
    Add(legacy->key.Reveal(), kTellingPart, true);
    Add(legacy->email, legacy->email.size(), false);
  }
  const auto spoils =
      std::stable_partition(needles_.begin(), needles_.end(), [](const Needle& needle) {
        bool is_word = needle.part < kTellingPart;
        FindParts(kAnswersWords, needle, [&is_word](std::size_t) { is_word = true; });
        return !is_word;
      });
  harmless_ = static_cast<std::size_t>(spoils - needles_.begin());
}

void Redactor::Add(const std::string& text, std::size_t part, bool by_beginning) {
  if (!text.empty()) needles_.emplace_back(Secret(LowerCase(text)), part, by_beginning);
}

// Every part holds a gram that begins at a multiple of `step`, so it is enough to look there.
template <typename Found>
void Redactor::FindParts(std::string_view text, const Needle& needle, Found found) {
  const std::size_t step = needle.part - needle.gram + 1;
  for (std::size_t at = 0; at + needle.gram <= text.size(); at += step) {
    if (!needle.grams[GramHash(text.substr(at, needle.gram))]) continue;
    for (std::size_t begin = at - std::min(at, step - 1);
         begin <= at && begin + needle.part <= text.size(); ++begin) {
      const std::string part = LowerCase(text.substr(begin, needle.part));
      if (needle.text.Reveal().find(part) != std::string::npos) found(begin);
    }
  }
}

std::string Redactor::Redacted(std::string_view text) const { return Without(text, needles_); }

void Redactor::Redact(HttpResponse& response) const {
  for (auto& [name, value] : response.headers) RedactBeforeReading(value);
  RedactBeforeReading(response.body);
}

void Redactor::RedactBeforeReading(std::string& text) const {
  const bool is_plain = text.find('\\') == std::string::npos && text.find('%') == std::string::npos;
  const std::string unescaped = is_plain ? "" : WithoutEscapes(text, nullptr);
  bool found = false;
  for (const Needle& needle : Harmless()) {
    FindParts(is_plain ? text : unescaped, needle, [&found](std::size_t) { found = true; });
  }
  if (found) text = Without(text, Harmless());
}

std::string Redactor::Without(std::string_view text, std::span<const Needle> needles) {
  std::vector<std::size_t> begins;
  const std::string plain = WithoutEscapes(text, &begins);
  begins.push_back(text.size());
  std::vector<bool> marked(plain.size());
  const auto mark = [&marked](std::size_t begin, std::size_t length) {
    std::fill_n(marked.begin() + static_cast<std::ptrdiff_t>(begin), length, true);
  };
  for (const Needle& needle : needles) {
    FindParts(plain, needle, [&](std::size_t begin) { mark(begin, needle.part); });
    if (!needle.by_beginning) continue;
    const auto [begin, length] = CutBeginning(plain, needle.text.Reveal());
    mark(begin, length);
  }
  std::string redacted;
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (!marked[i]) {
      redacted += text.substr(begins[i], begins[i + 1] - begins[i]);
    } else if (i == 0 || !marked[i - 1]) {
      redacted += kMark;
    }
  }
  return redacted;
}

}  // namespace radar_spoof
