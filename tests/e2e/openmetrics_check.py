#!/usr/bin/python3
"""Reads one moment's /metrics in both formats with the Prometheus project's own parsers, and fails
unless OpenMetrics parses strictly and both hold the same samples.

usage: openmetrics_check.py METRICS.openmetrics METRICS.txt
"""

import sys

try:
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as openmetrics_parser
except ImportError as error:
    sys.exit(f"{error}; run scripts/install-deps test, which installs python3-prometheus-client")


def samples(families):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def main(openmetrics_path, text_path):
    families = list(openmetrics_parser.text_string_to_metric_families(read(openmetrics_path)))
    strict = samples(families)
    plain = samples(parser.text_string_to_metric_families(read(text_path)))
    if strict != plain:
        sys.exit(f"only in one format: {sorted(strict.items() ^ plain.items())}")
    for family in families:
        last_word = family.name.rsplit("_", 1)[-1]
        if last_word in ("seconds", "bytes", "ratio", "requests") and family.unit != last_word:
            sys.exit(f"{family.name}: unit {family.unit!r}")
        if not family.documentation:
            sys.exit(f"{family.name}: no help")
    if not strict:
        sys.exit("no samples")
    print(f"{len(families)} families, {len(strict)} samples, the same in both formats")


main(*sys.argv[1:])
