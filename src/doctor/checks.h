// What the exporter relies on, and whether that was found: `doctor`'s rows.
//
// docs/api.md has the same rows, with the source of each fact; a test compares them.
// Thread rule: pure.
#pragma once

#include "examination.h"
#include "radar_spoof/poll/redaction.h"

namespace radar_spoof {

enum class Verdict {
  kOk,
  kDifferent,  // from what the exporter relies on
  kRefused,    // by the API
  kNotSeen,    // the answers did not show it, which is no fault
  kNotAsked,
};

inline constexpr std::array kAllVerdicts = {Verdict::kOk, Verdict::kDifferent, Verdict::kRefused,
                                            Verdict::kNotSeen, Verdict::kNotAsked};

// "ok", "different", "refused", "not seen", "not asked".
std::string_view Name(Verdict verdict);

// Texts are one line each, in which nothing names a credential, an account or a person.
struct CheckRow {
  std::string name;
  Verdict verdict;
  std::string expected;  // what the exporter relies on
  std::string found;
  std::string change;  // what to change, or that nothing need be; "" where all is well
};

struct CheckDescription {
  std::string_view name;
  std::string_view expected;
};

// In the order of the rows. "query NAME" stands for one row a configured query.
std::vector<CheckDescription> CheckCatalog();

std::vector<CheckRow> Judge(const Examination& examination, const Redactor& redactor);

// All was asked and answered, and nothing is different or refused.
bool IsAllWell(const Examination& examination, std::span<const CheckRow> rows);

}  // namespace radar_spoof
