// The page at "/": what this is, what it polls and how that is going, for a person.
//
// Everything that is not this program's own text is escaped; no scripts, nothing from elsewhere.
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// Where the page's links lead.
struct PageLinks {
  std::string telemetry_path = "/metrics";
  // What stands before the paths of this server. By default they are relative, so that they also
  // lead there from behind a proxy that serves the page elsewhere.
  std::string base = ".";
  std::string homepage = {};   // "": none is known
  std::string documents = {};  // the folder where they are installed
};

// UTF-8 HTML. Queries that are far above what was expected stand first, and a cause that fails more
// than one of them is told once. A ratio is shown exactly when /metrics shows it (snapshot.h).
std::string RenderLandingPage(const Snapshot& snapshot, Instant now, const PageLinks& links);

// A window's spoof ratios as a small line drawing: an inline SVG element with its meaning as text
// for those who cannot see it; "" under two values. `trend` as SpoofSample::trend: ratios, oldest
// first, NaN for a gap, which breaks the line. The scale begins at 0, so that noise does not look
// like a spike. Behind the latest buckets lies what was expected, up to its upper bound, as a band.
std::string SparklineSvg(std::span<const float> trend,
                         const std::optional<Expectation>& expectation = {});

// What a browser may load for it: the page's own style, known by its hash (CSP level 3, 8.4), and
// the empty picture that keeps it from asking for an icon.
inline constexpr std::string_view kLandingPagePolicy =
    "default-src 'none'; style-src 'sha256-2SlKAPhLuHTcpTmbaOjzVqVzurvfs3QPdHTaxO4mgH4='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:";

}  // namespace radar_spoof
