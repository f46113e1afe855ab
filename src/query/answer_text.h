// An answer, or why there is none, as a person reads it in a terminal.
//
// Nothing from outside reaches the terminal that could steer it.
// Thread rule: pure.
#pragma once

#include <string>

#include "ask.h"
#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

// Several lines, each ended by a newline: what was asked; whether the numbers are made up; the
// latest complete bucket beside what is usual; confidence and annotations; the window as a line of
// characters; the last buckets as a table; whom the numbers are from. Times are UTC. An interval
// without a bucket is a gap in both.
std::string AnswerText(const AnsweredQuery& answer, const Terminal& terminal);

// Explain() for a person, and the URL to check it against.
std::string ExplanationText(const AnsweredQuery& answer, const Terminal& terminal);

// What went wrong, the reason's name and detail, and what to do; no newline.
std::string FailureText(const Failure& failure);

}  // namespace radar_spoof
