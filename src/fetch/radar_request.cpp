#include "radar_spoof/fetch/radar_request.h"

#include <string_view>

namespace radar_spoof {
namespace {

constexpr std::string_view kLowerCase = "/spoof";
constexpr std::string_view kUpperCase = "/SPOOF";

std::string UrlWithoutSeries(const RadarEndpoint& endpoint, const Query& query) {
  return endpoint.Url() +
         "?format=JSON&aggInterval=" + std::string(RequestName(query.agg_interval));
}

void AppendSeries(std::string& url, const Query& query, const std::string& date_range) {
  url += "&dateRange=" + date_range;
  for (const Dimension dimension : kAllDimensions) {
    if (query.filters.IsAny(dimension)) continue;
    url += '&';
    url += RequestName(dimension);
    url += '=' + query.filters.Label(dimension);
  }
}

struct HeadersOf {
  std::vector<HttpHeader> operator()(const BearerToken& bearer) const {
    return {{"Authorization", Secret("Bearer " + bearer.token.Reveal())}};
  }
  std::vector<HttpHeader> operator()(const LegacyKey& legacy) const {
    return {{"X-Auth-Email", Secret(legacy.email)}, {"X-Auth-Key", legacy.key}};
  }
};

HttpRequest Request(std::string url, const Credentials& credentials) {
  HttpRequest request{std::move(url), std::visit(HeadersOf{}, credentials)};
  request.headers.push_back({"Accept", Secret("application/json")});
  return request;
}

}  // namespace

RadarEndpoint::RadarEndpoint(std::string base_url, std::string path)
    : base_url_(std::move(base_url)), path_(std::move(path)) {}

std::optional<RadarEndpoint> RadarEndpoint::Alternative() const {
  for (const auto& [from, to] :
       {std::pair(kLowerCase, kUpperCase), std::pair(kUpperCase, kLowerCase)}) {
    if (!path_.ends_with(from)) continue;
    return RadarEndpoint(base_url_, path_.substr(0, path_.size() - from.size()) + std::string(to));
  }
  return std::nullopt;
}

HttpClientOptions ClientOptions(const ApiConfig& api) {
  return {.ca_file = api.ca_file,
          .proxy = api.proxy,
          .timeout = api.timeout,
          .max_connections = api.max_concurrency};
}

HttpRequest BuildRequest(const RadarEndpoint& endpoint, const Query& query,
                         const Credentials& credentials) {
  std::string url = UrlWithoutSeries(endpoint, query);
  AppendSeries(url, query, query.date_range.Text());
  if (query.control) AppendSeries(url, query, query.date_range.ControlText());
  return Request(std::move(url), credentials);
}

HttpRequest BuildRequest(const RadarEndpoint& endpoint, std::span<const Query* const> queries,
                         const Credentials& credentials) {
  if (queries.size() == 1) return BuildRequest(endpoint, *queries.front(), credentials);
  std::string url = UrlWithoutSeries(endpoint, *queries.front());
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const Query& query = *queries[place];
    const SeriesNames names = SharedSeriesNames(place);
    url += "&name=" + names.own;
    AppendSeries(url, query, query.date_range.Text());
    if (!query.control) continue;
    url += "&name=" + names.control;
    AppendSeries(url, query, query.date_range.ControlText());
  }
  return Request(std::move(url), credentials);
}

SeriesNames SharedSeriesNames(std::size_t place) {
  const std::string number = std::to_string(place);
  return {"s" + number, "c" + number};
}

}  // namespace radar_spoof
