#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kClocksApart = 30s;
constexpr Seconds kFiveMinutes = 5min;

bool IsPlain(const Evidence& evidence) {
  return evidence.subject().api.base_url.starts_with("http://");
}

std::string HostOf(const Evidence& evidence) {
  return ForMessage(HostAndPort(evidence.subject().api.base_url));
}

const AskedRequest* FirstAnswered(const Evidence& evidence) {
  const auto& asked = evidence.examination.asked;
  const auto found =
      std::ranges::find_if(asked, [](const auto& each) { return each.status() != 0; });
  return found == asked.end() ? nullptr : &*found;
}

// What `api.proxy` has used for https://, and where that is from: "http://proxy.example:3128"; ""
// without one.
std::string ProxyOf(const Evidence& evidence) {
  const std::string& proxy = evidence.subject().api.proxy;
  const auto& variable = evidence.subject().proxy_variable;
  if (proxy == "none" || IsPlain(evidence)) return "";
  if (proxy != "environment") return ForMessage(HostAndPort(proxy));
  return !variable || variable->excepted
             ? ""
             : fmt::format("{}, from {}", variable->proxy, variable->name);
}

bool IsThroughProxy(const Evidence& evidence, const AskedRequest& asked) {
  const auto& variable = evidence.subject().proxy_variable;
  const bool is_socks = evidence.subject().api.proxy == "environment" && variable &&
                        variable->IsSocks() && !ProxyOf(evidence).empty();
  return asked.connection.through_proxy || is_socks;
}

// To the unit in which InWords() tells it.
Milliseconds Rounded(Milliseconds duration) {
  if (duration < 59'500ms) return std::chrono::round<Seconds>(duration);
  if (duration < 59min + 30s) return std::chrono::round<std::chrono::minutes>(duration);
  if (duration < 23h + 30min) return std::chrono::round<std::chrono::hours>(duration);
  return std::chrono::round<std::chrono::days>(duration);
}

std::size_t CountAnswers(const Evidence& evidence, std::string_view header) {
  return static_cast<std::size_t>(
      std::ranges::count_if(evidence.examination.asked, [header](const AskedRequest& each) {
        return each.status() != 0 && !each.answer.value().Header(header).empty();
      }));
}

}  // namespace

Judgement JudgeAddress(const Evidence& evidence) {
  if (evidence.examination.asked.empty()) return NotAsked(evidence);
  if (const AskedRequest* const asked = FirstAnswered(evidence)) {
    const std::string& address = asked->connection.address;
    const auto is_broken = [](const AskedRequest& each) {
      return each.status() == 0 && each.failure()->reason != FailureReason::kTimeout &&
             each.failure()->reason != FailureReason::kParse;
    };
    const auto& all = evidence.examination.asked;
    const auto broken = std::ranges::count_if(all, is_broken);
    // One may pass.
    if (broken > 1) {
      return {Verdict::kDifferent,
              fmt::format("{} of {} requests without an answer: {}", broken, all.size(),
                          std::ranges::find_if(all, is_broken)->failure()->detail),
              "Look for what breaks connections on the way, such as a proxy or a firewall."};
    }
    const std::string_view family = address.find(':') == std::string::npos ? "IPv4" : "IPv6";
    if (IsThroughProxy(evidence, *asked)) {
      return {Verdict::kOk,
              fmt::format("{} answers, through a proxy at {}", HostOf(evidence), address), ""};
    }
    return {Verdict::kOk, fmt::format("{} is {} ({})", HostOf(evidence), address, family), ""};
  }
  const AskedRequest& last = evidence.examination.asked.back();
  const Failure& failure = *last.failure();
  Judgement judgement = Failed(evidence, last, failure);
  if (failure.reason == FailureReason::kTls || failure.reason == FailureReason::kParse) {
    return {Verdict::kOk, fmt::format("{} is {}", HostOf(evidence), last.connection.address), ""};
  }
  if (failure.detail.find("HTTP/0.9") != std::string::npos) {
    judgement.change = "Look what answers at that address: it does not speak HTTP/1.1.";
  }
  return judgement;
}

Judgement JudgeProxy(const Evidence& evidence) {
  if (evidence.examination.asked.empty()) return NotAsked(evidence);
  const AskedRequest* const asked = FirstAnswered(evidence);
  const std::string& configured = evidence.subject().api.proxy;
  const auto& variable = evidence.subject().proxy_variable;
  const std::string proxy = ProxyOf(evidence);
  if (asked == nullptr) {
    if (IsPlain(evidence)) return NotAsked(evidence);
    if (!proxy.empty()) {
      return {Verdict::kDifferent, "no answer came through " + proxy,
              "Look whether that proxy works, or change api.proxy."};
    }
    if (configured != "none" || !variable || variable->excepted) return NotAsked(evidence);
    return {Verdict::kDifferent,
            fmt::format("none, though {} names {}", variable->name, variable->proxy),
            "Set api.proxy: environment, if the API can only be reached through it."};
  }
  if (IsThroughProxy(evidence, *asked)) return {Verdict::kOk, "in use: " + proxy, ""};
  if (configured == "none") return {Verdict::kOk, "none", ""};
  if (IsPlain(evidence)) return {Verdict::kOk, "not used for plain HTTP to this machine", ""};
  if (!proxy.empty()) {
    return {Verdict::kDifferent, "not used: " + proxy, std::string(kOpenAnIssue)};
  }
  return {Verdict::kOk,
          variable ? "none: no_proxy excepts the host" : "none: the environment names none for it",
          ""};
}

Judgement JudgeTls(const Evidence& evidence) {
  const auto& asked = evidence.examination.asked;
  if (asked.empty()) return NotAsked(evidence);
  if (const AskedRequest* const answered = FirstAnswered(evidence)) {
    if (IsPlain(evidence)) return {Verdict::kOk, "none: plain HTTP to this machine", ""};
    const auto& [address, tls, issuer, proxy] = answered->connection;
    return {Verdict::kOk, fmt::format("{}, verified; issued by {}", tls, issuer), ""};
  }
  const Failure& failure = *asked.back().failure();
  if (failure.reason != FailureReason::kTls) return NotAsked(evidence);
  if (LowerCase(failure.detail).find("protocol") != std::string::npos) {
    return {Verdict::kDifferent, "neither TLS 1.2 nor 1.3: " + failure.detail,
            "Look what answers at that address: Cloudflare does with both."};
  }
  return Failed(evidence, asked.back(), failure);
}

Judgement JudgeClock(const Evidence& evidence) {
  if (FirstAnswered(evidence) == nullptr) return NotAsked(evidence);
  std::vector<Milliseconds> ahead;  // the API's clock of ours
  bool any_unreadable = false;
  for (const AskedRequest& each : evidence.examination.asked) {
    const std::string text = each.status() == 0 ? "" : each.answer.value().Header("date");
    if (text.empty()) continue;
    const auto date = ParseHttpDate(text, each.received.wall);
    any_unreadable = any_unreadable || !date;
    if (date) ahead.push_back(*date - (each.received.wall - each.duration / 2));
  }
  if (ahead.empty()) {
    return any_unreadable ? Judgement{Verdict::kDifferent, "a Date header that is no date",
                                      std::string(kNoChange)}
                          : Judgement{Verdict::kNotSeen, "no answer has a Date header", ""};
  }
  std::ranges::sort(ahead);
  const Milliseconds usual = ahead[ahead.size() / 2];
  const Milliseconds apart = std::chrono::abs(usual);
  if (apart <= kClocksApart) {
    return {Verdict::kOk, "within " + InWords(std::chrono::ceil<Seconds>(apart + 1ms)), ""};
  }
  return {
      Verdict::kDifferent,
      fmt::format("the API's clock is {} {} this host's", InWords(Rounded(apart)),
                  usual > 0ms ? "ahead of" : "behind"),
      "Set this host's clock (timedatectl set-ntp true); if it is right, the API's or a proxy's "
      "is wrong."};
}

Judgement JudgeLatency(const Evidence& evidence) {
  std::vector<Milliseconds> durations;
  std::size_t late = 0;
  for (const AskedRequest& each : evidence.examination.asked) {
    if (each.status() != 0) durations.push_back(each.duration);
    const Failure* const failure = each.failure();
    if (failure != nullptr && failure->reason == FailureReason::kTimeout) ++late;
  }
  if (durations.empty()) return NotAsked(evidence);
  std::ranges::sort(durations);
  const Seconds timeout = evidence.subject().api.timeout;
  std::string found =
      fmt::format("{} ms at least, {} ms usually, {} ms at most; api.timeout is {} s",
                  durations.front().count(), durations[durations.size() / 2].count(),
                  durations.back().count(), timeout.count());
  if (late > 0) {
    found = fmt::format("{} of {} requests without a complete answer in time; others {}", late,
                        evidence.examination.asked.size(), found);
  }
  if (late == 0 && durations.back() * 2 <= timeout) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found, "Raise api.timeout, or look for what is slow on the way."};
}

Judgement JudgeToken(const Evidence& evidence) {
  std::size_t accepted = 0;
  const AskedRequest* accepted_last = nullptr;
  const AskedRequest* refused = nullptr;
  for (const AskedRequest& each : evidence.examination.asked) {
    // What the exporter cannot use is still said to whom may ask.
    if (each.failure() == nullptr || each.failure()->reason == FailureReason::kValidation ||
        each.failure()->reason == FailureReason::kEmpty) {
      ++accepted;
      accepted_last = &each;
    }
    if (each.failure() != nullptr && each.failure()->reason == FailureReason::kUnauthorized) {
      refused = &each;
    }
  }
  const std::string& kind = evidence.examination.credential;
  const auto is_accepted_there = [&](const AskedRequest& each) {
    return each.form.endpoint == refused->form.endpoint && each.failure() == nullptr;
  };
  if (refused != nullptr && accepted > 0 &&
      std::ranges::none_of(evidence.examination.asked, is_accepted_there)) {
    const bool is_configured =
        refused->form.endpoint ==
        RadarEndpoint(evidence.subject().api.base_url, evidence.subject().api.path);
    return {Verdict::kDifferent,
            fmt::format("{}: accepted by {}, refused by {}: {}", kind,
                        Shortened(accepted_last->form.endpoint), Shortened(refused->form.endpoint),
                        refused->failure()->detail),
            is_configured ? "See path." : "See other path."};
  }
  if (refused != nullptr) {
    return {accepted > 0 ? Verdict::kDifferent : Verdict::kRefused,
            accepted > 0
                ? fmt::format("{}: accepted, but once {}", kind, refused->failure()->detail)
                : fmt::format("{}: {}", kind, refused->failure()->detail),
            accepted > 0 ? "Nothing, if it does not happen again: Cloudflare does so under load."
                         : "Look the error up in docs/token.md: a token that is whole, valid from "
                           "here, with the permission Account > Radar > Read."};
  }
  if (accepted > 0) return {Verdict::kOk, kind + ", accepted", ""};
  if (FirstAnswered(evidence) == nullptr) return NotAsked(evidence);
  return {Verdict::kNotSeen, "no answer shows whether it is accepted", ""};
}

Judgement JudgeRateLimit(const Evidence& evidence) {
  const auto answers = static_cast<std::size_t>(std::ranges::count_if(
      evidence.examination.asked, [](const auto& each) { return each.status() != 0; }));
  if (answers == 0) return NotAsked(evidence);
  const std::size_t remaining = CountAnswers(evidence, "ratelimit");
  const std::size_t policy = CountAnswers(evidence, "ratelimit-policy");
  for (const AskedRequest& each : evidence.examination.asked) {
    if (each.status() != 429) continue;
    const std::string wait = each.WaitText();
    return {
        Verdict::kRefused,
        "HTTP 429, " + (wait.empty() ? "without a Retry-After" : "to be asked again in " + wait),
        "Ask again later; something else uses the requests of the same Cloudflare user, or "
        "api.rate_limit is too high."};
  }
  for (const auto& [name, limit] : evidence.examination.asked.back().outcome.rate_limits) {
    if (limit.remaining != 0U) continue;
    return {Verdict::kDifferent,
            fmt::format("no request is left by policy {}{}", name,
                        limit.reset_in ? " for " + InWords(*limit.reset_in) : ""),
            "Ask again later; something else uses the requests of the same Cloudflare user."};
  }
  const HttpResponse& first = FirstAnswered(evidence)->answer.value();
  const std::string text = first.Header("ratelimit-policy");
  std::string counts = fmt::format("Ratelimit on {} and Ratelimit-Policy on {} of {} answers",
                                   remaining, policy, answers);
  for (const auto& [name, value] : first.headers) {
    const bool is_other = name.find("ratelimit") != std::string::npos && name != "ratelimit" &&
                          name != "ratelimit-policy";
    if (is_other) counts += "; there is " + ForLog(name, 40);
  }
  if (remaining < answers || policy < answers) {
    return {Verdict::kDifferent, counts,
            "Nothing: without them api.rate_limit alone bounds what is asked."};
  }
  const bool readable = std::ranges::all_of(evidence.examination.asked, [](const auto& each) {
    const auto has_quota = [](const auto& limit) { return limit.second.quota.has_value(); };
    return each.status() == 0 || std::ranges::any_of(each.outcome.rate_limits, has_quota);
  });
  if (readable) return {Verdict::kOk, ForLog(text, 80), ""};
  return {Verdict::kDifferent, "cannot be read: " + ForLog(text, 80), std::string(kNoChange)};
}

Judgement JudgeBudget(const Evidence& evidence) {
  if (FirstAnswered(evidence) == nullptr) return NotAsked(evidence);
  const Subject& subject = evidence.subject();
  QueriesByInterval by_interval;
  for (const Query& query : subject.queries) ++by_interval[query.poll_interval];
  const double needed = MakePlan(by_interval, subject.queries, subject.api).requests_per_5_minutes;
  std::optional<double> allowed;
  std::string by;
  for (const AskedRequest& each : evidence.examination.asked) {
    for (const auto& [name, policy] : each.outcome.rate_limits) {
      if (!policy.quota) continue;
      const Seconds window = policy.window.value_or(kFiveMinutes);
      const double rate = static_cast<double>(*policy.quota) *
                          static_cast<double>(kFiveMinutes.count()) /
                          static_cast<double>(window.count());
      if (allowed && *allowed <= rate) continue;
      allowed = rate;
      by = name;
    }
  }
  if (!allowed) return {Verdict::kNotSeen, "no answer has a policy that can be read", ""};
  const std::string found = fmt::format(
      "{:.0f} requests in 5 minutes (policy {}); the queries need {:.3g}, api.rate_limit is {}",
      *allowed, by, needed, subject.api.rate_limit);
  if (needed > *allowed) {
    return {Verdict::kDifferent, found,
            "Poll less: raise poll_interval, drop queries, or share requests "
            "(api.max_series_per_request)."};
  }
  if (subject.api.rate_limit <= *allowed) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found, fmt::format("Set api.rate_limit: {:.0f} or less.", *allowed)};
}

}  // namespace radar_spoof
