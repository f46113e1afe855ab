// A series from a file of lines `time,ratio`, so that anybody's data can be replayed.
//
// Thread rule: pure.
#pragma once

#include "quality/worlds.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof::quality {

// `time` is the start of a bucket, in RFC 3339 or as Unix time in seconds, on the grid of
// `interval`; later on each line. `ratio` is 0 to 1; empty, or no line at all: the bucket is
// missing. More columns are ignored, and so is a first line that begins with "time". Errors: the
// number of the line and what is wrong with it; a file without any bucket.
Result<Series, std::string> ReadSeriesFile(std::string_view text, AggInterval interval);

}  // namespace radar_spoof::quality
