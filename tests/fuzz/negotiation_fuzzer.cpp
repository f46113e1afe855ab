// What strangers write into a request line or header, and what an operator writes after
// --web.listen-address: every pure reader of the serve stage.
#include <string>
#include <string_view>

#include "radar_spoof/http/content_negotiation.h"
#include "radar_spoof/http/http_server.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/web/basic_auth.h"
#include "src/http/request_head.h"
#include "tests/fuzz/fuzz_target.h"

namespace radar_spoof::test {
namespace {

void ReadAuthorization(std::string_view text) {
  const auto credentials = ParseBasicAuthorization(text);
  if (!credentials) return;
  Require(credentials->user.find(':') == std::string::npos);
  Require(credentials->user.size() + credentials->password.size() < text.size());
}

void ReadListenAddress(std::string_view text) {
  const auto address = ListenAddress::Parse(text);
  if (!address) return;
  Require(address.value().port >= 0 && address.value().port <= 65535);
  const auto again = ListenAddress::Parse(address.value().Text());
  Require(again.ok() && again.value().host == address.value().host &&
          again.value().port == address.value().port);
}

void ReadTarget(std::string_view text) {
  ServerRequest request;
  request.headers = {{"host", "example.org"}};
  if (!ParseRequestTarget(text, request)) return;
  Require(request.path == "*" || request.path.starts_with('/'));
}

void ReadHeaders(std::string_view text) {
  ServerRequest request;
  const std::string name(text.substr(0, text.find(':')));
  request.headers = {{name, std::string(text)}, {"content-length", std::string(text)}};
  const auto status = RefusalStatus(request, text.size(), 16'384);
  Require(!status || (*status >= 400 && *status < 500));
  (void)AnnouncesBody(request);
}

}  // namespace

FUZZ_TARGET(negotiation) {
  (void)ChooseExpositionFormat(input);
  (void)AcceptsGzip(input);
  ReadAuthorization(input);
  ReadListenAddress(input);
  ReadTarget(input);
  ReadHeaders(input);
}

}  // namespace radar_spoof::test
