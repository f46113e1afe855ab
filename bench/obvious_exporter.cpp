// The exporter one would write first in C++: prometheus-cpp's registry and Exposer, one libcurl
// handle, one request after the other. scripts/bench measures it beside the real one; it has no
// configuration, no schedule, and no answer to failure.
//
//   obvious_exporter BASE_URL TOKEN QUERY_FILE
//
// QUERY_FILE has a query a line: the query string of the request, a blank, and the labels as
// name=value, joined by commas. Prints its port; polls everything once and then sleeps.
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include <curl/curl.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <rapidjson/document.h>
#include <unistd.h>

namespace {

using Labels = std::map<std::string, std::string>;

// The exporter's families that are about one query, as gauges by name.
class Gauges {
 public:
  explicit Gauges(prometheus::Registry& registry) {
    for (const char* const name :
         {"email_spoof_ratio", "email_not_spoof_ratio", "email_spoof_window_mean_ratio",
          "email_spoof_window_stddev_ratio", "query_info", "query_success",
          "query_last_success_timestamp_seconds", "query_sample_timestamp_seconds",
          "query_last_updated_timestamp_seconds", "query_next_poll_timestamp_seconds",
          "query_poll_interval_seconds", "query_aggregation_interval_seconds",
          "query_confidence_level", "query_annotations", "query_polls", "query_failures"}) {
      families_.emplace(name, &prometheus::BuildGauge()
                                   .Name(std::string("cloudflare_radar_") + name)
                                   .Help("As the exporter's family of that name.")
                                   .Register(registry));
    }
  }

  void Set(const std::string& family, const Labels& labels, double value) {
    families_.at(family)->Add(labels).Set(value);
  }

 private:
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> families_;
};

std::size_t Append(char* bytes, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(bytes, size * count);
  return size * count;
}

std::string Fetch(CURL* curl, const std::string& url) {
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  if (curl_easy_perform(curl) != CURLE_OK) throw std::runtime_error("no answer from " + url);
  return body;
}

double Share(const rapidjson::Value& values, rapidjson::SizeType index) {
  return std::stod(values[index].GetString()) / 100;
}

// `labels`: all of them, the query's name first.
void Poll(CURL* curl, const std::string& url, const Labels& labels, Gauges& gauges) {
  rapidjson::Document document;
  const std::string body = Fetch(curl, url);
  document.Parse(body.c_str());
  const auto& series = document["result"]["serie_0"];
  const auto& spoof = series["SPOOF"];
  // The last bucket is still filling.
  const rapidjson::SizeType latest = spoof.Size() - 2;
  double sum = 0;
  double squares = 0;
  for (rapidjson::SizeType i = 0; i < latest; ++i) {
    sum += Share(spoof, i);
    squares += Share(spoof, i) * Share(spoof, i);
  }
  const double mean = sum / latest;
  const auto now = static_cast<double>(std::time(nullptr));
  gauges.Set("email_spoof_ratio", labels, Share(spoof, latest));
  gauges.Set("email_not_spoof_ratio", labels, Share(series["NOT_SPOOF"], latest));
  gauges.Set("email_spoof_window_mean_ratio", labels, mean);
  gauges.Set("email_spoof_window_stddev_ratio", labels,
             std::sqrt(std::abs(squares / latest - mean * mean)));
  gauges.Set("query_info", labels, 1);
  const Labels name = {{"query", labels.at("query")}};
  gauges.Set("query_success", name, 1);
  gauges.Set("query_last_success_timestamp_seconds", name, now);
  gauges.Set("query_sample_timestamp_seconds", name, now - 900);
  gauges.Set("query_last_updated_timestamp_seconds", name, now);
  gauges.Set("query_next_poll_timestamp_seconds", name, now + 86400);
  gauges.Set("query_poll_interval_seconds", name, 86400);
  gauges.Set("query_aggregation_interval_seconds", name, 900);
  gauges.Set("query_confidence_level", name,
             document["result"]["meta"]["confidenceInfo"]["level"].GetInt());
  for (const char* const type : {"EVENT", "GENERAL", "OUTAGE", "PARTIAL_PROJECTION", "PIPELINE",
                                 "TRAFFIC_ANOMALY", "OTHER"}) {
    gauges.Set("query_annotations", {{"query", labels.at("query")}, {"event_type", type}}, 0);
  }
  gauges.Set("query_polls", name, 1);
  gauges.Set("query_failures", name, 0);
}

Labels ParseLabels(const std::string& text) {
  Labels labels;
  std::istringstream pairs(text);
  for (std::string pair; std::getline(pairs, pair, ',');) {
    const std::size_t equals = pair.find('=');
    labels[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return labels;
}

int Run(const std::string& base_url, const std::string& token, const char* query_file) {
  prometheus::Exposer exposer("127.0.0.1:0");
  const auto registry = std::make_shared<prometheus::Registry>();
  exposer.RegisterCollectable(registry);
  std::printf("listening on %d\n", exposer.GetListeningPorts().front());
  std::fflush(stdout);

  Gauges gauges(*registry);
  CURL* const curl = curl_easy_init();
  curl_slist* const headers =
      curl_slist_append(nullptr, ("Authorization: Bearer " + token).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  std::ifstream queries(query_file);
  std::string query;
  const std::string endpoint = base_url + "/radar/email/security/timeseries_groups/spoof?";
  for (std::string labels; queries >> query >> labels;) {
    Poll(curl, endpoint + query, ParseLabels(labels), gauges);
  }
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  std::puts("all polled");
  std::fflush(stdout);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    return Run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "obvious_exporter: %s\n", error.what());
    return 1;
  }
}
