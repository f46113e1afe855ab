#include "simulator/request_parameters.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace radar_spoof::simulator {
namespace {

constexpr std::size_t kMaxNameBytes = 128;
// The elements of every parameter, in the order they came.
class Parameters {
 public:
  static Result<Parameters, ApiError> Collect(const QueryString& query, SeriesNames names) {
    Parameters parameters;
    for (const auto& [name, value] : query) {
      if (name == "name" && names == SeriesNames::kIgnored) continue;
      const bool scalar = name == "aggInterval" || name == "format";
      if ((!scalar && !IsArray(name)) || (name == "name" && names == SeriesNames::kRefused)) {
        return InvalidInput(fmt::format("Unknown parameter {}", Quoted(name)));
      }
      std::vector<std::string_view>& elements = parameters.elements_[name];
      if (scalar && !elements.empty()) {
        return InvalidInput(fmt::format("{}: may be given only once", name));
      }
      elements.push_back(value);
    }
    return parameters;
  }

  std::optional<std::string_view> Scalar(std::string_view name) const {
    const auto found = elements_.find(name);
    if (found == elements_.end()) return std::nullopt;
    return found->second.front();
  }

  // "" when that series has no such element.
  std::string_view Element(std::string_view name, std::size_t series) const {
    const auto found = elements_.find(name);
    if (found == elements_.end() || series >= found->second.size()) return "";
    return found->second[series];
  }

  // As many as the longest array has elements, and at least one.
  std::size_t SeriesCount() const {
    std::size_t count = 1;
    for (const auto& [name, elements] : elements_) count = std::max(count, elements.size());
    return count;
  }

 private:
  static bool IsArray(std::string_view name) {
    if (name == "name" || name == "dateRange" || name == "dateStart" || name == "dateEnd") {
      return true;
    }
    return std::any_of(kAllDimensions.begin(), kAllDimensions.end(),
                       [&](Dimension dimension) { return RequestName(dimension) == name; });
  }

  std::map<std::string, std::vector<std::string_view>, std::less<>> elements_;
};

// The bits of "PASS,FAIL"; 0 for "" and for all values together.
Result<std::uint8_t, ApiError> ParseFilter(Dimension dimension, std::string_view element) {
  if (element.empty()) return std::uint8_t{0};
  const auto legal = LegalValues(dimension);
  unsigned mask = 0;
  for (std::size_t begin = 0; begin <= element.size();) {
    const std::size_t comma = std::min(element.find(',', begin), element.size());
    const std::string_view value = element.substr(begin, comma - begin);
    const auto found = std::find(legal.begin(), legal.end(), value);
    if (found == legal.end()) {
      return InvalidInput(fmt::format("{}: {} is not valid; expected one of {}",
                                      RequestName(dimension), Quoted(value),
                                      fmt::join(legal, ", ")));
    }
    mask |= 1U << (found - legal.begin());
    begin = comma + 1;
  }
  const unsigned every = (1U << legal.size()) - 1;
  return static_cast<std::uint8_t>(mask == every ? 0 : mask);
}

std::optional<ApiError> CheckName(std::string_view name) {
  if (name.size() > kMaxNameBytes) {
    return InvalidInput(fmt::format("name: longer than {} bytes", kMaxNameBytes));
  }
  if (!IsUtf8(name)) return InvalidInput("name: not valid UTF-8");
  if (name == "meta") return InvalidInput("name: 'meta' is reserved");
  return std::nullopt;
}

Result<SeriesRequest, ApiError> ParseSeries(const Parameters& parameters, std::size_t index,
                                            WallTime last_updated, WallTime now) {
  SeriesRequest series;
  const std::string_view name = parameters.Element("name", index);
  if (std::optional<ApiError> error = CheckName(name)) return *std::move(error);
  series.key = name.empty() ? fmt::format("serie_{}", index) : std::string(name);

  for (const Dimension dimension : kAllDimensions) {
    const auto mask = ParseFilter(dimension, parameters.Element(RequestName(dimension), index));
    if (!mask) return mask.error();
    series.selection[static_cast<std::size_t>(dimension)] = mask.value();
  }
  const auto window =
      ResolveWindow({parameters.Element("dateRange", index), parameters.Element("dateStart", index),
                     parameters.Element("dateEnd", index)},
                    last_updated, now);
  if (!window) return InvalidInput(fmt::format("{} (series {})", window.error(), index));
  series.window = window.value();
  return series;
}

Result<AnswerFormat, ApiError> ParseFormat(const Parameters& parameters) {
  std::string format(parameters.Scalar("format").value_or("JSON"));
  const std::string given = format;
  // Cloudflare's own examples send `format=json`.
  for (char& c : format) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (format == "JSON") return AnswerFormat::kJson;
  if (format == "CSV") return AnswerFormat::kCsv;
  return InvalidInput(fmt::format("format: {} is not valid; expected JSON or CSV", Quoted(given)));
}

Result<AggInterval, ApiError> ChooseInterval(const Parameters& parameters, Milliseconds length) {
  const std::optional<std::string_view> name = parameters.Scalar("aggInterval");
  if (!name) return DefaultInterval(length);
  const std::optional<AggInterval> interval = ParseAggInterval(*name);
  if (!interval) {
    return InvalidInput(fmt::format("aggInterval: {} is not valid; expected one of 15m, 1h, 1d, 1w",
                                    Quoted(*name)));
  }
  if (IsTooFine(*interval, length)) {
    return InvalidInput("aggregation interval is too low for date range");
  }
  return *interval;
}

// What holds between the series of one request.
std::optional<ApiError> CheckTogether(const std::vector<SeriesRequest>& series) {
  for (auto one = series.begin(); one != series.end(); ++one) {
    if (one->window.Length() != series.front().window.Length()) {
      return InvalidInput("comparisons must have same duration as main series");
    }
    const auto twin = std::find_if(
        series.begin(), one, [&](const SeriesRequest& earlier) { return earlier.key == one->key; });
    if (twin != one) return InvalidInput(fmt::format("name: {} is used twice", Quoted(one->key)));
  }
  return std::nullopt;
}

}  // namespace

Result<RadarRequest, ApiError> ParseRadarRequest(const QueryString& query, WallTime last_updated,
                                                 WallTime now, SeriesNames names, int max_series) {
  const auto collected = Parameters::Collect(query, names);
  if (!collected) return collected.error();
  const Parameters& parameters = collected.value();

  RadarRequest request;
  const auto format = ParseFormat(parameters);
  if (!format) return format.error();
  request.format = format.value();

  const std::size_t count = parameters.SeriesCount();
  if (count > static_cast<std::size_t>(max_series)) {
    return ApiError{422, 2002, "Query exceeds the maximum cost", {}, true};
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto series = ParseSeries(parameters, i, last_updated, now);
    if (!series) return series.error();
    request.series.push_back(std::move(series).value());
  }
  if (std::optional<ApiError> error = CheckTogether(request.series)) return *std::move(error);

  const auto interval = ChooseInterval(parameters, request.series.front().window.Length());
  if (!interval) return interval.error();
  request.interval = interval.value();
  return request;
}

}  // namespace radar_spoof::simulator
