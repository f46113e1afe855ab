"""What bash completes, loaded as bash-completion loads it."""

import re
import shlex
import subprocess
import unittest

from man_page_test import HELPS, flags_in_help
from processes import SOURCE_DIR, EndToEndTest, executable

# Completes the last of the words; prints a line each.
COMPLETE = """
source /usr/share/bash-completion/bash_completion
_completion_loader "${COMP_WORDS[0]}"
function=$(complete -p "${COMP_WORDS[0]}" | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_POINT=${#COMP_LINE}
$function 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        (self.directory / "completions").symlink_to(SOURCE_DIR / "completion")
        self.files = self.directory / "files"
        self.files.mkdir()
        for name in ("good.yaml", "other.yml", "notes.txt"):
            (self.files / name).touch()
        (self.files / "state").mkdir()

    def complete(self, line):
        """The completions of the line's last word, as if Tab were pressed at its end."""
        # bash, too, makes "=" and ":" words of their own.
        words = [word for word in re.split(r"\s|([=:])", line) if word]
        if line.endswith(" "):
            words.append("")
        script = (f"BASH_COMPLETION_USER_DIR={shlex.quote(str(self.directory))}\n"
                  f"COMP_WORDS=({' '.join(map(shlex.quote, words))})\n"
                  f"COMP_LINE={shlex.quote(line)}\n" + COMPLETE)
        said = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True,
                              check=True, cwd=self.files)
        return sorted(line for line in said.stdout.splitlines() if line)

    def test_flags_are_those_of_help(self):
        for program, (_, commands) in HELPS.items():
            for command in commands:
                line = " ".join([program, *command, "-"])
                with self.subTest(line):
                    self.assertEqual(set(self.complete(line)),
                                     flags_in_help(program, command) - {"-h"})

    def test_a_flag_is_completed_from_its_beginning(self):
        self.assertEqual(self.complete("radar_spoof_exporter --once --web.en"),
                         ["--web.enable-lifecycle"])
        self.assertEqual(self.complete("radar_simulator --sc"), ["--scenario"])

    def test_values_come_after_a_space_and_after_an_equals_sign(self):
        levels = ["debug", "error", "info", "warn"]
        self.assertEqual(self.complete("radar_spoof_exporter --log.level "), levels)
        self.assertEqual(self.complete("radar_spoof_exporter --log.level="), levels)
        self.assertEqual(self.complete("radar_spoof_exporter --log.level=de"), ["debug"])
        self.assertEqual(self.complete("radar_spoof_exporter --log.format j"), ["json"])
        self.assertEqual(self.complete("radar_simulator --last-bucket="), ["omit", "partial", "projected"])
        self.assertEqual(self.complete("radar_simulator --path-style n"), ["new"])

    def test_every_scenario_is_offered(self):
        help_text = subprocess.run(
            [executable("RADAR_SIMULATOR"), "--help"], check=True, capture_output=True, text=True
        ).stdout
        # Some versions of CLI11 wrap it.
        named = re.search(r"goes through at first: ((?:[a-z][a-z0-9-]*\s+)*)", help_text).group(1).split()
        self.assertEqual(self.complete("radar_simulator --scenario "), sorted(named))

    def test_subcommands_are_offered_first_and_have_their_own_values(self):
        self.assertEqual(self.complete("radar_spoof_exporter q"), ["query"])
        self.assertEqual(self.complete("radar_spoof_exporter backfill"), ["backfill"])
        self.assertEqual(self.complete("radar_spoof_exporter d"), ["doctor"])
        self.assertEqual(self.complete("radar_spoof_exporter --once b"), [])
        self.assertEqual(self.complete("radar_spoof_exporter doctor --report n"), ["notes.txt"])
        query = "radar_spoof_exporter query "
        backfill = "radar_spoof_exporter backfill "
        self.assertEqual(self.complete(query + "--dmarc "), ["FAIL", "NONE", "PASS"])
        self.assertEqual(self.complete(query + "--arc=P"), ["PASS"])
        self.assertEqual(self.complete(query + "--spf=FAIL,N"), ["FAIL,NONE"])
        self.assertEqual(self.complete(query + "--dmarc FAIL,"), ["FAIL,NONE", "FAIL,PASS"])
        self.assertEqual(self.complete(query + "--dmarc=NONE,FAIL,"), ["NONE,FAIL,PASS"])
        self.assertEqual(self.complete(query + "--arc PASS,P"), [])
        self.assertEqual(self.complete(backfill + "--log.level debug,"), [])
        self.assertEqual(self.complete(query + "--tls-version "),
                         ["TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
        self.assertEqual(self.complete(query + "--agg-interval="), ["15m", "1d", "1h", "1w"])
        yaml = ["good.yaml", "other.yml", "state"]
        self.assertEqual(self.complete(query + "--config.file "), yaml)
        self.assertEqual(self.complete(query), self.complete(query + "-"))  # names are not known
        self.assertEqual(self.complete(backfill + "--output n"), ["notes.txt"])
        self.assertEqual(self.complete(backfill + "--config.file="), yaml)
        self.assertEqual(self.complete(backfill + "--log.level=w"), ["warn"])
        self.assertEqual(self.complete(backfill + "--log.format "), ["json", "logfmt"])
        for flag in ("--range", "--from", "--to", "--label", "--step"):
            self.assertEqual(self.complete(f"{backfill}{flag} "), [])

    def test_a_configuration_is_a_yaml_file_and_storage_a_directory(self):
        yaml = ["good.yaml", "other.yml", "state"]
        self.assertEqual(self.complete("radar_spoof_exporter --config.file="), yaml)
        self.assertEqual(self.complete("radar_spoof_exporter --web.config.file "), yaml)
        self.assertEqual(self.complete("radar_spoof_exporter --storage.path "), ["state"])

    def test_nothing_is_offered_where_nothing_is_known(self):
        self.assertEqual(self.complete("radar_spoof_exporter --web.listen-address "), [])
        self.assertEqual(self.complete("radar_simulator --token "), [])


if __name__ == "__main__":
    unittest.main()
