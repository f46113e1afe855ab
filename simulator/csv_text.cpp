#include "simulator/csv_text.h"

#include <algorithm>
#include <string_view>

#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof::simulator {
namespace {

std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string HeaderRow(const RadarAnswer& answer) {
  std::string row;
  for (const SeriesAnswer& series : answer.series) {
    for (const std::string_view column : {"timestamps", "NOT_SPOOF", "SPOOF"}) {
      if (!row.empty()) row += ',';
      row += Field(series.key + ' ' + std::string(column));
    }
  }
  return row + "\r\n";
}

std::string Cells(const SeriesAnswer& series, std::size_t row) {
  if (row >= series.timestamps.size()) return ",,";
  return FormatRfc3339(series.timestamps[row]) + ',' + PercentText(kAllMail - series.spoof[row]) +
         ',' + PercentText(series.spoof[row]);
}

}  // namespace

std::string CsvText(const RadarAnswer& answer) {
  std::size_t rows = 0;
  for (const SeriesAnswer& series : answer.series) rows = std::max(rows, series.timestamps.size());

  std::string text = HeaderRow(answer);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < answer.series.size(); ++i) {
      if (i > 0) text += ',';
      text += Cells(answer.series[i], row);
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace radar_spoof::simulator
