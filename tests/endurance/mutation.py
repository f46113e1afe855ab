"""No answer, however spoiled, puts a number on the page that it must not, ends the process, or goes
uncounted; and every acceptable one is shown. A Radar API mutates its answers in every layer on kept
connections, and each page is held against what the answers to that query allow (oracle/).

    mutation.py [--short | --minutes N] [--seed N] [--only KIND[,KIND]] [--queries N] [--plan NAME]
                [--keep-going]
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
from oracle.contract import ACCEPT, EITHER, REFUSE

SECONDS = 8.0  # of one life
SHORT_LIVES = 3
# What lives differ in, in turn.
PLANS = {
    "single": {},
    "shared": {"series": 5},
    "restarted": {"processes": 2},
    "over TLS": {"tls": True},
    "names refused": {"behaviour": Behaviour("refused")},
    "names ignored": {"behaviour": Behaviour("ignored")},
    "other path": {"behaviour": Behaviour(path="upper")},
    "shared again": {"series": 5, "behaviour": Behaviour(refused_for=2)},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_LIVES} lives")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the first life")
    parser.add_argument("--only", default="", help=f"of {', '.join(all_kinds())}")
    parser.add_argument("--queries", type=int, default=90)
    parser.add_argument("--plan", choices=PLANS, help="one instead of all in turn")
    parser.add_argument("--keep-going", action="store_true",
                        help="past what is wrong, each query once a life")
    options = parser.parse_args()
    only = tuple(kind for kind in options.only.split(",") if kind)
    plans = [options.plan] if options.plan else list(PLANS)
    figures = Figures("mutation: answers spoiled in every layer, and the pages after them")
    began = time.monotonic()
    lives = []
    for number, name in zip(itertools.count(options.seed), itertools.cycle(plans)):
        over = len(lives) >= SHORT_LIVES if options.short else (
            time.monotonic() - began > options.minutes * 60)
        if over:
            break
        plan = Plan(number, SECONDS, options.queries, only=only,
                    keep_going=options.keep_going, **PLANS[name])
        with scratch() as directory:
            lives.append(Life(plan, directory).run())
        if lives[-1].violations and not options.keep_going:
            break
    print(f"{time.monotonic() - began:.1f} s")
    report(lives, figures)
    return figures.finish()


def report(lives, figures):
    exchanges = [each for life in lives for each in life.exchanges()]
    figures.note("lives of the exporter", len(lives))
    figures.note("pages held against the answers", sum(life.pages for life in lives))
    figures.note("answers", len(exchanges))
    judged = [each for each in exchanges if each.seen]
    figures.note("answers judged (a page told what came of them)", len(judged))
    for kind in (ACCEPT, EITHER, REFUSE):
        figures.note(f"  of them to {kind}", sum(each.verdict.kind == kind for each in judged))
    by_kind = collections.defaultdict(collections.Counter)
    for each in judged:
        for kind in each.kinds:
            by_kind[kind][each.verdict.kind] += 1
    for kind, counts in sorted(by_kind.items()):
        figures.note(f"  {kind}", "/".join(str(counts[each]) for each in (ACCEPT, EITHER, REFUSE)))
    names = collections.Counter()
    for life in lives:
        names.update(life.api.names)
    figures.equal("series names asked for twice", sum(names[each] > 1 for each in names), 0)
    figures.equal("requests without names on a used connection",
                  sum(life.api.unlabelled_on_used for life in lives), 0)
    figures.nothing("violations", [each for life in lives for each in life.violations])


if __name__ == "__main__":
    sys.exit(main())
