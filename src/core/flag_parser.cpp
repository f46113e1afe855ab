#include "radar_spoof/core/flag_parser.h"

#include <cstdio>
#include <map>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {

int Print(const EarlyExit& early) {
  std::fputs(early.text.c_str(), early.status == 0 ? stdout : stderr);
  return early.status;
}

FlagParser::FlagParser(const std::string& description, std::string program)
    : app_(std::make_unique<CLI::App>(description, std::move(program))) {
  app_->set_help_flag("-h,--help", "Print this and exit");
}

FlagParser::~FlagParser() = default;

void FlagParser::AddVersion(const std::string& text) {
  app_->set_version_flag("--version", text, "Print the version and exit");
}

void FlagParser::AddFooter(const std::string& text) { app_->footer(text); }

void FlagParser::AddSwitch(const std::string& name, bool& target, const std::string& help) {
  app_->add_flag(name, target, help);
}

void FlagParser::AddText(const std::string& name, std::string& target, const std::string& help,
                         const std::string& shown) {
  app_->add_option(name, target, help)->option_text(shown);
}

void FlagParser::AddText(const std::string& name, std::optional<std::string>& target,
                         const std::string& help, const std::string& shown) {
  app_->add_option(name, target, help)->option_text(shown);
}

void FlagParser::AddTexts(const std::string& name, std::vector<std::string>& target,
                          const std::string& help, const std::string& shown) {
  app_->add_option(name, target, help)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text(shown);
}

void FlagParser::AddFile(const std::string& name, std::string& target, const std::string& help,
                         const std::string& shown) {
  const auto check = [](const std::string& given) {
    return given.empty() ? "found \"\"; expected the name of a file" : "";
  };
  app_->add_option(name, target, help)->check(check)->option_text(shown);
}

void FlagParser::AddDirectory(const std::string& name, std::string& target, const std::string& help,
                              const std::string& shown) {
  app_->add_option(name, target, help)->check(CLI::ExistingDirectory)->option_text(shown);
}

void FlagParser::AddChoice(const std::string& name, const std::vector<std::string>& names,
                           const std::function<void(const std::string&)>& choose,
                           const std::string& help, const std::string& shown) {
  app_->add_option_function<std::string>(name, choose, help)
      ->check(CLI::IsMember(names))
      ->option_text(shown);
}

void FlagParser::AddNumber(const std::string& name, int& target, int least, int most,
                           const std::string& help, const std::string& shown) {
  app_->add_option(name, target, help)->check(CLI::Range(least, most))->option_text(shown);
}

void FlagParser::AddNumber(const std::string& name, double& target, double least, double most,
                           const std::string& help, const std::string& shown) {
  // To CLI::Range, NaN is in every range.
  const auto check = [least, most](const std::string& given) {
    const auto number = ParseNumber<double>(given);
    return number && *number >= least && *number <= most
               ? ""
               : fmt::format("Value {} not in range {:g} to {:g}", given, least, most);
  };
  app_->add_option(name, target, help)->check(check)->option_text(shown);
}

void FlagParser::AddNumber(const std::string& name, std::uint64_t& target, const std::string& help,
                           const std::string& shown) {
  app_->add_option(name, target, help)->option_text(shown);
}

void FlagParser::AddDuration(const std::string& name, std::optional<Milliseconds>& target,
                             Milliseconds longest, const std::string& help,
                             const std::string& shown) {
  const std::map<std::string, std::int64_t> milliseconds = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  const auto read = [&target](const std::int64_t& count) { target = Milliseconds(count); };
  app_->add_option_function<std::int64_t>(name, read, help)
      ->transform(
          CLI::AsNumberWithUnit(milliseconds, CLI::AsNumberWithUnit::UNIT_REQUIRED, "ms|s|m|h"))
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{longest.count()}))
      ->option_text(shown);
}

void FlagParser::Require(const std::string& name) { app_->get_option(name)->required(); }

void FlagParser::Exclude(const std::string& name, const std::string& other) {
  app_->get_option(name)->excludes(app_->get_option(other));
}

void FlagParser::Need(const std::string& name, const std::string& other) {
  app_->get_option(name)->needs(app_->get_option(other));
}

std::optional<EarlyExit> FlagParser::Parse(int argc, const char* const* argv) {
  // Last first, as CLI11 takes them. It would give "--flag=" the next argument for its value.
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      const CLI::Option* const flag =
          app_->get_option_no_throw(argument.substr(0, argument.size() - 1));
      if (flag != nullptr && flag->get_items_expected_max() > 0) {
        arguments.emplace_back();
        argument.pop_back();
      }
    }
    arguments.push_back(std::move(argument));
  }
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return UsageError(error.what());
    std::ostringstream text;
    app_->exit(error, text, text);
    return EarlyExit{0, text.str()};
  }
  return std::nullopt;
}

EarlyExit FlagParser::UsageError(const std::string& problem) const {
  constexpr int kUsageError = 2;
  return {kUsageError, app_->get_name() + ": " + problem + "\nTry --help.\n"};
}

}  // namespace radar_spoof
