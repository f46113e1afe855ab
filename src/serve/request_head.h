// The head of an HTTP request: what libmicrohttpd lets through and a strict server does not, and
// the target taken apart.
//
// Used by: http_server. Outside facts are from RFC 9112, 3.2 and 6.3, and RFC 3986, 2.1.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/serve/http_server.h"

namespace radar_spoof {

// The status a request is refused with before its body is read, or nullopt when it may go on.
// 400: a header name that is not a token; Host, Content-Length or Transfer-Encoding given twice or
// together where that changes what the request is; an unknown transfer coding. 413: a body over
// `body_limit` bytes. 431: a head over `head_limit` bytes.
// REQUIRES: Content-Length, where there is one, is a number.
std::optional<int> RefusalStatus(const ServerRequest& request, std::size_t head_size,
                                 std::size_t head_limit, std::size_t body_limit);

// Whether the head announces a body of one byte or more.
bool AnnouncesBody(const ServerRequest& request);

// Sets `path` and `query` from a target: "/metrics?a=b", the absolute form "http://HOST/metrics"
// when HOST is the request's Host header, or "*". False for another host, a broken escape, a byte
// that is not printable ASCII, or anything else that is not a path.
[[nodiscard]] bool ParseRequestTarget(std::string_view raw, ServerRequest& request);

}  // namespace radar_spoof
