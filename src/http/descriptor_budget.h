// How the file descriptors that the process may open are divided between clients and itself.
//
// The system gives out the lowest that is free, so a high one says that those below are taken.
// Thread rule: pure but for what the system says.
#pragma once

#include <string>

#include "radar_spoof/core/error.h"

namespace radar_spoof {

struct DescriptorBudget {
  int clients;        // so many are for clients
  int first_crowded;  // from here on one tells that those of other clients are not closed yet
  int first_refused;  // from here on they are for the process itself

  // For a process that opens `more` of its own before the first client comes. Half of what is left
  // then, at most 32, is not for clients. The error says how many there must be when fewer than 16
  // are left.
  static Result<DescriptorBudget, std::string> AfterOpening(int more);
};

}  // namespace radar_spoof
