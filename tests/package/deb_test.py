"""The Debian package as a file: its version, lintian's judgement, what is in it and who owns it."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import debian_package
from debian_package import SOURCE_DIR, run


class VersionTest(unittest.TestCase):
    def test_debian_and_cmake_name_the_same_version(self):
        self.assertEqual(debian_package.changelog_version(SOURCE_DIR),
                         debian_package.cmake_version(SOURCE_DIR))


class DebTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb, cls.changes = debian_package.build_this()
        unpacked = tempfile.TemporaryDirectory(prefix="radar_spoof_deb_")
        cls.addClassCleanup(unpacked.cleanup)
        cls.root = pathlib.Path(unpacked.name)
        run(["dpkg-deb", "-R", cls.deb, cls.root])

    def test_lintian_finds_nothing(self):
        said = subprocess.run(
            ["lintian", "--allow-root", "--pedantic", "--fail-on=error,warning,pedantic", self.changes],
            capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)

    def test_what_is_installed_where(self):
        for path in ("usr/bin/radar_spoof_exporter", "usr/bin/radar_simulator",
                     "lib/systemd/system/radar_spoof_exporter.service",
                     "lib/systemd/system/radar_spoof_exporter.socket",
                     "usr/share/man/man1/radar_spoof_exporter.1.gz",
                     "usr/share/man/man1/radar_simulator.1.gz",
                     "usr/share/bash-completion/completions/radar_spoof_exporter",
                     "usr/share/bash-completion/completions/radar_simulator",
                     "usr/share/doc/radar-spoof-exporter/copyright",
                     "usr/share/doc/radar-spoof-exporter/changelog.gz",
                     "usr/share/doc/radar-spoof-exporter/README.md",
                     "usr/share/doc/radar-spoof-exporter/docs/operations.md"):
            with self.subTest(path):
                self.assertTrue((self.root / path).is_file())

    def test_links_of_the_readme_lead_somewhere(self):
        documentation = self.root / "usr/share/doc/radar-spoof-exporter"
        for link in re.findall(r"\]\(([^):#]+)\)", (documentation / "README.md").read_text()):
            with self.subTest(link):
                self.assertTrue((documentation / link).exists())

    def test_the_configuration_is_a_conffile_and_good_as_it_stands(self):
        self.assertEqual((self.root / "DEBIAN/conffiles").read_text().split(),
                         ["/etc/radar_spoof_exporter/config.yaml"])
        self.assertEqual((self.root / "etc/radar_spoof_exporter/config.yaml").read_text(),
                         (SOURCE_DIR / "config.example.yaml").read_text())

    def test_both_programs_start_and_name_the_version(self):
        for program in ("radar_spoof_exporter", "radar_simulator"):
            self.assertIn(f"{program}, version {debian_package.cmake_version(SOURCE_DIR)} ",
                          run([self.root / "usr/bin" / program, "--version"]))

    def test_no_path_of_the_building_machine_is_in_the_programs(self):
        for program in ("radar_spoof_exporter", "radar_simulator"):
            self.assertNotIn(str(SOURCE_DIR).encode(),
                             (self.root / "usr/bin" / program).read_bytes())

    def test_everything_belongs_to_root_and_no_one_else_may_write(self):
        for line in run(["dpkg-deb", "-c", self.deb]).splitlines():
            mode, owner = line.split()[:2]
            self.assertEqual(owner, "root/root", line)
            self.assertRegex(mode, r"^[-d]rw[-x]r-[-x]r-[-x]$", line)


if __name__ == "__main__":
    unittest.main()
