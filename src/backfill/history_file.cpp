#include "history_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/hash.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kReadBytes = 65536;
// How the first line begins; the API's base_url ends it.
constexpr std::string_view kFirstWords = "radar_spoof_exporter backfill 1 ";

std::string SystemReason() { return std::generic_category().message(errno); }

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

std::string HashText(std::string_view text) { return fmt::format("{:016x}", Fnv1a(text)); }

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

// Takes words and numbers from the front of a line.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  bool AtEnd() const { return rest_.empty(); }
  std::string_view Rest() const { return rest_; }
  std::string_view Word() {
    const std::size_t space = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, space);
    rest_.remove_prefix(std::min(space + 1, rest_.size()));
    return word;
  }
  template <typename T>
  std::optional<T> Number() {
    const std::string_view word = Word();
    T number{};
    const auto [stopped, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || stopped != word.data() + word.size()) return std::nullopt;
    return number;
  }
  std::optional<WallTime> Time() {
    const auto seconds = Number<std::int64_t>();
    if (!seconds) return std::nullopt;
    return WallTime(Seconds(*seconds));
  }
  std::optional<Ratio> Fraction() {
    const auto number = Number<double>();
    return number ? Ratio::FromFraction(*number) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::string LineOf(const std::string& key, const TimeRange& range,
                   std::span<const SpoofBucket> buckets) {
  std::string text = fmt::format("{} {} {}", key, UnixTime(range.from), UnixTime(range.to));
  for (const SpoofBucket& bucket : buckets) {
    text += fmt::format(" {} {} {}", UnixTime(*bucket.start), bucket.spoof.value(),
                        bucket.not_spoof.value());
  }
  return HashText(text) + ' ' + text + '\n';
}

}  // namespace

Result<std::unique_ptr<HistoryFile>, std::string> HistoryFile::Open(const std::string& path,
                                                                    const std::string& base_url) {
  const int descriptor =
      open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (descriptor < 0) return path + ": " + SystemReason();
  std::unique_ptr<HistoryFile> file(new HistoryFile(path, descriptor));
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return path + ": not a regular file";
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return path + ": in use by another backfill";
  if (auto problem = file->Load(std::string(kFirstWords) + base_url)) {
    return path + ": " + *problem;
  }
  return file;
}

HistoryFile::~HistoryFile() { close(descriptor_); }

std::optional<std::string> HistoryFile::Load(const std::string& header) {
  const auto text = ReadAll(descriptor_);
  if (!text) return SystemReason();
  if (IsOnlyBegun(*text)) {
    if (ftruncate(descriptor_, 0) != 0 || !WriteAll(descriptor_, header + '\n')) {
      return SystemReason();
    }
    return std::nullopt;
  }
  std::string_view rest = *text;
  const auto next_line = [&rest] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  if (next_line() != header) {
    return "not what an earlier backfill from this API left; remove it to begin anew";
  }
  while (!rest.empty()) (void)TakeLine(next_line());
  // What comes next must not be glued to a line that was cut short.
  if (!text->ends_with('\n') && !WriteAll(descriptor_, "\n")) return SystemReason();
  return std::nullopt;
}

bool HistoryFile::TakeLine(std::string_view line) {
  Words words(line);
  const std::string_view hash = words.Word();
  if (hash != HashText(words.Rest())) return false;
  const std::string_view key = words.Word();
  const auto from = words.Time();
  const auto to = words.Time();
  if (!from || !to) return false;
  std::vector<SpoofBucket> buckets;
  while (!words.AtEnd()) {
    const auto start = words.Time();
    const auto spoof = words.Fraction();
    const auto not_spoof = words.Fraction();
    if (!start || !spoof || !not_spoof) return false;
    buckets.push_back({start, *spoof, *not_spoof});
  }
  Series& series = series_[std::string(key)];
  series.known.push_back({*from, *to});
  for (const SpoofBucket& bucket : buckets) series.buckets.insert_or_assign(*bucket.start, bucket);
  return true;
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
  Series& series = series_[key];
  series.known.push_back(range);
  for (const SpoofBucket& bucket : buckets) series.buckets.insert_or_assign(*bucket.start, bucket);
  if (WriteAll(descriptor_, LineOf(key, range, buckets))) return std::nullopt;
  return path_ + ": " + SystemReason();
}

bool HistoryFile::IsUsedUp(std::span<const Query> queries,
                           std::span<const TimeRange> needed) const {
  std::map<std::string, std::vector<TimeRange>, std::less<>> used;
  for (std::size_t i = 0; i < queries.size(); ++i) used[KeyOf(queries[i])].push_back(needed[i]);
  const auto is_used = [&used](const std::string& key, const TimeRange& range) {
    const auto& of_key = used[key];
    return std::any_of(of_key.begin(), of_key.end(), [&range](const TimeRange& each) {
      return std::max(each.from, range.from) < std::min(each.to, range.to);
    });
  };
  return std::all_of(series_.begin(), series_.end(), [&is_used](const auto& entry) {
    return std::all_of(entry.second.known.begin(), entry.second.known.end(),
                       [&](const TimeRange& range) { return is_used(entry.first, range); });
  });
}

void HistoryFile::Remove() { unlink(path_.c_str()); }

}  // namespace radar_spoof
