"""Slow and silent clients do not come between Prometheus and its scrape: with 1,000 half-open
connections, 100 slow readers, 50 dripping clients and 100 stalled TLS handshakes, 99 of 100 scrapes
take at most 50 ms more than those of an idle exporter at the same time; the half-open ones are closed within 15 s, and memory grows by 16 MiB at most.
They come from 50 addresses. Clients of one address hold its share at most, and scrapes from others
take no longer.

    slow_clients.py [--short] [--without-drip]

The short form runs beside other tests, which take turns with the exporter: it judges the quietest
of its windows, for what the clients do would show in each.
"""

import argparse
import concurrent.futures
import contextlib
import ssl
import subprocess
import sys
import time

from crowd import ONE, Drips, HalfOpen, SlowReaders, StalledHandshakes
from exporter_under_test import (
    MEBIBYTE, Exporter, ProcessFigures, Simulator, allow_descriptors, fetch, running, scratch,
    simulator_config, write)
from figures import Figures, percentile

QUERIES = ["{name: m, poll_interval: 4w, matrix: {dmarc: [PASS, FAIL, NONE], spf: [PASS, FAIL, "
           "NONE], dkim: [PASS, FAIL, any]}}"]
CLOSED_WITHIN = 15
SHARE = 1280  # ServerOptions::max_connections_of_client
# All at once they are work for anyone; what is measured after that is their staying.
QUIET_WITHIN = 5


def self_signed(directory):
    """A --web.config.file, and what trusts it."""
    subprocess.run(
        ["openssl", *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
         " -subj /CN=exporter -addext subjectAltName=IP:127.0.0.1"
         " -addext keyUsage=critical,digitalSignature,keyCertSign"  # which Python 3.13 asks of an authority
         " -keyout server.key -out server.crt".split()],
        cwd=directory, check=True, capture_output=True)
    web = write(directory / "web.yaml",
                "tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    return web, ssl.create_default_context(cafile=directory / "server.crt")


def scrape_for(seconds, port, tls=None):
    """How long each scrape took, on a connection of its own, twenty a second."""
    durations = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        answer = fetch(port, "/metrics", tls=tls, timeout=10)
        durations.append(time.monotonic() - begin)
        if answer.status != 200:
            raise AssertionError(f"/metrics: {answer.status}")
        time.sleep(0.05)
    return durations


def milliseconds(durations, percent):
    return percentile(durations, percent) * 1000


def seconds_until_quiet(costs):
    """Until the process takes less than half a core."""
    begin = time.monotonic()
    share = 1.0
    while share > 0.5 and time.monotonic() < begin + QUIET_WITHIN:
        before = costs.cpu_seconds()
        time.sleep(0.2)
        share = (costs.cpu_seconds() - before) / 0.2
    return time.monotonic() - begin


def wait_for_closing(crowd):
    while crowd.still_open and time.monotonic() < crowd.born + CLOSED_WITHIN + 1:
        time.sleep(0.1)


class Meeting:
    """An exporter with its crowds, beside an idle one: what its scrapes cost before, meanwhile, and in
    memory."""

    def __init__(self, exporter, idle, tls=None):
        self.exporter = exporter
        self.idle = idle
        self.tls = tls
        self.costs = ProcessFigures(exporter.process.pid)
        self.before = scrape_for(0.7, exporter.port, tls)
        self.resident_before = self.costs.resident_bytes()
        self.meanwhile = []  # a list of durations for each window
        self.of_idle = []  # likewise, in the same windows
        self.growth = 0

    def scrape(self, seconds):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            idle = pool.submit(scrape_for, seconds, self.idle.port, self.tls)
            self.meanwhile.append(scrape_for(seconds, self.exporter.port, self.tls))
            self.of_idle.append(idle.result())
        self.growth = max(self.growth, self.costs.resident_bytes() - self.resident_before)

    def show(self, figures, name, quietest_only):
        every = [each for window in self.meanwhile for each in window]
        figures.note(f"{name}: scrapes before, p99", milliseconds(self.before, 99), "ms")
        figures.note(f"{name}: scrapes meanwhile", len(every))
        figures.note(f"{name}: scrapes meanwhile, median", milliseconds(every, 50), "ms")
        figures.note(f"{name}: scrapes meanwhile, p99", milliseconds(every, 99), "ms")
        more = [milliseconds(ours, 99) - milliseconds(idle, 99)
                for ours, idle in zip(self.meanwhile, self.of_idle)]
        if quietest_only:
            figures.at_most(f"{name}: more than of an idle one, in the best of {len(more)} windows",
                            min(more), 50, "ms")
        else:
            of_idle = [each for window in self.of_idle for each in window]
            figures.at_most(f"{name}: more than of an idle one, p99",
                            milliseconds(every, 99) - milliseconds(of_idle, 99), 50, "ms")
        figures.at_most(f"{name}: memory grows by", self.growth / MEBIBYTE, 16.0, "MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one round instead of four")
    parser.add_argument("--without-drip", action="store_true", help="no dripping clients")
    options = parser.parse_args()
    allow_descriptors()
    figures = Figures("slow clients")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        simulator = stack.enter_context(running(Simulator()))
        config = simulator_config(directory, simulator.base_url, QUERIES)
        web, tls = self_signed(directory)
        plain = stack.enter_context(running(Exporter(config)))
        secure = stack.enter_context(running(Exporter(config, f"--web.config.file={web}")))
        idle = stack.enter_context(running(Exporter(config)))
        idle_secure = stack.enter_context(running(Exporter(config, f"--web.config.file={web}")))
        for each, context in ((plain, None), (idle, None), (secure, tls), (idle_secure, tls)):
            while fetch(each.port, "/-/ready", tls=context).status != 200:
                time.sleep(0.05)
        figures.note("bytes of a page", len(plain.fetch("/metrics").body))
        http, https = Meeting(plain, idle), Meeting(secure, idle_secure, tls)
        for _ in range(1 if options.short else 4):
            meet(stack, options, figures, http, https)
        alone = Meeting(plain, idle)
        meet_one(stack, figures, alone)
        alone.show(figures, "one address", options.short)
        http.show(figures, "HTTP", options.short)
        https.show(figures, "HTTPS", options.short)
    return figures.finish()


def meet(stack, options, figures, http, https):
    port = http.exporter.port
    slow = stack.enter_context(SlowReaders(port, 100))
    drips = stack.enter_context(Drips(port, 0 if options.without_drip else 50))
    stalled = stack.enter_context(StalledHandshakes(https.exporter.port, 100))
    half_open = stack.enter_context(HalfOpen(port, 1000))
    at_first = half_open.still_open
    figures.at_most("quiet again after their arrival", seconds_until_quiet(http.costs),
                    QUIET_WITHIN, "s")
    for _ in range(4):
        http.scrape(1.2)
        https.scrape(0.8)
    for crowd in (half_open, stalled, drips):
        wait_for_closing(crowd)
    figures.equal("half-open connections held at first", at_first, 1000)
    for name, crowd in (("half-open", half_open), ("stalled handshakes", stalled)):
        figures.at_most(f"{name}: last one closed after", longest(crowd), CLOSED_WITHIN, "s")
    if not options.without_drip:
        figures.at_most("dripping: last one closed after", longest(drips), CLOSED_WITHIN, "s")
    figures.note("slow readers still served", slow.still_open)
    for crowd in (slow, drips, stalled, half_open):
        crowd.leave()


def meet_one(stack, figures, alone):
    """1,500 half-open connections and 200 slow readers of one address."""
    port = alone.exporter.port
    slow = stack.enter_context(SlowReaders(port, 200, addresses=ONE))
    half_open = stack.enter_context(HalfOpen(port, 1500, addresses=ONE))
    seconds_until_quiet(alone.costs)
    for _ in range(3):
        alone.scrape(1.2)
    figures.at_most("one address: connections held", slow.still_open + half_open.still_open, SHARE)
    wait_for_closing(half_open)
    figures.at_most("one address: last half-open one closed after", longest(half_open),
                    CLOSED_WITHIN, "s")
    for crowd in (slow, half_open):
        crowd.leave()


def longest(crowd):
    return float("inf") if crowd.still_open else max(crowd.gone_after, default=0.0)


if __name__ == "__main__":
    sys.exit(main())
