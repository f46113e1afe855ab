"""The measurements, each a function that starts what it needs and returns its figures."""

import collections
import contextlib
import gzip
import math
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time

from programs import (  # first: it says where the others are
    CONCURRENCY, OBVIOUS_CPP, OBVIOUS_PYTHON, Exporter, Nginx, Obvious, ProcessFigures, Prometheus,
    Simulator, config_text, fetch, free_port, running, wait_until)
from load import cpu_seconds, one_client, throughput

CODINGS = ["gzip", "identity"]


@contextlib.contextmanager
def started(kind, *arguments):
    with tempfile.TemporaryDirectory(prefix="radar_spoof_bench_") as directory:
        with running(kind(directory, *arguments)) as child:
            yield child


@contextlib.contextmanager
def filled_exporter(simulator, size, poll_interval="1d"):
    with started(Exporter, config_text(simulator.base_url, size, poll_interval)) as exporter:
        exporter.wait_until_filled()
        yield exporter


def obvious(directory, command, simulator, size):
    return Obvious(command, directory, simulator.base_url, size)


def check_decompressors(exporter, nginx):
    """The compressed page means the same to curl, Python and nginx's gunzip module."""
    url = f"http://127.0.0.1:{exporter.port}{exporter.path}"
    by_curl = subprocess.run(["curl", "-sSf", "--compressed", url], capture_output=True,
                             check=True).stdout
    zipped = fetch(nginx.port, "/page", headers={"Accept-Encoding": "gzip"})
    by_python = gzip.decompress(zipped.body)
    by_nginx = fetch(nginx.port, "/gunzip").body

    def polled(page):
        return page[:page.index(b"# HELP process_")]

    if by_python != by_nginx or polled(by_curl) != polled(by_python):
        raise RuntimeError("a decompressor read another page")


def scrape(simulator, size, quick):
    """Exporter and nginx in turns, then the peers: {name: {coding: [Load], "wait": [Wait], ...}}."""
    figures = {}
    repeats, seconds, requests = (1, 1, 100) if quick else (3, 3, 1000 if size <= 1280 else 400)
    with filled_exporter(simulator, size) as exporter, started(Nginx, exporter) as nginx:
        check_decompressors(exporter, nginx)
        servers = {"exporter": exporter, "nginx": nginx}
        figures = {name: {"wait": {each: [] for each in CODINGS}, "load": {each: [] for each in CODINGS}}
                   for name in servers}
        for _ in range(repeats):
            for coding in CODINGS:
                for name, server in servers.items():
                    figures[name]["load"][coding].append(throughput(server, coding, seconds))
                for name, server in servers.items():
                    count = requests if coding == "gzip" else requests // 10
                    figures[name]["wait"][coding].append(one_client(server, coding, count))
        process = ProcessFigures(exporter.process.pid)
        figures["exporter"]["peak_bytes"] = process.peak_resident_bytes()
        before = process.resident_bytes()
        throughput(exporter, "gzip", seconds)
        throughput(exporter, "identity", seconds)
        figures["exporter"]["growth_bytes"] = process.resident_bytes() - before
        time.sleep(1 if quick else 6)  # until the connections of the load are forgotten
        figures["exporter"]["idle_ms_per_s"] = idle(exporter, 2 if quick else 20)
    for name, command in (("C++", OBVIOUS_CPP), ("Python", OBVIOUS_PYTHON)):
        figures[name] = peer(simulator, command, size, quick)
    return figures


def peer(simulator, command, size, quick):
    requests, seconds = (2, 1) if quick else (5, 5 if size <= 1280 else 10)
    with started(obvious, command, simulator, size) as server:
        server.wait_until_filled()
        process = ProcessFigures(server.process.pid)
        wait = {each: [one_client(server, each, requests)] for each in CODINGS}
        load = {each: [throughput(server, each, seconds)] for each in CODINGS}
        return {"wait": wait, "load": load, "peak_bytes": process.peak_resident_bytes()}


def idle(server, seconds):
    """CPU time without a scrape or a poll, in ms per second."""
    before = cpu_seconds(server)
    time.sleep(seconds)  # the window that is measured
    return (cpu_seconds(server) - before) * 1000 / seconds


def first_scrape(simulator, size, quick):
    """After every query was polled anew, and nothing scraped meanwhile, in ms: one for each round.
    A query whose interval has changed is polled at once."""
    rounds = 1 if quick else 5 if size <= 1280 else 3
    waits = []
    with filled_exporter(simulator, size) as exporter:
        one_client(exporter, "gzip", 1)
        for number in range(rounds):
            done = simulator.requests()
            exporter.reload(config_text(simulator.base_url, size, f"{23 - number}h"))
            wait_until(lambda: simulator.requests() >= done + size, "a round of polls", 300)
            exporter.wait_until_filled()
            waits.append(one_client(exporter, "gzip", 1).p50)
    return waits


Refresh = collections.namedtuple("Refresh", "requests of_floor cpu_us connections")
LATENCY_MS = 100


def refresh(size, series, quick):
    """A pass over all queries, `series` in a request, of an API that takes LATENCY_MS to answer, from
    the start of the process; and the CPU that passes cost a combination from then on."""
    with running(Simulator(LATENCY_MS)) as simulator:
        begin = time.monotonic()
        with started(Exporter, config_text(simulator.base_url, size, series=series)) as exporter:
            exporter.wait_until_filled()
            took = time.monotonic() - begin
            requests = simulator.requests()
        floor = -(-requests // CONCURRENCY) * LATENCY_MS / 1000
        # As seldom as a pass allows.
        interval = f"{math.ceil(floor * 1.2)}s"
        with started(Exporter, config_text(simulator.base_url, size, interval, series=series)) as exporter:
            exporter.wait_until_filled()
            connections = connections_to(simulator.port)
            # The real API is elsewhere and leaves our caches alone.
            with apart_from(exporter, simulator):
                done, before = simulator.requests(), cpu_seconds(exporter)
                for _ in range(math.ceil(floor * 1.2) * (1 if quick else 3)):  # the window that is measured
                    time.sleep(1)
                    connections |= connections_to(simulator.port)
                cost = (cpu_seconds(exporter) - before) / (simulator.requests() - done)
    return Refresh(requests, took / floor, cost * requests / size * 1e6, len(connections))


def connections_to(port):
    """The local ports of the connections that lead there, of a client that keeps them."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = "01"
    return {row[1] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == established}


def while_polling(simulator, size, quick):
    """A scrape every 50 ms while polls follow each other without pause: Wait, polls per second."""
    with filled_exporter(simulator, size, "1s") as exporter:
        one_client(exporter, "gzip", 5)
        before, begin = simulator.requests(), time.monotonic()
        wait = one_client(exporter, "gzip", 20 if quick else 300, 50)
        return wait, (simulator.requests() - before) / (time.monotonic() - begin)


def under_prometheus(simulator, size, quick):
    """scrape_duration_seconds, medians of the exporter and of nginx, in ms. Prometheus takes them
    compressed: it must find every series, too."""
    seconds = 5 if quick else 30
    with filled_exporter(simulator, size) as exporter, started(Nginx, exporter) as nginx:
        targets = f'["127.0.0.1:{exporter.port}", "127.0.0.1:{nginx.port}"]'
        job = f"job_name: bench\nscrape_interval: 1s\nstatic_configs: [{{targets: {targets}}}]"
        with started(Prometheus, job) as prometheus:
            # The first scrapes make the series.
            time.sleep(5 + seconds)
            found = dict((labels["instance"], value * 1000) for labels, value in prometheus.query(
                f"quantile_over_time(0.5, scrape_duration_seconds[{seconds}s])"))
            samples = {value for _, value in prometheus.query(
                f"min_over_time(scrape_samples_scraped[{seconds}s])")}
        series = one_client(exporter, "gzip", 1, openmetrics=True).series
        if samples != {series}:
            raise RuntimeError(f"Prometheus found {samples} of {series} series")
    return found[f"127.0.0.1:{exporter.port}"], found[f"127.0.0.1:{nginx.port}"]


def first_page(text, repeats):
    """From the start of the process to its first whole page, the median in ms."""
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    waits = []
    for _ in range(repeats):
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="radar_spoof_bench_") as directory:
            begin = time.monotonic()
            with ended(Exporter(directory, text, port)):
                with first_connection(port) as connection:
                    connection.sendall(request)
                    page = b"".join(iter(lambda: connection.recv(1 << 20), b""))
                waits.append((time.monotonic() - begin) * 1000)
        if not page.startswith(b"HTTP/1.1 200 ") or not page.endswith(b"\n"):
            raise RuntimeError("the first page is not whole")
    return statistics.median(waits)


@contextlib.contextmanager
def ended(child):
    """`child` from the moment it was made, without a look at whether it has started."""
    try:
        yield child
    finally:
        child.process.terminate()
        child.wait()


def first_connection(port):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.0003)


def start(simulator, quick):
    """{whether the API can be reached: ms}."""
    repeats = 2 if quick else 15
    # As one would start it: within Cloudflare's budget.
    nobody = f"http://127.0.0.1:{free_port()}/client/v4"
    return {reachable: first_page(config_text(url, 1280, rate_limit=600), repeats)
            for reachable, url in ((True, simulator.base_url), (False, nobody))}


@contextlib.contextmanager
def apart_from(server, *others):
    """The server on one processor; the others, and whoever is started meanwhile, on another."""
    processors = sorted(os.sched_getaffinity(0))
    for child, place in ((server, processors[:1]), *((other, processors[-1:]) for other in others)):
        for pid in getattr(child, "workers", [child.process.pid]):
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), place)
    os.sched_setaffinity(0, processors[-1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)


def growth(simulator, size):
    """What `size` combinations cost the exporter: CPU for each poll and scrape, and memory. The
    client has a processor of its own: where the two meet is not what grows."""
    with started(Exporter, config_text(simulator.base_url, size)) as exporter:
        with apart_from(exporter):
            before = cpu_seconds(exporter)
            exporter.wait_until_filled()
            polling = cpu_seconds(exporter) - before
            before = cpu_seconds(exporter)
            one_client(exporter, "gzip", 1)
            first = cpu_seconds(exporter) - before
            one_client(exporter, "identity", 3)
            again = one_client(exporter, "gzip", 300)
        peak = ProcessFigures(exporter.process.pid).peak_resident_bytes()
        with started(Nginx, exporter) as nginx, apart_from(nginx):
            beside = one_client(nginx, "gzip", 300)
    return {"poll_us": polling * 1e6 / size, "first_ms": first * 1000, "scrape_ms": again.cpu_ms,
            "nginx_ms": beside.cpu_ms, "bytes": again.bytes, "peak_mib": peak / 2 ** 20}
