#include "radar_spoof/fetch/endpoint_in_use.h"

#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

const RadarEndpoint kLower("https://api.example", "/radar/spoof");
const RadarEndpoint kUpper("https://api.example", "/radar/SPOOF");
const RequestForm kNamed{kLower};
const RequestForm kUnnamed{kLower, false, true};

TEST_CASE("series are asked for by name, on connections that are kept, under the configured path") {
  CHECK(EndpointInUse(kLower).form() == kNamed);
}

TEST_CASE("each problem is answered with the form that may solve it, and each form is tried once") {
  struct Row {
    std::vector<RequestForm> tried;
    FormProblem problem;
    std::optional<RequestForm> other;
  };
  const RequestForm upper{kUpper};
  const RequestForm upper_unnamed{kUpper, false, true};
  const RequestForm alone{kLower, true, true};
  const RequestForm elsewhere{RadarEndpoint("https://api.example", "/other")};
  const Row rows[] = {
      {{kNamed}, FormProblem::kNone, std::nullopt},
      {{kNamed}, FormProblem::kPathNotFound, upper},
      {{upper}, FormProblem::kPathNotFound, kNamed},
      {{kNamed, upper}, FormProblem::kPathNotFound, std::nullopt},
      {{elsewhere}, FormProblem::kPathNotFound, std::nullopt},
      {{kUnnamed}, FormProblem::kPathNotFound, upper_unnamed},
      {{kNamed}, FormProblem::kMayBeNames, kUnnamed},
      {{kNamed}, FormProblem::kNamesIgnored, kUnnamed},
      {{kNamed, upper}, FormProblem::kNamesIgnored, upper_unnamed},
      {{kUnnamed}, FormProblem::kMayBeNames, std::nullopt},
      {{kNamed}, FormProblem::kForeign, alone},
      {{kNamed, alone}, FormProblem::kForeign, std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.problem));
    CAPTURE(row.tried.back().endpoint.path());
    CHECK(EndpointInUse(kLower).Other(row.tried, row.problem, "q") == row.other);
  }
}

TEST_CASE("a query that is refused with names and without is asked in one form until it is well") {
  EndpointInUse endpoint(kLower);
  const std::vector<RequestForm> both = {kNamed, kUnnamed};
  const auto first = std::span(both).first(1);
  REQUIRE(endpoint.Other(first, FormProblem::kMayBeNames, "bad") == kUnnamed);
  CHECK_FALSE(endpoint.Other(both, FormProblem::kMayBeNames, "bad"));
  CHECK_FALSE(endpoint.Other(first, FormProblem::kMayBeNames, "bad"));
  CHECK(endpoint.Other(first, FormProblem::kMayBeNames, "another") == kUnnamed);
  CHECK_FALSE(endpoint.Other(both, FormProblem::kNone, "another"));
  endpoint.NoteGood(kNamed, "bad");
  CHECK(endpoint.Other(first, FormProblem::kMayBeNames, "bad") == kUnnamed);
}

TEST_CASE("of queries that may be refused for their names one at a time is asked without") {
  EndpointInUse endpoint(kLower);
  const std::vector<RequestForm> both = {kNamed, kUnnamed};
  const auto first = std::span(both).first(1);
  const auto ask = [&](const char* query) {
    return endpoint.Other(first, FormProblem::kMayBeNames, query);
  };
  CHECK(ask("a") == kUnnamed);
  CHECK_FALSE(ask("b"));
  SUBCASE("until it was refused, too") {
    CHECK_FALSE(endpoint.Other(both, FormProblem::kMayBeNames, "a"));
  }
  SUBCASE("until it failed otherwise") {
    CHECK_FALSE(endpoint.Other(both, FormProblem::kNone, "a"));
  }
  SUBCASE("until it will not be answered") { endpoint.StopFindingOut(); }
  CHECK(ask("b") == kUnnamed);
}

TEST_CASE("the form of a good answer is used from then on, and what is new of it told once") {
  EndpointInUse endpoint(kLower);
  auto change = endpoint.NoteGood(kNamed, "q");
  CHECK_FALSE(change.path);
  CHECK_FALSE(change.names);
  change = endpoint.NoteGood({kUpper}, "q");
  CHECK(change.path);
  CHECK_FALSE(change.names);
  change = endpoint.NoteGood({kUpper, false, true}, "q");
  CHECK_FALSE(change.path);
  CHECK(change.names);
  CHECK(endpoint.form() == RequestForm{kUpper, false, true});
  change = endpoint.NoteGood({kUpper, false, true}, "q");
  CHECK_FALSE(change.names);
}

TEST_CASE("a connection of its own after a foreign answer is for that request alone") {
  EndpointInUse endpoint(kLower);
  endpoint.NoteGood({kLower, true, true}, "q");
  CHECK(endpoint.form() == kNamed);
}

TEST_CASE("an answer to an old request does not bring names back") {
  EndpointInUse endpoint(kLower);
  endpoint.NoteGood(kUnnamed, "q");
  endpoint.NoteGood(kNamed, "q");
  CHECK(endpoint.form() == kUnnamed);
}

}  // namespace
}  // namespace radar_spoof
