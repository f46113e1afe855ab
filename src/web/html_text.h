// Text as HTML holds it.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

// For an element's content or a quoted attribute.
std::string EscapeHtml(std::string_view text);

}  // namespace radar_spoof
