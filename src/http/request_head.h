// The head of an HTTP request: what libmicrohttpd lets through and a strict server does not, and
// the target taken apart.
//
// Outside facts are from RFC 9112, 3.2 and 6.3, and RFC 3986, 2.1.
// Thread rule: pure.
#pragma once

#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

// The status a request is refused with before its body is read, or nullopt when it may go on.
// 400: CONNECT; a header name that is not a token; a control character in a value; Host,
// Content-Length or Transfer-Encoding given twice or together where that changes what the request
// is; an unknown transfer coding. 431: a head over `head_limit` bytes or 64 fields.
std::optional<int> RefusalStatus(const ServerRequest& request, std::size_t head_size,
                                 std::size_t head_limit);

// Whether nothing stood in a head but what was read from it: every line ended in CR LF, no NUL, no
// folded line, one space after the method and after the target. libmicrohttpd before 1.0 takes bare
// LF, cuts at a NUL and drops what was folded. But it reads a head in place, with a NUL put over
// each byte that ends a part, so the places of the parts tell what stood between them (0.9.75).
class HeadLayout {
 public:
  // The parts as libmicrohttpd hands them out, and in the order in which they came.
  HeadLayout(const char* method, const char* target, std::size_t target_size, const char* version);
  void Add(const char* name, const char* value);
  // `head_size`: from the method to the end of the empty line.
  bool IsExact(std::size_t head_size) const;

 private:
  const char* const begin_;
  const char* line_end_;
  bool exact_;
};

// Whether the head announces a body of one byte or more.
// REQUIRES: Content-Length, where there is one, is a number.
bool AnnouncesBody(const ServerRequest& request);

// Sets `path` and `query` from a target: "/metrics?a=b", the absolute form "http://HOST/metrics"
// when HOST is the request's Host header, or "*". False for another host, a broken escape, a byte
// that is not printable ASCII, or anything else that is not a path.
[[nodiscard]] bool ParseRequestTarget(std::string_view raw, ServerRequest& request);

}  // namespace radar_spoof
