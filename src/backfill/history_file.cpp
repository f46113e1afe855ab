#include "history_file.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/json_writer.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kReadBytes = 65536;
// How the first line begins; the API's base_url ends it.
constexpr std::string_view kFirstWords = "radar_spoof_exporter backfill 2 ";

// What decides a query's past: neither its name nor how much of it is looked at.
std::string KeyOf(const Query& query) {
  std::string key(RequestName(query.agg_interval));
  for (const Dimension dimension : kAllDimensions) key += ';' + query.filters.Label(dimension);
  return key;
}

// Whether it is a first line that was cut short, of whatever API: there is no history behind it.
bool IsOnlyBegun(std::string_view text) {
  return text.find('\n') == std::string_view::npos &&
         (kFirstWords.starts_with(text) || text.starts_with(kFirstWords));
}

std::int64_t UnixTime(WallTime time) {
  return std::chrono::floor<Seconds>(time).time_since_epoch().count();
}

std::optional<std::string> ReadAll(int descriptor) {
  std::string text;
  std::array<char, kReadBytes> bytes;
  for (;;) {
    const ssize_t got = read(descriptor, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

std::string LineOf(const std::string& key, const TimeRange& range,
                   std::span<const SpoofBucket> buckets) {
  JsonWriter json;
  json.Object([&] {
    json.Member("asks", key);
    json.Member("from", UnixTime(range.from));
    json.Member("to", UnixTime(range.to));
    json.Key("buckets");
    json.Array([&] {
      for (const SpoofBucket& bucket : buckets) {
        json.Value(UnixTime(*bucket.start));
        json.Value(bucket.spoof.value());
        json.Value(bucket.not_spoof.value());
      }
    });
  });
  return HashedLine(json.Text());
}

std::optional<WallTime> TimeOf(const JsonValue* value) {
  const auto seconds = value == nullptr ? std::nullopt : value->NumberAs<std::int64_t>();
  if (!seconds) return std::nullopt;
  return WallTime(Seconds(*seconds));
}

std::optional<Ratio> RatioOf(const JsonValue& value) {
  const auto fraction = value.NumberAs<double>();
  return fraction ? Ratio::FromFraction(*fraction) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<HistoryFile>, std::string> HistoryFile::Open(const std::string& path,
                                                                    const std::string& base_url) {
  FileDescriptor opened(
      open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
  if (!opened) return path + ": " + SystemErrorText(errno);
  const int descriptor = opened.number();
  std::unique_ptr<HistoryFile> file(new HistoryFile(path, std::move(opened)));
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return path + ": not a regular file";
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return path + ": in use by another backfill";
  if (auto problem = file->Load(std::string(kFirstWords) + base_url)) return path + ": " + *problem;
  return file;
}

std::optional<std::string> HistoryFile::Load(const std::string& header) {
  const auto text = ReadAll(file_.number());
  if (!text) return SystemErrorText(errno);
  if (IsOnlyBegun(*text)) {
    if (ftruncate(file_.number(), 0) != 0 || !WriteAll(file_.number(), header + '\n')) {
      return SystemErrorText(errno);
    }
    return std::nullopt;
  }
  HashedLines lines(*text, header);
  if (!lines.begins_right()) {
    return "not what an earlier backfill from this API left; remove it to begin anew";
  }
  while (!lines.AtEnd()) {
    if (const auto line = lines.Next()) TakeLine(*line);
  }
  // What comes next must not be glued to a line that was cut short.
  if (!text->ends_with('\n') && !WriteAll(file_.number(), "\n")) return SystemErrorText(errno);
  return std::nullopt;
}

void HistoryFile::TakeLine(std::string_view line) {
  const auto document = ParseJson(line);
  if (!document) return;
  const JsonValue& piece = document.value().root;
  const JsonValue* const key = piece.Find("asks");
  const JsonValue* const numbers = piece.Find("buckets");
  const auto from = TimeOf(piece.Find("from"));
  const auto to = TimeOf(piece.Find("to"));
  if (key == nullptr || numbers == nullptr || !from || !to) return;
  constexpr std::size_t kNumbers = 3;  // of a bucket
  std::vector<SpoofBucket> buckets;
  for (std::size_t at = 0; at + kNumbers <= numbers->items.size(); at += kNumbers) {
    const auto start = TimeOf(&numbers->items[at]);
    const auto spoof = RatioOf(numbers->items[at + 1]);
    const auto not_spoof = RatioOf(numbers->items[at + 2]);
    if (!start || !spoof || !not_spoof) return;
    buckets.push_back({start, *spoof, *not_spoof});
  }
  Keep(std::string(key->text), {*from, *to}, buckets);
}

void HistoryFile::Keep(const std::string& key, const TimeRange& range,
                       std::span<const SpoofBucket> buckets) {
  Series& series = series_[key];
  series.known.push_back(range);
  for (const SpoofBucket& bucket : buckets) series.buckets.insert_or_assign(*bucket.start, bucket);
}

std::vector<TimeRange> HistoryFile::Known(const Query& query) const {
  const auto found = series_.find(KeyOf(query));
  return found == series_.end() ? std::vector<TimeRange>() : found->second.known;
}

std::vector<SpoofBucket> HistoryFile::Buckets(const Query& query) const {
  std::vector<SpoofBucket> buckets;
  const auto found = series_.find(KeyOf(query));
  if (found == series_.end()) return buckets;
  buckets.reserve(found->second.buckets.size());
  for (const auto& [start, bucket] : found->second.buckets) buckets.push_back(bucket);
  return buckets;
}

std::optional<std::string> HistoryFile::Add(const Query& query, const TimeRange& range,
                                            std::span<const SpoofBucket> buckets) {
  const std::string key = KeyOf(query);
  Keep(key, range, buckets);
  if (WriteAll(file_.number(), LineOf(key, range, buckets))) return std::nullopt;
  return path_ + ": " + SystemErrorText(errno);
}

bool HistoryFile::IsUsedUp(std::span<const Query> queries,
                           std::span<const TimeRange> needed) const {
  std::map<std::string, std::vector<TimeRange>, std::less<>> used;
  for (std::size_t i = 0; i < queries.size(); ++i) used[KeyOf(queries[i])].push_back(needed[i]);
  return std::ranges::all_of(series_, [&used](const auto& entry) {
    return std::ranges::all_of(entry.second.known, [&](const TimeRange& range) {
      return std::ranges::any_of(used[entry.first], [&range](const TimeRange& each) {
        return std::max(each.from, range.from) < std::min(each.to, range.to);
      });
    });
  });
}

void HistoryFile::Remove() { unlink(path_.c_str()); }

}  // namespace radar_spoof
