"""The queries of one exporter, and the requests by which it asks for them."""

import dataclasses
import itertools
import urllib.parse

from oracle.contract import Asked

DIMENSIONS = {"arc": ("PASS", "NONE", "FAIL"), "dkim": ("PASS", "NONE", "FAIL"),
              "dmarc": ("PASS", "NONE", "FAIL"), "spf": ("PASS", "NONE", "FAIL"),
              "tlsVersion": ("TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3")}
# What is asked for: interval and range.
_PERIODS = (("15m", "1d"), ("1h", "2d"), ("1h", "7d"), ("1d", "28d"), ("1w", "26w"))
_DAYS = {"d": 1, "w": 7}


@dataclasses.dataclass(frozen=True)
class Query:
    number: int
    interval: str
    range: str
    control: bool
    filters: tuple  # of (parameter, value)

    @property
    def name(self):
        return f"q{self.number:03}"

    @property
    def key(self):
        return self.interval, self.range, self.filters

    def yaml(self):
        filters = ", ".join(f"{'tls_version' if name == 'tlsVersion' else name}: {value}"
                            for name, value in self.filters)
        return (f"{{name: {self.name}, agg_interval: {self.interval}, date_range: {self.range}, "
                f"poll_interval: 1s, control: {str(self.control).lower()}, "
                f"filters: {{{filters}}}}}")


def some_queries(count, shared, rng):
    """No two alike. `shared`: many that differ in the values of the same dimensions only."""
    dimensions = sorted(rng.sample(sorted(DIMENSIONS), 3)) if shared else sorted(DIMENSIONS)
    choices = [[None, *DIMENSIONS[name]][shared:] for name in dimensions]
    combinations = [tuple((name, value) for name, value in zip(dimensions, values) if value)
                    for values in itertools.product(*choices)]
    periods = _PERIODS[:3] if shared else _PERIODS
    keys = [(period, filters) for period in periods for filters in combinations]
    return [Query(number, *period, control=rng.random() < 0.3, filters=filters)
            for number, (period, filters) in enumerate(rng.sample(keys, min(count, len(keys))))]


@dataclasses.dataclass
class SeriesOfRequest:
    query: Query
    own: Asked
    control: Asked | None


def _days(text):
    return int(text[:-1]) * _DAYS[text[-1]]


class Request:
    """A request's target, read as the API documents it: the n-th occurrence of a parameter belongs
    to the n-th series."""

    def __init__(self, target):
        path, _, query_string = target.partition("?")
        self.path = path
        fields = urllib.parse.parse_qsl(query_string, keep_blank_values=True)
        self._values = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)
        self.names = self._values.get("name", [])
        self.interval = self._values["aggInterval"][0]
        self.count = max(len(values) for name, values in self._values.items())

    def keys(self):
        """For each series the name it is answered under, its dateRange and its filters."""
        for place in range(self.count):
            name = self.names[place] if place < len(self.names) else f"serie_{place}"
            filters = tuple((each, self._values[each][place]) for each in sorted(DIMENSIONS)
                            if place < len(self._values.get(each, ())) and
                            self._values[each][place])
            yield name, self._values["dateRange"][place], filters

    def series(self, queries, labelled=True):
        """What is asked for, by query. `queries` is {key: Query}; not `labelled`: names are
        ignored."""
        own, controls = [], {}
        for place, (name, date_range, filters) in enumerate(self.keys()):
            name = name if labelled else f"serie_{place}"
            base = date_range.removesuffix("control")
            days = _days(base)
            shift = -(-days // 7) * 7 if base != date_range else 0
            asked = Asked(name, place, self.count, self.interval, days, shift)
            query = queries[self.interval, base, filters]
            if shift:
                controls[query] = asked
            else:
                own.append((query, asked))
        return [SeriesOfRequest(query, asked, controls.get(query)) for query, asked in own]
