"""Out of file descriptors, the exporter keeps quiet and keeps polling: with 64 descriptors and 500
clients it takes at most 5 % of a core over 3 s, its polls go on succeeding over the connection they
have, and a scrape works within 2 s of the clients' leaving.

    no_descriptors.py [--short] [--without-half-open]
"""

import argparse
import contextlib
import resource
import sys
import time

from crowd import HalfOpen, Idle
from exporter_under_test import (
    Exporter, ProcessFigures, Simulator, allow_descriptors, fetch, running, scratch,
    seconds_when_quiet, simulator_config, wait_until)
from figures import Figures
from misbehaving_api import MisbehavingApi
from web_client import Page

DESCRIPTORS = 64
CLIENTS = 500
FEWEST_ADMITTED = 8
SECONDS = 3
QUERIES = ["{name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"]


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def polls(exporter):
    """(good, failed), from the page."""
    page = Page(fetch(exporter.port, "/metrics", timeout=2).body.decode())
    failed = page.value("cloudflare_radar_query_failures_total", query="all")
    return page.value("cloudflare_radar_query_polls_total", query="all") - failed, failed


def seconds_until_scraped(exporter):
    """Until the first of ten good scrapes in a row."""
    begin = time.monotonic()
    good, since = 0, begin
    while good < 10:
        try:
            good = good + 1 if fetch(exporter.port, "/metrics", timeout=0.5).status == 200 else 0
        except OSError:
            good = 0
        if not good:
            since = time.monotonic()
        if since > begin + 120:
            return float("inf")
    return since - begin


def one_round(name, kind, api, exporter, figures):
    costs = ProcessFigures(exporter.process.pid)
    good, failed = polls(exporter)
    connections = api.connections
    own = costs.descriptors()
    with kind(exporter.port, CLIENTS) as crowd:
        wait_until(lambda: costs.descriptors() >= own + FEWEST_ADMITTED, "clients to be admitted")
        time.sleep(0.3)
        before = costs.cpu_seconds()
        time.sleep(SECONDS)
        cpu = (costs.cpu_seconds() - before) / SECONDS
        held = costs.descriptors()
        turned_away = CLIENTS - crowd.still_open
    figures.at_most(f"{name}: scrapes work again after", seconds_until_scraped(exporter),
                    seconds_when_quiet(2.0), "s")
    good_after, failed_after = polls(exporter)
    figures.note(f"{name}: descriptors open, of {DESCRIPTORS}", held)
    figures.note(f"{name}: clients turned away", turned_away)
    figures.at_most(f"{name}: CPU", cpu * 100, 5.0, "%")
    figures.at_least(f"{name}: good polls meanwhile", good_after - good, SECONDS - 1)
    figures.equal(f"{name}: failed polls", failed_after - failed, 0.0)
    figures.equal(f"{name}: new connections to the API", api.connections - connections, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one round instead of five")
    parser.add_argument("--without-half-open", action="store_true", help="only silent clients")
    options = parser.parse_args()
    allow_descriptors()
    figures = Figures("no file descriptors left")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        simulator = stack.enter_context(running(Simulator()))
        api = stack.enter_context(MisbehavingApi(simulator))
        config = simulator_config(directory, api.base_url, QUERIES)
        exporter = stack.enter_context(running(Exporter(config, preexec_fn=limit_descriptors)))
        exporter.wait_until_ready()
        for i in range(1 if options.short else 5):
            one_round(f"{i + 1} idle", Idle, api, exporter, figures)
            if not options.without_half_open:
                one_round(f"{i + 1} half-open", HalfOpen, api, exporter, figures)
    return figures.finish()


if __name__ == "__main__":
    sys.exit(main())
