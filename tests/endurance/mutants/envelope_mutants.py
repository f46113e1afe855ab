"""Mutations of the answer's frame: success, errors, names of the series, meta; and havoc."""

from .target import mutation

ERROR_MARK = "mark-of-the-error"


@mutation("document")
def success(target):
    if target.rng.random() < 0.3:
        del target.document["success"]
    else:
        target.document["success"] = target.rng.choice((False, None, "true", 1, 0, [], "false"))


@mutation("document")
def errors_beside_data(target):
    """Data are data."""
    target.document["errors"] = target.rng.choice(
        ([{"code": 1, "message": "deprecated"}], ["text"], "text", None, {}, [None], 7))


@mutation("document")
def result(target):
    target.document["result"] = target.rng.choice((None, {}, [], "x", 7, [target.result], True))


@mutation("document")
def result_missing(target):
    del target.document["result"]


@mutation("document")
def meta(target):
    if target.rng.random() < 0.3:
        del target.result["meta"]
    else:
        target.result["meta"] = target.rng.choice((None, {}, [], "x", 7, [target.meta]))


@mutation("document")
def normalization(target):
    target.meta["normalization"] = target.rng.choice(
        ("MIN0_MAX", "MIN_MAX", "RAW_VALUES", "PERCENTAGE_CHANGE", "RATIO", "percentage", "", None,
         7, ["PERCENTAGE"]))


@mutation("document")
def agg_interval(target):
    target.meta["aggInterval"] = target.rng.choice(
        ("FIFTEEN_MINUTES", "ONE_HOUR", "ONE_DAY", "ONE_WEEK", "ONE_MONTH", "", None, "1h", 900,
         "one_hour"))


@mutation("document", 2)
def series_name(target):
    """The series comes under another name: of nobody, of a neighbour, or of an earlier request."""
    series = target.result.pop(target.own.name)
    names = ["x", target.own.name.upper() + "_", target.own.name[:-1], "", "0", "META",
             *target.others]
    target.result[target.rng.choice(names)] = series


@mutation("document")
def one_more_series(target):
    """Nobody asked for it."""
    values = [f"{target.rng.randrange(1, 99_000_000) / 1e6}" for _ in target.series["SPOOF"]]
    more = {"timestamps": target.series["timestamps"], "SPOOF": values, "NOT_SPOOF": values}
    target.document["result"] = {"serie_9": more} | target.result | {"serie_10": "x"}


@mutation("document", 2)
def control_series(target):
    """What is wrong with the control costs the control alone."""
    if target.control is None:
        return
    name = target.control.name
    series = target.result[name]
    choice = target.rng.randrange(8)
    if choice == 0:
        del target.result[name]
    elif choice == 1:
        target.result[name] = target.rng.choice((None, [], {}, "x", {"timestamps": []}))
    elif choice == 2:
        place = target.rng.randrange(len(series["SPOOF"]))
        series[target.rng.choice(("SPOOF", "NOT_SPOOF"))][place] = target.rng.choice(
            (None, "x", "", "101"))
    elif choice == 3:
        del series[target.rng.choice(sorted(series))]
    elif choice == 4:
        for values in series.values():
            values.pop()
    elif choice == 5:
        place = target.rng.randrange(len(series["SPOOF"]))
        series["SPOOF"][place] = series["NOT_SPOOF"][place] = target.rng.choice(("0.0", None, ""))
    elif choice == 6:
        series["timestamps"] = [each.replace(":00Z", ":07Z") for each in series["timestamps"]]
    else:
        target.meta["dateRange"].pop()


@mutation("document")
def additions(target):
    """Fields of tomorrow."""
    deep = "end"
    for _ in range(target.rng.choice((1, 5, 12))):
        deep = target.rng.choice(({"x": deep}, [deep]))
    for where in (target.document, target.result["meta"], target.series):
        where["tomorrow"] = deep
    target.document["messages"] = ["ignored"]


@mutation("document", 4)
def havoc(target):
    """Something, anywhere, becomes something else."""
    rng = target.rng
    for _ in range(rng.choice((1, 1, 2))):
        holder, key = _somewhere(target.document, rng)
        choice = rng.randrange(4)
        if choice == 0 and isinstance(holder, dict):
            del holder[key]
        elif choice == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif choice == 2:
            other, other_key = _somewhere(target.document, rng, leaf=True)
            holder[key] = other[other_key]
        else:
            holder[key] = rng.choice((None, True, False, 0, -1, 1e30, "", "x", "0", "100", [], {},
                                      [[]], "2026-01-01T00:00:00Z", "PARTIAL_PROJECTION"))


def _somewhere(document, rng, leaf=False):
    """A place in the tree, all depths alike: (its container, its key)."""
    holder, key = document, rng.choice(sorted(document))
    while True:
        value = holder[key]
        if not isinstance(value, (dict, list)) or not value or (not leaf and rng.random() < 0.25):
            return holder, key
        holder, key = value, rng.choice(
            sorted(value) if isinstance(value, dict) else range(len(value)))
