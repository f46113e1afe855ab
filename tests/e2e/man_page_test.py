"""The man pages: mandoc finds nothing, and they have the flags that --help has."""

import re
import subprocess
import unittest

from processes import SOURCE_DIR, executable

PAGES = SOURCE_DIR / "man"
# The executable of each page, and what has flags of its own, that is, prints them when --help is
# added: the program itself, and each subcommand as ["NAME"].
HELPS = {
    "radar_spoof_exporter": ("RADAR_SPOOF_EXPORTER", [[], ["query"], ["backfill"], ["doctor"]]),
    "radar_simulator": ("RADAR_SIMULATOR", [[]]),
}


def flags_in_help(page, command):
    text = subprocess.run([executable(HELPS[page][0]), *command, "--help"], check=True,
                          capture_output=True, text=True).stdout
    # "  -h,--help", and from CLI11 2.5 on "  -h,     --help" and "          --version".
    return {flag for flags in re.findall(r"^ +((?:-\w, *)?--[\w.-]+)", text, re.MULTILINE)
            for flag in re.split(", *", flags)}


def flags_in_page(page):
    flags = set()
    for item in re.findall(r"^\.It (Fl .*)", (PAGES / f"{page}.1").read_text(), re.MULTILINE):
        flags.update("-" + flag for flag in re.findall(r"Fl (\S+)", item))
    return flags


class ManPageTest(unittest.TestCase):
    def test_every_page_is_checked(self):
        self.assertEqual({path.stem for path in PAGES.iterdir()}, set(HELPS))

    def test_mandoc_finds_nothing(self):
        said = subprocess.run(["mandoc", "-Tlint", "-Wall", *sorted(PAGES.iterdir())],
                              capture_output=True, text=True)
        # It looks for other pages where they are installed; the next test looks here.
        findings = [line for line in (said.stdout + said.stderr).splitlines()
                    if "referenced manual not found" not in line and "mandoc.db" not in line]
        self.assertEqual(findings, [])

    def test_pages_refer_to_pages_there_are(self):
        for page in HELPS:
            text = (PAGES / f"{page}.1").read_text()
            self.assertLessEqual(set(re.findall(r"^\.Xr (\S+) 1", text, re.MULTILINE)), set(HELPS))
            self.assertEqual(len(re.findall(r"^\.Xr", text, re.MULTILINE)),
                             len(re.findall(r"^\.Xr \S+ 1", text, re.MULTILINE)))

    def test_page_and_help_have_the_same_flags(self):
        for page, (_, commands) in HELPS.items():
            with self.subTest(page):
                self.assertEqual(flags_in_page(page), set().union(
                    *(flags_in_help(page, command) for command in commands)))


if __name__ == "__main__":
    unittest.main()
