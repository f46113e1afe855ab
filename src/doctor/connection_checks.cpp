#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "checks.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

bool IsPlain(const Examination& exam) { return exam.subject.api.base_url.starts_with("http://"); }

// What `api.proxy` has used for https://, and where that is from: "http://proxy.example:3128"; ""
// without one.
std::string ProxyOf(const Examination& exam) {
  const std::string& proxy = exam.subject.api.proxy;
  const auto& variable = exam.subject.proxy_variable;
  if (proxy == "none" || IsPlain(exam)) return "";
  if (proxy != "environment") return ForMessage(HostAndPort(proxy));
  return !variable || variable->excepted ? "" : variable->proxy + ", from " + variable->name;
}

bool IsThroughProxy(const Examination& exam, const AskedRequest& asked) {
  const auto& variable = exam.subject.proxy_variable;
  const bool is_socks = exam.subject.api.proxy == "environment" && variable &&
                        variable->IsSocks() && !ProxyOf(exam).empty();
  return asked.connection.through_proxy || is_socks;
}

// To the unit in which InWords() tells it.
Milliseconds Rounded(Milliseconds duration) {
  if (duration < 59'500ms) return std::chrono::round<Seconds>(duration);
  if (duration < 59min + 30s) return std::chrono::round<std::chrono::minutes>(duration);
  if (duration < 23h + 30min) return std::chrono::round<std::chrono::hours>(duration);
  return std::chrono::round<std::chrono::days>(duration);
}

}  // namespace

Judgement JudgeAddress(const Examination& exam) {
  if (exam.asked.empty()) return NotAsked(exam);
  const std::string host = ForMessage(HostAndPort(exam.subject.api.base_url));
  const AskedRequest* const asked = exam.FirstAnswered();
  if (asked == nullptr) {
    const AskedRequest& last = exam.asked.back();
    if (last.FailedFor(FailureReason::kTls) || last.FailedFor(FailureReason::kParse)) {
      return Ok(host + " is " + last.connection.address);
    }
    Judgement judgement = Failed(exam, last, *last.failure());
    if (last.failure()->detail.find("HTTP/0.9") != std::string::npos) {
      judgement.change = "Check what answers at that address: it does not speak HTTP/1.1.";
    }
    return judgement;
  }
  const auto is_broken = [](const AskedRequest& each) {
    return each.status() == 0 && !each.FailedFor(FailureReason::kTimeout) &&
           !each.FailedFor(FailureReason::kParse);
  };
  const auto broken = std::ranges::count_if(exam.asked, is_broken);
  if (broken > 1) {  // one may pass
    return Different(
        fmt::format("{} of {} requests without an answer: {}", broken, exam.asked.size(),
                    std::ranges::find_if(exam.asked, is_broken)->failure()->detail),
        "Look for what breaks connections on the way, such as a proxy or a firewall.");
  }
  const std::string& address = asked->connection.address;
  if (IsThroughProxy(exam, *asked)) return Ok(host + " answers, through a proxy at " + address);
  const bool is_ipv4 = address.find(':') == std::string::npos;
  return Ok(host + " is " + address + (is_ipv4 ? " (IPv4)" : " (IPv6)"));
}

Judgement JudgeProxy(const Examination& exam) {
  if (exam.asked.empty()) return NotAsked(exam);
  const AskedRequest* const asked = exam.FirstAnswered();
  const bool is_none = exam.subject.api.proxy == "none";
  const auto& variable = exam.subject.proxy_variable;
  const std::string proxy = ProxyOf(exam);
  if (asked == nullptr) {
    if (IsPlain(exam)) return NotAsked(exam);
    if (!proxy.empty()) {
      return Different("no answer came through " + proxy,
                       "Check whether that proxy works, or change api.proxy.");
    }
    if (!is_none || !variable || variable->excepted) return NotAsked(exam);
    return Different("none, though " + variable->name + " names " + variable->proxy,
                     "Set api.proxy: environment, if the API can only be reached through it.");
  }
  if (IsThroughProxy(exam, *asked)) return Ok("in use: " + proxy);
  if (is_none) return Ok("none");
  if (IsPlain(exam)) return Ok("not used for plain HTTP to this machine");
  if (!proxy.empty()) return Different("not used: " + proxy, kOpenAnIssue);
  return Ok(variable ? "none: no_proxy excepts the host"
                     : "none: the environment names none for it");
}

Judgement JudgeTls(const Examination& exam) {
  if (exam.asked.empty()) return NotAsked(exam);
  if (const AskedRequest* const answered = exam.FirstAnswered()) {
    if (IsPlain(exam)) return Ok("none: plain HTTP to this machine");
    return Ok(answered->connection.tls + ", verified; issued by " + answered->connection.issuer);
  }
  const AskedRequest& last = exam.asked.back();
  if (!last.FailedFor(FailureReason::kTls)) return NotAsked(exam);
  if (LowerCase(last.failure()->detail).find("protocol") == std::string::npos) {
    return Failed(exam, last, *last.failure());
  }
  return Different("neither TLS 1.2 nor 1.3: " + last.failure()->detail,
                   "Check what answers at that address: Cloudflare does with both.");
}

Judgement JudgeClock(const Examination& exam) {
  if (exam.FirstAnswered() == nullptr) return NotAsked(exam);
  std::vector<Milliseconds> ahead;  // the API's clock of ours
  bool any_unreadable = false;
  for (const AskedRequest& each : exam.asked) {
    const std::string text = each.Header("date");
    const auto date = ParseHttpDate(text, each.received.wall);
    any_unreadable = any_unreadable || (!date && !text.empty());
    if (date) ahead.push_back(*date - (each.received.wall - each.duration / 2));
  }
  if (ahead.empty()) {
    return any_unreadable ? Different("a Date header that is no date", kNoChange)
                          : NotSeen("no answer has a Date header");
  }
  std::ranges::sort(ahead);
  const Milliseconds usual = ahead[ahead.size() / 2];
  const Milliseconds apart = std::chrono::abs(usual);
  if (apart <= 30s) return Ok("within " + InWords(std::chrono::ceil<Seconds>(apart + 1ms)));
  return Different("the API's clock is " + InWords(Rounded(apart)) +
                       (usual > 0ms ? " ahead of" : " behind") + " this host's",
                   "Set this host's clock (timedatectl set-ntp true); if it is right, the API's or "
                   "a proxy's is wrong.");
}

Judgement JudgeLatency(const Examination& exam) {
  std::vector<Milliseconds> times;
  std::size_t late = 0;
  for (const AskedRequest& each : exam.asked) {
    if (each.status() != 0) times.push_back(each.duration);
    if (each.FailedFor(FailureReason::kTimeout)) ++late;
  }
  if (times.empty()) return NotAsked(exam);
  std::ranges::sort(times);
  const Seconds timeout = exam.subject.api.timeout;
  std::string found = fmt::format(
      "{} ms at least, {} ms usually, {} ms at most; api.timeout is {} s", times.front().count(),
      times[times.size() / 2].count(), times.back().count(), timeout.count());
  if (late > 0) {
    found = fmt::format("{} of {} requests without a complete answer in time; others {}", late,
                        exam.asked.size(), found);
  }
  if (late == 0 && times.back() * 2 <= timeout) return Ok(found);
  return Different(found, "Raise api.timeout, or look for what is slow on the way.");
}

Judgement JudgeToken(const Examination& exam) {
  const AskedRequest* accepted = nullptr;
  const AskedRequest* refused = nullptr;
  for (const AskedRequest& each : exam.asked) {
    // What the exporter cannot use is still said to whom may ask.
    if (each.failure() == nullptr || each.FailedFor(FailureReason::kValidation) ||
        each.FailedFor(FailureReason::kEmpty)) {
      accepted = &each;
    }
    if (each.FailedFor(FailureReason::kUnauthorized)) refused = &each;
  }
  const std::string& kind = exam.credential;
  if (refused == nullptr) {
    if (accepted != nullptr) return Ok(kind + ", accepted");
    return exam.FirstAnswered() == nullptr ? NotAsked(exam)
                                           : NotSeen("no answer shows whether it is accepted");
  }
  const RadarEndpoint& endpoint = refused->form.endpoint;
  const std::string& detail = refused->failure()->detail;
  if (accepted == nullptr) {
    return {Verdict::kRefused, kind + ": " + detail,
            "Look the error up in docs/token.md: a token that is whole, valid from here, with the "
            "permission Account > Radar > Read."};
  }
  const bool is_accepted_there = std::ranges::any_of(exam.asked, [&](const AskedRequest& each) {
    return each.form.endpoint == endpoint && each.failure() == nullptr;
  });
  if (!is_accepted_there) {
    return Different(kind + ": accepted by " + Shortened(accepted->form.endpoint) +
                         ", refused by " + Shortened(endpoint) + ": " + detail,
                     endpoint == exam.subject.endpoint() ? "See path." : "See other path.");
  }
  return Different(kind + ": accepted, but once " + detail,
                   "Nothing, if it does not happen again: Cloudflare does so under load.");
}

Judgement JudgeRateLimit(const Examination& exam) {
  const AskedRequest* const first = exam.FirstAnswered();
  if (first == nullptr) return NotAsked(exam);
  std::size_t answers = 0;
  std::size_t remaining = 0;
  std::size_t policies = 0;
  bool is_readable = true;
  for (const AskedRequest& each : exam.asked) {
    if (each.status() == 0) continue;
    if (each.status() == 429) {
      const std::string wait = each.WaitText();
      return {
          Verdict::kRefused,
          "HTTP 429, " + (wait.empty() ? "without a Retry-After" : "to be asked again in " + wait),
          "Ask again later; something else uses the requests of the same Cloudflare user, or "
          "api.rate_limit is too high."};
    }
    ++answers;
    if (!each.Header("ratelimit").empty()) ++remaining;
    if (!each.Header("ratelimit-policy").empty()) ++policies;
    const auto has_quota = [](const auto& limit) { return limit.second.quota.has_value(); };
    is_readable = is_readable && std::ranges::any_of(each.outcome.rate_limits, has_quota);
  }
  for (const auto& [name, limit] : exam.asked.back().outcome.rate_limits) {
    if (limit.remaining != 0U) continue;
    return Different("no request is left by policy " + name +
                         (limit.reset_in ? " for " + InWords(*limit.reset_in) : ""),
                     "Ask again later; something else uses the requests of the same Cloudflare "
                     "user.");
  }
  if (remaining < answers || policies < answers) {
    std::string counts = fmt::format("Ratelimit on {} and Ratelimit-Policy on {} of {} answers",
                                     remaining, policies, answers);
    for (const auto& [name, value] : first->answer.value().headers) {
      if (name == "ratelimit" || name == "ratelimit-policy") continue;
      if (name.find("ratelimit") != std::string::npos) counts += "; there is " + ForLog(name, 40);
    }
    return Different(counts, "Nothing: without them api.rate_limit alone bounds what is asked.");
  }
  const std::string text = ForLog(first->Header("ratelimit-policy"), 80);
  return is_readable ? Ok(text) : Different("cannot be read: " + text, kNoChange);
}

Judgement JudgeBudget(const Examination& exam) {
  if (exam.FirstAnswered() == nullptr) return NotAsked(exam);
  constexpr Seconds kFiveMinutes = 5min;
  const auto& [api, polling, queries, proxy] = exam.subject;
  QueriesByInterval by_interval;
  for (const Query& query : queries) ++by_interval[query.poll_interval];
  const double needed = MakePlan(by_interval, queries, api).requests_per_5_minutes;
  double allowed = HUGE_VAL;
  std::string by;
  for (const AskedRequest& each : exam.asked) {
    for (const auto& [name, policy] : each.outcome.rate_limits) {
      const Seconds window = policy.window.value_or(kFiveMinutes);
      const double rate = static_cast<double>(policy.quota.value_or(0)) *
                          static_cast<double>(kFiveMinutes.count()) /
                          static_cast<double>(window.count());
      if (!policy.quota || allowed <= rate) continue;
      allowed = rate;
      by = name;
    }
  }
  if (by.empty()) return NotSeen("no answer has a policy that can be read");
  const std::string found = fmt::format(
      "{:.0f} requests in 5 minutes (policy {}); the queries need {:.3g}, api.rate_limit is {}",
      allowed, by, needed, api.rate_limit);
  if (needed > allowed) {
    return Different(found,
                     "Poll less: raise poll_interval, drop queries, or share requests "
                     "(api.max_series_per_request).");
  }
  if (api.rate_limit <= allowed) return Ok(found);
  return Different(found, fmt::format("Set api.rate_limit: {:.0f} or less.", allowed));
}

}  // namespace radar_spoof
