"""Starts what is measured: the exporter, the two obvious ones, nginx with the exporter's bytes, and
the simulated API they poll. All on free ports of 127.0.0.1; all are ended with the benchmark."""

import itertools
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(SOURCE_DIR / "tests/e2e"), str(SOURCE_DIR / "tests/endurance")]

from exporter_under_test import ProcessFigures, running  # noqa: E402, F401
from processes import TOKEN, Child, exporter_environment  # noqa: E402
from prometheus import Prometheus  # noqa: E402, F401
from web_client import fetch, wait_until  # noqa: E402, F401

BIN = SOURCE_DIR / "build/release/bin"
WINDOWS = [("15m", "1d"), ("1h", "7d"), ("1d", "28d"), ("1d", "12w"), ("1w", "52w"), ("1h", "2d")]
RESULTS = ["PASS", "NONE", "FAIL", "any"]
TLS = ["TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3", "any"]
CONCURRENCY = 8  # requests in flight, the exporter's default
# By the number of combinations: the dimensions that vary, and the windows.
SIZES = {1: ([], 1), 20: (["spf", "tls_version"], 1), 80: (["dmarc", "spf", "tls_version"], 1),
         320: (["dkim", "dmarc", "spf", "tls_version"], 1),
         1280: (["arc", "dkim", "dmarc", "spf", "tls_version"], 1),
         2560: (["arc", "dkim", "dmarc", "spf", "tls_version"], 2),
         7680: (["arc", "dkim", "dmarc", "spf", "tls_version"], 6)}


def values_of(dimension):
    return TLS if dimension == "tls_version" else RESULTS


def config_text(base_url, size, poll_interval="1d", rate_limit=100_000_000, series=1):
    """Everything is polled as fast as the API answers: the budget is not what is measured here."""
    dimensions, windows = SIZES[size]
    matrix = ", ".join(f"{each}: [{', '.join(values_of(each))}]" for each in dimensions)
    queries = "".join(
        f"  - {{name: {interval}_{window}, agg_interval: {interval}, date_range: {window}, "
        f"poll_interval: {poll_interval}" + (f", matrix: {{{matrix}}}" if matrix else "") + "}\n"
        for interval, window in WINDOWS[:windows])
    return (f"api: {{base_url: \"{base_url}\", rate_limit: {rate_limit}, "
            f"max_concurrency: {CONCURRENCY}, max_series_per_request: {series}}}\n"
            f"polling: {{settle: 0s}}\nqueries:\n{queries}")


def query_lines(size):
    """The same combinations, for the obvious exporters."""
    dimensions, windows = SIZES[size]
    for (interval, window), values in itertools.product(
            WINDOWS[:windows], itertools.product(*map(values_of, dimensions))):
        labels = dict.fromkeys(["arc", "dkim", "dmarc", "spf", "tls_version"], "any")
        labels.update(zip(dimensions, values))
        parameters = "".join(f"&{name.replace('tls_version', 'tlsVersion')}={value}"
                             for name, value in labels.items() if value != "any")
        name = "_".join([interval, window, *itertools.chain(*zip(dimensions, values))]).lower()
        yield (f"format=JSON&aggInterval={interval}&dateRange={window}{parameters} query={name},"
               + ",".join(f"{key}={value}" for key, value in labels.items()))


class Simulator(Child):
    """With so much mail that every combination has some in every bucket."""

    def __init__(self, latency_ms=None):
        late = [] if latency_ms is None else ["--scenario=slow", f"--slow-delay={latency_ms}ms"]
        super().__init__([BIN / "radar_simulator", "--listen-address=127.0.0.1:0",
                          "--rate-limit=1000000000", "--volume=1e12", *late])

    def wait_until_started(self):
        line = self.wait_for_line(r"listening on (http://127\.0\.0\.1:(\d+)\S*)")
        self.base_url, self.port = line.group(1), int(line.group(2))

    def requests(self):
        return sum(json.loads(fetch(self.port, "/requests").body)["by_status"].values())


class Exporter(Child):
    """The one that is measured."""

    def __init__(self, directory, text, port=0):
        self._config = pathlib.Path(directory) / "config.yaml"
        self._config.write_text(text)
        super().__init__([BIN / "radar_spoof_exporter", f"--config.file={self._config}",
                          f"--web.listen-address=127.0.0.1:{port}"], exporter_environment(TOKEN))
        self.path = "/metrics"

    def wait_until_started(self):
        self.port = int(self.wait_for_line(r'msg="serving" address=127\.0\.0\.1:(\d+)').group(1))

    def reload(self, text):
        self._config.write_text(text)
        self.process.send_signal(signal.SIGHUP)

    def wait_until_filled(self):
        wait_until(lambda: fetch(self.port, "/-/ready").status == 200, "every poll", 300)


class Obvious(Child):
    """A peer; `command` is what takes the arguments that obvious_exporter.cpp documents."""

    def __init__(self, command, directory, base_url, size):
        queries = pathlib.Path(directory) / "queries"
        queries.write_text("".join(f"{line}\n" for line in query_lines(size)))
        super().__init__([*command, base_url, TOKEN, queries])
        self.path = "/metrics"

    def wait_until_started(self):
        self.port = int(self.wait_for_line(r"listening on (\d+)").group(1))

    def wait_until_filled(self):
        wait_until(lambda: "all polled" in self.output, "every poll", 300)


OBVIOUS_CPP = [BIN / "obvious_exporter"]
OBVIOUS_PYTHON = ["/usr/bin/python3", "-B", SOURCE_DIR / "bench/obvious_exporter.py"]


class Nginx(Child):
    """Serves, as static files, what the exporter serves now: /page as text; to who takes gzip,
    /metrics as OpenMetrics; /gunzip as text from the compressed file alone."""

    def __init__(self, directory, exporter):
        root = pathlib.Path(directory)
        for name, accept, coding in (("page", "text/plain", "identity"),
                                     ("page.gz", "text/plain", "gzip"),
                                     ("openmetrics.gz", OPENMETRICS, "gzip")):
            answer = fetch(exporter.port, exporter.path,
                           headers={"Accept": accept, "Accept-Encoding": coding})
            (root / name).write_bytes(answer.body)
        shutil.copy(root / "page.gz", root / "gunzip.gz")
        root.chmod(0o755)
        self.port = free_port()
        config = root / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(root=root, port=self.port, openmetrics=OPENMETRICS))
        super().__init__([nginx_program(), "-e", "stderr", "-p", root, "-c", config])
        self.path = "/page"

    def wait_until_started(self):
        def answers():
            try:
                return fetch(self.port, "/page").status == 200
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError("nginx did not start: " + self.output) from None
                return False

        wait_until(answers, "nginx")
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        self.workers = [int(each) for each in pathlib.Path(children).read_text().split()]


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
NGINX_CONFIG = """
daemon off; worker_processes 2; pid {root}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; gzip_static on; keepalive_requests 1000000000;
  client_body_temp_path {root}/t; proxy_temp_path {root}/t; fastcgi_temp_path {root}/t;
  uwsgi_temp_path {root}/t; scgi_temp_path {root}/t;
  default_type "text/plain; version=0.0.4; charset=utf-8";
  server {{
    listen 127.0.0.1:{port}; root {root};
    location = /gunzip {{ gunzip on; gzip_static always; }}
    location = /metrics {{ alias {root}/openmetrics; default_type "{openmetrics}"; }}
  }}
}}
"""


def nginx_program():
    unpacked = SOURCE_DIR / "build/tools/prometheus/usr/sbin/nginx"
    found = str(unpacked) if unpacked.exists() else shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not found:
        raise RuntimeError("nginx is missing; run scripts/install-deps bench")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stripped_size():
    """Bytes of the exporter's executable without its symbols."""
    stripped = SOURCE_DIR / "build/release/radar_spoof_exporter.stripped"
    subprocess.run(["strip", "-o", stripped, BIN / "radar_spoof_exporter"], check=True)
    return stripped.stat().st_size
