#include "radar_spoof/core/json_writer.h"

#include <fmt/format.h>

#include "radar_spoof/core/rapidjson.h"

namespace radar_spoof {

struct JsonWriter::Impl {
  using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, ThrowingAllocator>;

  Buffer buffer;
  rapidjson::Writer<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, ThrowingAllocator> writer{buffer};
};

JsonWriter::JsonWriter() : impl_(std::make_unique<Impl>()) {}
JsonWriter::~JsonWriter() = default;

void JsonWriter::BeginObject() { impl_->writer.StartObject(); }
void JsonWriter::EndObject() { impl_->writer.EndObject(); }
void JsonWriter::BeginArray() { impl_->writer.StartArray(); }
void JsonWriter::EndArray() { impl_->writer.EndArray(); }

void JsonWriter::Key(std::string_view name) {
  impl_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
void JsonWriter::Value(std::string_view text) {
  impl_->writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void JsonWriter::Value(bool value) { impl_->writer.Bool(value); }
void JsonWriter::Value(std::int64_t number) { impl_->writer.Int64(number); }
void JsonWriter::Value(std::uint64_t number) { impl_->writer.Uint64(number); }
void JsonWriter::Value(double number) { Number(fmt::format("{}", number)); }
void JsonWriter::Value(WallTime time) { Value(FormatRfc3339(time)); }
void JsonWriter::Null() { impl_->writer.Null(); }
void JsonWriter::Number(std::string_view text) {
  impl_->writer.RawValue(text.data(), text.size(), rapidjson::kNumberType);
}

std::string JsonWriter::Text() const {
  return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

}  // namespace radar_spoof
