"""What /metrics says of each query, read quickly: a fuzzer reads thousands of pages."""

import dataclasses
import re

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_QUERY_FIELDS = {
    "cloudflare_radar_email_spoof_ratio": "spoof",
    "cloudflare_radar_email_not_spoof_ratio": "not_spoof",
    "cloudflare_radar_email_spoof_window_mean_ratio": "mean",
    "cloudflare_radar_email_spoof_window_stddev_ratio": "deviation",
    "cloudflare_radar_email_spoof_control_ratio": "control",
    "cloudflare_radar_query_sample_timestamp_seconds": "start",
    "cloudflare_radar_query_last_updated_timestamp_seconds": "last_updated",
    "cloudflare_radar_query_confidence_level": "confidence",
    "cloudflare_radar_query_success": "success",
    "cloudflare_radar_query_polls_total": "polls",
    "cloudflare_radar_query_failures_total": "failures",
}
_ANNOTATIONS = "cloudflare_radar_query_annotations"


@dataclasses.dataclass
class QueryOnPage:
    """None is "not on the page"."""
    spoof: float | None = None
    not_spoof: float | None = None
    mean: float | None = None
    deviation: float | None = None
    control: float | None = None
    start: float | None = None
    last_updated: float | None = None
    confidence: float | None = None
    success: float | None = None
    polls: float | None = None
    failures: float | None = None
    annotations: dict = dataclasses.field(default_factory=dict)


class PageReader:
    """Remembers where the value of each line goes, which is what takes the time."""

    def __init__(self):
        self._places = {}

    def read(self, text):
        """{query: QueryOnPage}."""
        queries = {}
        for line in text.splitlines():
            series, _, value = line.rpartition(" ")
            place = self._places.get(series)
            if place is None:
                place = self._places[series] = _place(series)
            query, field, event_type = place
            if query is None:
                continue
            entry = queries.get(query)
            if entry is None:
                entry = queries[query] = QueryOnPage()
            if event_type is None:
                setattr(entry, field, float(value))
            else:
                entry.annotations[event_type] = float(value)
        return queries


def _place(series):
    name, _, labels = series.partition("{")
    if name != _ANNOTATIONS and name not in _QUERY_FIELDS:
        return None, None, None
    labels = dict(_LABEL.findall(labels))
    return labels["query"], _QUERY_FIELDS.get(name), labels.get("event_type")


def value_of(text, series):
    """Of a series without a query, as it is spelled; None when it is not on the page."""
    match = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else None
