#include "radar_spoof/fetch/radar_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kLowerCase = "/spoof";
constexpr std::string_view kUpperCase = "/SPOOF";

std::string UrlWithoutSeries(const RequestForm& form, const Query& query) {
  return form.endpoint.Url() +
         "?format=JSON&aggInterval=" + std::string(RequestName(query.agg_interval));
}

// `dates`: the parameters that say which time the series covers.
void AppendSeries(std::string& url, const RequestForm& form, const std::string& name,
                  const Query& query, const std::string& dates) {
  if (form.named) url += "&name=" + name;
  url += '&' + dates;
  for (const Dimension dimension : kAllDimensions) {
    if (query.filters.IsAny(dimension)) continue;
    url += '&';
    url += RequestName(dimension);
    url += '=' + query.filters.Label(dimension);
  }
}

std::string InBase36(std::uint32_t number) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number, 36).ptr;
  return {digits.begin(), end};
}

std::vector<SeriesNames> Names(const RequestForm& form, std::span<const Query* const> queries,
                               std::uint32_t number) {
  std::vector<SeriesNames> names;
  std::size_t series = 0;
  for (std::size_t place = 0; place < queries.size(); ++place) {
    if (form.named) {
      const std::string rest = std::to_string(place) + '_' + InBase36(number);
      names.push_back({'s' + rest, 'c' + rest});
      continue;
    }
    const std::size_t own = series;
    series += queries[place]->control ? 2 : 1;
    names.push_back({"serie_" + std::to_string(own), "serie_" + std::to_string(own + 1)});
  }
  return names;
}

HttpRequest Request(std::string url, const RequestForm& form, const Credentials& credentials) {
  HttpRequest request{.url = std::move(url), .headers = {}, .own_connection = form.own_connection};
  if (const auto* const bearer = std::get_if<BearerToken>(&credentials)) {
    request.headers.push_back({"Authorization", Secret("Bearer " + bearer->token.Reveal())});
  } else {
    const auto& legacy = std::get<LegacyKey>(credentials);
    request.headers.push_back({"X-Auth-Email", Secret(std::string(legacy.email))});
    request.headers.push_back({"X-Auth-Key", legacy.key});
  }
  request.headers.push_back({"Accept", Secret("application/json")});
  return request;
}

// Without names only a connection of its own binds an answer to its request.
RequestForm WithoutNames(RequestForm form) {
  form.named = false;
  form.own_connection = true;
  return form;
}

std::optional<RequestForm> Answering(const RequestForm& last, FormProblem problem) {
  RequestForm other = last;
  switch (problem) {
    case FormProblem::kNone: return std::nullopt;
    case FormProblem::kPathNotFound: {
      auto endpoint = last.endpoint.Alternative();
      if (!endpoint) return std::nullopt;
      other.endpoint = *std::move(endpoint);
      return other;
    }
    case FormProblem::kMayBeNames:
    case FormProblem::kNamesIgnored: return WithoutNames(std::move(other));
    case FormProblem::kForeign: other.own_connection = true; return other;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RadarEndpoint> RadarEndpoint::Alternative() const {
  for (const auto& [from, to] :
       {std::pair(kLowerCase, kUpperCase), std::pair(kUpperCase, kLowerCase)}) {
    if (!path_.ends_with(from)) continue;
    return RadarEndpoint(base_url_, path_.substr(0, path_.size() - from.size()) + std::string(to));
  }
  return std::nullopt;
}

std::optional<RequestForm> EndpointInUse::Other(std::span<const RequestForm> tried,
                                                FormProblem problem, const std::string& query) {
  const RequestForm& last = tried.back();
  if (without_names_ == query) without_names_.reset();
  if (problem == FormProblem::kPathNotFound && last.endpoint == form_.endpoint) given_up_.reset();
  if (problem == FormProblem::kMayBeNames) {
    if (!last.named && tried.size() > 1) refused_either_way_.insert(query);
    if (without_names_ || refused_either_way_.contains(query)) return std::nullopt;
  }
  auto other = Answering(last, problem);
  if (!other || std::find(tried.begin(), tried.end(), *other) != tried.end()) return std::nullopt;
  if (problem == FormProblem::kMayBeNames) without_names_ = query;
  return other;
}

EndpointInUse::Change EndpointInUse::NoteGood(const RequestForm& form, const std::string& query) {
  refused_either_way_.erase(query);
  if (without_names_ == query) without_names_.reset();
  const Change change{.path = form.endpoint != form_.endpoint && form.endpoint != given_up_,
                      .names = !form.named && form_.named};
  if (change.path) given_up_ = std::exchange(form_.endpoint, form.endpoint);
  if (change.names) form_ = WithoutNames(std::move(form_));
  return change;
}

HttpClientOptions ClientOptions(const ApiConfig& api) {
  return {.ca_file = api.ca_file,
          .proxy = api.proxy,
          .timeout = api.timeout,
          .max_connections = api.max_concurrency};
}

RadarRequest BuildRequest(const RequestForm& form, std::span<const Query* const> queries,
                          std::uint32_t number, const Credentials& credentials) {
  std::vector<SeriesNames> names = Names(form, queries, number);
  std::string url = UrlWithoutSeries(form, *queries.front());
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const Query& query = *queries[place];
    AppendSeries(url, form, names[place].own, query, "dateRange=" + query.date_range.Text());
    if (!query.control) continue;
    AppendSeries(url, form, names[place].control, query,
                 "dateRange=" + query.date_range.ControlText());
  }
  return {Request(std::move(url), form, credentials), std::move(names)};
}

RadarRequest BuildRequest(const RequestForm& form, const Query& query, const TimeRange& window,
                          std::uint32_t number, const Credentials& credentials) {
  const Query* const asked[] = {&query};
  std::vector<SeriesNames> names = Names(form, asked, number);
  std::string url = UrlWithoutSeries(form, query);
  AppendSeries(url, form, names.front().own, query,
               "dateStart=" + FormatRfc3339(window.from) + "&dateEnd=" + FormatRfc3339(window.to));
  return {Request(std::move(url), form, credentials), std::move(names)};
}

}  // namespace radar_spoof
