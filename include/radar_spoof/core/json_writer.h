// Writes one JSON document, on one line and without white space. Reading is parse/json.h's.
//
// Throws std::bad_alloc when there is no memory for it. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  // Writes `{`, what `members` writes, `}`. A member is a Key and a value. REQUIRES: no key twice.
  template <typename Members>
  void Object(Members members) {
    BeginObject();
    members();
    EndObject();
  }
  // Writes `[`, the values that `elements` writes, `]`.
  template <typename Elements>
  void Array(Elements elements) {
    BeginArray();
    elements();
    EndArray();
  }
  void Key(std::string_view name);

  void Value(std::string_view text);  // REQUIRES: UTF-8
  void Value(const char* text) { Value(std::string_view(text)); }
  void Value(const std::string& text) { Value(std::string_view(text)); }
  void Value(bool value);
  void Value(int number) { Value(std::int64_t{number}); }
  void Value(std::int64_t number);
  void Value(std::uint64_t number);
  void Value(double number);  // the shortest that reads back the same. REQUIRES: finite
  void Value(WallTime time);  // as RFC 3339 text
  template <typename T>
  void Value(const std::optional<T>& value) {
    value ? Value(*value) : Null();
  }
  void Null();
  // REQUIRES: the text of a JSON number.
  void Number(std::string_view text);

  template <typename T>
  void Member(std::string_view name, const T& value) {
    Key(name);
    Value(value);
  }

  // The document. REQUIRES: it is whole.
  std::string Text() const;

 private:
  struct Impl;

  void BeginObject();
  void EndObject();
  void BeginArray();
  void EndArray();

  const std::unique_ptr<Impl> impl_;
};

}  // namespace radar_spoof
