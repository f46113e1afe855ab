"""scripts/install-deps where apt does not deliver what it says. What it calls is replaced; it runs in a
tree of its own, with nothing else on its path."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
USED = ("bash", "dirname", "find", "grep", "id", "ldd", "mkdir", "mktemp", "rm")


class InstallDepsTest(unittest.TestCase):
    def setUp(self):
        self.tree = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="radar_spoof_e2e_")))
        self.path = self.tree / "path"
        self.path.mkdir()
        (self.tree / "scripts").mkdir()
        shutil.copy(SOURCE_DIR / "scripts/install-deps", self.tree / "scripts")
        for name in USED:
            (self.path / name).symlink_to(shutil.which(name))
        self.command("sudo", 'exec "$@"')
        self.command("env", 'shift; exec "$@"')  # it is called with a variable and a command
        self.command("apt-get", "true")
        self.command("dpkg-deb", "true")

    def command(self, name, script):
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def install(self, what):
        return subprocess.run([self.path / "bash", "scripts/install-deps", what], cwd=self.tree,
                              env={"PATH": str(self.path)}, capture_output=True, text=True)

    def test_a_package_that_apt_did_not_install_is_an_error(self):
        self.command("dpkg-query", 'case "$*" in *libfmt-dev*) ;; *) echo installed ;; esac')
        run = self.install("build")
        self.assertEqual((run.returncode, run.stderr), (1, "scripts/install-deps: not installed: libfmt-dev\n"))

    def test_a_package_without_the_program_that_is_wanted_of_it_is_an_error(self):
        self.command("dpkg-query", "echo installed")
        run = self.install("test")
        self.assertEqual(run.returncode, 1)
        self.assertIn("the package prometheus brought no prometheus that runs", run.stderr)

    def test_nothing_is_done_where_nothing_is_missing(self):
        self.command("dpkg-query", "echo installed")
        self.command("apt-get", "exit 1")
        run = self.install("build")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
