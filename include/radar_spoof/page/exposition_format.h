// The two formats in which /metrics can be written: which of them a client wants, and how a line is
// spelled.
//
// Whatever the strings hold, a line is valid UTF-8 and stays one line: in label values and help
// texts invalid UTF-8 becomes U+FFFD, CR and NUL are dropped, the rest is escaped.
// Sources: Prometheus, "Exposition formats" (text 0.0.4); OpenMetrics 1.0; RFC 9110, 12.5.1.
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

enum class ExpositionFormat {
  kText,         // Prometheus text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0.0
};

// The exact Content-Type of that format.
std::string_view ContentType(ExpositionFormat format);

// kOpenMetrics only when `accept` names application/openmetrics-text, as version 1.0.0 or without a
// version, and rates it no lower than the text format; a wildcard never chooses it. `accept` is the
// header's value, "" when it is absent.
ExpositionFormat ChooseExpositionFormat(std::string_view accept);

// What stands before a family's samples. `name` is in full (counters end in _total); `type` as in
// a TYPE line.
void AppendHead(std::string_view name, std::string_view type, std::string_view help,
                ExpositionFormat format, std::string& out);

// `name="value",` with the value escaped.
void AppendLabel(std::string_view name, std::string_view value, std::string& out);

// The shortest text that reads back as the same double.
void AppendNumber(double value, std::string& out);

}  // namespace radar_spoof
