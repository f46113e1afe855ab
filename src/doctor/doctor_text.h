// What `doctor` found, for a terminal, for a program and for an issue.
//
// Thread rule: pure.
#pragma once

#include "checks.h"
#include "radar_spoof/cli/terminal.h"

namespace radar_spoof {

// Before anything is asked: how many requests, to whom, of what budget. Lines, each with a newline.
std::string AnnouncementText(const Subject& subject, const PlannedExamination& plan);

// A table where the terminal has 80 columns or more, else paragraphs; and what to do next.
std::string DoctorText(const Examination& examination, std::span<const CheckRow> rows,
                       const Terminal& terminal);

// One line; docs/api.md has the keys.
std::string DoctorJson(const Examination& examination, std::span<const CheckRow> rows);

inline constexpr std::string_view kReportTitle = "# radar_spoof_exporter doctor\n";

// Markdown: versions, the table, and the requests with the shape of their answers.
std::string DoctorReport(const Examination& examination, std::span<const CheckRow> rows,
                         const Redactor& redactor, WallTime now);

}  // namespace radar_spoof
