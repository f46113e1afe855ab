#include "simulator/json_text.h"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "radar_spoof/core/rfc3339.h"

namespace radar_spoof::simulator {
namespace {

class Json {
 public:
  // Writes `{`, what `members` writes, `}`; Array likewise.
  template <typename Members>
  void Object(Members members) {
    writer_.StartObject();
    members();
    writer_.EndObject();
  }
  template <typename Elements>
  void Array(Elements elements) {
    writer_.StartArray();
    elements();
    writer_.EndArray();
  }
  void Key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  void Text(std::string_view text) {
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  void Time(WallTime time) { Text(FormatRfc3339(time)); }
  void Number(std::uint64_t number) { writer_.Uint64(number); }
  void Bool(bool value) { writer_.Bool(value); }
  void Null() { writer_.Null(); }

  void Member(std::string_view name, std::string_view text) { Key(name), Text(text); }
  void Member(std::string_view name, const char* text) { Member(name, std::string_view(text)); }
  void Member(std::string_view name, WallTime time) { Key(name), Time(time); }
  void Member(std::string_view name, bool value) { Key(name), Bool(value); }

  std::string Take() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

void WriteSeries(Json& json, const SeriesAnswer& series, bool with_timestamps) {
  json.Key(series.key);
  json.Object([&] {
    if (with_timestamps) {
      json.Key("timestamps");
      json.Array([&] {
        for (const WallTime start : series.timestamps) json.Time(start);
      });
    }
    for (const ClassValues& each : series.classes) {
      json.Key(each.name);
      json.Array([&] {
        for (const std::optional<MicroPercent>& value : each.values) {
          value ? json.Text(PercentText(*value)) : json.Null();
        }
      });
    }
  });
}

void WriteAnnotation(Json& json, const Annotation& annotation) {
  json.Object([&] {
    json.Member("dataSource", "EMAIL_SECURITY");
    json.Member("description", annotation.description);
    json.Member("startDate", annotation.start);
    json.Member("endDate", annotation.end);
    json.Member("eventType", Name(annotation.event_type));
    json.Member("isInstantaneous", false);
    json.Member("linkedUrl", "");
  });
}

void WriteConfidence(Json& json, const ConfidenceInfo& confidence) {
  json.Object([&] {
    json.Key("level");
    confidence.level ? json.Number(static_cast<std::uint64_t>(*confidence.level)) : json.Null();
    json.Key("annotations");
    json.Array([&] {
      for (const Annotation& annotation : confidence.annotations) WriteAnnotation(json, annotation);
    });
  });
}

void WriteMeta(Json& json, const RadarAnswer& answer) {
  json.Key("meta");
  json.Object([&] {
    json.Key("dateRange");
    json.Array([&] {
      for (const SeriesAnswer& series : answer.series) {
        json.Object([&] {
          json.Member("startTime", series.date_range.start);
          json.Member("endTime", series.date_range.end);
        });
      }
    });
    json.Member("aggInterval", MetaName(answer.interval));
    json.Key("confidenceInfo");
    answer.confidence ? WriteConfidence(json, *answer.confidence) : json.Null();
    json.Member("lastUpdated", answer.last_updated);
    json.Member("normalization", "PERCENTAGE");
    json.Key("units");
    json.Array([&] {
      json.Object([&] {
        json.Member("name", "*");
        json.Member("value", "requests");
      });
    });
  });
}

void WriteCodeAndMessage(Json& json, int code, std::string_view message) {
  if (code != 0) {
    json.Key("code");
    json.Number(static_cast<std::uint64_t>(code));
  }
  json.Member("message", message);
}

void WriteLast(Json& json, const LoggedRequest& last) {
  json.Object([&] {
    json.Member("method", last.method);
    json.Member("path", last.path);
    json.Member("query", last.query);
    json.Member("user_agent", last.user_agent);
    json.Key("header_names");
    json.Array([&] {
      for (const std::string& name : last.header_names) json.Text(name);
    });
    json.Key("status");
    json.Number(static_cast<std::uint64_t>(last.status));
  });
}

}  // namespace

std::string JsonText(const RadarAnswer& answer, bool with_timestamps) {
  Json json;
  json.Object([&] {
    json.Member("success", true);
    json.Key("errors");
    json.Array([] {});
    json.Key("result");
    json.Object([&] {
      for (const SeriesAnswer& series : answer.series) WriteSeries(json, series, with_timestamps);
      WriteMeta(json, answer);
    });
  });
  return json.Take();
}

std::string JsonText(const ApiError& error) {
  Json json;
  json.Object([&] {
    if (!error.by_radar) json.Member("success", false);
    json.Key("errors");
    json.Array([&] {
      json.Object([&] {
        WriteCodeAndMessage(json, error.code, error.message);
        if (error.chain.empty()) return;
        json.Key("error_chain");
        json.Array([&] {
          for (const auto& link : error.chain) {
            json.Object([&] { WriteCodeAndMessage(json, link.first, link.second); });
          }
        });
      });
    });
    if (error.by_radar) {
      json.Member("success", false);
      json.Key("result");
      json.Object([] {});
    } else {
      json.Key("messages");
      json.Array([] {});
      json.Key("result");
      json.Null();
    }
  });
  return json.Take();
}

std::string JsonText(Scenario current) {
  Json json;
  json.Object([&] {
    json.Member("scenario", Name(current));
    json.Key("scenarios");
    json.Array([&] {
      for (const Scenario scenario : kAllScenarios) json.Text(Name(scenario));
    });
  });
  return json.Take();
}

std::string JsonText(const RequestLog& log) {
  Json json;
  json.Object([&] {
    json.Key("api_requests");
    json.Number(log.total());
    json.Key("by_status");
    json.Object([&] {
      for (const auto& entry : log.by_status()) {
        json.Key(std::to_string(entry.first));
        json.Number(entry.second);
      }
    });
    json.Key("last");
    if (log.total() == 0) {
      json.Null();
    } else {
      WriteLast(json, log.last());
    }
  });
  return json.Take();
}

std::string JsonErrorText(std::string_view message) {
  Json json;
  json.Object([&] { json.Member("error", message); });
  return json.Take();
}

bool IsUtf8(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::StringBuffer ignored;
  while (stream.Tell() < text.size()) {
    if (!rapidjson::UTF8<>::Validate(stream, ignored)) return false;
  }
  return true;
}

}  // namespace radar_spoof::simulator
