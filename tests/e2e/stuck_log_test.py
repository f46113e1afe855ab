"""Standard error that takes nothing: a log collector that is stuck, a journal that does not read, a
stopped terminal. Polling, pages, reloads and the end go on as if it were not there."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import termios
import threading
import unittest

from processes import EndToEndTest, config_text, exporter_command, exporter_environment
from web_client import PATIENCE, Page, fetch, wait_until

ALL = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"
SUCCESS = "cloudflare_radar_query_success"
RELOAD_SUCCESSFUL = "radar_spoof_exporter_config_last_reload_successful"


def fill(descriptor):
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4095 + b"\n")
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"\n")
    os.set_blocking(descriptor, True)


class StuckLogTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()
        self.config = self.file("config.yaml", config_text(self.simulator, ALL))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def pipe(self):
        ours, theirs = os.pipe()
        for end in (ours, theirs):
            self.addCleanup(os.close, end)
        return ours, theirs

    def socket_pair(self):
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            self.addCleanup(end.close)
        return ours.fileno(), theirs.fileno()

    def fifo(self):
        path = self.directory / "log"
        os.mkfifo(path)
        end = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, end)
        return end, end

    def terminal(self):
        ours, theirs = pty.openpty()
        for end in (ours, theirs):
            self.addCleanup(os.close, end)
        termios.tcflow(theirs, termios.TCOOFF)  # as Ctrl-S does
        return ours, theirs

    def start(self, stderr, *flags):
        process = subprocess.Popen(
            exporter_command(self.config, f"--web.listen-address=127.0.0.1:{self.port}", *flags),
            env=exporter_environment("simulator-token"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=stderr)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def page(self):
        try:
            return Page(fetch(self.port, "/metrics").body.decode())
        except ConnectionRefusedError:
            return None

    def wait_for_page(self, name, value, **labels):
        def there():
            page = self.page()
            return page is not None and page.value(name, **labels) == value
        wait_until(there, f"{name} {value}")

    def reload(self, process, text):
        self.config.write_text(text)
        process.send_signal(signal.SIGHUP)

    def check_life(self, process):
        """It polls, answers, reloads, and ends well."""
        self.wait_for_page(SUCCESS, 1, query="all")
        polled = self.simulator.requests().total()
        wait_until(lambda: self.simulator.requests().total() > polled, "another poll")
        good = self.config.read_text()
        self.reload(process, "queries: nonsense")
        self.wait_for_page(RELOAD_SUCCESSFUL, 0)
        self.reload(process, good)
        self.wait_for_page(RELOAD_SUCCESSFUL, 1)
        self.assertEqual(fetch(self.port, "/-/healthy").status, 200)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_it_lives_with_an_output_that_takes_nothing_from_the_start(self):
        for output in (self.pipe, self.socket_pair, self.fifo, self.terminal):
            with self.subTest(output.__name__):
                _, theirs = output()
                fill(theirs)
                self.check_life(self.start(theirs))

    def test_it_lives_with_an_output_that_takes_nothing_any_more(self):
        for output in (self.pipe, self.socket_pair, self.fifo, self.terminal):
            with self.subTest(output.__name__):
                _, theirs = output()
                process = self.start(theirs)
                self.wait_for_page(SUCCESS, 1, query="all")
                fill(theirs)
                self.check_life(process)

    def test_what_is_refused_at_the_start_ends_though_nobody_hears_why(self):
        self.config.write_text("queries: nonsense")
        _, theirs = self.pipe()
        fill(theirs)
        self.assertEqual(self.start(theirs).wait(PATIENCE), 2)

    def test_once_it_is_read_again_the_number_of_lost_lines_is_told(self):
        ours, theirs = self.pipe()
        process = self.start(theirs)
        self.wait_for_page(SUCCESS, 1, query="all")
        good = self.config.read_text()
        fill(theirs)
        # Each reload is one line that tells of every problem.
        problems = "queries:\n" + "".join(f"  - {{nonsense{i}: 1}}\n" for i in range(1000))
        for _ in range(24):  # a line has 64 KiB at most, and a mebibyte may wait
            self.reload(process, problems)
            self.wait_for_page(RELOAD_SUCCESSFUL, 0)
            self.reload(process, good)
            self.wait_for_page(RELOAD_SUCCESSFUL, 1)
        heard = []
        reader = threading.Thread(
            target=lambda: heard.extend(iter(lambda: os.read(ours, 65536), b"")), daemon=True)
        reader.start()
        told = wait_until(
            lambda: re.search(rb'level=warn msg="log lines were lost[^"]*" lines=(\d+)\n',
                              b"".join(heard)), "the number of lost lines")
        self.assertGreater(int(told.group(1)), 0)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        wait_until(lambda: b"msg=\"stopped\"\n" in b"".join(heard), "the last line")

    def test_the_flags_of_what_others_share_stay_as_they_are(self):
        _, theirs = self.pipe()
        process = self.start(theirs)
        self.wait_for_page(SUCCESS, 1, query="all")
        self.assertTrue(os.get_blocking(theirs))
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertTrue(os.get_blocking(theirs))


if __name__ == "__main__":
    unittest.main()
