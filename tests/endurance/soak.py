"""Nothing grows and no scrape fails while one answer in five is faulty, scrapes come without pause,
and the configuration is reloaded all the time. The credential shows nowhere, and goes nowhere else.

    soak.py [--short | --minutes N] [--without-memory]
"""

import argparse
import collections
import contextlib
import itertools
import random
import signal
import sys
import threading
import time

from canary import CANARY, found_in, leaks
from exporter_under_test import (
    MEBIBYTE, Exporter, ProcessFigures, Simulator, fetch, running, scratch,
    seconds_when_quiet, simulator_config)
from faulty_answers import FAULTS, rate_limited, redirect_to
from figures import Figures, percentile
from misbehaving_api import MisbehavingApi, answer_well
from scrape_storm import ScrapeStorm
from web_client import Page

SHORT_SECONDS = 12
# Of the scrapers that open one for each scrape.
CONNECTIONS_OF_A_MOMENT = 2
QUERIES = [f"{{name: q{i}, agg_interval: 1h, date_range: {i % 7 + 1}d, poll_interval: 1s, "
           f"filters: {{dmarc: {dmarc}}}}}"
           for i, dmarc in zip(range(14), itertools.cycle(["PASS", "FAIL", "NONE"]))]
MORE = ["{name: more, agg_interval: 1d, date_range: 28d, poll_interval: 1s, matrix: {spf: [PASS, "
        "FAIL]}}"]


class OneInFive:
    """Answers well four times in five, else each fault in turn; a 429, which stops everything for
    a second, once in 200."""

    __name__ = "one in five"

    def __init__(self, other_host):
        self._faults = itertools.cycle([*FAULTS, redirect_to(other_host)])
        self._random = random.Random(1)
        self._lock = threading.Lock()
        self.given = collections.Counter()

    def __call__(self, request):
        with self._lock:
            dice = self._random.randrange(200)
            script = rate_limited if dice == 0 else (
                next(self._faults) if dice < 40 else answer_well)
            self.given[script.__name__] += 1
        return script(request)


class Reloads:
    """A reload every so often, by signal and by HTTP in turn, between two files."""

    def __init__(self, exporter, config, texts, pause):
        self.failed = []
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._reload, args=(exporter, config, texts, pause),
                                        daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _reload(self, exporter, config, texts, pause):
        for number, text in enumerate(itertools.cycle(texts)):
            if self._stop.wait(pause):
                return
            new = config.with_suffix(".new")
            new.write_text(text)
            new.chmod(0o600)
            new.rename(config)
            self.count += 1
            if number % 2:
                exporter.send(signal.SIGHUP)
                continue
            answer = fetch(exporter.port, "/-/reload", "POST")
            if answer.status != 200:
                self.failed.append(f"{answer.status}: {answer.body}")


class Growth:
    """What a process takes over a while: what is held for a moment is no leak, and neither are the
    connections that it keeps to the API."""

    def __init__(self, pid, api):
        self._process = ProcessFigures(pid)
        self._api = api

    def over(self, seconds):
        """The least memory, and the median of descriptors and of threads."""
        memory, descriptors, threads = [], [], []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            memory.append(self._process.resident_bytes() / MEBIBYTE)
            descriptors.append(self._process.descriptors() - self._api.open_connections)
            threads.append(self._process.threads())
            time.sleep(0.05)
        return min(memory), percentile(descriptors, 50), percentile(threads, 50)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_SECONDS} s")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--without-memory", action="store_true", help="for sanitizers")
    options = parser.parse_args()
    seconds = SHORT_SECONDS if options.short else options.minutes * 60
    figures = Figures(f"soak: {seconds:.0f} s")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        simulator = stack.enter_context(running(Simulator()))
        other_host = stack.enter_context(MisbehavingApi(simulator, host="127.0.0.2"))
        faults = OneInFive(other_host.base_url)
        api = stack.enter_context(MisbehavingApi(simulator, faults))
        more = simulator_config(directory, api.base_url, QUERIES + MORE, name="more.yaml")
        config = simulator_config(directory, api.base_url, QUERIES)
        texts = [more.read_text(), config.read_text()]
        exporter = stack.enter_context(
            running(Exporter(config, "--web.enable-lifecycle", token=CANARY)))
        storm, reloads = endure(exporter, api, config, texts, seconds, figures,
                                float("inf") if options.without_memory else 1.0)
        report(exporter, storm, reloads, faults, figures)
        figures.equal("connections to another host", other_host.connections, 0)
        code, took = exporter.stop()
        figures.equal("exit code", code, 0)
        figures.at_most("stopped within", took, seconds_when_quiet(1.0), "s")
    return figures.finish()


def endure(exporter, api, config, texts, seconds, figures, megabytes):
    """Warm-up is a third of a short soak, at most a minute of a long one."""
    growth = Growth(exporter.process.pid, api)
    pause = 1.3
    with ScrapeStorm(exporter.port) as storm, Reloads(exporter, config, texts, pause) as reloads:
        storm.watch_for(found_in)
        warm_up = min(60, seconds / 3)
        window = min(10, seconds / 6)
        time.sleep(warm_up - window)
        memory, descriptors, threads = growth.over(window)
        time.sleep(seconds - warm_up - window)
        memory_after, descriptors_after, threads_after = growth.over(window)
    figures.note("resident after warm-up", memory, "MiB")
    figures.at_most("resident memory grows by", memory_after - memory, megabytes,
                    "MiB")
    figures.note("descriptors after warm-up, but for those to the API", descriptors)
    figures.at_most("descriptors grow by", descriptors_after - descriptors,
                    CONNECTIONS_OF_A_MOMENT)
    figures.at_most("threads grow by", threads_after - threads, 0)
    return storm, reloads


def report(exporter, storm, reloads, faults, figures):
    page = Page(exporter.fetch("/metrics").body.decode())
    good = faults.given["answer_well"]
    figures.note("scrapes", storm.good)
    figures.nothing("scrapes that failed", storm.failed)
    figures.note("reloads", reloads.count)
    figures.nothing("reloads that failed", reloads.failed)
    figures.note("API answers, good", good)
    figures.note("API answers, faulty", faults.given.total() - good)
    figures.equal("kinds of fault given", len(faults.given) - 1 - ("rate_limited" in faults.given),
                  len(FAULTS) + 1)
    for reason, count in sorted((s.labels["reason"], s.value) for s in page.samples
                                if s.name == "cloudflare_radar_api_failures_total" and s.value):
        figures.note(f"  failures: {reason}", int(count))
    well = [s.value for s in page.samples if s.name == "cloudflare_radar_query_success"]
    figures.at_least("queries well at the end", sum(well), len(well) // 2)
    figures.equal("pages of the storm that show the credential", storm.seen["found_in"], 0)
    figures.nothing("places that show the credential", leaks(exporter))


if __name__ == "__main__":
    sys.exit(main())
