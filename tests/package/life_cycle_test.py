"""The Debian packages' life in a booted Debian: installed, started with the simulator as the API,
upgraded, removed, purged. Needs root; run by scripts/test-package."""

import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import debian_package
from container import PACKAGES, Container, prepare_tree

CONFIG = "/etc/radar_spoof_exporter/config.yaml"
TOKEN = "/etc/radar_spoof_exporter/token"
SERVICE = "radar_spoof_exporter"
API = "http://127.0.0.1:8787/"
METRICS = "http://127.0.0.1:10766/metrics"
# Leaves nothing on a screen, asks nothing; a changed conffile stays as the administrator has it.
INSTALL = ("apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confdef "
           "-o Dpkg::Options::=--force-confold ")
QUERIES = 8  # of config.example.yaml
NEXT_VERSION = "99.0.1"


def build_three_versions():
    """The names of each version's packages: one that has both programs, as it was once, what this source makes, and
    what a later one makes whose conffile has changed too."""
    *first, _ = debian_package.build_this()
    source = debian_package.copy_of_the_source()
    debian_package.set_version(source, NEXT_VERSION)
    with open(source / "config.example.yaml", "a") as config:
        config.write("# The later version says more.\n")
    *second, _ = debian_package.build(source)
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PACKAGES.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        of_both = [debian_package.one_package_of_both(*first, pathlib.Path(scratch))]
        for deb in of_both + first + second:
            shutil.copy2(deb, PACKAGES)
    return [" ".join(f"/packages/{deb.name}" for deb in debs) for debs in (of_both, first, second)]


class LifeCycleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.of_both, cls.first, cls.second = build_three_versions()
        prepare_tree(PACKAGES / pathlib.Path(cls.of_both).name)

    def setUp(self):
        self.box = Container()
        self.addCleanup(self.box.end)
        self.box.boot()

    def see(self, command):
        print(f"$ {command}\n{self.box.try_run(command)[1]}", file=sys.stderr)

    def test_from_installation_to_purge(self):
        self.installed_without_a_token_it_waits()
        self.with_a_token_it_serves()
        self.what_systemd_grants_it()
        self.a_new_token_needs_a_restart()
        self.one_package_becomes_two()
        self.an_upgrade_keeps_configuration_and_state()
        self.removed_it_stops_and_leaves_what_is_the_administrators()
        self.purged_it_leaves_nothing()

    def installed_without_a_token_it_waits(self):
        self.box.run(INSTALL + self.of_both)
        self.assertEqual(self.box.run(f"systemctl is-enabled {SERVICE}").strip(), "enabled")
        self.assertEqual(self.box.property("ActiveState"), "inactive")
        self.assertEqual(self.box.property("ConditionResult"), "no")
        self.assertEqual(self.box.property("NRestarts"), "0")
        self.assertEqual(self.box.run("systemctl --failed --no-legend"), "")
        self.assertIn("not met", self.box.run(f"systemctl status {SERVICE} || true"))

    def with_a_token_it_serves(self):
        self.box.run("systemd-run --unit=simulator -p DynamicUser=yes radar_simulator")
        self.box.wait_until(lambda: self.box.fetch(API) is not None, "the simulator")
        self.box.run(f"sed -i 's|^  base_url: .*|  base_url: http://127.0.0.1:8787/client/v4|' {CONFIG}")
        self.box.run(f"umask 077 && echo simulator-token >{TOKEN}")
        self.box.run(f"systemctl start {SERVICE}")
        self.assertEqual(self.box.property("ActiveState"), "active")
        self.wait_until_ready()
        self.assertEqual(self.metrics().count("\ncloudflare_radar_query_success{"), QUERIES)
        self.assertEqual(len(re.findall(r"\ncloudflare_radar_query_success\{.*\} 1", self.metrics())),
                         QUERIES)
        self.see(f"systemctl status --no-pager {SERVICE}")
        self.see(f"journalctl --no-pager -o cat -u {SERVICE}")

    def what_systemd_grants_it(self):
        pid = self.box.property("MainPID")
        status = self.box.run(f"cat /proc/{pid}/status")
        self.assertNotRegex(status, r"(?m)^Uid:\s+0\b")
        self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
        self.assertRegex(status, r"(?m)^Seccomp:\s+2$")
        self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
        said = self.box.run(f"systemd-analyze security --no-pager --threshold=15 {SERVICE} | tail -n 1")
        self.assertRegex(said, r"exposure level for radar_spoof_exporter.service: [01]\.\d")
        self.see(f"systemd-analyze security --no-pager {SERVICE} | grep -v '^✓'")

    def a_new_token_needs_a_restart(self):
        self.box.run(f"echo wrong >{TOKEN} && systemctl reload {SERVICE}")
        self.assertIn("cloudflare_radar_up 1", self.metrics())
        self.box.run(f"echo simulator-token >{TOKEN} && systemctl restart {SERVICE}")
        self.assertEqual(self.box.property("ActiveState"), "active")

    def one_package_becomes_two(self):
        # Of the same version: both were built from sources that were not released yet.
        self.box.run(INSTALL + "--reinstall " + self.first)
        self.assertEqual(self.box.run("dpkg-query -S /usr/bin/radar_simulator"),
                         "radar-spoof-simulator: /usr/bin/radar_simulator\n")
        self.assertNotIn("radar_simulator", self.box.run(f"dpkg-query -L {debian_package.EXPORTER}"))
        self.assertEqual(self.box.property("ActiveState"), "active")

    def an_upgrade_keeps_configuration_and_state(self):
        self.wait_until_ready()
        before = self.box.run(f"cat {CONFIG}"), self.box.property("MainPID"), self.api_calls()
        self.box.run(INSTALL + self.second)
        config, pid, calls = before
        self.assertEqual(self.box.run(f"cat {CONFIG}"), config)
        self.assertIn("The later version", self.box.run(f"cat {CONFIG}.dpkg-dist"))
        self.assertEqual(self.box.property("ActiveState"), "active")
        self.assertNotEqual(self.box.property("MainPID"), pid)
        self.wait_until_ready()
        self.assertIn(f'version="{NEXT_VERSION}"', self.metrics())
        self.assertIn("cloudflare_radar_email_spoof_ratio{query=\"all\"", self.metrics())
        # Without its state it would have asked for every query again.
        self.assertLess(self.api_calls() - calls, QUERIES)

    def removed_it_stops_and_leaves_what_is_the_administrators(self):
        self.box.run(f"apt-get remove -y -q {debian_package.EXPORTER}")
        self.assertEqual(self.box.try_run("command -v radar_spoof_exporter")[0], 127)
        self.assertEqual(self.box.property("ActiveState"), "inactive")
        self.assertIsNone(self.box.fetch(METRICS))
        self.box.run(f"test -s {TOKEN} && test -s {CONFIG} && test -s /var/lib/private/{SERVICE}/state")

    def purged_it_leaves_nothing(self):
        self.box.run("systemctl stop simulator")
        self.box.run(f"apt-get purge -y -q {debian_package.EXPORTER} {debian_package.SIMULATOR}")
        left = self.box.run(r"find / -xdev \( -name '*radar_*' -o -name '*radar-spoof*' \)"
                            " -not -path '/packages/*' -not -path '/proc/*'")
        self.assertEqual(left, "")
        self.assertEqual(self.box.run("systemctl --failed --no-legend"), "")

    def wait_until_ready(self):
        self.box.wait_until(lambda: self.box.fetch("http://127.0.0.1:10766/-/ready") is not None,
                            "/-/ready")

    def metrics(self):
        page = self.box.fetch(METRICS)
        self.assertIsNotNone(page)
        return page

    def api_calls(self):
        return sum(json.loads(self.box.fetch(API + "requests"))["by_status"].values())


if __name__ == "__main__":
    unittest.main()
