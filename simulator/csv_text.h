// Answers as CSV (RFC 4180), for `format=CSV`.
//
// Chosen, as the reference shows no example: one row a bucket, three columns a series ("KEY
// timestamps", "KEY NOT_SPOOF", "KEY SPOOF"), no meta.
// Thread rule: pure.
#pragma once

#include "simulator/radar_answer.h"

namespace radar_spoof::simulator {

std::string CsvText(const RadarAnswer& answer);

}  // namespace radar_spoof::simulator
