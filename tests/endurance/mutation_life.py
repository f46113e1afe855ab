"""One life of the exporter before a mutating API: what was wrong with its pages."""

import collections
import contextlib
import dataclasses
import http.client
import random
import threading
import time

from exporter_under_test import Exporter, running, write
from mutants.api import Behaviour, MutatingApi
from mutants.envelope_mutants import ERROR_MARK
from mutants.queries import some_queries
from mutants.recipe import Recipe
from mutants.status_mutants import EARLIER_POLICY, TOKEN
from mutants.testimony import testimony
from mutants.tls import Tls
from oracle.ledger import QueryLedger
from oracle.page import PageReader
from oracle.words import excess_of_reasons, wrong_words

PAUSE = 0.12  # seconds between two pages
# Until a page is judged: what the exporter asked before is then known here, on a busy machine, too.
PATIENCE = 4
_LAST_PATIENCE = 1
# What is true of an API as a whole is judged by queries that asked so often, if there are some of
# them, and by so many requests.
_OFTEN, _SOME, _MANY = 4, 10, 30
# So many refusals must have left their text in the log once: each time a query begins to fail.
_REFUSALS_TO_BE_TOLD = 30


@dataclasses.dataclass
class Plan:
    """`processes`: how many, one after the other on one state; `only`: kinds of mutation, or all;
    `keep_going`: past what is wrong, though not with the query that it is wrong with."""
    seed: int
    seconds: float
    queries: int
    series: int = 1
    behaviour: Behaviour = dataclasses.field(default_factory=Behaviour)
    processes: int = 1
    tls: bool = False
    only: tuple = ()
    keep_going: bool = False

    def describe(self):
        return (f"seed {self.seed}, {self.queries} queries, {self.series} series a request, names "
                f"{self.behaviour.names}, path {self.behaviour.path}, {self.processes} processes, "
                f"{'https' if self.tls else 'http'}")


_Page = collections.namedtuple("_Page", "began ended text")


class Life:
    """`plan` is a Plan. After run(): `violations`, and counts of what was judged."""

    def __init__(self, plan, directory):
        self.plan = plan
        rng = random.Random(f"life {plan.seed}")
        self._queries = some_queries(plan.queries, plan.series > 1, rng)
        self._concurrency = rng.choice((1, 2, 4, 16))
        self._directory = directory
        self._tls = Tls(directory) if plan.tls else None
        self._lock = threading.Lock()
        self._ledgers = {each.name: QueryLedger() for each in self._queries}
        self._recent = collections.deque(maxlen=20 * plan.queries)
        self._wrong = set()  # queries that are not judged any more
        self._reader = PageReader()
        self._pages = collections.deque()  # that are not judged yet
        self._saw_earlier_policy = False
        self._exporter = None
        self._ended = False  # of itself
        self.violations = []
        self.pages = 0

    def run(self):
        """Until its time is over, or something was wrong and the plan does not keep going."""
        recipe = Recipe(self.plan.seed, self.plan.only)
        with MutatingApi(self._queries, recipe, self._record, self.plan.behaviour,
                         self._tls and self._tls.server) as self.api:
            config = self._config()
            for number in range(self.plan.processes):
                if number:
                    self._restart()
                self._live(config, self.plan.seconds / self.plan.processes)
                if not self._goes_on():
                    break
            else:
                self._judge_end()
        self.violations[:0] = [f"in the fuzzer: {error}" for error in self.api.errors]
        return self

    def exchanges(self):
        return [each for ledger in self._ledgers.values() for each in ledger.exchanges]

    def _config(self):
        scheme = "https" if self._tls else "http"
        authority = f", ca_file: {self._tls.certificate}" if self._tls else ""
        queries = "".join(f"  - {each.yaml()}\n" for each in self._queries)
        (self._directory / "state").mkdir()
        return write(self._directory / "config.yaml", f"""\
api: {{base_url: "{scheme}://127.0.0.1:{self.api.port}", rate_limit: 1000000,
       max_concurrency: {self._concurrency}, max_series_per_request: {self.plan.series}{authority}}}
polling: {{settle: 0s, retry_max: 1s, stale_after: 1000}}
queries:
{queries}""")

    def _record(self, query, exchange):
        with self._lock:
            self._ledgers[query.name].append(exchange)
            self._recent.append((query.name, exchange))

    def _restart(self):
        self.api.drain()  # a busy machine reads the last requests after their process is gone
        with self._lock:
            for ledger in self._ledgers.values():
                ledger.restart()

    def _goes_on(self):
        return not self._ended and (self.plan.keep_going or not self.violations)

    def _live(self, config, seconds):
        self._exporter = Exporter(config, f"--storage.path={self._directory / 'state'}",
                                  token=TOKEN)
        with running(self._exporter):
            self._scrape_for(seconds)
            time.sleep(_LAST_PATIENCE)
            self._judge_pages(time.monotonic())
            if not self._ended:
                code, _ = self._exporter.stop()
                if code != 0:
                    self._violation(f"exit code {code}")
        wrong = wrong_words("the log", self._exporter.output, TOKEN)
        if wrong:
            self._violation(wrong)

    def _scrape_for(self, seconds):
        connection = http.client.HTTPConnection("127.0.0.1", self._exporter.port, timeout=10)
        with contextlib.closing(connection):
            end = time.monotonic() + seconds
            while (now := time.monotonic()) < end and self._goes_on():
                try:
                    self._pages.append(self._scrape(connection))
                    self._judge_pages(now - PATIENCE)
                except (OSError, http.client.HTTPException) as error:
                    time.sleep(PAUSE)
                    code = self._exporter.process.poll()
                    self._ended = code is not None
                    self._violation(f"the process ended with {code}" if self._ended else
                                    f"a page failed: {error!r}")
                time.sleep(PAUSE)

    def _scrape(self, connection):
        began = time.monotonic()
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
        ended = time.monotonic()
        if answer.status != 200:
            self._violation(f"a page with status {answer.status}")
        return _Page(began, ended, text)

    def _judge_pages(self, until):
        while self._pages and self._pages[0].ended < until and self._goes_on():
            self._judge_page(self._pages.popleft())

    def _judge_page(self, page):
        self.pages += 1
        queries = self._reader.read(page.text)
        with self._lock:
            wrong = wrong_words("the page", page.text, TOKEN) or excess_of_reasons(
                page.text, self.exchanges())
            if wrong and None not in self._wrong:
                self._violation(wrong)
            self._saw_earlier_policy |= f'policy="{EARLIER_POLICY}"' in page.text
            for name in self._ledgers.keys() - self._wrong:
                self._judge(name, queries.get(name), page)

    def _judge(self, name, query, page):
        if query is None:
            self._violation("not on the page", name)
            return
        ledger = self._ledgers[name]
        wrong = ledger.check(query, page.began, page.ended)
        if wrong:
            self._violation(wrong, name, testimony(name, query, ledger.exchanges, self._recent,
                                                   self._exporter.output))

    def _judge_end(self):
        """An API that answers well has to show, whatever it does not understand."""
        lately = [[each for each in ledger.exchanges if each.asked_at > self.api.answers_from]
                  for ledger in self._ledgers.values()]
        asked = [exchanges for exchanges in lately if len(exchanges) >= _OFTEN]
        answered = sum(any(each.may_be_used for each in exchanges) for exchanges in asked)
        if len(asked) > _SOME and answered < 0.7 * len(asked):
            self._violation(f"only {answered} of {len(asked)} queries got a good answer")
        sizes = self.api.sizes_when_good
        if self.plan.behaviour.refused_for and len(sizes) > _MANY and max(sizes[-_MANY:]) < 2:
            self._violation("requests are not shared again after a refusal that has passed")
        if not self._saw_earlier_policy and any(
                each.used and "header_like_a_status" in each.kinds for each in self.exchanges()):
            self._violation("a header line that begins with HTTP/ ends those before it")
        if (self.api.answers["error_texts"] > _REFUSALS_TO_BE_TOLD and
                ERROR_MARK not in self._exporter.output):
            self._violation("the log tells no text of a refusal")

    def _violation(self, wrong, name=None, context=()):
        self._wrong.add(name)
        if self.plan.keep_going or not self.violations:
            self.violations.append("\n      ".join(
                [f"{name or 'exporter'}: {wrong}", self.plan.describe(), *context]))
