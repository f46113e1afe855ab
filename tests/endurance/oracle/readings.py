"""Single values of an answer: times, shares of mail, and pairs of shares.

Where the contract leaves open whether a spelling is a time or a number, the reading says so, and
both ways of taking it are allowed."""

import dataclasses
import datetime
import functools
import math
import re

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
DAY = 86_400
LENGTHS = {"15m": 900, "1h": 3_600, "1d": DAY, "1w": 7 * DAY}
# 1970-01-05 was a Monday, on which weeks begin.
_FIRST_MONDAY = 4 * DAY

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)([Tt ])(\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
# Read by some number readers and not by others.
_ODD_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Time:
    """Seconds since 1970, or None for what is no time; `sure` when there is one way to read it."""
    seconds: float | None
    sure: bool = True


NO_TIME = Time(None)


@functools.lru_cache(maxsize=20_000)
def _read_time(text):
    match = _RFC3339.fullmatch(text)
    if not match:
        return NO_TIME
    year, month, day, separator, hour, minute, second, fraction, zone = match.groups()
    sure = separator == "T" and zone != "z" and second != "60"
    offset = 0
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if minutes > 59:
            return NO_TIME
        sure = sure and hours < 24
        offset = (hours * 60 + minutes) * (60 if zone[0] == "+" else -60)
    try:
        moment = datetime.datetime(int(year), int(month), int(day), int(hour), int(minute),
                                   min(int(second), 59 if second == "60" else 99),
                                   tzinfo=datetime.timezone.utc)
    except ValueError:
        # The year 0 and the hour 24 are times to some.
        return Time(None, sure=year != "0000" and hour != "24")
    seconds = (moment - EPOCH).total_seconds() + (second == "60") + float("0" + (fraction or ""))
    return Time(seconds - offset, sure)


def read_time(value):
    return _read_time(value) if isinstance(value, str) else NO_TIME


def on_grid(seconds, interval):
    length = LENGTHS[interval]
    return (seconds - (_FIRST_MONDAY if interval == "1w" else 0)) % length == 0


def grid_floor(seconds, interval):
    length = LENGTHS[interval]
    shift = _FIRST_MONDAY if interval == "1w" else 0
    return math.floor((seconds - shift) / length) * length + shift


@dataclasses.dataclass(frozen=True)
class Share:
    """One element of SPOOF or NOT_SPOOF: a `number`, or `blank` (which spelling of nothing it is),
    or neither: broken."""
    number: float | None = None
    blank: str | None = None
    sure: bool = True


def read_share(value):
    if value is None:
        return Share(blank="null")
    if isinstance(value, bool):
        return Share()
    if isinstance(value, (int, float)):
        return Share(number=float(value)) if abs(value) < 1e300 else Share()
    if not isinstance(value, str):
        return Share()
    if value == "":
        return Share(blank="empty")
    if value.lower() in ("nan", "+nan", "-nan"):
        return Share(blank="NaN", sure=value == "NaN")
    plain = _NUMBER.fullmatch(value)
    if not plain and not _ODD_NUMBER.fullmatch(value):
        return Share()
    number = float(value)
    if math.isinf(number):
        return Share()
    # Too small for a double, and yet not 0.
    vanished = number == 0 and re.search("[1-9]", value.lower().partition("e")[0])
    return Share(number=number, sure=bool(plain) and not value.startswith("-0") and not vanished)


@dataclasses.dataclass(frozen=True)
class Pair:
    """The values of one bucket: `good`, `gap` or `broken`, and whether that is sure."""
    kind: str
    spoof: float = 0
    not_spoof: float = 0
    sure: bool = True


def read_pair(spoof, not_spoof):
    first, second = read_share(spoof), read_share(not_spoof)
    sure = first.sure and second.sure
    if first.blank and second.blank:
        return Pair("gap", sure=sure and first.blank == second.blank)
    if first.number is None or second.number is None:
        return Pair("broken")
    low, high = sorted((first.number, second.number))
    total = low + high
    if low == high == 0:
        return Pair("gap", sure=sure)
    pair = (first.number / 100, second.number / 100)
    if low < 0 or high > 100.01 or total > 100.0101:
        return Pair("broken", sure=sure)
    return Pair("good", *pair, sure=sure and high <= 100 and total <= 100.0099)
