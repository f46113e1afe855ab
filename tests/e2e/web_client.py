"""What the end-to-end tests see of a server: one request, one page of metrics, and the wait for
something to show."""

import collections
import http.client
import os
import time

try:
    from prometheus_client import parser
except ImportError as error:
    raise ImportError(
        f"{error}; run scripts/install-deps test, which installs python3-prometheus-client"
    ) from error

# Seconds until something that must happen is taken for something that does not; generous, because
# a busy machine is slow.
PATIENCE = 120


def seconds_when_quiet(seconds):
    """So long on a quiet machine, and longer where more processes want to run than it has cores."""
    return seconds * max(1, 2 * os.getloadavg()[0] / os.cpu_count())


def wait_until(condition, what, patience=PATIENCE):
    """The first true value of `condition()`; an error that names `what` when there is none."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.02)


Answer = collections.namedtuple("Answer", "status headers body")


def fetch(port, path, method="GET", headers=None, host="127.0.0.1", tls=None, timeout=PATIENCE):
    """One request on a connection of its own; `tls` is an ssl.SSLContext."""
    if tls:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        # Unlike request(), adds no Accept-Encoding of its own.
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if method in ("POST", "PUT"):
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Page:
    """The samples of one text exposition."""

    def __init__(self, text):
        self.samples = [
            sample
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples
        ]

    def value(self, name, **labels):
        """The only sample of that name with those labels among its own; None when there is none."""
        values = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        if len(values) > 1:
            raise AssertionError(f"{name}{labels} names {len(values)} series")
        return values[0] if values else None

    def names(self, **labels):
        """Names of the metrics that have a series with those labels."""
        return {s.name for s in self.samples if labels.items() <= s.labels.items()}

    def series(self):
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in self.samples}
