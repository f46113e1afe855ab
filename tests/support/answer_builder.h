// An API answer, part by part, as Cloudflare writes it. Every part is JSON text, so that a test can
// put there whatever the API should not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof::test {

// Members in the order they were set; `Set` with the same key replaces.
class JsonObjectText {
 public:
  JsonObjectText& Set(const std::string& key, std::string json) {
    Remove(key);
    members_.emplace_back(key, std::move(json));
    return *this;
  }
  void Remove(const std::string& key) {
    std::erase_if(members_, [&](const auto& member) { return member.first == key; });
  }
  std::string Text() const {
    std::string text;
    for (const auto& [key, json] : members_) {
      text += (text.empty() ? "\"" : ", \"") + key + "\": " + json;
    }
    return "{" + text + "}";
  }

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

inline std::string JsonString(std::string_view text) { return '"' + std::string(text) + '"'; }

inline std::string JsonArray(const std::vector<std::string>& elements) {
  std::string text;
  for (const std::string& element : elements) text += (text.empty() ? "" : ", ") + element;
  return "[" + text + "]";
}

// Parallel arrays, as JSON elements.
struct SeriesText {
  std::vector<std::string> timestamps;
  std::vector<std::string> spoof;
  std::vector<std::string> not_spoof;
  JsonObjectText more;  // replaces the three above where it has the same keys

  // `spoof_percent` and what is left to 100 as NOT_SPOOF.
  SeriesText& Bucket(std::string_view start, int spoof_percent) {
    return Raw(start, JsonString(std::to_string(spoof_percent)),
               JsonString(std::to_string(100 - spoof_percent)));
  }
  SeriesText& Raw(std::string_view start, std::string spoof_json, std::string not_spoof_json) {
    timestamps.push_back(JsonString(start));
    spoof.push_back(std::move(spoof_json));
    not_spoof.push_back(std::move(not_spoof_json));
    return *this;
  }
  bool without_timestamps = false;
  bool without_classes = false;

  std::string Text() const {
    JsonObjectText object;
    if (!without_timestamps) object.Set("timestamps", JsonArray(timestamps));
    if (!without_classes) {
      object.Set("NOT_SPOOF", JsonArray(not_spoof)).Set("SPOOF", JsonArray(spoof));
    }
    const std::string own = object.Text();
    const std::string extra = more.Text();
    if (extra == "{}") return own;
    if (own == "{}") return extra;
    return own.substr(0, own.size() - 1) + ", " + extra.substr(1);
  }
};

struct Answer {
  // Of hourly buckets; `lastUpdated` at the quarter hour before noon of 2026-06-09, a Tuesday.
  Answer() {
    meta.Set("dateRange",
             R"([{"startTime": "2026-06-02T12:00:00Z", "endTime": "2026-06-09T12:00:00Z"}])")
        .Set("aggInterval", R"("ONE_HOUR")")
        .Set("confidenceInfo", R"({"level": 5, "annotations": []})")
        .Set("lastUpdated", R"("2026-06-09T11:45:00Z")")
        .Set("normalization", R"("PERCENTAGE")")
        .Set("units", R"([{"name": "*", "value": "requests"}])");
    envelope.Set("success", "true").Set("errors", "[]");
  }

  SeriesText serie_0;
  std::optional<SeriesText> serie_1;
  JsonObjectText meta;
  JsonObjectText result;    // beside the series and meta; replaces them where it has their keys
  JsonObjectText envelope;  // beside `result`
  std::optional<std::string> result_json;  // instead of the result object

  std::string Body() const {
    JsonObjectText all = envelope;
    if (result_json) return all.Set("result", *result_json).Text();
    JsonObjectText object;
    object.Set("serie_0", serie_0.Text());
    if (serie_1) object.Set("serie_1", serie_1->Text());
    object.Set("meta", meta.Text());
    const std::string extra = result.Text();
    std::string text = object.Text();
    if (extra != "{}") text = text.substr(0, text.size() - 1) + ", " + extra.substr(1);
    return all.Set("result", text).Text();
  }
};

inline HttpResponse Ok(std::string body) { return {200, {}, std::move(body)}; }

inline WallTime At(std::string_view rfc3339) { return ParseRfc3339(rfc3339).value(); }

}  // namespace radar_spoof::test
