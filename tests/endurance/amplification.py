"""Nothing small makes the exporter big: no request of 16 KB and no reply of 1 MB raises its memory
by more than 8 MiB for good, none ends it, and the next good answer is taken. The credential shows
nowhere meanwhile.

    amplification.py [--short]
"""

import argparse
import contextlib
import itertools
import socket
import sys
import time

from canary import CANARY, leaks
from exporter_under_test import (
    MEBIBYTE, Exporter, ProcessFigures, Simulator, running, scratch, simulator_config, wait_until)
from faulty_answers import AMPLIFIERS
from figures import Figures
from misbehaving_api import MisbehavingApi, answer_well
from web_client import Page

LIMIT = 8.0
HEAD = 16 * 1024


def padded(start, unit, end=b"\r\n\r\n"):
    """`unit` as often as a head of 16 KB holds it."""
    return start + unit * ((HEAD - len(start) - len(end)) // len(unit)) + end


LINE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
REQUESTS = {
    "one long header": padded(LINE + b"X: ", b"v"),
    "many short headers": padded(LINE, b"a:b\r\n", b"\r\n"),
    "a long path": padded(b"GET /", b"a", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "an escaped path": padded(b"GET /", b"%41", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "many parameters": padded(b"GET /metrics?", b"a&", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a long Accept": padded(LINE + b"Accept: ", b"text/plain;q=0.1,"),
    "a long Accept-Encoding": padded(LINE + b"Accept-Encoding: ", b"gzip;q=0.1,"),
    "a long Authorization": padded(LINE + b"Authorization: Basic ", b"QUFB"),
    "pipelined": (LINE + b"\r\n") * (HEAD // (len(LINE) + 2)),
    "pipelined gzip": (LINE + b"Accept-Encoding: gzip\r\n\r\n") * (HEAD // (len(LINE) + 25)),
    "a body announced": LINE + b"Content-Length: 99999999999\r\n\r\n",
    "chunks": padded(LINE.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n",
                     b"1\r\nx\r\n", b"0\r\n\r\n"),
    "garbage": bytes(range(128, 256)) * (HEAD // 128),
}


def talk(port, request):
    """Sends, reads what comes back until nothing more does, leaves."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as client:
        with contextlib.suppress(OSError):
            client.sendall(request)
            while client.recv(65536):
                pass


class Patient:
    """The exporter, its API, and its memory against what it was at first."""

    def __init__(self, exporter, api):
        self.exporter = exporter
        self.api = api
        self.costs = ProcessFigures(exporter.process.pid)
        self.first = self.costs.resident_bytes()
        self.peak = 0.0

    def growth(self):
        """What is left when nothing is going on; polls do go on, so the least of a while."""
        self.peak = (self.costs.peak_resident_bytes() - self.first) / MEBIBYTE
        least = self.costs.resident_bytes()
        for _ in range(15):
            time.sleep(0.01)
            least = min(least, self.costs.resident_bytes())
        return (least - self.first) / MEBIBYTE

    def polled(self, script, count):
        """Waits for `count` more requests answered by `script`."""
        wanted = self.api.requests[script.__name__] + count
        self.api.script = script
        wait_until(lambda: self.api.requests[script.__name__] >= wanted, f"polls: {script}")

    def recovers(self):
        self.polled(answer_well, 1)

        def all_well():
            page = Page(self.exporter.fetch("/metrics").body.decode())
            values = [s.value for s in page.samples
                      if s.name == "cloudflare_radar_query_success"]
            return values and min(values) == 1

        wait_until(all_well, "the next good answers")


def requests(patient, figures, count):
    for name, request in REQUESTS.items():
        if len(request) > HEAD:
            raise AssertionError(f"{name} is {len(request)} bytes")
        for _ in range(count):
            talk(patient.exporter.port, request)
        figures.at_most(f"request: {name}", patient.growth(), LIMIT)


def replies(patient, figures, count):
    for script in AMPLIFIERS:
        patient.polled(script, count)
        patient.recovers()
        name = script.__name__.strip("_").replace("_", " ")
        figures.at_most(f"reply: {name}", patient.growth(), LIMIT)


def one_after_the_other(scripts):
    turns = itertools.cycle(scripts)

    def next_one(request):
        return next(turns)(request)

    return next_one


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="each once")
    options = parser.parse_args()
    figures = Figures("amplification: memory that stays, in MiB")
    queries = [f"{{name: q{i}, agg_interval: 1h, date_range: {i + 1}d, poll_interval: 1s}}" for i in range(8)]
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        simulator = stack.enter_context(running(Simulator()))
        api = stack.enter_context(MisbehavingApi(simulator))
        config = simulator_config(directory, api.base_url, queries, timeout="2s")
        exporter = stack.enter_context(running(Exporter(config, token=CANARY)))
        exporter.wait_until_ready()
        for _ in range(20):
            exporter.fetch("/metrics", headers={"Accept-Encoding": "gzip"})
        patient = Patient(exporter, api)

        requests(patient, figures, 1 if options.short else 50)
        if options.short:
            api.script = one_after_the_other(AMPLIFIERS)
            patient.polled(api.script, 2 * len(AMPLIFIERS))
            patient.recovers()
        else:
            replies(patient, figures, 50)
        figures.at_most("at the end", patient.growth(), LIMIT)
        figures.note("the most it ever was", patient.peak)
        figures.nothing("places that show the credential", leaks(exporter))
        code, _ = exporter.stop()
        figures.equal("exit code", code, 0)
    return figures.finish()


if __name__ == "__main__":
    sys.exit(main())
