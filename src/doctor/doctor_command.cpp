#include "radar_spoof/doctor/doctor_command.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "doctor_text.h"
#include "examination.h"
#include "radar_spoof/cli/command.h"
#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/config/asked_query.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/fetch/radar_request.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kCommand = "doctor";
constexpr int kUsualColumns = 100;

constexpr const char* kDescription =
    "Sends the API 13 requests, up to 8 more that the configured queries need, and up to 6 more\n"
    "if something has to be repeated; prints what the exporter relies on, what was found and what\n"
    "to change. docs/api.md explains each row.";

constexpr const char* kFooter =
    "\nExit codes: 0 all was asked, and nothing is different or refused; 1 otherwise;\n"
    "2 command line, configuration, credentials or report cannot be used, nothing was asked.";

struct DoctorCommandLine {
  std::string config_file;  // empty: the default one, if it is there
  std::string report;       // empty: none
  bool json = false;
};

Result<DoctorCommandLine, EarlyExit> ParseDoctorCommandLine(int argc, const char* const* argv) {
  FlagParser flags(kDescription, "radar_spoof_exporter doctor");
  DoctorCommandLine read;
  flags.AddFile("--config.file", read.config_file,
                "Queries, and how the API is reached; without the file, the defaults",
                fmt::format("FILE [{}]", kDefaultConfigFile));
  flags.AddSwitch("--json", read.json, "Print one line of JSON");
  flags.AddFile("--report", read.report,
                "Also write what can be attached to an issue; it holds no secret", "FILE");
  flags.AddFooter(kFooter);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  return read;
}

Result<Subject, Lines> ReadSubject(const DoctorCommandLine& read) {
  const auto config = LoadConfigIfThere(read.config_file);
  if (!config) return config.error();
  Subject subject;
  if (const auto& there = config.value()) {
    subject = {there->api(), there->polling(), there->queries()};
  } else {
    auto query = ReadQueryFlags({});
    if (!query) return query.error();
    query.value().query.name = "default";
    subject.queries = {std::move(query.value().query)};
  }
  const std::string host = SplitHostAndPort(HostAndPort(subject.api.base_url)).host;
  subject.proxy_variable = ProxyVariableFor(host, [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  return subject;
}

// Opened before anything is asked: a new file, or a report of an earlier run, which is replaced.
Result<FileDescriptor, std::string> OpenReport(const std::string& path) {
  constexpr std::size_t kLongest = std::size_t{1} << 20U;
  constexpr mode_t kMode = 0644;
  const std::string shown = ForMessage(path);
  struct stat status {};
  const bool is_there = stat(path.c_str(), &status) == 0;
  if (is_there && !S_ISREG(status.st_mode)) {
    return "--report: " + shown + " is not a regular file";
  }
  if (is_there && status.st_size > 0) {
    const auto before = ReadRegularFile(path, kLongest);
    if (!before || !before.value().content.starts_with(kReportTitle)) {
      return "--report: " + shown + " exists and is no report of doctor";
    }
  }
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, kMode));
  if (file) return file;
  return "--report: cannot write " + shown + ": " + SystemErrorText(errno);
}

Examination ExamineWithProgress(const Subject& subject, const CredentialsInUse& credentials,
                                HttpClient& http) {
  const Interrupts interrupts;
  const PlannedExamination plan = PlanExamination(subject);
  std::fputs(AnnouncementText(subject, plan).c_str(), stderr);
  std::size_t number = 0;
  std::string title;
  bool is_open = false;  // a line has begun
  const auto begins = [&](const PlannedRequest& planned) {
    const bool again = planned.title == title;
    if (!again) ++number;
    title = planned.title;
    is_open = true;
    std::fputs(fmt::format("[{:>2}/{}] {}{} ... ", number, plan.requests.size(),
                           ForTerminal(title, false), again ? ", again" : "")
                   .c_str(),
               stderr);
  };
  const auto ended = [&](const AskedRequest& asked) {
    is_open = false;
    const std::string outcome = asked.status() == 0 ? std::string(Name(asked.failure()->reason))
                                                    : fmt::format("HTTP {}", asked.status());
    std::fputs(fmt::format("{}, {} ms\n", outcome, asked.duration.count()).c_str(), stderr);
  };
  Examination examination = Examine(subject, credentials, http, SystemClock(),
                                    {begins, ended, [&] { return interrupts.Pending(); }});
  if (is_open) std::fputs("given up\n", stderr);
  return examination;
}

int ExamineAndPrint(const DoctorCommandLine& read, const Subject& subject) {
  const auto reading = ProcessEnvironment().ReaderOf(subject.api.credentials).Read();
  if (!reading) return Refuse(kCommand, {reading.error()}, read.json);
  FileDescriptor report;
  if (!read.report.empty()) {
    auto opened = OpenReport(read.report);
    if (!opened) return Refuse(kCommand, {opened.error()}, read.json);
    report = std::move(opened).value();
  }
  if (!reading.value().warning.empty()) Tell(kCommand, "warning: " + reading.value().warning);
  const CredentialsInUse credentials(reading.value().credentials);
  const auto http = MakeCurlHttpClient(UserAgent(), ClientOptions(subject.api));
  const Examination examination = ExamineWithProgress(subject, credentials, *http);
  const std::vector<CheckRow> rows = Judge(examination, credentials.redactor);
  int code = IsAllWell(examination, rows) ? 0 : kFailed;
  if (report) {
    const std::string text =
        DoctorReport(examination, rows, credentials.redactor, SystemClock().Now().wall);
    if (ftruncate(report.number(), 0) != 0 || !WriteAll(report.number(), text)) {
      Tell(kCommand,
           fmt::format("cannot write {}: {}", ForMessage(read.report), SystemErrorText(errno)));
      code = kFailed;
    } else {
      Tell(kCommand, "the report is in " + ForMessage(read.report));
    }
  }
  return PrintOutput(read.json ? DoctorJson(examination, rows)
                               : DoctorText(examination, rows, TerminalOfOutput(kUsualColumns)),
                     code);
}

}  // namespace

int RunDoctorCommand(int argc, const char* const* argv) {
  const auto parsed = ParseDoctorCommandLine(argc, argv);
  if (!parsed) return RefuseCommandLine(parsed.error(), {argv, static_cast<std::size_t>(argc)});
  std::signal(SIGPIPE, SIG_IGN);
  const DoctorCommandLine& read = parsed.value();
  const auto subject = ReadSubject(read);
  return subject ? ExamineAndPrint(read, subject.value())
                 : Refuse(kCommand, subject.error(), read.json);
}

}  // namespace radar_spoof
