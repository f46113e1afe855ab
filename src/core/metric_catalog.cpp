#include "radar_spoof/core/metric_catalog.h"

#include <algorithm>
#include <array>

namespace radar_spoof {
namespace {

using enum MetricType;

constexpr std::array<std::string_view, 0> kNoLabels{};
constexpr std::array<std::string_view, 1> kQuery = {"query"};
constexpr std::array<std::string_view, 6> kIdentity = {"query", "arc", "dkim",
                                                       "dmarc", "spf", "tls_version"};
// `unit` is the unit of the query's numbers as they are exported. The API's own
// result.meta.units ("requests") names what the percentages are shares of.
constexpr std::array<std::string_view, 9> kInfo = {
    "query", "arc", "dkim", "dmarc", "spf", "tls_version", "agg_interval", "date_range", "unit"};
constexpr std::array<std::string_view, 2> kQueryEventType = {"query", "event_type"};
constexpr std::array<std::string_view, 2> kQuerySeverity = {"query", "severity"};
constexpr std::array<std::string_view, 2> kHostPath = {"host", "path"};
constexpr std::array<std::string_view, 1> kCode = {"code"};
constexpr std::array<std::string_view, 1> kReason = {"reason"};
constexpr std::array<std::string_view, 1> kPolicy = {"policy"};
constexpr std::array<std::string_view, 3> kBuild = {"version", "revision", "compiler"};

constexpr auto kCatalog = std::to_array<MetricDescription>({
    {Metric::kSpoofRatio, "cloudflare_radar_email_spoof_ratio", kGauge, kIdentity,
     "result.serie_0.SPOOF",
     "Share of email classified as spoof in the latest complete bucket, 0 to 1: "
     "result.serie_0.SPOOF / 100, cached between polls."},
    {Metric::kNotSpoofRatio, "cloudflare_radar_email_not_spoof_ratio", kGauge, kIdentity,
     "result.serie_0.NOT_SPOOF",
     "Share of email not classified as spoof in the same bucket, 0 to 1: "
     "result.serie_0.NOT_SPOOF / 100, cached between polls."},
    {Metric::kSpoofWindowMeanRatio, "cloudflare_radar_email_spoof_window_mean_ratio", kGauge,
     kIdentity, "result.serie_0.SPOOF",
     "Mean of result.serie_0.SPOOF / 100 over the window's complete buckets before the latest, "
     "cached between polls."},
    {Metric::kSpoofWindowStddevRatio, "cloudflare_radar_email_spoof_window_stddev_ratio", kGauge,
     kIdentity, "result.serie_0.SPOOF",
     "Sample standard deviation of result.serie_0.SPOOF / 100 over the same buckets as the mean, "
     "cached between polls."},
    {Metric::kSpoofControlRatio, "cloudflare_radar_email_spoof_control_ratio", kGauge, kIdentity,
     "result.serie_1.SPOOF",
     "result.serie_1.SPOOF / 100 of the same bucket one control period earlier, cached between "
     "polls."},
    {Metric::kSpoofExpectedRatio, "cloudflare_radar_email_spoof_expected_ratio", kGauge, kIdentity,
     "result.serie_0.SPOOF",
     "What result.serie_0.SPOOF / 100 of the latest complete bucket was expected to be, from the "
     "window's buckets before it, or before the run of buckets far above that it belongs to; "
     "cached between polls."},
    {Metric::kSpoofExpectedUpperRatio, "cloudflare_radar_email_spoof_expected_upper_ratio", kGauge,
     kIdentity, "result.serie_0.SPOOF",
     "Above this result.serie_0.SPOOF / 100 of the latest complete bucket counts as far above what "
     "was expected, cached between polls."},
    {Metric::kSpoofBucketsAbove, "cloudflare_radar_email_spoof_buckets_above", kGauge, kIdentity,
     "result.serie_0.SPOOF",
     "How many complete buckets in a row, the latest included, have a result.serie_0.SPOOF far "
     "above "
     "what was expected of them; cached between polls."},
    {Metric::kQueryInfo, "cloudflare_radar_query_info", kGauge, kInfo,
     "request parameters arc, dkim, dmarc, spf, tlsVersion, aggInterval and dateRange",
     "What the query asks, as configured: request parameters arc, dkim, dmarc, spf, tlsVersion, "
     "aggInterval and dateRange; unit is that of the exported numbers."},
    {Metric::kQuerySuccess, "cloudflare_radar_query_success", kGauge, kQuery, "success and result",
     "1 if the query's last poll gave a usable answer (success and result), cached between polls; "
     "0 before the first."},
    {Metric::kQueryLastSuccess, "cloudflare_radar_query_last_success_timestamp_seconds", kGauge,
     kQuery, "success and result",
     "When the last usable answer (success and result) arrived, cached between polls; 0 = never."},
    {Metric::kQuerySample, "cloudflare_radar_query_sample_timestamp_seconds", kGauge, kQuery,
     "result.serie_0.timestamps",
     "Start of the bucket behind the query's ratios: result.serie_0.timestamps, cached between "
     "polls."},
    {Metric::kQueryLastUpdated, "cloudflare_radar_query_last_updated_timestamp_seconds", kGauge,
     kQuery, "result.meta.lastUpdated",
     "When Radar last updated its data: result.meta.lastUpdated, cached between polls."},
    {Metric::kQueryNextPoll, "cloudflare_radar_query_next_poll_timestamp_seconds", kGauge, kQuery,
     "",
     "When the API is asked for the query's result again; until then its values are cached "
     "between polls."},
    {Metric::kQueryPollInterval, "cloudflare_radar_query_poll_interval_seconds", kGauge, kQuery, "",
     "Time between the query's polls, as configured."},
    {Metric::kQueryAggregationInterval, "cloudflare_radar_query_aggregation_interval_seconds",
     kGauge, kQuery, "request parameter aggInterval",
     "Width of the query's buckets, as configured: request parameter aggInterval."},
    {Metric::kQueryConfidenceLevel, "cloudflare_radar_query_confidence_level", kGauge, kQuery,
     "result.meta.confidenceInfo.level",
     "Radar's confidence in the query's data, 1 to 5 (5 = no known issue): "
     "result.meta.confidenceInfo.level, cached between polls."},
    {Metric::kQueryAnnotations, "cloudflare_radar_query_annotations", kGauge, kQueryEventType,
     "result.meta.confidenceInfo.annotations",
     "Annotations overlapping the sample's bucket: result.meta.confidenceInfo.annotations by "
     "eventType, cached between polls."},
    {Metric::kQueryPolls, "cloudflare_radar_query_polls_total", kCounter, kQuery,
     "success and result",
     "Polls of the query that ended, with or without a usable answer (success and result); cached "
     "between polls."},
    {Metric::kQueryFailures, "cloudflare_radar_query_failures_total", kCounter, kQuery,
     "success and result",
     "Polls of the query that gave no usable answer (success and result); cached between polls."},
    {Metric::kQueryAlertInfo, "cloudflare_radar_query_alert_info", kGauge, kQuerySeverity, "",
     "Whom a spike of the query concerns, as configured: severity critical (page), warning "
     "(ticket) or none; with the query's static labels."},
    {Metric::kApiInfo, "cloudflare_radar_api_info", kGauge, kHostPath,
     "host and path of the request",
     "Whom the numbers are from: host and path of the request, as configured; path is the spelling "
     "in use."},
    {Metric::kUp, "cloudflare_radar_up", kGauge, kNoLabels, "HTTP status and success",
     "1 if the last API call was answered well (HTTP status and success), cached between polls."},
    {Metric::kApiRequests, "cloudflare_radar_api_requests_total", kCounter, kCode, "HTTP status",
     "API requests by HTTP status, 0 when there was no answer; cached between polls."},
    {Metric::kApiFailures, "cloudflare_radar_api_failures_total", kCounter, kReason,
     "HTTP status, success, errors and result",
     "API requests without a usable answer, by reason (from HTTP status, success, errors and "
     "result); cached between polls."},
    {Metric::kApiRequestDuration, "cloudflare_radar_api_request_duration_seconds", kHistogram,
     kNoLabels, "",
     "Duration of API requests, from start to the end of the answer; cached between polls."},
    {Metric::kApiRateLimitLimit, "cloudflare_radar_api_ratelimit_limit_requests", kGauge, kPolicy,
     "q of the Ratelimit-Policy header",
     "Requests the API allows per window: q of the Ratelimit-Policy header, cached between "
     "polls."},
    {Metric::kApiRateLimitRemaining, "cloudflare_radar_api_ratelimit_remaining_requests", kGauge,
     kPolicy, "r of the Ratelimit header",
     "Requests left in the API's window: r of the Ratelimit header, cached between polls."},
    {Metric::kApiRateLimitReset, "cloudflare_radar_api_ratelimit_reset_timestamp_seconds", kGauge,
     kPolicy, "t of the Ratelimit header",
     "When the API's window begins anew: t of the Ratelimit header as a time, cached between "
     "polls."},
    {Metric::kApiBlockedUntil, "cloudflare_radar_api_blocked_until_timestamp_seconds", kGauge,
     kNoLabels, "Retry-After header",
     "Until when polling is held because of HTTP 429 (Retry-After header), cached between polls; "
     "0 = no hold."},
    {Metric::kBuildInfo, "radar_spoof_exporter_build_info", kGauge, kBuild, "",
     "What this exporter was built from."},
    {Metric::kConfigLastReloadSuccessful, "radar_spoof_exporter_config_last_reload_successful",
     kGauge, kNoLabels, "", "1 if the last load of the configuration file succeeded."},
    {Metric::kConfigLastReloadSuccess,
     "radar_spoof_exporter_config_last_reload_success_timestamp_seconds", kGauge, kNoLabels, "",
     "When the configuration in use was loaded."},
    {Metric::kProcessCpu, "process_cpu_seconds_total", kCounter, kNoLabels, "/proc/self/stat",
     "User and system CPU time spent, from /proc/self/stat."},
    {Metric::kProcessOpenFds, "process_open_fds", kGauge, kNoLabels, "/proc/self/fd",
     "Open file descriptors, from /proc/self/fd."},
    {Metric::kProcessMaxFds, "process_max_fds", kGauge, kNoLabels, "/proc/self/limits",
     "Soft limit of open file descriptors, from /proc/self/limits."},
    {Metric::kProcessVirtualMemory, "process_virtual_memory_bytes", kGauge, kNoLabels,
     "/proc/self/stat", "Virtual memory size, from /proc/self/stat."},
    {Metric::kProcessVirtualMemoryMax, "process_virtual_memory_max_bytes", kGauge, kNoLabels,
     "/proc/self/limits",
     "Soft limit of the address space, from /proc/self/limits; 2^64 = unlimited."},
    {Metric::kProcessResidentMemory, "process_resident_memory_bytes", kGauge, kNoLabels,
     "/proc/self/stat", "Resident memory size, from /proc/self/stat."},
    {Metric::kProcessStartTime, "process_start_time_seconds", kGauge, kNoLabels, "",
     "When the process started, by its clock at that moment."},
    {Metric::kProcessThreads, "process_threads", kGauge, kNoLabels, "/proc/self/stat",
     "Threads, from /proc/self/stat."},
});

constexpr bool IsIndexedByMetric() {
  for (std::size_t i = 0; i < kCatalog.size(); ++i) {
    if (static_cast<std::size_t>(kCatalog[i].metric) != i) return false;
  }
  return true;
}
static_assert(IsIndexedByMetric());

constexpr bool IsAboutOneQuery(const MetricDescription& description) {
  return !description.labels.empty() && description.labels.front() == kQuery.front();
}
static_assert(std::ranges::is_partitioned(kCatalog, IsAboutOneQuery) &&
              std::ranges::count_if(kCatalog, IsAboutOneQuery) == kQueryFamilies);

}  // namespace

std::string_view Name(MetricType type) {
  constexpr std::array<std::string_view, 3> kNames = {"counter", "gauge", "histogram"};
  return kNames[static_cast<std::size_t>(type)];
}

std::span<const MetricDescription> MetricCatalog() { return kCatalog; }

const MetricDescription& Describe(Metric metric) {
  return kCatalog[static_cast<std::size_t>(metric)];
}

std::string_view Unit(std::string_view family_name) {
  constexpr std::array<std::string_view, 4> kUnits = {"seconds", "bytes", "ratio", "requests"};
  const std::string_view last_word = family_name.substr(family_name.rfind('_') + 1);
  const auto unit = std::find(kUnits.begin(), kUnits.end(), last_word);
  return unit == kUnits.end() ? std::string_view() : *unit;
}

}  // namespace radar_spoof
