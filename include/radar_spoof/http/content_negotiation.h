// What a client is willing to be sent: pure readings of Accept and Accept-Encoding.
//
// Outside facts are from RFC 9110, 12.4.2 (q-values), 12.5.1 and 12.5.3. What cannot be parsed is
// as if it were not there. Thread rule: pure.
#pragma once

#include <optional>
#include <string_view>

namespace radar_spoof {

// The best q-value, in thousandths, that `header` gives to `name`; nullopt when it does not name
// it. With `version` a media type of another version does not count, one without a version does.
// `name` is in lower case; wildcards are names of their own.
std::optional<int> QualityOf(std::string_view name, std::string_view header,
                             std::string_view version = {});

// Whether gzip may be sent. `accept_encoding` is the header's value, "" when it is absent: then
// only the identity is sure to be understood.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace radar_spoof
