"""The disk under the configuration hangs after a good start."""

import contextlib
import os
import signal
import socket
import threading
import unittest

from processes import EndToEndTest, config_text
from web_client import PATIENCE, seconds_when_quiet, wait_until

ALL = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"


class HungConfigurationTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.supervisor.close)
        notify = str(self.directory / "notify")
        self.supervisor.bind(notify)
        self.supervisor.settimeout(PATIENCE)
        self.storage = self.directory / "state"
        self.storage.mkdir()
        self.simulator = self.start_simulator()
        self.exporter = self.start_exporter(
            config_text(self.simulator, ALL), "--web.enable-lifecycle",
            f"--storage.path={self.storage}",
            environment={"LD_PRELOAD": os.environ["RADAR_SPOOF_HUNG_DISK"],
                         "RADAR_SPOOF_HUNG_FILE": str(self.directory / "config.yaml"),
                         "NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "60000000"}).wait_until_ready()
        self.hang = self.file("config.yaml.hang", "")
        self.hung = self.directory / "config.yaml.hung"

    def check_all_goes_on(self):
        answer = self.exporter.fetch("/-/healthy")
        self.assertEqual((answer.status, answer.body), (200, b"OK\n"))
        polled = self.simulator.requests().total()
        wait_until(lambda: self.simulator.requests().total() > polled, "a further poll")
        self.assertEqual(self.exporter.fetch("/metrics").status, 200)

    def test_all_but_the_reload_goes_on_and_no_wish_is_lost(self):
        self.exporter.send(signal.SIGHUP)
        wait_until(self.hung.exists, "the read that hangs")
        self.supervisor.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.supervisor.recv(100)
        self.supervisor.settimeout(PATIENCE)
        for _ in range(2):
            self.exporter.send(signal.SIGHUP)
            self.check_all_goes_on()
            self.assertEqual(self.supervisor.recv(100), b"WATCHDOG=1")

        statuses = []
        posts = [threading.Thread(
            target=lambda: statuses.append(self.exporter.fetch("/-/reload", "POST").status))
            for _ in range(4)]  # twice as many as there are threads of the server
        for post in posts:
            post.start()
        self.check_all_goes_on()
        self.hang.unlink()
        for post in posts:
            post.join()
        self.assertEqual(len(statuses), 4)
        self.assertLessEqual(set(statuses), {200, 503})  # 503: the machine was slow
        # What was asked for while the read hung led to another one.
        wait_until(lambda: self.exporter.output.count("configuration reloaded") >= 2, "two reloads")
        self.assertEqual(self.exporter.stop()[0], 0)

    def test_sigterm_ends_it_and_the_state_is_saved(self):
        self.exporter.send(signal.SIGHUP)
        wait_until(self.hung.exists, "the read that hangs")
        polled = self.simulator.requests().total()
        wait_until(lambda: self.simulator.requests().total() > polled + 1, "further polls")
        (self.storage / "state").unlink(missing_ok=True)
        code, seconds = self.exporter.stop()
        self.assertEqual(code, 1)
        self.assertLess(seconds, seconds_when_quiet(8))
        self.assertIn("the reading of the configuration is stuck", self.exporter.output)
        self.assertTrue((self.storage / "state").exists())


if __name__ == "__main__":
    unittest.main()
