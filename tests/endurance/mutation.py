"""No answer, however spoiled, puts a number on the page that it must not, ends the process, or goes
uncounted; and every acceptable one is shown. A Radar API mutates its answers in every layer on kept
connections (mutants/), and each page is held against what the answers to each query allow (oracle/).

    mutation.py [--short | --minutes N] [--seed N] [--plan NAME] [--only KIND[,KIND ...]]
                [--queries N] [--keep-going]

The same seed gives the same answers to the same requests. --plan and --only bring out one thing:
every second answer is then of one of these kinds, and the others are true.
"""

import argparse
import collections
import itertools
import sys
import time

from exporter_under_test import scratch
from figures import Figures
from mutants.api import Behaviour
from mutants.recipe import all_kinds
from mutation_life import Life, Plan
from oracle.contract import ACCEPT

# In what the lives of the exporter differ, in turn.
PLANS = {
    "single": {},
    "shared": {"series": 5},
    "restarted": {"processes": 2},
    "over TLS": {"tls": True},
    "names refused": {"behaviour": Behaviour(names="refused")},
    "names ignored": {"behaviour": Behaviour(names="ignored")},
    "other path": {"behaviour": Behaviour(path="upper")},
    "shared again": {"series": 5, "behaviour": Behaviour(refused_for=2)},
}
SECONDS = 20.0  # of a life
SHORT_SECONDS = 3.5


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="each plan once")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the first life")
    parser.add_argument("--plan", choices=PLANS, help="one instead of all in turn")
    parser.add_argument("--only", default="", help="of " + " ".join(all_kinds()))
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--keep-going", action="store_true",
                        help="past what is wrong, though not with the query that it is wrong with")
    options = parser.parse_args()
    figures = Figures("mutation: spoiled answers, and the pages after them")
    began = time.monotonic()
    lives = []
    for plan in plans(options):
        if not options.short and time.monotonic() - began > options.minutes * 60:
            break
        with scratch() as directory:
            lives.append(Life(plan, directory).run())
        if lives[-1].violations and not options.keep_going:
            break
    report(lives, figures, every_kind=not options.short and not options.only)
    figures.note("seconds", time.monotonic() - began)
    return figures.finish()


def plans(options):
    names = [options.plan] if options.plan else list(PLANS)
    only = tuple(kind for kind in options.only.split(",") if kind)
    for seed, name in zip(itertools.count(options.seed),
                          names if options.short else itertools.cycle(names)):
        yield Plan(seed, SHORT_SECONDS if options.short else SECONDS, options.queries, only=only,
                   keep_going=options.keep_going, **PLANS[name])


def report(lives, figures, every_kind):
    exchanges = [each for life in lives for each in life.exchanges()]
    judged = [each for each in exchanges if each.seen]
    shown = [each for each in judged if each.used]
    acceptable = sum(each.verdict.kind == ACCEPT for each in judged)
    figures.note("lives of the exporter", len(lives))
    figures.note("pages held against the answers", sum(life.pages for life in lives))
    figures.note("answers", len(exchanges))
    figures.note("answers judged: a page told what came of them", len(judged))
    figures.note("  of them acceptable, which a page must show", acceptable)
    figures.at_least("  of them shown", len(shown), len(judged) // 4)
    _by_kind(judged, shown, figures, every_kind)
    names = [name for life in lives for name in life.api.names]
    figures.equal("series names of two lives, or of two queries",
                  len(names) - len(set(names)) +
                  sum(len(life.api.names_of_two) for life in lives), 0)
    figures.equal("requests without names on a used connection",
                  sum(life.api.unlabelled_on_used for life in lives), 0)
    figures.nothing("violations", [each for life in lives for each in life.violations])


def _by_kind(judged, shown, figures, every_kind):
    counts = {kind: collections.Counter() for kind in all_kinds()}
    for name, some in (("judged", judged), ("shown", shown)):
        for each in some:
            for kind in each.kinds:
                counts.setdefault(kind, collections.Counter())[name] += 1
    for kind, count in sorted(counts.items()):
        if count["judged"]:
            figures.note(f"    {kind}, shown", f"{count['shown']} of {count['judged']}")
    if every_kind:
        figures.nothing("kinds of mutation that were not judged once",
                        [kind for kind, count in counts.items() if not count["judged"]])


if __name__ == "__main__":
    sys.exit(main())
