"""Annotations of an answer: which buckets are projections, and what stands over the sample."""

import dataclasses

from .readings import LENGTHS, read_time
from .series import MAYBE, NO, YES, Refused

EVENT_TYPES = ("EVENT", "GENERAL", "OUTAGE", "PARTIAL_PROJECTION", "PIPELINE", "TRAFFIC_ANOMALY")
OTHER = "OTHER"
PROJECTION = "PARTIAL_PROJECTION"


@dataclasses.dataclass
class Annotation:
    """`types`: under which of the names it may be counted. `start` and `end` are None when they
    cannot be read, or end before they begin; `hints` are then those that can be read."""
    types: tuple
    start: float | None
    end: float | None
    sure: bool
    hints: tuple = ()

    @property
    def projection(self):
        return PROJECTION in self.types

    def covers(self, start, length):
        """Whether it overlaps the bucket: YES, NO, or MAYBE, as for a moment at the bucket's edge."""
        if self.start is None or start is None:
            return MAYBE
        end = start + length
        if not self.sure:
            return MAYBE
        if self.start == self.end:
            return YES if start < self.start < end else (
                MAYBE if self.start in (start, end) else NO)
        return YES if self.start < end and self.end > start else NO


def read_annotations(info, doubts):
    """All of them, those in lists within the list included; raises Refused."""
    found = info.get("annotations", [])
    if found is None:
        doubts.append("annotations is null")
        return []
    if not isinstance(found, list):
        raise Refused("annotations is no list")
    return list(_read(found, doubts))


def _read(entries, doubts):
    for entry in entries:
        if isinstance(entry, list):
            doubts.append("a list within annotations")
            yield from _read(entry, doubts)
        elif isinstance(entry, dict):
            yield _read_one(entry, doubts)
        else:
            doubts.append("an annotation that is no object")


def _read_one(entry, doubts):
    name = entry.get("eventType")
    if not isinstance(name, str):
        doubts.append("an annotation without a type")
        types = (OTHER,)
    elif name in EVENT_TYPES:
        types = (name,)
    elif name.upper() in EVENT_TYPES:
        types = (name.upper(), OTHER)
    else:
        types = (OTHER,)
        if name.strip().upper() == PROJECTION:
            doubts.about_place("blanks around PARTIAL_PROJECTION")
    start, end = read_time(entry.get("startDate")), read_time(entry.get("endDate"))
    readable = start.seconds is not None and end.seconds is not None
    if not readable or end.seconds < start.seconds:
        hints = tuple(each.seconds for each in (start, end) if each.seconds is not None)
        return Annotation(types, None, None, start.sure and end.sure, hints)
    instant = entry.get("isInstantaneous") is True and start.seconds != end.seconds
    return Annotation(types, start.seconds, end.seconds, start.sure and end.sure and not instant)


def mark_projections(buckets, annotations, length, reached, doubts):
    """Takes away the completeness of the buckets that are projections. `reached`: by the data."""
    for each in annotations:
        if not each.projection:
            continue
        if buckets[-1].start is None:
            # Nothing tells where it stands.
            buckets[-1].complete = NO
        elif each.start is None:
            buckets[-1].complete = NO if each.sure else MAYBE
            # The last bucket may also be the last that has begun.
            begun = [bucket for bucket in buckets if bucket.start <= reached]
            if begun and begun[-1].complete == YES:
                begun[-1].complete = MAYBE
            if not each.sure:
                doubts.about_place("a projection whose time can be read in two ways")
            # Whoever keeps the bucket that is hinted at from the page as well is right to do so.
            for bucket in buckets if each.hints else ():
                if bucket.complete == YES and bucket.start <= max(each.hints) and (
                        min(each.hints) < bucket.start + length):
                    bucket.complete = MAYBE
        else:
            for bucket in buckets:
                covered = each.covers(bucket.start, length)
                if covered == YES:
                    bucket.complete = NO
                elif covered == MAYBE and bucket.complete == YES:
                    bucket.complete = MAYBE


def counts_over(annotations, start, length):
    """{type: (least, most)} for the bucket; None when the bucket's time is not known."""
    if start is None:
        return None
    counts = {each: [0, 0] for each in (*EVENT_TYPES, OTHER)}
    for each in annotations:
        covered = each.covers(start, length)
        for name in each.types:
            counts[name][0] += covered == YES and len(each.types) == 1
            counts[name][1] += covered != NO
    return counts
