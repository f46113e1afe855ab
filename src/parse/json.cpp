#include "radar_spoof/parse/json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "radar_spoof/core/rapidjson.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kShownBytes = 40;
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;

using Reader = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, ThrowingAllocator>;

// Builds the tree from the parser's events; false ends the parse.
class TreeBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, TreeBuilder> {
 public:
  using Kind = JsonValue::Kind;

  explicit TreeBuilder(std::string_view document)
      : text_(new char[document.size()]), text_end_(text_.get()) {}

  bool Null() { return Add({}); }
  bool Bool(bool value) { return Add({.kind = Kind::kBool, .boolean = value}); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    return Add({.kind = Kind::kNumber, .text = Kept(text, length)});
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (!IsUtf8({text, length})) return RefuseBytes();
    return Add({.kind = Kind::kString, .text = Kept(text, length)});
  }
  bool StartObject() { return Open(Kind::kObject); }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    if (!IsUtf8({text, length})) return RefuseBytes();
    keys_.push_back(Kept(text, length));
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(open_.back().first_key);
    std::vector<std::string_view> sorted(first, keys_.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      return Refuse(JsonProblem::Kind::kSchema, "a key stands twice in one object");
    }
    return Close();
  }
  bool StartArray() { return Open(Kind::kArray); }
  bool EndArray(rapidjson::SizeType) { return Close(); }

  // What else the reader can send: numbers, which kParseNumbersAsStringsFlag keeps from it.
  bool Default() { return false; }

  // REQUIRES: the parse came to its end.
  JsonDocument Document() && { return {std::move(text_), std::move(values_.front())}; }
  const std::optional<JsonProblem>& refusal() const { return refusal_; }

 private:
  // No string or number is longer than what it is written as, so all of them have room.
  std::string_view Kept(const char* text, std::size_t length) {
    char* const begin = text_end_;
    if (length > 0) std::memcpy(begin, text, length);
    text_end_ += length;
    return {begin, length};
  }

  bool Refuse(JsonProblem::Kind kind, std::string detail) {
    refusal_ = JsonProblem{kind, std::move(detail)};
    return false;
  }

  // RapidJSON's own check costs a fifth of the parse, and lets a lone low surrogate through.
  bool RefuseBytes() { return Refuse(JsonProblem::Kind::kSyntax, "a string that is not UTF-8"); }

  bool Add(JsonValue&& value) {
    if (++count_ > kJsonMaxValues) {
      return Refuse(JsonProblem::Kind::kLimit,
                    "more than " + std::to_string(kJsonMaxValues) + " values");
    }
    values_.push_back(std::move(value));
    return true;
  }

  bool Open(Kind kind) {
    if (open_.size() >= static_cast<std::size_t>(kJsonMaxDepth)) {
      return Refuse(JsonProblem::Kind::kLimit,
                    "nested deeper than " + std::to_string(kJsonMaxDepth));
    }
    open_.push_back({kind, values_.size(), keys_.size()});
    return true;
  }

  bool Close() {
    const Opened opened = open_.back();
    open_.pop_back();
    const auto first_value = values_.begin() + static_cast<std::ptrdiff_t>(opened.first_value);
    const auto first_key = keys_.begin() + static_cast<std::ptrdiff_t>(opened.first_key);
    JsonValue closed{.kind = opened.kind};
    closed.keys.assign(first_key, keys_.end());
    closed.items.assign(std::move_iterator(first_value), std::move_iterator(values_.end()));
    keys_.erase(first_key, keys_.end());
    values_.erase(first_value, values_.end());
    return Add(std::move(closed));
  }

  // An array or object that has begun, and where in `values_` and `keys_` its own begin.
  struct Opened {
    Kind kind;
    std::size_t first_value;
    std::size_t first_key;
  };

  std::unique_ptr<char[]> text_;
  char* text_end_;
  std::vector<Opened> open_;
  std::vector<JsonValue> values_;  // of what is open; in the end the root alone
  std::vector<std::string_view> keys_;
  int count_ = 0;
  std::optional<JsonProblem> refusal_;
};

}  // namespace

std::optional<double> ReadDecimal(const JsonValue& value) {
  if (!value.Is(JsonValue::Kind::kNumber) && !value.Is(JsonValue::Kind::kString))
    return std::nullopt;
  const auto number = ParseNumber<double>(value.text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

bool HoldsNothing(const JsonValue& value) {
  if (value.Is(JsonValue::Kind::kNull)) return true;
  return value.Is(JsonValue::Kind::kString) &&
         (value.text.empty() || LowerCase(value.text) == "nan");
}

std::optional<WallTime> ReadTime(const JsonValue* value) {
  if (value == nullptr || !value->Is(JsonValue::Kind::kString)) return std::nullopt;
  return ParseRfc3339(value->text);
}

const JsonValue* JsonValue::Find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

std::string Describe(const JsonValue* value) {
  if (value == nullptr) return "missing";
  switch (value->kind) {
    case JsonValue::Kind::kNull: return "null";
    case JsonValue::Kind::kBool: return value->boolean ? "true" : "false";
    case JsonValue::Kind::kNumber: return ForLog(value->text, kShownBytes);
    case JsonValue::Kind::kString: return '"' + ForLog(value->text, kShownBytes) + '"';
    case JsonValue::Kind::kArray: return "an array";
    case JsonValue::Kind::kObject: return "an object";
  }
  return "";
}

Result<JsonDocument, JsonProblem> ParseJson(std::string_view text) {
  const std::size_t skipped = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  text.remove_prefix(skipped);
  TreeBuilder builder(text);
  rapidjson::MemoryStream stream(text.data(), text.size());
  Reader reader;
  try {
    reader.Parse<kFlags>(stream, builder);
  } catch (const RapidJsonAssertion& assertion) {
    return JsonProblem{JsonProblem::Kind::kSyntax, assertion.what()};
  }
  const auto at = [skipped](std::size_t offset) {
    return " at byte " + std::to_string(offset + skipped);
  };
  if (builder.refusal()) {
    return JsonProblem{builder.refusal()->kind, builder.refusal()->detail + at(stream.Tell())};
  }
  if (reader.HasParseError()) {
    return JsonProblem{
        JsonProblem::Kind::kSyntax,
        rapidjson::GetParseError_En(reader.GetParseErrorCode()) + at(reader.GetErrorOffset())};
  }
  // RapidJSON takes a NUL for the end of the text.
  if (stream.Tell() != text.size()) {
    return JsonProblem{JsonProblem::Kind::kSyntax,
                       "something after the document" + at(stream.Tell())};
  }
  return std::move(builder).Document();
}

}  // namespace radar_spoof
