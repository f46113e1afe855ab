"""Scrapes without pause, in every form there is, and what came of them."""

import collections
import gzip
import http.client
import itertools
import threading

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
GZIP = {"Accept-Encoding": "gzip"}
FORMS = [{}, GZIP, OPEN_METRICS, OPEN_METRICS | GZIP]


class ScrapeStorm:
    """Some threads that keep their connection, and some that open one for each scrape."""

    def __init__(self, port, keeping=2, opening=2):
        self._port = port
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.good = 0
        self.failed = []
        self.seen = collections.Counter()  # of what `watch_for` found
        self._watch = []
        self._threads = [threading.Thread(target=self._scrape, args=(keep,), daemon=True)
                         for keep in [True] * keeping + [False] * opening]

    def watch_for(self, finds):
        """`finds(body)` is asked about every 50th page."""
        self._watch.append(finds)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _scrape(self, keep):
        connection = None
        for number, headers in enumerate(itertools.cycle(FORMS)):
            if self._stop.is_set():
                break
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port,
                                                                  timeout=10)
            try:
                problem = self._one(connection, headers, number)
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = repr(error)
            with self._lock:
                if problem:
                    self.failed.append(problem)
                else:
                    self.good += 1
            if problem or not keep:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _one(self, connection, headers, number):
        """What was wrong with a scrape, or None."""
        connection.putrequest("GET", "/metrics", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return f"status {answer.status}"
        if ("Accept-Encoding" in headers) != (answer.headers["Content-Encoding"] == "gzip"):
            return f"Content-Encoding {answer.headers['Content-Encoding']}"
        if number % 50:
            return None
        if "Accept-Encoding" in headers:
            body = gzip.decompress(body)
        end = b"# EOF\n" if "Accept" in headers else b"\n"
        if not body.endswith(end) or b"process_open_fds" not in body:
            return "a page that is not whole"
        with self._lock:
            for finds in self._watch:
                self.seen[finds.__name__] += bool(finds(body))
        return None
