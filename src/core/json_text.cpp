#include "radar_spoof/core/json_text.h"

#include <fmt/format.h>

#include "radar_spoof/core/rapidjson.h"

namespace radar_spoof {

JsonText JsonString(std::string_view text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer(buffer);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return {{buffer.GetString(), buffer.GetSize()}};
}

JsonText JsonBool(bool value) { return {value ? "true" : "false"}; }
JsonText JsonNumber(std::int64_t number) { return {std::to_string(number)}; }
JsonText JsonNumber(double number) { return {fmt::format("{}", number)}; }

void JsonArray::Add(const JsonText& item) {
  if (text_.size() > 1) text_ += ',';
  text_ += item.text;
}

void JsonObject::Add(std::string_view key, const JsonText& value) {
  if (text_.size() > 1) text_ += ',';
  text_ += JsonString(key).text;
  text_ += ':';
  text_ += value.text;
}

}  // namespace radar_spoof
