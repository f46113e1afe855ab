"""What the host does to the process: being process 1, a supervisor that does not read, a file size
limit, no memory, a disk that hangs, the journal."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time
import unittest

from processes import (
    TOKEN, Child, EndToEndTest, config_text, executable, exporter_command, exporter_environment,
)
from web_client import PATIENCE, wait_until

ALL = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"
BCRYPT_HASH = "$2y$08$radarSpoofExporterTesefB6FiLJJs8twKoc3m1Gv3LBp7Z2B6Sq"


class ProcessOneTest(EndToEndTest):
    """In a container, or any PID namespace, the kernel keeps from process 1 every signal that it
    has no handler for."""

    UNSHARE = ["unshare", "--pid", "--fork", "--kill-child"]

    def setUp(self):
        super().setUp()
        may = subprocess.run([*self.UNSHARE, "true"], capture_output=True, text=True)
        if may.returncode != 0:
            self.skipTest(f"no PID namespace here: {may.stderr.strip()}")
        self.simulator = self.start_simulator("--scenario=slow", "--slow-delay=60s")
        self.config = self.file("config.yaml", config_text(self.simulator, ALL))

    def start(self, *command, **options):
        outside = Child([*self.UNSHARE, *command], exporter_environment(TOKEN), **options)
        self.addCleanup(outside.end)
        children = pathlib.Path(f"/proc/{outside.process.pid}/task/{outside.process.pid}/children")
        inside = int(wait_until(children.read_text, "process 1"))
        return outside, inside

    def check(self, command, number, code):
        asked = self.simulator.requests().total()
        outside, inside = self.start(*command)
        wait_until(lambda: self.simulator.requests().total() > asked, "the request in flight")
        os.kill(inside, number)
        self.assertEqual(outside.wait(), code)

    def test_what_runs_to_its_end_ends_at_once(self):
        for command in (exporter_command(self.config, "--once"),
                        [executable("RADAR_SPOOF_EXPORTER"), "query",
                         f"--config.file={self.config}", "all"]):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                with self.subTest(command=command[1:], number=number):
                    self.check(command, number, 128 + number)

    def test_backfill_keeps_what_it_has(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                self.check([executable("RADAR_SPOOF_EXPORTER"), "backfill",
                            f"--config.file={self.config}", "--range=1d",
                            f"--output={self.directory}/history.om"], number, 1)

    def test_a_check_whose_output_nobody_reads_ends_at_once(self):
        ours, theirs = os.pipe()
        for end in (ours, theirs):
            self.addCleanup(os.close, end)
        os.set_blocking(theirs, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(theirs, b"x" * 4096)
        os.set_blocking(theirs, True)
        command = exporter_command(self.config, "--config.check")
        process = subprocess.Popen([*self.UNSHARE, *command], stdout=theirs,
                                   stdin=subprocess.DEVNULL, env=exporter_environment(None))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        inside = wait_until(children.read_text, "process 1").strip()
        status = pathlib.Path(f"/proc/{inside}/status")
        wait_until(lambda: int(re.search(r"SigCgt:\s+(\w+)", status.read_text()).group(1), 16)
                   & 1 << signal.SIGTERM - 1, "a handler")
        os.kill(int(inside), signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)

    def test_the_daemon_stops_as_ever(self):
        self.check(exporter_command(self.config, "--web.listen-address=127.0.0.1:0"),
                   signal.SIGTERM, 0)


class StuckSupervisorTest(EndToEndTest):
    def test_nobody_waits_for_a_supervisor_that_does_not_read(self):
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        path = str(self.directory / "notify")
        supervisor.bind(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.sendto(b"FILLER=1", path)
        exporter = self.start_exporter(
            config_text(self.start_simulator(), ALL),
            environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "60000000"})
        exporter.wait_until_ready()
        exporter.send(signal.SIGHUP)
        exporter.wait_for_line("configuration reloaded")
        supervisor.settimeout(PATIENCE)
        while supervisor.recv(100) != b"READY=1":
            continue
        self.assertEqual(exporter.stop()[0], 0)

    def test_the_watchdog_is_that_of_the_process_it_is_meant_for(self):
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        name = f"radar_spoof_{os.getpid()}"
        supervisor.bind("\0" + name)
        supervisor.settimeout(PATIENCE)
        exporter = self.start_exporter(
            config_text(self.start_simulator(), ALL),
            environment={"NOTIFY_SOCKET": "@" + name, "WATCHDOG_USEC": "60000000",
                         "WATCHDOG_PID": "1"})
        self.assertEqual(supervisor.recv(100), b"READY=1")
        exporter.wait_until_ready()
        for _ in range(2):  # each is a beat
            exporter.send(signal.SIGHUP)
        exporter.stop()
        self.assertEqual(supervisor.recv(100), b"STOPPING=1")


class FileSizeLimitTest(EndToEndTest):
    def test_state_and_log_that_may_not_grow_end_nothing(self):
        queries = "\n".join(f"- {{name: spf_{each.lower()}, filters: {{spf: {each}}}, "
                            "agg_interval: 15m, date_range: 1d, poll_interval: 1s}"
                            for each in ("PASS", "FAIL", "NONE"))
        simulator = self.start_simulator()
        config = self.file("config.yaml", config_text(simulator, queries))
        storage = self.directory / "state"
        storage.mkdir()
        log = self.directory / "log"
        limit = 500  # bytes: less than the state of three queries, or a dozen lines of the log
        with open(log, "ab") as stderr:
            process = subprocess.Popen(
                exporter_command(config, "--web.listen-address=127.0.0.1:0",
                                 f"--storage.path={storage}"),
                env=exporter_environment(TOKEN), stdin=subprocess.DEVNULL, stderr=stderr,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: log.stat().st_size >= limit, "a log of the size that is allowed")
        polled = simulator.requests().total()
        wait_until(lambda: simulator.requests().total() > polled + 3, "further polls")
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertFalse((storage / "state").exists())

    def test_what_is_printed_into_a_file_that_may_not_grow_is_exit_code_1(self):
        config = self.file("config.yaml", config_text(self.start_simulator(), ALL))
        with open(self.directory / "page", "wb") as stdout:
            run = subprocess.run(
                exporter_command(config, "--once"), env=exporter_environment(TOKEN),
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, timeout=PATIENCE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"the output could not be written", run.stderr)


class JournalTest(EndToEndTest):
    def run_with(self, journal_stream, log_format="logfmt"):
        """Every line of a life with a warning, an error and a text for a person in it."""
        log = self.directory / "log"
        with open(log, "wb") as stderr:
            status = os.fstat(stderr.fileno())
            environment = exporter_environment(TOKEN) | (
                {"JOURNAL_STREAM": journal_stream.format(status.st_dev, status.st_ino)})
            config = self.file("config.yaml", config_text(self.simulator, ALL))
            flags = ["--once", f"--log.format={log_format}"]
            subprocess.run(exporter_command(config, *flags), env=environment, timeout=PATIENCE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
            config.write_text("queries: nonsense")
            subprocess.run(exporter_command(config, *flags), env=environment, timeout=PATIENCE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        return log.read_text().splitlines()

    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--scenario=outage")

    def test_lines_begin_with_their_priority_where_the_journal_reads_them(self):
        for log_format, priorities in (
            ("logfmt", {"level=debug": "<7>ts=", "level=info": "<6>ts=", "level=warn": "<4>ts="}),
            ("json", {'"level":"debug"': '<7>{"ts"', '"level":"info"': '<6>{"ts"',
                      '"level":"warn"': '<4>{"ts"'}),
        ):
            with self.subTest(log_format):
                lines = self.run_with("{}:{}", log_format)
                for level, begin in priorities.items():
                    of_level = [line for line in lines if level in line]
                    self.assertTrue(of_level, lines)
                    for line in of_level:
                        self.assertTrue(line.startswith(begin), line)
                self.assertRegex(lines[-1], r"^<3>.*config\.yaml:1:\d+: queries")

    def test_nowhere_else(self):
        for other in ("", "1:2", "{0}:{1}1", "{1}:{0}", "{0}"):
            with self.subTest(other):
                lines = self.run_with(other)
                self.assertTrue(lines)
                self.assertEqual([line for line in lines if line.startswith("<")], [])


@unittest.skipIf(os.environ.get("RADAR_SPOOF_SANITIZED"), "a sanitizer ends where it gets no memory")
class NoMemoryTest(EndToEndTest):
    def test_the_reload_loop_goes_on_and_the_state_is_saved_at_the_end(self):
        web = self.file("web.yaml", f"basic_auth_users: {{prometheus: {BCRYPT_HASH}}}\n")
        storage = self.directory / "state"
        storage.mkdir()
        exporter = self.start_exporter(
            config_text(self.start_simulator(), ALL), f"--web.config.file={web}",
            f"--storage.path={storage}")
        wait_until(lambda: (storage / "state").exists(), "a saved state")
        (storage / "state").unlink()
        exporter.limit_memory(0)
        # It is read at once, and there is no room for it.
        web.write_text("#" * 1000_000)
        exporter.send(signal.SIGHUP)
        exporter.wait_for_line(r"reload loop: iteration failed, retrying.*bad_alloc|"
                               r"the web configuration stays as it was|reload failed")
        self.assertEqual(exporter.stop()[0], 0)
        self.assertIn('level=info msg="stopped"', exporter.output)
        self.assertTrue((storage / "state").exists())


@unittest.skipUnless(os.environ.get("RADAR_SPOOF_HUNG_DISK"), "not with a sanitizer")
class HungDiskTest(EndToEndTest):
    def test_pages_are_served_and_sigterm_ends_it(self):
        storage = self.directory / "state"
        storage.mkdir()
        exporter = self.start_exporter(
            config_text(self.start_simulator(), ALL), f"--storage.path={storage}",
            environment={"LD_PRELOAD": os.environ["RADAR_SPOOF_HUNG_DISK"]})
        wait_until(lambda: (storage / "state.new").exists(), "the state that is never saved")
        self.assertEqual(exporter.fetch("/-/healthy").status, 200)
        self.assertEqual(exporter.fetch("/metrics").status, 200)
        exporter.send(signal.SIGHUP)
        exporter.wait_for_line("configuration reloaded|reload failed")
        self.assertEqual(exporter.stop()[0], 1)
        self.assertIn("the poll loop is stuck", exporter.output)


if __name__ == "__main__":
    unittest.main()
