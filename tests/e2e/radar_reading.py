"""A second reading of a Radar answer, written from the API's documentation and docs/metrics.md and
not from the exporter's sources: what the exporter should make of it."""

import collections
import datetime
import decimal
import math
import statistics

# Ratios are 0 to 1, times are Unix seconds; None: not to be published.
Reading = collections.namedtuple(
    "Reading", "spoof not_spoof mean stddev control sample_timestamp last_updated confidence"
)

SECONDS = {"15m": 900, "1h": 3600, "1d": 86400, "1w": 7 * 86400}
WEEK = SECONDS["1w"]


def unix_seconds(rfc3339):
    return datetime.datetime.fromisoformat(rfc3339).timestamp()


def ratio(percent):
    """The decimal moved by two places, which float(percent) / 100 is not always."""
    return float(decimal.Decimal(percent).scaleb(-2))


def series_of(result):
    """In the order in which they were asked for, under whatever names."""
    return [value for key, value in result.items() if key != "meta"]


def complete_buckets(series, interval, last_updated):
    """{start: (SPOOF, NOT_SPOOF)} as ratios, oldest first; without those that hold no mail."""
    if "SPOOF" not in series:
        return {}
    rows = sorted(
        (unix_seconds(start), ratio(spoof), ratio(not_spoof))
        for start, spoof, not_spoof in zip(
            series["timestamps"], series["SPOOF"], series["NOT_SPOOF"], strict=True
        )
        if float(spoof or 0) + float(not_spoof or 0) > 0
    )
    return {start: shares for start, *shares in rows if start + interval <= last_updated}


def read(answer, agg_interval, days):
    """`days` is the length of dateRange, for the control period. None: no bucket to speak of."""
    result = answer["result"]
    meta = result["meta"]
    interval = SECONDS[agg_interval]
    last_updated = unix_seconds(meta["lastUpdated"])
    own, *control_period = series_of(result)
    buckets = complete_buckets(own, interval, last_updated)
    if not buckets:
        return None
    newest = max(buckets)
    spoof, not_spoof = buckets.pop(newest)
    before = [spoof_before for spoof_before, _ in buckets.values()]
    control = None
    if control_period:
        shift = math.ceil(days * 86400 / WEEK) * WEEK
        period = complete_buckets(control_period[0], interval, last_updated)
        control = period.get(newest - shift, [None])[0]
    return Reading(
        spoof=spoof,
        not_spoof=not_spoof,
        mean=statistics.fmean(before) if len(before) >= 2 else None,
        stddev=statistics.stdev(before) if len(before) >= 2 else None,
        control=control,
        sample_timestamp=newest,
        last_updated=last_updated,
        confidence=(meta["confidenceInfo"] or {}).get("level"),
    )
