"""Many lives of the real process with --storage.path, and how it stands with its supervisor."""

import datetime
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

from processes import EndToEndTest, config_text, exporter_command, exporter_environment
from web_client import fetch, wait_until

QUERIES = """
- {name: all, agg_interval: 15m, date_range: 1d}
- {name: dmarc_fail, filters: {dmarc: FAIL}, agg_interval: 1h, date_range: 7d, control: true}
"""
SPOOF = "cloudflare_radar_email_spoof_ratio"
POLLS = "cloudflare_radar_query_polls_total"
BLOCKED = "cloudflare_radar_api_blocked_until_timestamp_seconds"


def radar_values(page_text):
    """What the page says of the mail, without the exporter's own state."""
    return [line for line in page_text.splitlines() if line.startswith("cloudflare_radar_email_")]


class StorageTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.storage = self.directory / "state"
        self.storage.mkdir()

    def live(self, config):
        return self.start_exporter(config, f"--storage.path={self.storage}")

    def check_restarts(self, number):
        simulator = self.start_simulator()
        config = config_text(simulator, QUERIES)
        first = self.live(config).wait_until_ready()
        before = radar_values(first.fetch("/metrics").body.decode())
        self.assertGreater(len(before), 4)
        # The state is written within about a second of the answers.
        wait_until(lambda: '"sample"' in "".join(
            each.read_text() for each in self.storage.glob("state")), "the saved state")
        first.send(number)
        first.wait()
        for _ in range(19):
            exporter = self.live(None)
            page = exporter.fetch("/metrics").body.decode()
            self.assertEqual(radar_values(page), before)
            self.assertEqual(exporter.fetch("/-/ready").status, 200)
            exporter.send(number)
            exporter.wait()
        self.assertEqual(simulator.requests().total(), 2)

    def test_20_restarts_cost_one_request_a_query_and_the_page_is_whole_at_once(self):
        self.check_restarts(signal.SIGTERM)

    def test_20_crashes_do_not_either(self):
        self.check_restarts(signal.SIGKILL)

    def test_a_rate_limit_hold_outlives_a_restart(self):
        simulator = self.start_simulator("--scenario=rate-limited")
        exporter = self.live(config_text(simulator, QUERIES)).wait_until_ready()
        until = exporter.page().value(BLOCKED)
        exporter.stop()
        asked = simulator.requests().total()
        again = self.live(None)
        self.assertAlmostEqual(again.page().value(BLOCKED), until, delta=1)
        again.stop()
        self.assertEqual(simulator.requests().total(), asked)

    def test_a_damaged_state_file_is_set_aside(self):
        simulator = self.start_simulator()
        (self.storage / "state").write_bytes(os.urandom(1000))
        exporter = self.live(config_text(simulator, QUERIES)).wait_until_ready()
        exporter.wait_for_line("the saved state cannot be used; starting without it")
        self.assertIsNotNone(exporter.page().value(SPOOF, query="all"))
        self.assertTrue((self.storage / "state.damaged").exists())


class ReadingsTest(EndToEndTest):
    def readings(self, exporter):
        return [reading for reading in map(json.loads, exporter.lines) if reading["msg"] == "reading"]

    def test_a_bucket_is_one_line_of_the_log_also_after_a_restart(self):
        simulator = self.start_simulator()
        queries = re.sub("}$", ", poll_interval: 1s, labels: {team: mail}}", QUERIES, flags=re.M)
        flags = ("--log.readings", "--log.format=json", f"--storage.path={self.directory}")
        polled = lambda page: all(page.value(POLLS, query=name) >= 3 for name in ("all", "dmarc_fail"))
        exporter = self.start_exporter(config_text(simulator, queries), *flags)
        page = exporter.wait_for_page(polled, "three polls")
        exporter.stop()
        readings = self.readings(exporter)
        self.assertEqual(sorted(reading["query"] for reading in readings), ["all", "dmarc_fail"])
        for reading in readings:
            query = {"query": reading["query"]}
            self.assertEqual(reading["dmarc"], "any" if reading["query"] == "all" else "FAIL")
            self.assertEqual((reading["level"], reading["label_team"]), ("info", "mail"))
            self.assertEqual(datetime.datetime.fromisoformat(reading["bucket"]).timestamp(),
                             page.value("cloudflare_radar_query_sample_timestamp_seconds", **query))
            self.assertEqual(reading["confidence_level"],
                             page.value("cloudflare_radar_query_confidence_level", **query))
            for name in ("spoof_ratio", "not_spoof_ratio"):
                self.assertEqual(reading[name], page.value(f"cloudflare_radar_email_{name}", **query))
            for name in ("expected_ratio", "expected_upper_ratio", "buckets_above"):
                self.assertEqual(reading[name],
                                 page.value(f"cloudflare_radar_email_spoof_{name}", **query))
        again = self.start_exporter(None, *flags)
        again.wait_for_page(polled, "three polls after the restart")
        again.stop()
        self.assertEqual(self.readings(again), [])


class SupervisorTest(EndToEndTest):
    def test_the_watchdog_hears_of_progress_until_the_process_hangs(self):
        simulator = self.start_simulator()
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        path = self.directory / "notify"
        supervisor.bind(str(path))
        supervisor.settimeout(12)
        config = self.file("config.yaml", config_text(simulator, QUERIES))
        process = subprocess.Popen(
            exporter_command(config, "--web.listen-address=127.0.0.1:0"),
            env=exporter_environment("simulator-token")
            | {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "60000000"},
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(supervisor.recv(100), b"READY=1")
        self.assertEqual(supervisor.recv(100), b"WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        supervisor.settimeout(7)
        with self.assertRaises(TimeoutError):
            supervisor.recv(100)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        supervisor.settimeout(12)
        said = supervisor.recv(100)
        while said == b"WATCHDOG=1":
            said = supervisor.recv(100)
        self.assertEqual(said, b"STOPPING=1")


class DescriptorTest(EndToEndTest):
    def test_without_standard_descriptors_no_log_line_ends_up_in_a_socket(self):
        simulator = self.start_simulator("--scenario=outage")
        config = self.file("config.yaml", config_text(simulator, QUERIES))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        flags = [f"--web.listen-address=127.0.0.1:{port}"]
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *exporter_command(config, *flags)],
            env=exporter_environment("simulator-token"))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def ready():
            try:
                return fetch(port, "/-/ready").status == 200
            except ConnectionRefusedError:
                return False

        wait_until(ready, "/-/ready")
        for number in range(3):
            target = os.readlink(f"/proc/{process.pid}/fd/{number}")
            self.assertEqual(target, "/dev/null")
        process.terminate()
        self.assertEqual(process.wait(5), 0)

    def test_no_core_dump_can_hold_the_token(self):
        exporter = self.start_exporter(config_text(self.start_simulator(), QUERIES))
        limits = pathlib.Path(f"/proc/{exporter.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")


if __name__ == "__main__":
    unittest.main()
