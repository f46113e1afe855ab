"""Writes docs/performance.md and docs/growth.svg from what was measured."""

import datetime
import platform
import re
import statistics
import subprocess

import growth_plot
from goals import LARGE, SMALL, growth_line, growth_lines, reached, steepest_step
from programs import CONCURRENCY, SOURCE_DIR
from scenes import LATENCY_MS

NAMES = {"exporter": "**radar_spoof_exporter**", "nginx": "nginx, the same bytes as files",
         "C++": "obvious C++", "Python": "obvious Python"}
INTRODUCTION = """\
# Performance

Written by `scripts/bench` ({date}; revision {revision}; {cpu}, {cores} cores). To repeat the measurement, run `scripts/bench` on a quiet machine. `scripts/bench --check` ends
with 1 when a goal is missed. No test depends on these figures. Goals in milliseconds and microseconds were set on a machine that parses an answer (see the stages) in 21 us; one that takes
longer for it misses some of them. Ratios hold everywhere.

The benchmark runs four servers side by side on loopback: the exporter; nginx with the exporter's own bytes as static files (`gzip_static`, `sendfile`), which is the ceiling; and two exporters
as one would first write them, in `bench/`: prometheus-cpp's `Exposer` with one libcurl handle, and Python's prometheus_client. All poll `radar_simulator`.
For each combination of filters the exporter publishes {series} series, and the obvious ones {obvious} of them. The load is {small} combinations of arc, dkim, dmarc, spf (PASS, NONE, FAIL, any) and tls_version (four, any), and {large}: the same in six windows.
Throughput is measured by wrk with 8 connections. Waits are those of one client on one connection, which
gunzips and checks every page. The exporter and nginx take turns, and a ratio is the median of the ratios of neighbouring runs. CPU time is the server's own, from `/proc/PID/task/*/schedstat`.
"""
GROWTH = """\
## Growth
![Cost against the number of combinations](growth.svg)

The dotted line grows exactly as the number of combinations does. {worst}

| combinations | page, gzip | CPU per scrape | nginx's | CPU of a first scrape | CPU per poll | peak RSS | schedule per poll |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

Where the cost comes from:
- **A scrape** of unchanged data copies the compressed page to the socket, so its cost grows with the page's bytes. The send buffer is small (192 KiB), so that the data being
  copied stay in the caches: with the kernel's own buffer, which grows to 4 MiB, a page of 1.4 MB cost 1.7 times as much, as it still does for nginx.
- **The first scrape after a change** compares every number with the one before, and writes and compresses anew the blocks of 256 queries in which a number changed
  ([ADR 12](adr/0012-a-page-in-blocks.md)). When all have changed, most of the time goes into zlib, at its fastest level.
- **Memory** is 16 MiB for the program and its libraries. Each combination adds its configuration and last answer, its lines of the page (3 KiB of text in the format
  that a client last requested uncompressed), their compressed form, and the numbers that they were made from.
- **A poll** consists of libcurl's transfer, parsing the answer's JSON, and the work of the schedule and the snapshot.
- **The API** is the limit that is reached first: it allows 1,200 requests in 5 minutes, of which the exporter uses at most 600 by default.
"""


def cell(value, unit=""):
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}".strip()


def first_line(pattern, path):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read())
    return found.group(1) if found else platform.machine()


def goal_table(figures):
    yield "| what | measured | goal |"
    yield "| --- | ---: | ---: |"
    for each in figures:
        mark = "" if reached(each) else " **missed**"
        yield (f"| {each.name} | {cell(each.value, each.unit)}{mark} | "
               f"{'at least' if each.sign == '>=' else 'at most'} {each.limit:g} {each.unit}".rstrip() + " |")


def scrape_table(figures):
    yield ("| | page: identity / gzip | series | p50: identity / gzip | p99, gzip | CPU per scrape: "
           "identity / gzip | scrapes/s, 8 clients: identity / gzip | peak RSS |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"

    def both(of, unit=""):
        return " / ".join(cell(of(coding), unit) for coding in ("identity", "gzip"))

    for name, title in NAMES.items():
        wait, load = figures[name]["wait"], figures[name]["load"]

        def median(coding, field, of=wait):
            return statistics.median(getattr(each, field) for each in of[coding])

        peak = figures[name].get("peak_bytes")
        yield (f"| {title} | {both(lambda coding: wait[coding][0].bytes / 1000, 'kB')} "
               f"| {wait['gzip'][0].series:,} | {both(lambda coding: median(coding, 'p50'), 'ms')} "
               f"| {cell(median('gzip', 'p99'), 'ms')} "
               f"| {both(lambda coding: median(coding, 'cpu_ms'), 'ms')} "
               f"| {both(lambda coding: median(coding, 'per_second', load))} "
               f"| {cell(peak / 2 ** 20, 'MiB') if peak else '-'} |")


def other_lines(measured):
    wait, polls = measured["polling"]
    ours, nginx = measured["prometheus"]
    yield (f"- While everything is polled again without pause ({polls:,.0f} polls/s, a scrape every 50 ms): "
           f"p50 {cell(wait.p50, 'ms')}, p99 {cell(wait.p99, 'ms')}.")
    yield (f"- `scrape_duration_seconds` of a real Prometheus, p50: {cell(ours, 'ms')}; of nginx "
           f"{cell(nginx, 'ms')}.")
    for series, refresh in measured["refresh"].items():
        yield (f"- A pass over {SMALL:,} with {series} in a request, of an API that takes {LATENCY_MS} ms to "
               f"answer: {refresh.requests:,} requests on {refresh.connections} connections, "
               f"{cell(refresh.of_floor)} of ceil(requests / {CONCURRENCY}) x {LATENCY_MS} ms, "
               f"{cell(refresh.cpu_us, 'us')} of CPU for a combination (the whole process; answers of 96 "
               "buckets, gzip).")
    for size, waits in measured["first"].items():
        yield (f"- The first scrape after all {size:,} were polled anew: "
               + ", ".join(cell(each) for each in waits) + " ms.")


def stage_table(stages):
    yield "| stage | 1 | 320 | 1,280 | 7,680 |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    rows = {"BM_Render": "render the whole page as text", "BM_Compress": "compress it whole",
            "BM_FirstScrapeAllNew": "first scrape, every query polled anew",
            "BM_FirstScrapeOneNew": "first scrape, one query polled anew",
            "BM_NextScrape": "scrape of unchanged data, without the socket",
            "BM_Schedule": "schedule one poll: choose, record, next wake-up"}
    for name, title in rows.items():
        cells = [cell(stages[f"{name}/{size}"], "us") for size in (1, 320, SMALL, LARGE)]
        yield f"| {title} | {' | '.join(cells)} |"
    yield f"| parse one answer (96 buckets) | {cell(stages['BM_Parse'], 'us')} | | | |"
    yield f"| the same, and look for the credential in it | {cell(stages['BM_Outcome'], 'us')} | | | |"


def panels(measured):
    lines = growth_lines(measured)
    return {"CPU of a scrape, ms": {"unchanged data": lines["scrape of unchanged data"],
                                    "first, all new": lines["scrape of all new data"],
                                    "nginx, the same bytes": growth_line(measured, "nginx_ms")},
            "CPU of a poll, us": {"all of it": lines["poll"], "schedule": lines["schedule of a poll"]},
            "Peak RSS, MiB": {"after scrapes": lines["peak RSS"]},
            "Page, gzip, bytes": {"sent": growth_line(measured, "bytes")}}


def worst_step(measured):
    step = steepest_step(measured)
    times = step.end / step.begin
    return (f"The steepest step is that of the {step.name} from {step.begin:,} to {step.end:,}: "
            f"{step.of_linear * times:.1f} times the cost for {times:.1f} times the combinations.")


def growth_rows(measured):
    for size, each in measured["growth"].items():
        schedule = measured["stages"].get(f"BM_Schedule/{size}")
        yield (f"| {size:,} | {cell(each['bytes'] / 1000, 'kB')} | {cell(each['scrape_ms'], 'ms')} "
               f"| {cell(each['nginx_ms'], 'ms')} | {cell(each['first_ms'], 'ms')} | {cell(each['poll_us'], 'us')} "
               f"| {cell(each['peak_mib'], 'MiB')} | {cell(schedule, 'us') if schedule else '-'} |")


def write(measured, figures):
    def series(server):
        return round(measured["scrape"][SMALL][server]["wait"]["gzip"][0].series / SMALL)

    revision = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=SOURCE_DIR,
                              capture_output=True, text=True).stdout.strip() or "unknown"
    parts = [INTRODUCTION.format(
        date=datetime.date.today().isoformat(), revision=revision, cores=measured["cores"],
        cpu=first_line(r"model name\s*: (.*)", "/proc/cpuinfo"), small=f"{SMALL:,}",
        large=f"{LARGE:,}", series=series("exporter"), obvious=series("C++"))]
    parts += ["## Goals", *goal_table(figures), ""]
    for size, scraped in measured["scrape"].items():
        parts += [f"## A scrape, {size:,} combinations", *scrape_table(scraped), ""]
    parts += ["## Under way", *other_lines(measured), ""]
    parts += ["## The stages on their own",
              "CPU time by Google Benchmark, for so many combinations.", "",
              *stage_table(measured["stages"]), ""]
    parts.append(GROWTH.format(worst=worst_step(measured), rows="\n".join(growth_rows(measured))))
    (SOURCE_DIR / "docs/performance.md").write_text("\n".join(parts), encoding="utf-8")
    (SOURCE_DIR / "docs/growth.svg").write_text(growth_plot.draw(panels(measured)),
                                                encoding="utf-8")
