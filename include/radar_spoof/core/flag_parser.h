// The flags of a command line, as --help shows them and as they are read. It hides CLI11, whose
// templates take eight seconds for every file that includes them.
//
// Thread rule: pure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "radar_spoof/core/clock.h"

namespace CLI {
class App;
}

namespace radar_spoof {

// Why there is nothing to run: help or version asked for (0), or a wrong command line (2).
struct EarlyExit {
  int status;
  std::string text;  // for standard output when 0, else for standard error; ends with a newline
};

// To standard output or standard error; the status.
int Print(const EarlyExit& early);

// Each flag writes to a target, which keeps its value where the flag is not given and must outlive
// Parse(). `shown` is what --help shows behind the name: "FILE [/etc/default]".
class FlagParser {
 public:
  FlagParser(const std::string& description, std::string program);
  ~FlagParser();

  void AddVersion(const std::string& text);
  void AddFooter(const std::string& text);

  void AddSwitch(const std::string& name, bool& target, const std::string& help);
  void AddText(const std::string& name, std::string& target, const std::string& help,
               const std::string& shown = "");
  void AddText(const std::string& name, std::optional<std::string>& target, const std::string& help,
               const std::string& shown);
  // May be repeated; what is given replaces what the target holds.
  void AddTexts(const std::string& name, std::vector<std::string>& target, const std::string& help,
                const std::string& shown);
  // A name that is not empty; whether there is such a file is not asked.
  void AddFile(const std::string& name, std::string& target, const std::string& help,
               const std::string& shown);
  // A directory that exists.
  void AddDirectory(const std::string& name, std::string& target, const std::string& help,
                    const std::string& shown);
  // `choose` is called with one of `names`.
  void AddChoice(const std::string& name, const std::vector<std::string>& names,
                 const std::function<void(const std::string&)>& choose, const std::string& help,
                 const std::string& shown);
  // least <= number <= most
  void AddNumber(const std::string& name, int& target, int least, int most, const std::string& help,
                 const std::string& shown);
  void AddNumber(const std::string& name, double& target, double least, double most,
                 const std::string& help, const std::string& shown);
  void AddNumber(const std::string& name, std::uint64_t& target, const std::string& help,
                 const std::string& shown);
  // With a unit, as 10s or 250ms; 0 <= duration <= longest.
  void AddDuration(const std::string& name, std::optional<Milliseconds>& target,
                   Milliseconds longest, const std::string& help, const std::string& shown);

  // Of flags that were added.
  void Require(const std::string& name);
  void Exclude(const std::string& name, const std::string& other);
  void Need(const std::string& name, const std::string& other);

  // nullopt when every target has what was asked for. "--flag=" has the empty text for its value.
  // Called once.
  [[nodiscard]] std::optional<EarlyExit> Parse(int argc, const char* const* argv);

  // "PROGRAM: PROBLEM", and where to find help.
  [[nodiscard]] EarlyExit UsageError(const std::string& problem) const;

 private:
  const std::unique_ptr<CLI::App> app_;
};

}  // namespace radar_spoof
