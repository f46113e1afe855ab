"""The verdict on one answer for one query: whether it may be used, and what it then shows."""

import dataclasses
import itertools
import math
import statistics

from .annotations import counts_over, mark_projections, read_annotations
from .readings import DAY, LENGTHS, read_pair, read_time
from .series import (
    MAYBE, NO, YES, Asked, Doubts, NotThere, Refused, check_grid, read_series)

ACCEPT = "accept"  # must be shown
REFUSE = "refuse"  # must not be shown, and is a failed poll
EITHER = "either"  # may be shown or be a failed poll
NOTHING = "nothing"  # must not be shown; a failed poll, or asked again
ASK_AGAIN = "ask again"  # must not be shown, and no poll may fail by it

AGGREGATIONS = {"15m": "FIFTEEN_MINUTES", "1h": "ONE_HOUR", "1d": "ONE_DAY", "1w": "ONE_WEEK"}
HOUR = 3_600
# Between the oracle's look at the clock and the exporter's.
_SLACK = 90
# Buckets of which it is open whether they count are tried in every combination, up to this many.
_OPEN = 4


@dataclasses.dataclass
class Shown:
    """What the page then says of the query. What may differ is listed; None in place of a list is
    "anything"."""
    spoof: float
    not_spoof: float
    start: float | None
    last_updated: float | None
    usual: list  # of (mean, standard deviation), each None when absent
    control: list
    confidence: list
    annotations: dict | None
    hidden: tuple = (False,)  # whether the data are too old to be shown


@dataclasses.dataclass
class Verdict:
    kind: str
    shown: list = dataclasses.field(default_factory=list)
    why: str = ""
    loose: bool = False
    reasons: tuple = ()  # as which a failed poll may be counted; none: as any


def judge(document, asked, control, now):
    """`document` is the decoded answer, `asked` and `control` (or None) the Asked series."""
    doubts = Doubts()
    try:
        result, meta = _envelope(document, doubts)
        shown = _shown(result, meta, asked, control, now, doubts)
    except NotThere as refusal:
        # Whoever asked by a name may find out whether the API takes names; whoever asked for several
        # series, whether it takes several.
        once = asked.name.startswith("serie_") and asked.of == 1
        return Verdict(REFUSE if once else NOTHING, why=str(refusal), reasons=refusal.reasons)
    except Refused as refusal:
        return Verdict(REFUSE, why=str(refusal), reasons=refusal.reasons)
    if not shown:
        return Verdict(REFUSE, why="no complete bucket with mail", reasons=("empty",))
    return Verdict(EITHER if doubts else ACCEPT, shown, "; ".join(doubts), doubts.loose)


def _envelope(document, doubts):
    if not isinstance(document, dict):
        raise Refused("no object", "validation", "parse", "api_error")
    if document.get("success") is not True:
        raise Refused("success is not true", "api_error")
    result = document.get("result")
    if not isinstance(result, dict):
        raise Refused("result is no object", "validation", "empty", "api_error")
    meta = result.get("meta")
    if not isinstance(meta, dict):
        raise Refused("meta is no object")
    normalization = meta.get("normalization")
    if normalization != "PERCENTAGE":
        if normalization is not None:
            raise Refused("normalization is not PERCENTAGE")
        doubts.append("no normalization")
    return result, meta


def _shown(result, meta, asked, control, now, doubts):
    if meta.get("aggInterval") != AGGREGATIONS[asked.interval]:
        if meta.get("aggInterval") is not None:
            raise Refused("another aggInterval")
        doubts.append("no aggInterval")
    last_updated = _last_updated(meta, now, doubts)
    info = meta.get("confidenceInfo")
    if info is None:
        info = {}
    elif not isinstance(info, dict):
        doubts.append("confidenceInfo is no object")
        info = {}
    annotations = read_annotations(info, doubts)
    if not isinstance(result.get(asked.name), dict):
        raise NotThere("no series under its name", "validation", "empty")
    buckets = read_series(result[asked.name], meta, asked, doubts)
    length = LENGTHS[asked.interval]
    check_grid(buckets, asked, last_updated, now, doubts)
    _mark_complete(buckets, asked, last_updated, now)
    mark_projections(buckets, annotations, length, min(last_updated, now), doubts)
    places = _latest(buckets, doubts)
    confidence = _confidence(info, doubts)
    return [Shown(buckets[place].pair.spoof, buckets[place].pair.not_spoof, buckets[place].start,
                  last_updated, _usual(buckets[:place]),
                  _control(result, meta, control, buckets[place], last_updated),
                  confidence, counts_over(annotations, buckets[place].start, length),
                  _hidden(buckets[place].start, length, last_updated, now))
            for place in places]


def _last_updated(meta, now, doubts):
    time = read_time(meta.get("lastUpdated"))
    if time.seconds is None:
        if time.sure:
            raise Refused("lastUpdated is no time")
        doubts.about_place("lastUpdated can be read in two ways")
        return now
    if not time.sure:
        doubts.append("lastUpdated can be read in two ways")
    ahead = time.seconds - now - HOUR
    if ahead > _SLACK:
        raise Refused("lastUpdated is more than an hour ahead")
    if ahead > -_SLACK:
        doubts.append("lastUpdated is about an hour ahead")
    return time.seconds


def _mark_complete(buckets, asked, last_updated, now):
    length = LENGTHS[asked.interval]
    for bucket in buckets:
        if bucket.start is None:
            continue
        end = bucket.start + length
        if end > last_updated or end > now + _SLACK:
            bucket.complete = NO
        elif end > now - _SLACK:
            bucket.complete = MAYBE
    # The first one may begin before what was asked for, and meta.dateRange, which is adjusted to
    # whole buckets, does not tell.
    first = buckets[0]
    if first.start is not None and first.complete == YES and (
            first.start < now - asked.range_days * DAY):
        first.complete = MAYBE


def _latest(buckets, doubts):
    """The places of those that may be the latest; raises Refused for a broken one."""
    places, found = [], False
    for place in reversed(range(len(buckets))):
        bucket = buckets[place]
        if bucket.complete == NO or bucket.cut:
            # Of a bucket that is cut the contract does not say whether it may be the latest.
            if bucket.cut and not found and bucket.complete != NO and bucket.pair.kind == "good":
                doubts.append("only a bucket that is cut")
                places.append(place)
            continue
        if bucket.pair.kind == "broken" and bucket.complete == YES and bucket.pair.sure:
            raise Refused("a broken bucket")
        if not bucket.pair.sure or (bucket.complete == MAYBE and bucket.pair.kind == "broken"):
            doubts.append("a bucket that may be broken")
        if bucket.pair.kind == "good" and not found:
            places.append(place)
            found = bucket.complete == YES and bucket.pair.sure
    if doubts.unplaced:
        # One more or fewer than fit, and a lastUpdated that may be a bucket behind the range.
        places += [place for place in range(len(buckets))[-3:]
                   if buckets[place].pair.kind == "good" and place not in places]
    return places


def _usual(before):
    """Means and deviations of the buckets before the latest, for each way to count the open ones."""
    certain = [bucket.pair.spoof for bucket in before if bucket.pair.kind == "good" and
               bucket.pair.sure and bucket.complete == YES and not bucket.cut]
    open_ones = [bucket.pair.spoof for bucket in before if bucket.pair.kind == "good" and
                 (bucket.complete == MAYBE or bucket.cut or not bucket.pair.sure)]
    if len(open_ones) > _OPEN:
        return None
    return [_mean_and_deviation(certain + list(some)) for count in range(len(open_ones) + 1)
            for some in itertools.combinations(open_ones, count)]


def _mean_and_deviation(values):
    if len(values) < 2:
        return None, None
    return math.fsum(values) / len(values), statistics.stdev(values)


def _control(result, meta, control, latest, last_updated):
    """The ratios that may stand as control; None is "absent"."""
    if control is None:
        return [None]
    doubts = Doubts()
    try:
        buckets = read_series(result.get(control.name), meta, control, doubts)
        check_grid(buckets, control, last_updated, last_updated, doubts)
    except Refused:
        # A value that stands at the right time may be used in spite of what is wrong elsewhere.
        return [None, *_values_at(result.get(control.name), control, latest.start)]
    if latest.start is None or buckets[0].start is None:
        return None
    wanted = latest.start - control.shift_days * DAY
    same = [bucket.pair for bucket in buckets if bucket.start == wanted]
    cut = any(bucket.cut and bucket.start == wanted for bucket in buckets)
    values = [pair.spoof for pair in same if pair.kind == "good"]
    healthy = not doubts and not cut and all(
        bucket.pair.sure and bucket.pair.kind != "broken" for bucket in buckets)
    return values if healthy and values else [None, *values]


def _values_at(series, control, start):
    """Good values of a series that is wrong somewhere, at the control's place."""
    if not isinstance(series, dict) or start is None:
        return []
    try:
        rows = zip(series["timestamps"], series["SPOOF"], series["NOT_SPOOF"])
        wanted = start - control.shift_days * DAY
        pairs = [read_pair(*row[1:]) for row in rows if read_time(row[0]).seconds == wanted]
    except (KeyError, TypeError):
        return []
    return [pair.spoof for pair in pairs if pair.kind == "good"]


def _confidence(info, doubts):
    level = info.get("level")
    if level is None or (level == 0 and not isinstance(level, bool)):
        return [None]
    if isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 5:
        return [float(level)]
    doubts.append("an unknown confidence level")
    text = str(level)
    return [None, float(text)] if text in ("1", "2", "3", "4", "5", "1.0", "2.0", "3.0", "4.0",
                                           "5.0") else [None]


def _hidden(start, length, last_updated, now):
    """Whether the newest complete bucket ended longer ago than the default max_data_age."""
    end = last_updated if start is None else start + length
    late = now - end - max(6 * HOUR, 3 * length)
    if start is None:
        return (False, True) if late > -HOUR else (False,)
    return (True,) if late > _SLACK else ((False,) if late < -_SLACK else (False, True))


__all__ = ["ACCEPT", "ASK_AGAIN", "EITHER", "NOTHING", "REFUSE", "Asked", "Shown", "Verdict",
           "judge"]
