#include "radar_spoof/poll/api_metrics.h"

#include <algorithm>
#include <mutex>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/version.h"

namespace radar_spoof {
namespace {

using prometheus::ClientMetric;
using prometheus::Counter;
using prometheus::Gauge;
using prometheus::MetricFamily;
template <typename Instrument>
using Family = prometheus::Family<Instrument>;

template <typename Builder>
auto& Register(Builder builder, Metric metric, prometheus::Registry& registry) {
  const MetricDescription& description = Describe(metric);
  return builder.Name(std::string(description.name))
      .Help(std::string(description.help))
      .Register(registry);
}

// A family whose series come and go.
class KnownGauges {
 public:
  KnownGauges(Metric metric, prometheus::Registry& registry)
      : family_(Register(prometheus::BuildGauge(), metric, registry)) {}

  void RemoveAll() {
    for (Gauge* const gauge : gauges_) family_.Remove(gauge);
    gauges_.clear();
  }
  void Add(const prometheus::Labels& labels, double value) {
    gauges_.reserve(gauges_.size() + 1);  // what was added must be known, to be removed
    gauges_.push_back(&family_.Add(labels, value));
  }

 private:
  Family<Gauge>& family_;
  std::vector<Gauge*> gauges_;
};

// What a series is ordered by: its first label, where that is a reason by its place in the enum.
std::pair<std::size_t, std::string_view> PlaceOf(const ClientMetric& series) {
  if (series.label.empty()) return {};
  const std::string_view value = series.label.front().value;
  if (series.label.front().name != "reason") return {0, value};
  const auto reason =
      std::ranges::find(kAllFailureReasons, value, [](FailureReason each) { return Name(each); });
  return {reason - kAllFailureReasons.begin(), value};
}

// prometheus-cpp keeps families by type, series in a hash table, and labels by name.
std::vector<MetricFamily> InOrder(std::vector<MetricFamily> families) {
  std::vector<MetricFamily> ordered;
  ordered.reserve(families.size());
  for (const MetricDescription& description : MetricCatalog()) {
    const auto family = std::ranges::find(families, description.name, &MetricFamily::name);
    if (family == families.end()) continue;
    const auto names = description.labels;
    for (ClientMetric& series : family->metric) {
      std::ranges::sort(series.label, {}, [names](const ClientMetric::Label& label) {
        return std::ranges::find(names, label.name) - names.begin();
      });
    }
    std::ranges::sort(family->metric, {}, PlaceOf);
    ordered.push_back(std::move(*family));
  }
  return ordered;
}

}  // namespace

struct ApiMetrics::Instruments {
  Instruments() {
    for (const int status : {0, 200}) RequestsOf(status);
    for (const FailureReason reason : kAllFailureReasons) {
      failures.at(static_cast<std::size_t>(reason)) =
          &failure_family.Add({{"reason", std::string(Name(reason))}});
    }
    Register(prometheus::BuildGauge(), Metric::kBuildInfo, registry)
        .Add({{"version", std::string(Version())},
              {"revision", std::string(Revision())},
              {"compiler", std::string(Compiler())}},
             1.0);
  }

  Counter& RequestsOf(int status) {
    const auto known = requests.find(status);
    if (known != requests.end()) return *known->second;
    Counter& counter = request_family.Add({{"code", std::to_string(status)}});
    requests.emplace(status, &counter);
    return counter;
  }

  void Show(const Snapshot& snapshot, Instant now) {
    const ApiState& api = snapshot.api;
    for (KnownGauges* const each : {&api_info, &limit, &remaining, &reset}) each->RemoveAll();
    api_info.Add({{"host", api.host}, {"path", api.path}}, 1);
    up.Set(api.up ? 1 : 0);
    for (const auto& [name, policy] : api.rate_limit) {
      const prometheus::Labels labels = {{"policy", name}};
      if (policy.limit) limit.Add(labels, static_cast<double>(*policy.limit));
      if (policy.remaining) remaining.Add(labels, static_cast<double>(*policy.remaining));
      if (policy.reset) reset.Add(labels, UnixSeconds(*policy.reset));
    }
    const bool held = api.blocked_until && now.steady < api.blocked_until->steady;
    blocked_until.Set(held ? UnixSeconds(api.blocked_until->wall) : 0);
    reload_successful.Set(snapshot.reload.successful ? 1 : 0);
    reload_success.Set(UnixSeconds(snapshot.reload.last_success));
  }

  Gauge& GaugeOf(Metric metric) {
    return Register(prometheus::BuildGauge(), metric, registry).Add({});
  }

  std::mutex mutex;  // guards all that follows
  prometheus::Registry registry;
  Family<Counter>& request_family =
      Register(prometheus::BuildCounter(), Metric::kApiRequests, registry);
  std::map<int, Counter*> requests;  // by status
  Family<Counter>& failure_family =
      Register(prometheus::BuildCounter(), Metric::kApiFailures, registry);
  std::array<Counter*, kAllFailureReasons.size()> failures{};  // by FailureReason
  prometheus::Histogram& duration =
      Register(prometheus::BuildHistogram(), Metric::kApiRequestDuration, registry)
          .Add({}, prometheus::Histogram::BucketBoundaries(kDurationBuckets.begin(),
                                                           kDurationBuckets.end()));
  KnownGauges api_info{Metric::kApiInfo, registry};
  Gauge& up = GaugeOf(Metric::kUp);
  KnownGauges limit{Metric::kApiRateLimitLimit, registry};
  KnownGauges remaining{Metric::kApiRateLimitRemaining, registry};
  KnownGauges reset{Metric::kApiRateLimitReset, registry};
  Gauge& blocked_until = GaugeOf(Metric::kApiBlockedUntil);
  Gauge& reload_successful = GaugeOf(Metric::kConfigLastReloadSuccessful);
  Gauge& reload_success = GaugeOf(Metric::kConfigLastReloadSuccess);
};

ApiMetrics::ApiMetrics() : instruments_(std::make_unique<Instruments>()) {}
ApiMetrics::~ApiMetrics() = default;

void ApiMetrics::CountRequest(int status, std::optional<Milliseconds> duration) {
  const std::lock_guard lock(instruments_->mutex);
  instruments_->RequestsOf(status).Increment();
  if (duration) instruments_->duration.Observe(std::chrono::duration<double>(*duration).count());
}

void ApiMetrics::CountFailure(FailureReason reason) {
  const std::lock_guard lock(instruments_->mutex);
  instruments_->failures.at(static_cast<std::size_t>(reason))->Increment();
}

ApiMetrics::Families ApiMetrics::Collect(const Snapshot& snapshot, Instant now) const {
  std::vector<MetricFamily> families;
  {
    const std::lock_guard lock(instruments_->mutex);
    instruments_->Show(snapshot, now);
    families = instruments_->registry.Collect();
  }
  return std::make_shared<const std::vector<MetricFamily>>(InOrder(std::move(families)));
}

}  // namespace radar_spoof
