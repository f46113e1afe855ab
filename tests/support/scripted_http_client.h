// An HttpClient without sockets: a test says what each request is answered, and waiting moves the
// fake clock instead of taking time, so that days of polling pass in milliseconds.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "radar_spoof/fetch/http_client.h"
#include "support/fake_clock.h"

namespace radar_spoof::test {

// The values of that parameter, in their order.
inline std::vector<std::string> ParametersOf(const std::string& url, const std::string& name) {
  std::vector<std::string> values;
  const std::string key = '&' + name + '=';
  for (std::size_t at = url.find(key); at != std::string::npos; at = url.find(key, at + 1)) {
    const std::size_t begin = at + key.size();
    values.push_back(url.substr(begin, url.find('&', begin) - begin));
  }
  return values;
}

// As the API labels them: `serie_0` has the first name that was asked for, and so on.
inline std::string WithNames(std::string body, const std::string& url) {
  const auto names = ParametersOf(url, "name");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string key = "\"serie_" + std::to_string(i) + '"';
    const std::size_t at = body.find(key);
    if (at != std::string::npos) body.replace(at, key.size(), '"' + names[i] + '"');
  }
  return body;
}

class ScriptedHttpClient final : public HttpClient {
 public:
  struct Request {
    TransferId id;
    std::string url;
    std::string authorization;
    Instant at;
    std::size_t number;  // 0 for the first of all
    bool own_connection;
  };
  struct Answer {
    Result<HttpResponse, Failure> result;
    Milliseconds takes{100};
  };
  using Script = std::function<Answer(const Request&)>;

  ScriptedHttpClient(FakeClock& clock, Script script)
      : clock_(clock), start_(clock.Now().steady), script_(std::move(script)) {}

  // Runs `action` so long after the beginning, within a Wait(). It ends that only by Wake().
  void At(Milliseconds since_start, std::function<void()> action) {
    events_.emplace(start_ + since_start, std::move(action));
  }

  // False: `serie_0` and so on stay what they are called, as in answers of a mock.
  bool labels_series = true;

  const std::vector<Request>& requests() const { return requests_; }
  const std::vector<HttpClientOptions>& configured() const { return configured_; }
  std::size_t in_flight() const { return pending_.size(); }
  std::size_t most_in_flight() const { return most_in_flight_; }

  void Configure(const HttpClientOptions& options) override {
    if (!pending_.empty()) throw std::logic_error("Configure() with a transfer in flight");
    configured_.push_back(options);
  }

  void Start(TransferId id, const HttpRequest& request) override {
    if (pending_.contains(id)) throw std::logic_error("two transfers of one id at once");
    Request sent{id, request.url, "", clock_.Now(), requests_.size(), request.own_connection};
    for (const HttpHeader& header : request.headers) {
      if (header.name == "Authorization") sent.authorization = header.value.Reveal();
    }
    requests_.push_back(sent);
    Answer answer = script_(sent);
    if (answer.result && labels_series) {
      std::string& body = answer.result.value().body;
      body = WithNames(std::move(body), request.url);
    }
    pending_.emplace(
        id, Pending{clock_.Now().steady + answer.takes, answer.takes, std::move(answer.result)});
    most_in_flight_ = std::max(most_in_flight_, pending_.size());
  }

  std::optional<Finished> Wait(Milliseconds at_most) override {
    constexpr int kManyTurns = 1000;
    idle_turns_ = at_most > Milliseconds(0) ? 0 : idle_turns_ + 1;
    if (idle_turns_ > kManyTurns) throw std::logic_error("the loop spins");
    const SteadyTime now = clock_.Now().steady;
    const auto next = std::min_element(
        pending_.begin(), pending_.end(),
        [](const auto& a, const auto& b) { return a.second.ends < b.second.ends; });
    SteadyTime until = now + at_most;
    if (next != pending_.end()) until = std::min(until, std::max(now, next->second.ends));
    while (!woken_ && !events_.empty() && events_.begin()->first <= until) {
      clock_.AdvanceTo(std::max(clock_.Now().steady, events_.begin()->first));
      const auto event = events_.extract(events_.begin());
      event.mapped()();
    }
    if (std::exchange(woken_, false)) return std::nullopt;
    clock_.AdvanceTo(until);
    if (next == pending_.end() || next->second.ends > until) return std::nullopt;
    idle_turns_ = 0;
    Finished finished{next->first, std::move(next->second.result), next->second.took};
    pending_.erase(next);
    return finished;
  }

  void CancelAll() override { pending_.clear(); }
  void Wake() override { woken_ = true; }

 private:
  struct Pending {
    SteadyTime ends;
    Milliseconds took;
    Result<HttpResponse, Failure> result;
  };

  FakeClock& clock_;
  const SteadyTime start_;
  Script script_;
  std::map<TransferId, Pending> pending_;
  std::multimap<SteadyTime, std::function<void()>> events_;
  std::vector<Request> requests_;
  std::vector<HttpClientOptions> configured_;
  std::size_t most_in_flight_ = 0;
  int idle_turns_ = 0;
  bool woken_ = false;
};

}  // namespace radar_spoof::test
