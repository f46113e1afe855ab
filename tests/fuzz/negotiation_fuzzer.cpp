// What strangers write into a request line or header, and what an operator writes after
// --web.listen-address: every pure reader of the serve stage.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "radar_spoof/http/content_negotiation.h"
#include "radar_spoof/http/http_server.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/web/basic_auth.h"
#include "src/http/request_head.h"

namespace radar_spoof {
namespace {

void Expect(bool invariant) {
  if (!invariant) std::abort();
}

void ReadAuthorization(std::string_view text) {
  const auto credentials = ParseBasicAuthorization(text);
  if (!credentials) return;
  Expect(credentials->user.find(':') == std::string::npos);
  Expect(credentials->user.size() + credentials->password.size() < text.size());
}

void ReadListenAddress(std::string_view text) {
  const auto address = ListenAddress::Parse(text);
  if (!address) return;
  Expect(address.value().port >= 0 && address.value().port <= 65535);
  const auto again = ListenAddress::Parse(address.value().Text());
  Expect(again.ok() && again.value().host == address.value().host &&
         again.value().port == address.value().port);
}

void ReadTarget(std::string_view text) {
  ServerRequest request;
  request.headers = {{"host", "example.org"}};
  if (!ParseRequestTarget(text, request)) return;
  Expect(request.path == "*" || request.path.starts_with('/'));
}

void ReadHeaders(std::string_view text) {
  ServerRequest request;
  const std::string name(text.substr(0, text.find(':')));
  request.headers = {{name, std::string(text)}, {"content-length", std::string(text)}};
  const auto status = RefusalStatus(request, text.size(), 16'384);
  Expect(!status || (*status >= 400 && *status < 500));
  (void)AnnouncesBody(request);
}

}  // namespace
}  // namespace radar_spoof

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)radar_spoof::ChooseExpositionFormat(text);
  (void)radar_spoof::AcceptsGzip(text);
  radar_spoof::ReadAuthorization(text);
  radar_spoof::ReadListenAddress(text);
  radar_spoof::ReadTarget(text);
  radar_spoof::ReadHeaders(text);
  return 0;
}
