#!/usr/bin/python3
"""How often would the spike alerts have fired for nothing, and what would they have missed?

Replays their rules over years of radar_simulator's calm data, for several selections of mail.
Prints days a year with a page, and the share of moments at which two buckets of three times as much
would not have been a spike. The figures in docs/alerting.md are from this.

usage: false_pages.py RADAR_SIMULATOR [--seed=1] [--deviations=4] [--rise=0.03] [--factor=1]
"""

import argparse
import datetime
import json
import math
import re
import subprocess
import urllib.request

API_PATH = "/radar/email/security/timeseries_groups/spoof"
# agg_interval: its hours, buckets of the window and of the control period, years, days of a request
INTERVALS = {
    "15m": (0.25, 96, 672, 1, 7),
    "1h": (1, 168, 168, 1, 28),
    "1d": (24, 28, 28, 3, 84),
    "1w": (168, 52, 52, 5, 364),
}
SELECTIONS = {"any": "", "dmarc FAIL": "&dmarc=FAIL", "dmarc NONE": "&dmarc=NONE",
              "dmarc PASS": "&dmarc=PASS"}


def ask(base_url, interval, selection):
    """The buckets' ratios, ascending, up to 8 days ago: there every bucket is complete."""
    hours, window, control, years, days = INTERVALS[interval]
    end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=8)
    start = end - datetime.timedelta(days=years * 364, hours=hours * max(window, control))
    ratios = {}
    while start < end:
        stop = start + datetime.timedelta(days=days)
        query = (f"format=JSON&aggInterval={interval}&dateStart={start:%Y-%m-%dT%H:%M:%SZ}"
                 f"&dateEnd={min(stop, end):%Y-%m-%dT%H:%M:%SZ}{selection}")
        request = urllib.request.Request(f"{base_url}{API_PATH}?{query}",
                                         headers={"Authorization": "Bearer simulator-token"})
        with urllib.request.urlopen(request) as answer:
            series = json.load(answer)["result"]["serie_0"]
        ratios |= zip(series["timestamps"], (float(each) / 100 for each in series["SPOOF"]))
        start = stop
    return [ratio for _, ratio in sorted(ratios.items())]


def statistics(ratios, window):
    """(mean, deviation) of the `window` ratios before each index from `window` on."""
    total = sum(ratios[:window])
    squares = sum(each * each for each in ratios[:window])
    for i in range(window, len(ratios)):
        mean = total / window
        yield mean, math.sqrt(max(0, squares - window * mean * mean) / (window - 1))
        total += ratios[i] - ratios[i - window]
        squares += ratios[i] ** 2 - ratios[i - window] ** 2


class Judge:
    """One alert's days with a page, and moments at which a spike would have been missed."""

    def __init__(self):
        self.days = set()
        self.missed = 0
        self.run = 0

    def add(self, day, is_above, misses):
        self.run = self.run + 1 if is_above else 0
        if self.run == 2:
            self.days.add(day)
        self.missed += misses


def replay(ratios, interval, limits):
    hours, window, control, *_ = INTERVALS[interval]
    usual = list(statistics(ratios, window))
    first = max(window, control)
    above_window, above_control = Judge(), Judge()
    crossed, before_run = math.inf, 0
    for i in range(first, len(ratios) - 1):
        ratio, tripled = ratios[i], [min(0.95, 3 * each) for each in ratios[i:i + 2]]
        mean, deviation = usual[i - window]
        day = i * hours // 24

        fresh = max(0.05, mean + max(limits.deviations * deviation, limits.rise))
        if not 2 * mean - ratio < crossed <= ratio:
            crossed = fresh
        above_window.add(day, ratio >= crossed, min(tripled) < fresh)

        before_run = before_run if above_control.run else deviation
        noise = limits.deviations * before_run
        then = [each + max(noise, min(max(limits.factor * each, 0.05), 0.2))
                for each in ratios[i - control:i - control + 2]]
        above_control.add(day, ratio >= then[0], tripled[0] < then[0] or tripled[1] < then[1])
    moments = len(ratios) - 1 - first
    years = moments * hours / 8760
    return [(len(each.days) / years, each.missed / moments)
            for each in (above_window, above_control)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("simulator", metavar="RADAR_SIMULATOR")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--deviations", type=float, default=4)
    arguments.add_argument("--rise", type=float, default=0.03)
    arguments.add_argument("--factor", type=float, default=1)
    limits = arguments.parse_args()
    with subprocess.Popen(
            [limits.simulator, "--listen-address=127.0.0.1:0", "--rate-limit=1000000",
             f"--seed={limits.seed}"], stdout=subprocess.PIPE, text=True) as simulator:
        try:
            line = simulator.stdout.readline()
            base_url = re.search(r"http://\S+", line)[0]
            for interval in INTERVALS:
                for name, selection in SELECTIONS.items():
                    window, control = replay(ask(base_url, interval, selection), interval, limits)
                    print(f"{interval:4}{name:12}"
                          f"window {window[0]:5.1f} days a year, {window[1]:4.0%} missed   "
                          f"control {control[0]:5.1f} days a year, {control[1]:4.0%} missed")
        finally:
            simulator.terminate()


if __name__ == "__main__":
    main()
