"""The Debian packages as files: their version, lintian's judgement, what is in them and who owns it."""

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
        cls.exporter, cls.simulator, cls.changes = debian_package.build_this()
        scratch = tempfile.TemporaryDirectory(prefix="radar_spoof_deb_")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        for name, deb in (("exporter", cls.exporter), ("simulator", cls.simulator)):
            run(["dpkg-deb", "-R", deb, cls.scratch / name])
        cls.root = cls.scratch / "exporter"

    def program(self, name):
        return self.scratch / name.removeprefix("radar_").removeprefix("spoof_") / "usr/bin" / name

    def test_lintian_finds_nothing(self):
        said = subprocess.run(
            ["lintian", "--allow-root", "--pedantic", "--fail-on=error,warning,pedantic", self.changes],
            capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)

    def test_what_the_exporter_installs_where(self):
        # /lib in Debian 12, /usr/lib in newer ones; lintian wants it so.
        units = run(["pkg-config", "--variable=systemdsystemunitdir", "systemd"]).strip().removeprefix("/")
        self.assertIn(units, ("lib/systemd/system", "usr/lib/systemd/system"))
        for path in ("usr/bin/radar_spoof_exporter",
                     f"{units}/radar_spoof_exporter.service",
                     f"{units}/radar_spoof_exporter.socket",
                     "usr/share/man/man1/radar_spoof_exporter.1.gz",
                     "usr/share/bash-completion/completions/radar_spoof_exporter",
                     "usr/share/doc/radar-spoof-exporter/copyright",
                     "usr/share/doc/radar-spoof-exporter/changelog.gz",
                     "usr/share/doc/radar-spoof-exporter/README.md",
                     "usr/share/doc/radar-spoof-exporter/docs/operations.md"):
            with self.subTest(path):
                self.assertTrue((self.root / path).is_file())
        self.assertEqual(list(self.root.rglob("radar_simulator*")), [])

    def test_the_simulator_s_package_has_the_simulator_and_nothing_else(self):
        root = self.scratch / "simulator"
        files = {str(each.relative_to(root)) for each in root.rglob("*") if each.is_file()}
        self.assertEqual({each for each in files if not each.startswith("DEBIAN/")},
                         {"usr/bin/radar_simulator",
                          "usr/share/man/man1/radar_simulator.1.gz",
                          "usr/share/bash-completion/completions/radar_simulator",
                          "usr/share/doc/radar-spoof-simulator/copyright",
                          "usr/share/doc/radar-spoof-simulator/changelog.gz"})

    def test_the_simulator_takes_its_files_from_the_package_that_had_both_programs(self):
        old = debian_package.one_package_of_both(self.exporter, self.simulator, self.scratch)
        target = self.scratch / "target"
        (target / "var/lib/dpkg").mkdir(parents=True)
        for deb in (old, self.simulator):
            run(["dpkg", f"--root={target}", "--force-not-root", "--force-depends",
                 "--force-script-chrootless", "--unpack", deb])
        owner = run(["dpkg-query", f"--admindir={target}/var/lib/dpkg", "-S", "/usr/bin/radar_simulator"])
        self.assertEqual(owner, "radar-spoof-simulator: /usr/bin/radar_simulator\n")

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
                          run([self.program(program), "--version"]))

    def test_no_path_of_the_building_machine_is_in_the_programs(self):
        for program in ("radar_spoof_exporter", "radar_simulator"):
            self.assertNotIn(str(SOURCE_DIR).encode(), self.program(program).read_bytes())

    def test_everything_belongs_to_root_and_no_one_else_may_write(self):
        for deb in (self.exporter, self.simulator):
            for line in run(["dpkg-deb", "-c", deb]).splitlines():
                mode, owner = line.split()[:2]
                self.assertEqual(owner, "root/root", line)
                self.assertRegex(mode, r"^[-d]rw[-x]r-[-x]r-[-x]$", line)


if __name__ == "__main__":
    unittest.main()
