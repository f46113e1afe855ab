// A text from upstream without the credential that upstream was told.
//
// Used by: poller, before anything of an answer can reach a log line or a page.
// Thread rule: pure.
#pragma once

#include <string>

#include "radar_spoof/config/credentials.h"

namespace radar_spoof {

// Every occurrence of the credential in `text`, also as a JSON string may hold it, becomes
// "[redacted]", and so does its beginning (4 characters or more) at the end of `text`, where an
// excerpt may have cut it.
std::string Redacted(std::string text, const Credentials& credentials);

}  // namespace radar_spoof
