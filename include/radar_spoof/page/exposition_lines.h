// Publish: the pieces that lines of an exposition are made of.
//
// Whatever the strings hold, the result is valid UTF-8 and breaks no line: in label values and help
// texts invalid UTF-8 becomes U+FFFD, CR and NUL are dropped, the rest is escaped. Thread rule:
// pure.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/page/exposition_format.h"

namespace radar_spoof {

// What stands before a family's samples. `name` is in full (counters end in _total); `type` as in
// a TYPE line.
void AppendHead(std::string_view name, std::string_view type, std::string_view help,
                ExpositionFormat format, std::string& out);

// `name="value",` with the value escaped.
void AppendLabel(std::string_view name, std::string_view value, std::string& out);

// The shortest text that reads back as the same double.
void AppendNumber(double value, std::string& out);

}  // namespace radar_spoof
