// HTTP requests in flight, and the wait for one of them to end.
//
// The shape is that of ninja's CommandRunner: start work, wait for one result.
// Security: redirects are never followed (the credentials would be sent along), .netrc is not read,
// and a proxy is used only as HttpClientOptions says; TLS is 1.2 or newer and always verified;
// plain http serves only what config allows (loopback). Thread rule: everything but Wake() belongs
// to one thread.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

struct HttpHeader {
  std::string name;
  Secret value;  // may be a credential, so all are treated as one
};

// Always a GET.
struct HttpRequest {
  std::string url;
  std::vector<HttpHeader> headers;
  // Sent on a connection that nothing used before and nothing uses afterwards.
  bool own_connection = false;
};

struct HttpResponse {
  int status = 0;                                            // 100 to 999
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, as received
  std::string body;                                          // decoded, at most kBodyLimit bytes

  // All values of that header (lower case), joined by ", "; "" when there is none.
  std::string Header(std::string_view name) const;
};

// Of the decoded body. The largest real answer, 364 days of hours with control, has 1.3 MB.
inline constexpr std::size_t kBodyLimit = std::size_t{4} * 1024 * 1024;

struct HttpClientOptions {
  std::string ca_file;  // the only authorities trusted; empty: the system's
  // "none", "environment" (the variables that libcurl reads), or a URL. An http:// request, which
  // is only sent to loopback, never goes through a proxy: it would see the credential.
  std::string proxy = "none";
  Seconds timeout{20};  // of one transfer, from name lookup to the last byte
  int max_connections = 8;
  // How long a connection is used, and a name's address; so that a new address is used after twice
  // that at the latest.
  Seconds connection_lifetime{60};
  Seconds slow_for{10};  // then an answer that has begun and stays under 100 B/s is given up
};

// What an answer came over, for a person who looks for what stands in the way.
struct Connection {
  std::string address;         // the other end's, in digits; "" where none was reached
  std::string tls;             // "TLSv1.3"; "" without TLS, or before it was agreed upon
  std::string issuer;          // of the certificate, which was verified: printable; "" without TLS
  bool through_proxy = false;  // an HTTP proxy opened it; not told of a connection used again
};

class HttpClient {
 public:
  using TransferId = std::size_t;

  struct Finished {
    TransferId id;
    // A Failure is one of the transport: no complete answer came. Any status is an answer.
    Result<HttpResponse, Failure> result;
    Milliseconds duration;
    Connection connection = {};
  };

  virtual ~HttpClient() = default;

  // For the transfers started from now on. REQUIRES: none is in flight.
  virtual void Configure(const HttpClientOptions& options) = 0;
  // REQUIRES: `id` is not in flight. Never blocks.
  virtual void Start(TransferId id, const HttpRequest& request) = 0;
  // Blocks until a transfer ends, `at_most` has passed, or Wake() is called. May return nullopt
  // early, whenever a transfer gets on.
  virtual std::optional<Finished> Wait(Milliseconds at_most) = 0;
  // Drops everything in flight; none of it will be reported.
  virtual void CancelAll() = 0;
  // Ends a Wait() at once, also the next one when none is under way. Any thread.
  virtual void Wake() = 0;
};

std::unique_ptr<HttpClient> MakeCurlHttpClient(std::string user_agent,
                                               const HttpClientOptions& options);

}  // namespace radar_spoof
