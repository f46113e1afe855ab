"""One series of an answer as buckets: where they stand in time, what they hold, and which of them
may be shown. The contract's section "Which bucket"."""

import dataclasses
import math

from .readings import DAY, LENGTHS, grid_floor, on_grid, read_pair, read_time

YES, NO, MAYBE = "yes", "no", "maybe"


class Refused(Exception):
    """The answer must not be used; the text says why, `reasons` how the failure may be counted."""

    def __init__(self, why, *reasons):
        super().__init__(why)
        self.reasons = reasons or ("validation",)


class NotThere(Refused):
    """The series that was asked for by its name is not in the answer."""


class Doubts(list):
    """What the contract leaves open about an answer: it may be used or refused. `loose`: if it is
    used, more than the ratios is left open. `unplaced`: its buckets may be placed by their order
    alone."""

    loose = False
    unplaced = False

    def about_place(self, text):
        self.append(text)
        self.loose = True


@dataclasses.dataclass
class Bucket:
    """`start` is None where an answer without timestamps does not tell it; `complete` is YES, NO or
    MAYBE; `cut`: it began before the time that was asked for, so that it is not a whole one."""
    start: float | None
    pair: object
    complete: str = YES
    cut: bool = False


@dataclasses.dataclass
class Asked:
    """One series of a request. `range_days` is the length that it covers, `shift_days` how far back
    it is moved (a control), `place` its position among the request's series, `name` the key it must
    be answered under."""
    name: str
    place: int
    of: int
    interval: str
    range_days: int
    shift_days: int = 0


def entry_of_range(meta, asked, doubts):
    """The times (start, end) of meta.dateRange that are about this series, or None."""
    ranges = meta.get("dateRange")
    if isinstance(ranges, list):
        if len(ranges) != asked.of:
            doubts.about_place("meta.dateRange has not one entry for each series")
        ranges = ranges[asked.place] if asked.place < len(ranges) else None
    elif asked.of > 1:
        doubts.about_place("one meta.dateRange for several series")
    if not isinstance(ranges, dict):
        return None
    start, end = read_time(ranges.get("startTime")), read_time(ranges.get("endTime"))
    if not (start.sure and end.sure):
        doubts.about_place("a time of meta.dateRange can be read in two ways")
    if start.seconds is None or end.seconds is None or end.seconds <= start.seconds:
        return None
    return start.seconds, end.seconds


def read_series(series, meta, asked, doubts):
    """Its buckets in the order of time; raises Refused."""
    if not isinstance(series, dict):
        raise Refused("the series is no object")
    starts = _starts(series, asked, doubts)
    classes = [series.get(each) for each in ("SPOOF", "NOT_SPOOF")]
    if all(each is None for each in classes):
        raise Refused("the series has no class arrays", "empty")
    if not all(isinstance(each, list) for each in classes):
        raise Refused("SPOOF or NOT_SPOOF is no array")
    count = len(classes[0])
    if len(classes[1]) != count or (starts is not None and len(starts) != count):
        raise Refused("arrays of different length")
    if count == 0:
        raise Refused("no bucket", "empty", "validation")
    covered = entry_of_range(meta, asked, doubts)
    if starts is None:
        starts = _placed(count, covered, asked, doubts)
    buckets = [Bucket(start, read_pair(spoof, not_spoof))
               for start, spoof, not_spoof in zip(starts, *classes)]
    if buckets[0].start is not None:
        buckets.sort(key=lambda bucket: bucket.start)
        before = [bucket for bucket in buckets if covered and bucket.start < covered[0]]
        if len(before) > 1 or (before and covered[0] >= before[0].start + LENGTHS[asked.interval]):
            doubts.append("buckets before meta.dateRange")
        for bucket in before:
            bucket.cut = True
    return buckets


def _starts(series, asked, doubts):
    """None when the answer has no timestamps."""
    if "timestamps" not in series:
        return None
    texts = series["timestamps"]
    if texts is None:
        doubts.about_place("timestamps is null")
        return None
    if not isinstance(texts, list):
        raise Refused("timestamps is no array")
    times = [read_time(each) for each in texts]
    if any(time.seconds is None and time.sure for time in times):
        raise Refused("a timestamp cannot be read")
    if not all(time.sure and time.seconds is not None for time in times):
        doubts.about_place("a timestamp can be read in two ways")
    return [math.nan if time.seconds is None else time.seconds for time in times]


def check_grid(buckets, asked, last_updated, now, doubts):
    """Raises Refused for buckets off their grid, one over another, or far too far apart. What a
    bucket that may not be used says of itself is left open."""
    starts = [bucket.start for bucket in buckets]
    if starts[0] is None:
        return
    length = LENGTHS[asked.interval]
    reached = min(last_updated, now)
    for start in starts:
        if not on_grid(start, asked.interval):
            if start + length > reached - 2 * length:
                doubts.about_place("a bucket off the grid that is not complete, or nearly not")
            else:
                raise Refused("a bucket off the grid")
    steps = [later - earlier for earlier, later in zip(starts, starts[1:])]
    for step, start in zip(steps, starts[1:]):
        if step < length:
            if start + length > reached:
                doubts.about_place("an overlapping bucket that is not complete")
            else:
                raise Refused("a bucket stands on another")
    if steps and min(steps) > length:
        complete = [start for start in starts if start + length <= reached]
        if complete and complete[-1] - complete[0] > asked.range_days * DAY + 2 * length:
            raise Refused("buckets further apart than their interval")
        doubts.about_place("no two buckets are neighbours")
    oldest = now - (asked.range_days + asked.shift_days) * DAY - 2 * length - DAY
    if starts[0] < oldest:
        doubts.about_place("a bucket outside of the time that was asked for")


def _placed(count, covered, asked, doubts):
    """The starts of `count` buckets without timestamps; each None where their number does not fit
    meta.dateRange."""
    if covered is None:
        return [None] * count
    length = LENGTHS[asked.interval]
    first = grid_floor(covered[0], asked.interval)
    if covered[0] != first:
        doubts.about_place("meta.dateRange begins within a bucket")
        doubts.unplaced = True
    fits = math.ceil((covered[1] - first) / length)
    if count != fits:
        if abs(count - fits) <= 1:
            doubts.about_place("the number of buckets nearly fits meta.dateRange")
            doubts.unplaced = True
        return [None] * count
    return [first + place * length for place in range(count)]
