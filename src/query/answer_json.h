// An answer as one line of JSON. docs/query.md shows its keys; all stand in every answer, null
// where there is nothing to say. Ratios are 0 to 1, times RFC 3339 in UTC.
//
// Thread rule: pure.
#pragma once

#include "ask.h"

namespace radar_spoof {

enum class Explained { kNo, kYes };  // kYes: with Explain() as `series`, and `url`

std::string AnswerJson(const AnsweredQuery& answer, Explained explained);

}  // namespace radar_spoof
