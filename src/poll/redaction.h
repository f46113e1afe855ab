// A text from upstream without the credential that upstream was told.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/config/credentials.h"

namespace radar_spoof {

// In `text`, these become "[redacted]": the token or key, and every part of it of 8 characters or
// more; its first 4 characters or more where the text, or a quotation at its end, is cut; the whole
// e-mail address of the legacy pair. Upper and lower case are alike, and so are a character and its
// escapes in JSON (`\/`, `\u002f`) and in a URL (`%2F`). Shorter parts stay.
std::string Redacted(std::string_view text, const Credentials& credentials);

}  // namespace radar_spoof
