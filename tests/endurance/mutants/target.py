"""The answer that is being spoiled, and the kinds of spoiling there are."""

from oracle.readings import LENGTHS, read_time

KINDS = {}  # by layer: {name: function}


def mutation(layer, weight=1):
    """A function of that layer; `weight` is how often it is chosen among the others."""

    def register(function):
        KINDS.setdefault(layer, {})[function.__name__] = (function, weight)
        return function

    return register


class Target:
    """One series of a true answer: `place` names the newest complete bucket."""

    def __init__(self, document, series, others, now, rng):
        self.document = document
        self.own = series.own
        self.control = series.control
        self.others = others  # names of series of other queries in the same answer
        self.now = now
        self.rng = rng

    @property
    def result(self):
        return self.document["result"]

    @property
    def meta(self):
        return self.result["meta"]

    @property
    def series(self):
        return self.result[self.own.name]

    @property
    def length(self):
        return LENGTHS[self.own.interval]

    @property
    def updated(self):
        return read_time(self.meta["lastUpdated"]).seconds

    @property
    def starts(self):
        return [read_time(each).seconds for each in self.series["timestamps"]]

    @property
    def place(self):
        return max(place for place, start in enumerate(self.starts)
                   if start + self.length <= self.updated)

    def some_place(self):
        """One that matters: the newest complete bucket, one before, the first, or the last."""
        last = len(self.starts) - 1
        return self.rng.choice((self.place, self.place, self.place - 1,
                                self.rng.randrange(last + 1), 0, last))

    def put(self, place, spoof, not_spoof):
        self.series["SPOOF"][place] = spoof
        self.series["NOT_SPOOF"][place] = not_spoof

    def annotate(self, **fields):
        annotation = {"dataSource": "EMAIL_SECURITY", "description": "", "eventType": "GENERAL",
                      "isInstantaneous": False, "linkedUrl": None} | fields
        self.meta["confidenceInfo"]["annotations"].append(annotation)
        return annotation
