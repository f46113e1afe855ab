// The queries of a whole file: matrices expanded, and checked against each other.
#pragma once

#include <set>
#include <unordered_map>

#include "query_reader.h"
#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/request_plan.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

class QueryList {
 public:
  // Both must outlive this object.
  QueryList(ProblemList& problems, ProblemList& warnings)
      : problems_(problems), warnings_(warnings) {}

  // Entries in the file's order. Past 20,000 queries nothing more is expanded.
  void Add(const QueryEntry& entry);

  // Those that could be read whole.
  const std::vector<Query>& queries() const { return queries_; }
  std::vector<Query> TakeQueries() { return std::move(queries_); }
  // All whose poll interval could be read; nothing when there are too many to be expanded.
  const QueriesByInterval& by_interval() const { return by_interval_; }

 private:
  struct Origin {
    std::string name;
    int line;
  };

  void AddExpanded(const QueryEntry& entry);
  void CheckName(const QueryEntry& entry, const std::string& name, bool& is_reported);
  void CheckQuestion(const QueryEntry& entry, const std::string& name, const Filters& filters,
                     bool& is_reported);
  void WarnAboutWindow(const QueryEntry& entry);

  ProblemList& problems_;
  ProblemList& warnings_;
  std::size_t count_ = 0;
  bool is_full_ = false;
  std::vector<Query> queries_;
  QueriesByInterval by_interval_;
  std::unordered_map<std::string, int> lines_of_names_;
  std::unordered_map<std::string, Origin> questions_;  // by what is asked of the API
  std::set<std::pair<AggInterval, Seconds>> windows_warned_of_;
};

}  // namespace radar_spoof
