"""One life of the exporter with one failing call in it: start, poll, scrape, reload, poll what is
new, scrape, stop. About a tenth of a second, so that thousands of calls can have their turn."""

import base64
import http.client
import os
import pathlib
import signal
import subprocess
import time

from exporter_under_test import simulator_config
from processes import exporter_command, exporter_environment

RECOVERY = 8  # seconds; a busy machine is slow
SCRAPES = ({}, {"Accept": "application/openmetrics-text; version=1.0.0",
                "Accept-Encoding": "gzip"})
MARK = "fault injected: "
# Both with the password "secret", at the lowest cost; the first is there from first to last.
USERS = "".join(f"  {user}: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
                for user in ("scraper", "other"))
AUTHORIZATION = {"Authorization": "Basic " + base64.b64encode(b"scraper:secret").decode()}


class FaultRun:
    """Runs on a directory and a port of its own, one after the other."""

    def __init__(self, directory, preload, base_url, port):
        directory.mkdir()
        self._preload = str(preload)
        self._port = port
        query = "{{name: {}, agg_interval: 15m, date_range: 1d, poll_interval: 1s}}"
        self._first = simulator_config(directory, base_url, [query.format("first")], name="1.yaml")
        self._second = simulator_config(directory, base_url, [query.format("second")],
                                        name="2.yaml")
        self._config = directory / "config.yaml"
        self._web = directory / "web.yaml"
        self._log = directory / "log"

    def command(self, *flags):
        return exporter_command(self._config, *flags)

    def _environment(self, environment):
        return exporter_environment("simulator-token") | environment | {
            "LD_PRELOAD": self._preload}

    def once(self, environment):
        """A run with --once: what was wrong with it, or None."""
        self._config.write_bytes(self._first.read_bytes())
        with self._log.open("w") as log:
            code = subprocess.run(self.command("--once"), env=self._environment(environment),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                  timeout=RECOVERY + 20).returncode
        return self._judge_start(code)

    def daemon(self, environment):
        """A daemon's whole life: what was wrong with it, or None."""
        self._config.write_bytes(self._first.read_bytes())
        self._use_users(1)
        with self._log.open("w") as log:
            process = subprocess.Popen(
                self.command(f"--web.listen-address=127.0.0.1:{self._port}",
                             f"--web.config.file={self._web}"),
                env=self._environment(environment), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log)
        try:
            return self._live(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def log(self):
        return self._log.read_text(errors="replace")

    def _live(self, process):
        if not self._wait(process, lambda: self._page() is not None):
            return self._judge_start(process.poll())
        if not self._wait(process, lambda: _succeeded(self._page(), "first")):
            if process.poll() is not None and "polling ended" not in self.log():
                return self._judge_start(process.poll())  # it serves before it can poll
            return self._died(process) or "the poll does not recover"
        os.replace(self._copy_of_second(), self._config)
        self._use_users(2)
        process.send_signal(signal.SIGHUP)
        if not self._reloaded(process):
            return self._died(process) or "the reload or its poll does not recover"
        for headers in SCRAPES:
            if self._page(headers) is None and self._page(headers) is None:
                return self._died(process) or "the scrape does not recover"
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(RECOVERY)
        except subprocess.TimeoutExpired:
            return "does not stop"
        if time.monotonic() - begin > 2:
            return f"took {time.monotonic() - begin:.1f} s to stop"
        return None if code == 0 else f"exit {code} on SIGTERM"

    def _reloaded(self, process):
        """A reload whose call failed is repeated, as an operator would."""
        for _ in range(3):
            if self._wait(process, lambda: _succeeded(self._page(), "second"), RECOVERY / 3):
                return True
            if process.poll() is not None:
                return False
            process.send_signal(signal.SIGHUP)
        return False

    def _copy_of_second(self):
        copy = self._config.with_suffix(".new")
        copy.write_bytes(self._second.read_bytes())
        return copy

    def _use_users(self, count):
        new = self._web.with_suffix(".new")
        new.write_text("basic_auth_users:\n" + "".join(USERS.splitlines(True)[:count]))
        os.replace(new, self._web)

    def _page(self, headers=None):
        """A scrape's body, or None when there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/metrics", headers=AUTHORIZATION | (headers or {}))
            answer = connection.getresponse()
            body = answer.read()
            return body if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _wait(self, process, condition, patience=RECOVERY):
        deadline = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.003)
        return False

    def _died(self, process):
        code = process.poll()
        return None if code is None else f"ended with {code} while serving"

    def _judge_start(self, code):
        if code is None:
            return "neither serves nor ends"
        if code not in (0, 1, 2):
            return f"exit {code}"
        said = [line for line in self.log().splitlines()
                if not line.startswith(MARK) and "msg=configuration" not in line]
        return None if said or code == 0 else f"exit {code} without a message"


def _succeeded(page, query):
    return page is not None and f'query_success{{query="{query}"}} 1'.encode() in page


def counts_of(file):
    """({call: how often}, [numbers of allocations from places not seen before])."""
    calls, sites = {}, []
    for line in pathlib.Path(file).read_text().splitlines():
        words = line.split()
        if words[0] == "site":
            sites.append(int(words[1]))
        else:
            calls[words[0]] = int(words[1])
    return calls, sites
