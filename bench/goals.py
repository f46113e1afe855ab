"""What was measured beside what it has to reach, in the words of docs/performance.md."""

import collections
import statistics

from programs import CONCURRENCY

Figure = collections.namedtuple("Figure", "name value unit sign limit")

SMALL, LARGE = 1280, 7680
PEAK_MIB = {SMALL: 27, LARGE: 75}
CPU_MS = {SMALL: 0.5, LARGE: 1.0}
FIRST_MS = {SMALL: 15, LARGE: 90}
SERIES_PER_REQUEST = (1, 10)
POLL_US = {1: 160, 10: 60}


def reached(figure):
    return figure.value >= figure.limit if figure.sign == ">=" else figure.value <= figure.limit


def median_ratio(above, below):
    """Of measurements taken in turns: the median of the ratios of those that were neighbours."""
    if len(above) != len(below):
        return statistics.median(above) / statistics.median(below)
    return statistics.median(a / b for a, b in zip(above, below))


def per_second(figures, name, coding):
    return [load.per_second for load in figures[name]["load"][coding]]


def throughput_goals(figures, size):
    for coding, times in (("gzip", 200), ("identity", 15)):
        ours = per_second(figures, "exporter", coding)
        yield Figure(f"{size:,}: scrapes/s, 8 clients, {coding}, of nginx's",
                     median_ratio(ours, per_second(figures, "nginx", coding)), "", ">=", 0.6)
        yield Figure(f"{size:,}: scrapes/s, 8 clients, {coding}, of the obvious C++'s",
                     median_ratio(ours, per_second(figures, "C++", coding)), "", ">=", times)


def wait_goals(figures, size):
    ours = figures["exporter"]["wait"]["gzip"]
    nginx = figures["nginx"]["wait"]["gzip"]
    yield Figure(f"{size:,}: one client, gzip, p50, of nginx's",
                 median_ratio([each.p50 for each in ours], [each.p50 for each in nginx]), "", "<=", 2)
    yield Figure(f"{size:,}: one client, gzip, p99", statistics.median(each.p99 for each in ours),
                 "ms", "<=", 5)
    yield Figure(f"{size:,}: CPU for a scrape, gzip", statistics.median(each.cpu_ms for each in ours),
                 "ms", "<=", CPU_MS[size])


def footprint_goals(figures, size):
    ours = figures["exporter"]
    yield Figure(f"{size:,}: peak RSS after the load", ours["peak_bytes"] / 2 ** 20, "MiB", "<=",
                 PEAK_MIB[size])
    yield Figure(f"{size:,}: growth with more of it", ours["growth_bytes"] / 2 ** 20, "MiB", "<=", 0.5)
    yield Figure(f"{size:,}: CPU when idle", ours["idle_ms_per_s"], "ms/s", "<=", 0.2)


def refresh_goals(measured):
    for series, refresh in measured["refresh"].items():
        what = f"{SMALL:,} by {series}"
        if series > 1:
            yield Figure(f"{what}: requests in a pass", refresh.requests, "", "<=", 142)
        yield Figure(f"{what}: first pass, start included, of its floor", refresh.of_floor, "", "<=", 1.15)
        yield Figure(f"{what}: CPU for a combination", refresh.cpu_us, "us", "<=", POLL_US[series])
        # A connection lives for a minute; three passes one by one last longer.
        lives = 2 if series == 1 else 1
        yield Figure(f"{what}: connections for all passes", refresh.connections, "", "<=",
                     lives * CONCURRENCY)


def growth_line(measured, field):
    """[(combinations, cost)], for logarithmic axes."""
    return [(size, max(values[field], 1e-4)) for size, values in measured["growth"].items()]


def growth_lines(measured):
    """What grows with the exporter's combinations: {name: growth_line()}."""
    def line(field):
        return growth_line(measured, field)

    schedule = [(int(name.split("/")[1]), cost) for name, cost in measured["stages"].items()
                if name.startswith("BM_Schedule/")]
    return {"scrape of unchanged data": line("scrape_ms"), "scrape of all new data": line("first_ms"),
            "poll": line("poll_us"), "schedule of a poll": schedule, "peak RSS": line("peak_mib")}


Step = collections.namedtuple("Step", "of_linear name begin end")


def steepest_step(measured):
    """The Step at which a cost grows most, compared with the number of combinations."""
    return max(Step((y2 / y) / (x2 / x), name, x, x2)
               for name, line in growth_lines(measured).items()
               for (x, y), (x2, y2) in zip(line, line[1:]))


def goals(measured):
    """Every Figure that has a goal; `measured` is what run.py collects."""
    for size, figures in measured["scrape"].items():
        yield from throughput_goals(figures, size)
        yield from wait_goals(figures, size)
        yield Figure(f"{size:,}: first scrape after all was polled anew",
                     statistics.median(measured["first"][size]), "ms", "<=", FIRST_MS[size])
        yield from footprint_goals(figures, size)
    wait, _ = measured["polling"]
    yield Figure(f"{SMALL:,}: p99 while polls never pause", wait.p99, "ms", "<=", 25)
    ours, nginx = measured["prometheus"]
    yield Figure(f"{SMALL:,}: scrape_duration_seconds p50 of Prometheus, of nginx's", ours / nginx, "",
                 "<=", 1.3)
    yield from refresh_goals(measured)
    if LARGE in measured["scrape"]:
        peak = {size: measured["scrape"][size]["exporter"]["peak_bytes"] for size in (SMALL, LARGE)}
        yield Figure("memory for one more combination",
                     (peak[LARGE] - peak[SMALL]) / (LARGE - SMALL) / 1024, "KiB", "<=", 8)
    # A tenth is what one measurement differs from the next.
    yield Figure("steepest step of growth, of linear", steepest_step(measured).of_linear, "", "<=", 1.1)
    for reachable, waited in measured["start"].items():
        yield Figure(f"{SMALL:,}: start to first page, API {'' if reachable else 'un'}reachable",
                     waited, "ms", "<=", 20)
    yield Figure("stripped executable", measured["stripped_bytes"] / 1e6, "MB", "<=", 3)
