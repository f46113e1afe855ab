"""A true answer to a request, as the Radar API gives it. Every value is random to six decimals, so
that a value on the page tells which answer it is from."""

import datetime
import math

from oracle.contract import AGGREGATIONS
from oracle.readings import DAY, LENGTHS, grid_floor

QUARTER_HOUR = 900


def text_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def percent(millionths):
    """As the API spells it: at most six decimals, no zeros at the end."""
    return f"{millionths / 1e6:.6f}".rstrip("0").rstrip(".") or "0"


def true_series(asked, start, end, rng):
    first = grid_floor(start, asked.interval)
    count = math.ceil((end - first) / LENGTHS[asked.interval])
    values = [rng.randrange(1_000_000, 99_000_000) for _ in range(count)]
    return {"timestamps": [text_of(first + place * LENGTHS[asked.interval])
                           for place in range(count)],
            "SPOOF": [percent(value) for value in values],
            "NOT_SPOOF": [percent(100_000_000 - value) for value in values]}


def true_answer(series, now, rng):
    """To the SeriesOfRequest `series`. The data lag by a quarter of an hour or more, and the last
    bucket is mostly one that is still filling."""
    updated = math.floor(now / QUARTER_HOUR) * QUARTER_HOUR - rng.randrange(1, 4) * QUARTER_HOUR
    end = updated + rng.choice((0, 1, 1)) * QUARTER_HOUR
    every = sorted((asked for each in series for asked in (each.own, each.control) if asked),
                   key=lambda asked: asked.place)
    whole = rng.random() < 0.7  # "adjusted to whole buckets"
    ranges, result = [], {}
    for asked in every:
        to = end - asked.shift_days * DAY
        start = to - asked.range_days * DAY
        if whole:
            start = grid_floor(start, asked.interval)
        ranges.append({"startTime": text_of(start), "endTime": text_of(to)})
        result[asked.name] = true_series(asked, start, to, rng)
    result["meta"] = {
        "dateRange": ranges,
        "aggInterval": AGGREGATIONS[every[0].interval],
        "confidenceInfo": {"level": rng.randrange(1, 6), "annotations": []},
        "lastUpdated": text_of(updated),
        "normalization": "PERCENTAGE",
        "units": [{"name": "*", "value": "requests"}]}
    return {"success": True, "errors": [], "result": result}
