"""Measures the exporter beside its peers and nginx, and writes docs/performance.md.

    run.py [--check] [--quick]

--check exits with 1 when a goal was missed. --quick measures too little for the numbers to mean
anything, and writes nothing: it shows that everything starts and that every page is right.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import goals
import report
import scenes
from programs import BIN, SIZES, Simulator, running, stripped_size


def say(text):
    print(f"[{time.monotonic() - BEGIN:5.0f} s] {text}", flush=True)


def stages(quick):
    """Google Benchmark's results by name: CPU time in its unit."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([BIN / "stages_benchmark", f"--benchmark_out={out.name}",
                        "--benchmark_out_format=json",
                        f"--benchmark_min_time={0.01 if quick else 0.2}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        found = json.load(open(out.name, encoding="utf-8"))["benchmarks"]
    return {each["name"]: each["cpu_time"] for each in found}


def measure(quick):
    measured = {"scrape": {}, "first": {}, "stripped_bytes": stripped_size(), "cores": os.cpu_count()}
    with running(Simulator()) as simulator:
        for size in [goals.SMALL] if quick else [goals.SMALL, goals.LARGE]:
            say(f"{size} combinations: scrapes, beside nginx and the obvious exporters")
            measured["scrape"][size] = scenes.scrape(simulator, size, quick)
            say(f"{size} combinations: the first scrape after new data")
            measured["first"][size] = scenes.first_scrape(simulator, size, quick)
        say("scrapes while polls never pause")
        measured["polling"] = scenes.while_polling(simulator, goals.SMALL, quick)
        say("under Prometheus")
        measured["prometheus"] = scenes.under_prometheus(simulator, goals.SMALL, quick)
        say("start to first page")
        measured["start"] = scenes.start(simulator, quick)
        say("passes over all queries")
        measured["refresh"] = {series: scenes.refresh(goals.SMALL, series, quick)
                               for series in goals.SERIES_PER_REQUEST}
        say("growth")
        sizes = [size for size in SIZES if not quick or size <= goals.SMALL]
        measured["growth"] = {size: scenes.growth(simulator, size) for size in sizes}
    say("the stages on their own")
    measured["stages"] = stages(quick)
    return measured


def print_goals(figures):
    missed = 0
    for figure in figures:
        good = goals.reached(figure)
        missed += not good
        print(f"{'' if good else 'MISSED':7}{figure.name:60}{figure.value:10.3f} {figure.unit:5}"
              f"{figure.sign} {figure.limit}")
    print(f"{missed} missed" if missed else "all reached")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    # So that what was started is ended, whatever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    measured = measure(options.quick)
    figures = list(goals.goals(measured))
    missed = print_goals(figures)
    if not options.quick:
        report.write(measured, figures)
        say("wrote docs/performance.md")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    BEGIN = time.monotonic()
    sys.exit(main())
