#include "simulator/csv_text.h"

#include <algorithm>

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
  const auto add = [&](const std::string& key, std::string_view column) {
    if (!row.empty()) row += ',';
    row += Field(key + ' ' + std::string(column));
  };
  for (const SeriesAnswer& series : answer.series) {
    add(series.key, "timestamps");
    for (const ClassValues& each : series.classes) add(series.key, each.name);
  }
  return row + "\r\n";
}

std::string Cells(const SeriesAnswer& series, std::size_t row) {
  const bool there = row < series.timestamps.size();
  std::string cells = there ? FormatRfc3339(series.timestamps[row]) : "";
  for (const ClassValues& each : series.classes) {
    cells += ',';
    if (there && each.values[row]) cells += PercentText(*each.values[row]);
  }
  return cells;
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
