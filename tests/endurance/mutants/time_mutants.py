"""Mutations of what places the buckets in time: timestamps, lastUpdated, dateRange."""

from oracle.contract import AGGREGATIONS
from oracle.readings import DAY, grid_floor

from .target import mutation
from .true_answer import text_of

HOUR = 3_600


@mutation("document", 3)
def last_updated(target):
    """Spelled in every way there is, at every distance from now."""
    plain = target.meta["lastUpdated"]
    spellings = [None, "", 0, target.updated, plain[:-1], plain[:10], "9999-12-31T23:59:59Z",
                 "0001-01-01T00:00:00Z", "yesterday", [plain], {"time": plain}, True,
                 plain.replace("T", " "), plain.lower(), plain[:-1] + "+00:00",
                 plain[:-1] + ".000Z", plain[:-1] + ".5Z", plain + "Z", " " + plain,
                 text_of(target.updated + 2 * HOUR)[:-1] + "+02:00", plain[:-4] + ":61Z",
                 plain.replace("-", "/"), "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z",
                 text_of(target.now + 1_800), text_of(target.now + 2 * HOUR),
                 text_of(target.now + 40 * DAY), text_of(target.updated - HOUR),
                 text_of(target.updated - 3 * DAY), text_of(target.updated - 400 * DAY)]
    target.meta["lastUpdated"] = target.rng.choice(spellings)


@mutation("document")
def last_updated_missing(target):
    del target.meta["lastUpdated"]


@mutation("document")
def off_grid(target):
    """All buckets, or one."""
    starts = target.starts
    by = target.rng.choice((7 * 60, 1, 60, -60, target.length // 2))
    if target.rng.random() < 0.5:
        target.series["timestamps"] = [text_of(start + by) for start in starts]
    else:
        place = target.some_place()
        target.series["timestamps"][place] = text_of(starts[place] + by)


@mutation("document")
def spacing(target):
    """Buckets a minute, a week or two lengths apart, up to the same newest one."""
    newest = target.starts[-1]
    apart = target.rng.choice((60, 7 * DAY, 2 * target.length, 0))
    count = len(target.starts)
    target.series["timestamps"] = [text_of(newest - (count - 1 - i) * apart) for i in range(count)]


@mutation("document")
def order(target):
    """Which nobody promised."""
    rows = list(zip(*(target.series[each] for each in ("timestamps", "SPOOF", "NOT_SPOOF"))))
    if target.rng.random() < 0.5:
        rows.reverse()
    else:
        target.rng.shuffle(rows)
    _put_rows(target, rows)


@mutation("document")
def rows(target):
    """Some left out, one twice, or one more in the future."""
    found = list(zip(*(target.series[each] for each in ("timestamps", "SPOOF", "NOT_SPOOF"))))
    choice = target.rng.randrange(4)
    if choice == 0:
        for _ in range(target.rng.randrange(1, 4)):
            del found[target.rng.randrange(len(found))]
    elif choice == 1:
        place = target.some_place()
        found.insert(place, (found[place][0], "55.123456", "44.876544"))
    elif choice == 2:
        later = text_of(target.starts[-1] + target.length * target.rng.choice((1, 2, 50)))
        found.append((later, "66.123456", "33.876544"))
    else:
        del found[target.rng.choice((1, 2, 3)):]
    _put_rows(target, found)


def _put_rows(target, found):
    for name, column in zip(("timestamps", "SPOOF", "NOT_SPOOF"), zip(*found)):
        target.series[name] = list(column)


@mutation("document")
def timestamp_spelling(target):
    place = target.some_place()
    plain = target.series["timestamps"][place]
    target.series["timestamps"][place] = target.rng.choice(
        (None, "", 7, plain[:-1], plain[:10], "never", plain[:-1] + "+00:00", plain[:-1] + ".000Z",
         plain.replace("Z", "+14:00"), "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", [plain]))


@mutation("document")
def array_length(target):
    name = target.rng.choice(("timestamps", "SPOOF", "NOT_SPOOF"))
    if target.rng.random() < 0.5:
        target.series[name].pop(target.rng.choice((0, -1)))
    else:
        target.series[name].append(target.series[name][-1])


@mutation("document", 2)
def without_timestamps(target):
    """The buckets' number fits the dateRange, or does not; with or without a projection."""
    del target.series["timestamps"]
    fits = target.rng.random() < 0.6
    if not fits:
        for name in ("SPOOF", "NOT_SPOOF"):
            del target.series[name][:target.rng.choice((3, 5))]
    if target.rng.random() < 0.4:
        filling = grid_floor(target.updated, target.own.interval)
        target.annotate(eventType=target.rng.choice(("PARTIAL_PROJECTION", "partial_projection")),
                        startDate=text_of(filling), endDate=text_of(filling + target.length))
    if target.rng.random() < 0.3:
        # The buckets are older than they seem: lastUpdated alone tells.
        target.meta["lastUpdated"] = text_of(target.updated - target.length)


@mutation("document")
def date_range(target):
    """What is said of the time asked for; timestamps stay."""
    found = target.meta["dateRange"]
    choice = target.rng.randrange(5)
    if choice == 0:
        target.meta["dateRange"] = found[0]
    elif choice == 1:
        target.meta["dateRange"] = target.rng.choice((None, [], "7d", 7, [None], [[]]))
    elif choice == 2:
        del target.meta["dateRange"]
    elif choice == 3:
        found[target.own.place]["startTime"] = text_of(target.updated - 3 * target.length)
    else:
        found[target.own.place]["endTime"] = target.rng.choice((None, "", text_of(0)))


@mutation("document")
def reference_example(target):
    """The API reference's own example, with dates that are recent."""
    updated = target.updated
    end = grid_floor(updated, target.own.interval)
    start = end - target.length
    numbers = ["10", "10"] if target.rng.random() < 0.5 else [
        f"{target.rng.randrange(1, 50_000_000) / 1e6}", "20.5"]
    name = target.own.name
    target.result.clear()
    target.result[name] = {"NOT_SPOOF": [numbers[1]], "SPOOF": [numbers[0]]}
    target.result["meta"] = {
        "aggInterval": AGGREGATIONS[target.own.interval],
        "confidenceInfo": {"annotations": [{
            "dataSource": "ALL", "description": "Cable cut in Tonga",
            "endDate": text_of(end), "eventType": "EVENT", "isInstantaneous": True,
            "linkedUrl": "https://example.com", "startDate": text_of(start)}], "level": 0},
        "dateRange": [{"startTime": text_of(start), "endTime": text_of(end)}] * target.own.of,
        "lastUpdated": text_of(updated), "normalization": "PERCENTAGE",
        "units": [{"name": "*", "value": "requests"}]}
    target.document.pop("errors", None)
