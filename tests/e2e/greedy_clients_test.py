"""Clients that take what they can, and the whole matrix in the largest requests; the built programs.
Clients come from several addresses of the loopback network."""

import collections
import contextlib
import pathlib
import resource
import socket
import struct
import subprocess
import unittest

from processes import EndToEndTest, config_text, exporter_command, exporter_environment
from web_client import PATIENCE, wait_until
from web_config_test import authorization

QUERIES = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 4w}"
MATRIX = """\
- name: m
  control: CONTROL
  poll_interval: 4w
  matrix:
    arc: [any, PASS, NONE, FAIL]
    dkim: [any, PASS, NONE, FAIL]
    dmarc: [any, PASS, NONE, FAIL]
    spf: [any, PASS, NONE, FAIL]
    tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]
"""
COMBINATIONS = 4 ** 4 * 5
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
ONE = "127.0.0.1"
OTHER = "127.0.0.2"
# Of bcrypt, cost 12, of a password that nobody guesses here.
SLOW_HASH = "$2b$12$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"


def connect(port, source, receive_buffer=None):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(30)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    return client


def whole_reply(client):
    """What comes until the connection ends, in whatever way."""
    reply = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            reply += piece
    return reply


def exchange(port, source, request=SCRAPE):
    with connect(port, source) as client:
        client.sendall(request)
        return whole_reply(client)


def is_open(client):
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def system_bytes(port):
    """What the system holds that the port's clients have not taken, or the server not read."""
    total = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            total += sum(int(each, 16) for each in fields[4].split(":"))
    return total


class GreedyClientsTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def connect(self, port, source, **options):
        client = connect(port, source, **options)
        self.addCleanup(client.close)
        return client

    def test_540_posts_whose_body_never_comes(self):
        exporter = self.start_exporter(config_text(self.start_simulator(), QUERIES))
        exporter.wait_until_ready()
        posts = []
        for _ in range(540):
            posts.append(self.connect(exporter.port, OTHER))
            posts[-1].sendall(POST)
        for _ in range(99):
            self.assertTrue(exchange(exporter.port, ONE).startswith(b"HTTP/1.1 200 "))
        # Answered and closed; beyond the address's share perhaps only closed.
        statuses = collections.Counter(whole_reply(each)[9:12] for each in posts)
        self.assertLessEqual(set(statuses), {b"405", b""})
        self.assertGreaterEqual(statuses[b"405"], 256)

    def test_505_slow_readers_hold_little_of_the_systems_memory(self):
        simulator = self.start_simulator()
        exporter = self.start_exporter(config_text(
            simulator, MATRIX.replace("CONTROL", "false"), "max_series_per_request: 10"))
        exporter.wait_until_ready()
        for name, sources in (("one address", [OTHER] * 505),
                              ("505 addresses", [f"127.0.{i // 250 + 1}.{i % 250 + 1}"
                                                 for i in range(505)])):
            readers = []
            for source in sources:
                readers.append(self.connect(exporter.port, source, receive_buffer=2048))
                try:
                    readers[-1].sendall(SCRAPE)
                except ConnectionError:
                    pass
            wait_until(lambda: system_bytes(exporter.port) > 5 * 2 ** 20, "answers")
            exchange(exporter.port, ONE)  # which comes after all of them
            held = system_bytes(exporter.port) / 2 ** 20
            print(f"{name}: {held:.0f} MiB of bytes with the system")
            # At once beside one address; beside hundreds when their answers are a second old.
            wait_until(lambda: exchange(exporter.port, ONE).startswith(b"HTTP/1.1 200 "),
                       "a scrape", PATIENCE if len(set(sources)) > 1 else 0)
            self.assertLess(held, 28 if sources[0] == sources[1] else 56)
            for each in readers:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()

    def test_wrong_passwords_keep_no_scrape_waiting(self):
        web = self.file("web.yaml", "basic_auth_users:\n"
                        f"  slow: {SLOW_HASH}\n"
                        "  prometheus: $2y$08$radarSpoofExporterTesefB6FiLJJs8twKoc3m1Gv3LBp7Z2B6Sq\n")
        exporter = self.start_exporter(config_text(self.start_simulator(), QUERIES),
                                       f"--web.config.file={web}")

        def request(user, password):
            header = authorization(user, password)["Authorization"].encode()
            return SCRAPE.replace(b"Host: x", b"Host: x\r\nAuthorization: " + header)

        good = request("prometheus", "correct horse")
        self.assertTrue(exchange(exporter.port, ONE, good).startswith(b"HTTP/1.1 200 "))
        guessers = [self.connect(exporter.port, OTHER) for _ in range(20)]
        for each in guessers:
            each.sendall(request("slow", "wrong"))
        # Not a time, which another process could stretch: the scrapes end before the guess does.
        for _ in range(10):
            self.assertTrue(exchange(exporter.port, ONE, good).startswith(b"HTTP/1.1 200 "))
        statuses = [each.recv(4096).split(b" ")[1] for each in guessers]
        self.assertEqual(set(statuses), {b"401", b"429"})
        self.assertLessEqual(statuses.count(b"401"), 10)

    def test_too_few_descriptors_are_told_with_how_many_are_needed(self):
        config = self.file("config.yaml", config_text(self.start_simulator(), QUERIES))
        for count in range(12, 21, 2):
            with self.subTest(count=count):
                done = subprocess.run(
                    exporter_command(config, "--web.listen-address=127.0.0.1:0"),
                    env=exporter_environment("simulator-token"), stdin=subprocess.DEVNULL,
                    capture_output=True, text=True, timeout=30, preexec_fn=lambda: (
                        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(
                    done.stderr, rf"{count} file descriptors are allowed \(RLIMIT_NOFILE\), "
                    r"\d+ are needed at least")

    def test_40_descriptors_are_enough(self):
        config = config_text(self.start_simulator(), QUERIES)
        exporter = self.start_exporter(
            config,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
        exporter.wait_until_ready()
        idle = [self.connect(exporter.port, OTHER) for _ in range(80)]
        for _ in range(20):
            self.assertTrue(exchange(exporter.port, ONE).startswith(b"HTTP/1.1 200 "))
        for each in idle:
            each.settimeout(0)
        self.assertLess(sum(is_open(each) for each in idle), 40)


class LargestRequestsTest(EndToEndTest):
    """The bounds of the configuration, each taken to its end; in a world with so much mail that no
    combination of filters is without it, whatever the time."""

    def start_simulator(self, *flags):
        return super().start_simulator("--volume=100000", *flags)

    def all_good(self, config, count):
        exporter = self.start_exporter(config)
        exporter.wait_until_ready()
        page = exporter.page()
        succeeded = [s.value for s in page.samples if s.name == "cloudflare_radar_query_success"]
        self.assertEqual(len(succeeded), count)
        self.assertEqual(sum(succeeded), count)
        self.assertEqual(page.value("cloudflare_radar_api_failures_total", reason="transport"), 0)

    def test_50_series_of_all_combinations(self):
        for control, series, statuses in (("false", 50, {200}), ("true", 10, {200, 422})):
            with self.subTest(control=control):
                simulator = self.start_simulator(f"--max-series={series}")
                self.all_good(config_text(simulator, MATRIX.replace("CONTROL", control),
                                          "max_series_per_request: 50"), COMBINATIONS)
                # As the API may, it refuses what asks for more series than it likes.
                self.assertEqual(set(simulator.requests()), statuses)

    def test_50_series_of_several_values_in_every_filter(self):
        filters = ("arc: [PASS, NONE, FAIL], dkim: [PASS, NONE, FAIL], dmarc: [PASS, NONE, FAIL], "
                   "spf: [PASS, NONE, FAIL], tls_version: [TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]")
        queries = "\n".join(
            f"- {{name: q{i}, poll_interval: 4w, date_range: {28 + i}d, agg_interval: 1d, "
            f"filters: {{{filters}}}}}" for i in range(3))
        self.all_good(config_text(self.start_simulator(), queries, "max_series_per_request: 50"), 3)

    def test_64_requests_at_once(self):
        simulator = self.start_simulator()
        self.all_good(config_text(simulator, MATRIX.replace("CONTROL", "false"),
                                  "max_series_per_request: 5\nmax_concurrency: 64"), COMBINATIONS)


if __name__ == "__main__":
    unittest.main()
