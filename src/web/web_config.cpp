#include "radar_spoof/web/web_config.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/web/basic_auth.h"

namespace radar_spoof {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kPemLimit = std::size_t{1} << 20;
constexpr std::size_t kLongestHeader = 2048;  // of the 24 KiB that a request and its answer share
constexpr nanoseconds kLongestInterval = std::chrono::hours(1);

constexpr std::array<std::string_view, 4> kTopKeys = {"tls_server_config", "http_server_config",
                                                      "rate_limit", "basic_auth_users"};
constexpr std::array<std::string_view, 13> kTlsKeys = {"cert_file",
                                                       "key_file",
                                                       "client_ca_file",
                                                       "cert",
                                                       "key",
                                                       "client_ca",
                                                       "client_auth_type",
                                                       "client_allowed_sans",
                                                       "min_version",
                                                       "max_version",
                                                       "cipher_suites",
                                                       "prefer_server_cipher_suites",
                                                       "curve_preferences"};
constexpr std::array<std::string_view, 2> kHttpKeys = {"http2", "headers"};
constexpr std::array<std::string_view, 2> kRateKeys = {"interval", "burst"};
constexpr std::array<std::string_view, 5> kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                                                      "X-Content-Type-Options", "X-XSS-Protection",
                                                      "Strict-Transport-Security"};
constexpr std::array<std::string_view, 2> kFrameOptions = {"deny", "sameorigin"};
constexpr std::array<std::string_view, 1> kContentTypeOptions = {"nosniff"};

// RequireClientCert is the toolkit's older name of RequireAnyClientCert.
constexpr Meanings<ClientAuth, 6> kClientAuths = {
    {{"NoClientCert", ClientAuth::kNoClientCert},
     {"RequestClientCert", ClientAuth::kRequestClientCert},
     {"RequireAnyClientCert", ClientAuth::kRequireAnyClientCert},
     {"RequireClientCert", ClientAuth::kRequireAnyClientCert},
     {"VerifyClientCertIfGiven", ClientAuth::kVerifyClientCertIfGiven},
     {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerifyClientCert}}};
constexpr Meanings<TlsVersion, 2> kVersions = {
    {{"TLS12", TlsVersion::kTls12}, {"TLS13", TlsVersion::kTls13}}};
constexpr Meanings<TlsCurve, 4> kCurves = {{{"CurveP256", TlsCurve::kP256},
                                            {"CurveP384", TlsCurve::kP384},
                                            {"CurveP521", TlsCurve::kP521},
                                            {"X25519", TlsCurve::kX25519}}};

constexpr CipherSuite Rsa(CipherSuite::Cipher cipher) { return {CipherSuite::Key::kRsa, cipher}; }
constexpr CipherSuite Ecdsa(CipherSuite::Cipher cipher) {
  return {CipherSuite::Key::kEcdsa, cipher};
}
using enum CipherSuite::Cipher;
// Go's tls.CipherSuites(). Those of TLS 1.3, which have no meaning here, are always all served.
constexpr Meanings<std::optional<CipherSuite>, 13> kSuites = {
    {{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Ecdsa(kAes128Gcm)},
     {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Ecdsa(kAes256Gcm)},
     {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Ecdsa(kChaCha20Poly1305)},
     {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Ecdsa(kAes128Cbc)},
     {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Ecdsa(kAes256Cbc)},
     {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Rsa(kAes128Gcm)},
     {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Rsa(kAes256Gcm)},
     {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Rsa(kChaCha20Poly1305)},
     {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Rsa(kAes128Cbc)},
     {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Rsa(kAes256Cbc)},
     {"TLS_AES_128_GCM_SHA256", std::nullopt},
     {"TLS_AES_256_GCM_SHA384", std::nullopt},
     {"TLS_CHACHA20_POLY1305_SHA256", std::nullopt}}};

struct IntervalUnit {
  std::string_view name;
  double nanoseconds;
};
// Go's time.ParseDuration. A name stands before those that it begins with.
constexpr IntervalUnit kIntervalUnits[] = {{"ns", 1},        {"us", 1e3},  {"\u00B5s", 1e3},
                                           {"\u03BCs", 1e3}, {"ms", 1e6},  {"s", 1e9},
                                           {"m", 60e9},      {"h", 3600e9}};

// "1s", "100ms", "1m30s", "1.5s", "0". nullopt for anything else, and for more than an hour.
std::optional<nanoseconds> ParseInterval(std::string_view text) {
  if (text == "0") return nanoseconds(0);
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto number = ParseNumber<double>(text.substr(0, digits), std::chars_format::fixed);
    if (!number) return std::nullopt;
    text.remove_prefix(digits);
    const auto* const unit = std::ranges::find_if(
        kIntervalUnits, [&](const auto& each) { return text.starts_with(each.name); });
    if (unit == std::end(kIntervalUnits)) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += *number * unit->nanoseconds;
  }
  const auto longest = static_cast<double>(kLongestInterval.count());
  return total <= longest ? std::optional(nanoseconds(static_cast<nanoseconds::rep>(total)))
                          : std::nullopt;
}

bool HasControlCharacter(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; });
}

class WebConfigReader {
 public:
  explicit WebConfigReader(const std::string& path)
      : directory_(std::filesystem::path(path).parent_path()), problems_(path) {}

  Result<WebConfig, std::vector<ConfigProblem>> Read(const YamlNode& root,
                                                     std::vector<ConfigProblem> refused) {
    problems_.AddUnlessPlaceIsTaken(std::move(refused));
    MapReader(root, "", problems_, false).CheckKeys(kTopKeys, {});
    if (const YamlNode* const tls = root.Find("tls_server_config")) ReadTls(*tls);
    if (const YamlNode* const http = root.Find("http_server_config")) ReadHttp(*http);
    if (const YamlNode* const limit = root.Find("rate_limit")) ReadRateLimit(*limit);
    if (const YamlNode* const users = root.Find("basic_auth_users")) ReadUsers(*users);
    if (problems_.size() > 0) return problems_.Sorted();
    return std::move(config_);
  }

 private:
  void ReadTls(const YamlNode& node) {
    const std::size_t problems_before = problems_.size();
    MapReader map(node, "tls_server_config", problems_, false);
    if (node.kind != YamlNode::Kind::kMap) return;
    map.CheckKeys(kTlsKeys, {});
    TlsSettings tls;
    for (const auto& [key, pem] :
         {std::pair("cert", &tls.certificate_pem), {"key", &tls.key_pem}}) {
      const std::string file_key = std::string(key) + "_file";
      if (map.Find(key) == nullptr && map.Find(file_key) == nullptr) {
        problems_.Add(node, map.PathOf(file_key), "found nothing; expected a path");
      }
      ReadPem(map, key, file_key, *pem);
    }
    ReadPem(map, "client_ca", "client_ca_file", tls.client_ca_pem);
    map.Read("client_auth_type", kClientAuths, tls.client_auth);
    ReadAllowedNames(map, tls.client_allowed_sans);
    ReadVersion(map, "min_version", tls.min_version);
    ReadVersion(map, "max_version", tls.max_version);
    std::vector<std::optional<CipherSuite>> suites;
    ReadList(map, "cipher_suites", kSuites, suites);
    (void)map.Read("prefer_server_cipher_suites", tls.prefer_server_ciphers);
    ReadList(map, "curve_preferences", kCurves, tls.curves);
    for (const auto& suite : suites) {
      if (suite) tls.cipher_suites.push_back(*suite);
    }
    if (problems_.size() > problems_before) return;
    CheckTogether(map, node, tls, !suites.empty() && tls.cipher_suites.empty());
    config_.tls = std::move(tls);
  }

  void CheckTogether(const MapReader& map, const YamlNode& node, TlsSettings& tls,
                     bool only_tls13_suites) {
    if (tls.min_version > tls.max_version) {
      return problems_.Add(map.PlaceOf("max_version"), map.PathOf("max_version"),
                           "found TLS12, which is below min_version; expected TLS13");
    }
    if (only_tls13_suites && tls.max_version == TlsVersion::kTls12) {
      return problems_.Add(map.PlaceOf("cipher_suites"), map.PathOf("cipher_suites"),
                           "found suites of TLS 1.3 alone, but max_version is TLS12; expected at "
                           "least one of TLS 1.2");
    }
    if (only_tls13_suites) tls.min_version = TlsVersion::kTls13;
    if (tls.client_auth == ClientAuth::kNoClientCert && !tls.client_ca_pem.empty()) {
      const bool is_inline = map.Find("client_ca") != nullptr;
      return problems_.Add(node, map.PathOf(is_inline ? "client_ca" : "client_ca_file"),
                           "found a client CA, but no client_auth_type that uses it");
    }
    if (tls.client_auth == ClientAuth::kNoClientCert && !tls.client_allowed_sans.empty()) {
      return problems_.Add(map.PlaceOf("client_allowed_sans"), map.PathOf("client_allowed_sans"),
                           "found names, but no client_auth_type that asks for a certificate");
    }
    if (const auto problem = TlsProblem(tls)) problems_.Add(node, "tls_server_config", *problem);
  }

  // Into `pem` goes what stands under `key`, or in the file that stands under `file_key`, if any.
  void ReadPem(const MapReader& map, std::string_view key, std::string_view file_key,
               std::string& pem) {
    const YamlNode* const node = map.Find(key);
    if (node == nullptr) return ReadPemFile(map, file_key, pem);
    if (map.Find(file_key) != nullptr) {
      return problems_.Add(*node, map.PathOf(key),
                           "found it beside " + std::string(file_key) + "; expected one of both");
    }
    // It may be a key, so it is not shown.
    if (node->text.find("-----BEGIN ") == std::string::npos) {
      return problems_.Add(*node, map.PathOf(key),
                           "found no PEM text; expected one that begins with \"-----BEGIN\", or a "
                           "path under " +
                               std::string(file_key));
    }
    pem = node->text;
  }

  void ReadPemFile(const MapReader& map, std::string_view key, std::string& pem) {
    const YamlNode* const node = map.Find(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar || node->text.empty()) {
      return problems_.Add(*node, map.PathOf(key),
                           "found " + Describe(*node) + "; expected a path");
    }
    const std::string file = (directory_ / node->text).string();
    auto read = ReadRegularFile(file, kPemLimit);
    if (!read) {
      return problems_.Add(
          *node, map.PathOf(key),
          "found " + read.error() + "; expected a PEM file at " + ForMessage(file));
    }
    pem = std::move(read).value().content;
  }

  void ReadVersion(MapReader& map, std::string_view key, TlsVersion& value) {
    const YamlNode* const node = map.Find(key);
    if (node != nullptr && (node->text == "TLS10" || node->text == "TLS11")) {
      return problems_.Add(
          *node, map.PathOf(key),
          "found " + node->text + ", which RFC 8996 forbids; expected one of TLS12, TLS13");
    }
    map.Read(key, kVersions, value);
  }

  // Into `values` goes what each word of the list under `key` means.
  template <typename T, std::size_t kCount>
  void ReadList(const MapReader& map, std::string_view key, const Meanings<T, kCount>& meanings,
                std::vector<T>& values) {
    const YamlNode* const node = map.Find(key);
    if (node == nullptr || !IsList(*node, map.PathOf(key))) return;
    std::array<std::string_view, kCount> words;
    for (std::size_t i = 0; i < kCount; ++i) words[i] = meanings[i].first;
    for (const YamlNode& each : node->children) {
      if (const auto place = ReadWord(each, words)) {
        values.push_back(meanings[place.value()].second);
      } else {
        problems_.Add(each, map.PathOf(key), place.error());
      }
    }
  }

  bool IsList(const YamlNode& node, const std::string& key_path) {
    if (node.kind == YamlNode::Kind::kSequence && !node.children.empty()) return true;
    problems_.Add(node, key_path,
                  "found " +
                      (node.kind == YamlNode::Kind::kSequence ? "an empty list" : Describe(node)) +
                      "; expected a list of names");
    return false;
  }

  void ReadAllowedNames(const MapReader& map, std::vector<std::string>& names) {
    const std::string key_path = map.PathOf("client_allowed_sans");
    const YamlNode* const node = map.Find("client_allowed_sans");
    if (node == nullptr || !IsList(*node, key_path)) return;
    for (const YamlNode& each : node->children) {
      if (each.kind != YamlNode::Kind::kScalar || each.text.empty()) {
        problems_.Add(each, key_path,
                      "found " + Describe(each) +
                          "; expected a DNS name, an IP address, a mail address or a URI");
      }
      names.push_back(each.text);
    }
  }

  void ReadHttp(const YamlNode& node) {
    MapReader map(node, "http_server_config", problems_, false);
    if (node.kind != YamlNode::Kind::kMap) return;
    map.CheckKeys(kHttpKeys, {});
    bool http2 = false;
    if (map.Read("http2", http2) && http2) {
      problems_.Add(*map.Find("http2"), map.PathOf("http2"),
                    "found true; expected false: only HTTP/1.1 is served here, which every client "
                    "of HTTP/2 speaks, too");
    }
    const YamlNode* const headers = map.Find("headers");
    if (headers == nullptr) return;
    MapReader header_map(*headers, "http_server_config.headers", problems_, false);
    for (std::size_t i = 0; i < headers->keys.size(); ++i) {
      ReadHeader(headers->keys[i], headers->children[i]);
    }
  }

  void ReadHeader(const YamlNode::Key& key, const YamlNode& value) {
    const std::string key_path = "http_server_config.headers." + ForMessage(key.name);
    if (std::ranges::find(kHeaders, key.name) == kHeaders.end()) {
      return problems_.Add(key, key_path,
                           "found a header that cannot be set; expected one of " +
                               Joined(kHeaders) + DidYouMean(key.name, kHeaders));
    }
    std::span<const std::string_view> words;
    if (key.name == "X-Frame-Options") words = kFrameOptions;
    if (key.name == "X-Content-Type-Options") words = kContentTypeOptions;
    const auto place = ReadWord(value, words);
    if (!words.empty() && !place) {
      problems_.Add(value, key_path, place.error());
    } else if (value.kind != YamlNode::Kind::kScalar || HasControlCharacter(value.text)) {
      problems_.Add(value, key_path, "found " + Describe(value) + "; expected one line of text");
    } else if (value.text.size() > kLongestHeader) {
      problems_.Add(value, key_path,
                    "found " + std::to_string(value.text.size()) + " bytes; expected at most " +
                        std::to_string(kLongestHeader));
    } else if (!value.text.empty()) {
      config_.headers.emplace_back(key.name, value.text);
    }
  }

  void ReadRateLimit(const YamlNode& node) {
    MapReader map(node, "rate_limit", problems_, false);
    if (node.kind != YamlNode::Kind::kMap) return;
    map.CheckKeys(kRateKeys, {});
    RateLimit& limit = config_.rate_limit;
    const YamlNode* const interval = map.Find("interval");
    const auto parsed = interval == nullptr ? nanoseconds(0) : ParseInterval(interval->text);
    if (!parsed) {
      problems_.Add(*interval, map.PathOf("interval"),
                    "found " + Describe(*interval) +
                        "; expected a duration as Go writes it, such as 100ms or 1m30s, of at most "
                        "1h; 0 is no limit");
    }
    limit.interval = parsed.value_or(nanoseconds(0));
    const bool is_read = map.Read("burst", Bounds<int>{0, 1'000'000}, limit.burst);
    if (is_read && limit.interval.count() > 0 && limit.burst == 0) {
      problems_.Add(map.PlaceOf("burst"), map.PathOf("burst"),
                    std::string("found ") + (map.Find("burst") == nullptr ? "nothing" : "0") +
                        ", with which every request would be refused; expected at least 1");
    }
  }

  void ReadUsers(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kMap || node.keys.empty()) {
      return problems_.Add(node, "basic_auth_users",
                           "found " + Describe(node) + "; expected names with bcrypt hashes");
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& name = node.keys[i].name;
      const std::string key_path = "basic_auth_users." + ForMessage(name);
      if (name.empty() || name.find(':') != std::string::npos) {
        problems_.Add(node.keys[i], key_path, "found a name that is empty or holds a colon");
      }
      // What stands there may be a password in the clear: it is never shown.
      const std::string& hash = node.children[i].text;
      if (!IsBcryptHash(hash)) {
        problems_.Add(node.children[i], key_path,
                      "found no bcrypt hash; expected one as `htpasswd -nBC 10 NAME` prints it");
      } else if (BcryptCost(hash) > kHighestBcryptCost) {
        problems_.Add(node.children[i], key_path,
                      "found a bcrypt hash of cost " + std::to_string(BcryptCost(hash)) +
                          ", which takes seconds to compare; expected a cost of at most " +
                          std::to_string(kHighestBcryptCost) +
                          ", as `htpasswd -nBC 10 NAME` makes it");
      }
      config_.users[name] = node.children[i].text;
    }
  }

  const std::filesystem::path directory_;
  ProblemList problems_;
  WebConfig config_;
};

}  // namespace

Result<WebConfig, std::vector<ConfigProblem>> LoadWebConfig(const std::string& path) {
  if (path.empty()) return WebConfig{};
  std::vector<ConfigProblem> refused;
  const auto document = ReadYamlFile(path, &refused);
  if (!document) return document.error();
  return WebConfigReader(path).Read(document.value(), std::move(refused));
}

}  // namespace radar_spoof
