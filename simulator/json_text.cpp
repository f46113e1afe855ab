#include "simulator/json_text.h"

#include "radar_spoof/core/json_writer.h"

namespace radar_spoof::simulator {
namespace {

void WriteSeries(JsonWriter& json, const SeriesAnswer& series, bool with_timestamps) {
  json.Key(series.key);
  json.Object([&] {
    if (with_timestamps) {
      json.Key("timestamps");
      json.Array([&] {
        for (const WallTime start : series.timestamps) json.Value(start);
      });
    }
    for (const ClassValues& each : series.classes) {
      json.Key(each.name);
      json.Array([&] {
        for (const std::optional<MicroPercent>& value : each.values) {
          value ? json.Value(PercentText(*value)) : json.Null();
        }
      });
    }
  });
}

void WriteAnnotation(JsonWriter& json, const Annotation& annotation) {
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

void WriteConfidence(JsonWriter& json, const ConfidenceInfo& confidence) {
  json.Object([&] {
    json.Member("level", confidence.level);
    json.Key("annotations");
    json.Array([&] {
      for (const Annotation& annotation : confidence.annotations) WriteAnnotation(json, annotation);
    });
  });
}

void WriteMeta(JsonWriter& json, const RadarAnswer& answer) {
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

void WriteCodeAndMessage(JsonWriter& json, int code, std::string_view message) {
  if (code != 0) json.Member("code", code);
  json.Member("message", message);
}

void WriteLast(JsonWriter& json, const LoggedRequest& last) {
  json.Object([&] {
    json.Member("method", last.method);
    json.Member("path", last.path);
    json.Member("query", last.query);
    json.Member("user_agent", last.user_agent);
    json.Key("header_names");
    json.Array([&] {
      for (const std::string& name : last.header_names) json.Value(name);
    });
    json.Member("status", last.status);
  });
}

}  // namespace

std::string JsonText(const RadarAnswer& answer, bool with_timestamps) {
  JsonWriter json;
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
  return json.Text();
}

std::string JsonText(const ApiError& error) {
  JsonWriter json;
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
  return json.Text();
}

std::string JsonText(Scenario current) {
  JsonWriter json;
  json.Object([&] {
    json.Member("scenario", Name(current));
    json.Key("scenarios");
    json.Array([&] {
      for (const Scenario scenario : kAllScenarios) json.Value(Name(scenario));
    });
  });
  return json.Text();
}

std::string JsonText(const RequestLog& log) {
  JsonWriter json;
  json.Object([&] {
    json.Member("api_requests", log.total());
    json.Key("by_status");
    json.Object([&] {
      for (const auto& [status, count] : log.by_status()) {
        json.Member(std::to_string(status), count);
      }
    });
    json.Key("last");
    log.total() == 0 ? json.Null() : WriteLast(json, log.last());
  });
  return json.Text();
}

std::string JsonErrorText(std::string_view message) {
  JsonWriter json;
  json.Object([&] { json.Member("error", message); });
  return json.Text();
}

}  // namespace radar_spoof::simulator
