"""The systemd unit, judged by systemd itself."""

import os
import pathlib
import re
import subprocess
import unittest

from processes import SOURCE_DIR, EndToEndTest, executable


class UnitTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        text = pathlib.Path(os.environ["RADAR_SPOOF_UNIT"]).read_text()
        # The program where it was built, not where it will be installed.
        text, replaced = re.subn(r"(?m)^ExecStart=\S+", "ExecStart=" +
                                 executable("RADAR_SPOOF_EXPORTER"), text)
        self.assertEqual(replaced, 1)
        self.unit = self.file("radar_spoof_exporter.service", text)

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", *arguments, self.unit], capture_output=True,
                              text=True, env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"})

    def test_verify_finds_nothing(self):
        said = self.analyze("verify", "--man=no")
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "", ""))

    def test_verify_finds_nothing_in_the_socket_either(self):
        socket = self.file("radar_spoof_exporter.socket",
                           (SOURCE_DIR / "systemd/radar_spoof_exporter.socket").read_text())
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", socket, self.unit],
                              capture_output=True, text=True,
                              env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"})
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "", ""))

    def test_it_starts_after_the_clock_is_set_and_waits_for_no_time_server(self):
        text = self.unit.read_text()
        self.assertRegex(text, r"(?m)^After=.*\btime-sync\.target\b")
        self.assertNotRegex(text, r"(?m)^(Wants|Requires)=.*\btime-sync\.target\b")

    def test_exposure_is_at_most_1_5(self):
        said = self.analyze("security", "--offline=true", "--threshold=15", "--no-pager")
        self.assertEqual(said.returncode, 0, said.stdout)
        self.assertRegex(said.stdout, r"Overall exposure level for radar_spoof_exporter.service: 1\.\d")


if __name__ == "__main__":
    unittest.main()
