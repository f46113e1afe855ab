// `alert`, `expected` and `labels` of a query or of `defaults`: when a spike counts, whom it
// concerns, and whose it is.
#pragma once

#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

inline constexpr auto kExpectedKeys =
    std::to_array<std::string_view>({"scales", "factor", "rise", "floor"});

// What `map` says replaces what `alert` held, key by key; what is wrong is reported, and left as it
// was. `elsewhere`: as CheckKeys() takes it.
void ReadSpikeAlert(MapReader& map, std::span<const KeySet> elsewhere, ProblemList& problems,
                    SpikeAlert& alert);

}  // namespace radar_spoof
