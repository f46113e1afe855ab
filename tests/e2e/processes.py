"""Starts and stops what the end-to-end tests are about: radar_spoof_exporter and radar_simulator,
each on a free port of 127.0.0.1. (prometheus.py: the real Prometheus.)

Every wait is for something seen (a printed line, an answer, a count), bounded in time; only
processes started here are ended. The executables are named by the environment:
RADAR_SPOOF_EXPORTER and RADAR_SIMULATOR.
"""

import collections
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from web_client import PATIENCE, Page, fetch, wait_until

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
API_PATH = "/client/v4/radar/email/security/timeseries_groups/spoof"
TOKEN = "simulator-token"


def executable(variable):
    path = os.environ.get(variable)
    if not path:
        raise RuntimeError(f"{variable} must name the executable")
    return path


class Child:
    """A process of ours whose output is read as it comes; `options` are subprocess.Popen's."""

    def __init__(self, command, environment=None, **options):
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            **{"stdin": subprocess.DEVNULL} | options,
        )
        self.lines = []  # of both streams
        self._changed = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for_line(self, pattern):
        """The match of the first line that `pattern` is found in, whenever it came."""

        def find():
            return next((m for m in (re.search(pattern, line) for line in self.lines) if m), None)

        def settled():
            return find() or not any(reader.is_alive() for reader in self._readers)

        with self._changed:
            self._changed.wait_for(settled, PATIENCE)
            found = find()
        if not found:
            raise AssertionError(f"no line with {pattern!r} in\n" + "\n".join(self.lines))
        return found

    def limit_memory(self, spare):
        """To `spare` bytes more than it has. Not by RLIMIT_AS: malloc has address space in reserve."""
        pid = self.process.pid
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        limit = int(re.search(r"VmData:\s+(\d+)", status).group(1)) * 1024 + spare
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))

    def unlimit_memory(self):
        resource.prlimit(self.process.pid, resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)

    @property
    def output(self):
        with self._changed:
            return "\n".join(self.lines)

    def wait(self, timeout=PATIENCE):
        """The exit code, once all output was read."""
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.wait()
        name = pathlib.Path(self.process.args[0]).name
        print(f"--- {name}, exit {code}", *self.lines, sep="\n", file=sys.stderr)


class Simulator(Child):
    def __init__(self, *flags, lag=None):
        super().__init__(
            [executable("RADAR_SIMULATOR"), "--listen-address=127.0.0.1:0",
             f"--lag={lag or quiet_lag()}s", "--rate-limit=1000000", *flags]
        )

    def wait_until_started(self):
        line = self.wait_for_line(r"listening on (http://127\.0\.0\.1:(\d+)\S*)")
        self.base_url = line.group(1)
        self.port = int(line.group(2))

    def switch(self, scenario):
        answer = fetch(self.port, f"/scenario/{scenario}", "PUT")
        if answer.status != 200:
            raise AssertionError(f"no scenario {scenario}: {answer.status} {answer.body}")

    def requests(self):
        """How many API calls there were, by status."""
        counts = json.loads(fetch(self.port, "/requests").body)["by_status"]
        return collections.Counter({int(status): count for status, count in counts.items()})

    def ask(self, query_string, token=TOKEN):
        """The API's answer, decoded."""
        answer = fetch(
            self.port, f"{API_PATH}?{query_string}", headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status != 200:
            raise AssertionError(f"{query_string}: {answer.status} {answer.body}")
        return json.loads(answer.body)


def quiet_lag():
    """A lag in seconds, 15 to 30 minutes, with which the data's next quarter hour begins 14 minutes
    from now, so that every answer within a test is about the same buckets."""
    quarter_hour, just_begun = 900, 60
    return int(quarter_hour + time.time() % quarter_hour - just_begun)


AUTO_RELOAD = "--config.auto-reload-interval"


class Exporter(Child):
    """Started, listening, and polling; not necessarily ready."""

    def __init__(self, config_file, *flags, token=TOKEN, listen=("127.0.0.1:0",), environment=None,
                 **options):
        super().__init__(
            exporter_command(config_file, *[f"--web.listen-address={each}" for each in listen],
                             *flags),
            exporter_environment(token) | (environment or {}),
            **options,
        )
        self._listen = listen

    def wait_until_started(self):
        self.ports = []
        for address in self._listen:
            host = re.escape(address.rpartition(":")[0])
            line = self.wait_for_line(rf'"serving"[ ,]"?address"?[=:]"?{host}:(\d+)')
            self.ports.append(int(line.group(1)))
        self.port = self.ports[0]

    def fetch(self, path, *args, **kwargs):
        return fetch(self.port, path, *args, **kwargs)

    def page(self):
        answer = self.fetch("/metrics")
        if answer.status != 200:
            raise AssertionError(f"/metrics: {answer.status} {answer.body}")
        return Page(answer.body.decode())

    def wait_until_ready(self):
        wait_until(lambda: self.fetch("/-/ready").status == 200, "/-/ready")
        return self

    def wait_for_page(self, condition, what):
        """The first page for which `condition(page)` holds."""

        def look():
            page = self.page()
            return page if condition(page) else None

        return wait_until(look, what)

    def send(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM):
        """Exit code and how many seconds it took."""
        begin = time.monotonic()
        self.send(number)
        return self.wait(), time.monotonic() - begin


def exporter_command(config_file, *flags):
    return [executable("RADAR_SPOOF_EXPORTER"), f"--config.file={config_file}",
            "--log.level=debug", *flags]


def exporter_environment(token):
    """Nothing but what the exporter needs; a token of None is no token."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    # Sanitizers are steered through the environment.
    environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    if token is not None:
        environment["CLOUDFLARE_API_TOKEN"] = token
    return environment


def run_exporter(config_file, *flags, token=TOKEN):
    """Runs to its end, with its two streams apart."""
    return subprocess.run(
        exporter_command(config_file, *flags),
        env=exporter_environment(token),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def config_text(simulator, queries, api="", polling="settle: 0s"):
    """A configuration that asks `simulator`; `queries` is the YAML list's text, `api` and `polling`
    are flow-style entries."""
    return (
        "api:\n"
        f"  base_url: {simulator.base_url}\n"
        "  rate_limit: 100000\n"
        "  timeout: 20s\n"
        + "".join(f"  {line}\n" for line in api.splitlines())
        + f"polling: {{{polling}}}\n"
        "queries:\n" + "".join(f"  {line}\n" for line in queries.strip().splitlines())
    )


class EndToEndTest(unittest.TestCase):
    """Ends what a test started, last first, and prints what it said, which ctest shows when the
    test failed."""

    def setUp(self):
        self.directory = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(prefix="radar_spoof_e2e_"))
        )

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def started(self, child):
        self.addCleanup(child.end)
        child.wait_until_started()
        return child

    def start_simulator(self, *flags, **options):
        return self.started(Simulator(*flags, **options))

    def start_exporter(self, config, *flags, **options):
        """`config` is the configuration's text, written to self.config_file, or None to leave that
        file as it is. It is read again when a test says so: several exporters share it."""
        self.config_file = self.directory / "config.yaml"
        if config is not None:
            self.file("config.yaml", config)
        if not any(flag.startswith(AUTO_RELOAD) for flag in flags):
            flags = (*flags, AUTO_RELOAD + "=0s")
        return self.started(Exporter(self.config_file, *flags, **options))
