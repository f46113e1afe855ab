// The history fetched so far, in a file, so that an interrupt costs nothing.
//
// The file is of core/file.h. Each answer is appended as one line of JSON as soon as it is there; a
// line that a crash cut short is skipped when the file is read again, and what it held is asked
// again. Queries that differ only in name, range or control share what is known.
//
// No credentials and no text from upstream are in it. Errors: a sentence. One process at a time:
// the file is locked while it is open.
// Blocking: reads and writes one file. Thread rule: confined to its owner's thread.
#pragma once

#include <map>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

class HistoryFile {
 public:
  // Opens the file, or begins it, also when it was cut within its first line. Refused: one that is
  // no such file or is of another API, one that another process has open. `base_url`: whose answers
  // these are.
  static Result<std::unique_ptr<HistoryFile>, std::string> Open(const std::string& path,
                                                                const std::string& base_url);

  // What is known of the query: no particular order, may overlap.
  std::vector<TimeRange> Known(const Query& query) const;
  // Oldest first.
  std::vector<SpoofBucket> Buckets(const Query& query) const;

  // The API says that in `range` there are these buckets and no others. REQUIRES: they have starts.
  // The reason, when it cannot be written; it is known in this run all the same.
  std::optional<std::string> Add(const Query& query, const TimeRange& range,
                                 std::span<const SpoofBucket> buckets);
  // Whether each range in it has something of `needed[i]` of a `queries[i]`; else it would be
  // missed.
  bool IsUsedUp(std::span<const Query> queries, std::span<const TimeRange> needed) const;
  // There is nothing left to go on with: deletes the file.
  void Remove();

 private:
  struct Series {
    std::vector<TimeRange> known;
    std::map<WallTime, SpoofBucket> buckets;
  };

  HistoryFile(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  std::optional<std::string> Load(const std::string& header);
  void TakeLine(std::string_view line);
  void Keep(const std::string& key, const TimeRange& range, std::span<const SpoofBucket> buckets);

  const std::string path_;
  const FileDescriptor file_;
  std::map<std::string, Series, std::less<>> series_;
};

}  // namespace radar_spoof
