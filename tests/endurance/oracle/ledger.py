"""What was answered to each query, and whether a page is one that these answers allow.

A query is never asked twice at once, and what an answer brings is on the page before the query is
asked again. So a page that was fetched between two moments shows the state after one of a few
answers: not before the last one whose successor had been asked for when the fetch began (`settled`),
not after the last one that had begun to be sent when the fetch ended (`begun`)."""

import collections
import dataclasses
import math

from .contract import ACCEPT, ASK_AGAIN, EITHER, NOTHING, REFUSE

_RELATIVE, _ABSOLUTE = 1e-7, 1e-10


@dataclasses.dataclass
class Exchange:
    """One request for a query and its answer. Not `counted`: the exporter may ask again before the
    poll ends, whatever the verdict. Times are monotonic."""
    verdict: object
    kinds: tuple
    asked_at: float
    begun_at: float
    answer: object = None  # for the words of a violation
    counted: bool = True
    seen: bool = False  # on a page that told what came of it
    used: bool = False  # its values were on a page of the process that was answered

    @property
    def may_fail(self):
        return self.verdict.kind in (REFUSE, EITHER, NOTHING)

    @property
    def may_be_used(self):
        return self.verdict.kind in (ACCEPT, EITHER)


def _close(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def difference(page, shown, loose):
    """The first of the page's values that this answer does not put there, or None."""
    if page.spoof is None:
        return None if True in shown.hidden else "no value"
    if False not in shown.hidden:
        return "a value that is too old to be shown"
    for name in ("spoof", "not_spoof"):
        if not _close(getattr(page, name), getattr(shown, name)):
            return f"{name} {getattr(page, name)} for {getattr(shown, name)}"
    if loose:
        return None
    for name in ("start", "last_updated"):
        if not _close(getattr(page, name), getattr(shown, name)):
            return f"{name} {getattr(page, name)} for {getattr(shown, name)}"
    if shown.usual is not None and not any(
            _close(page.mean, mean) and _close(page.deviation, deviation)
            for mean, deviation in shown.usual):
        return f"mean and deviation {page.mean}, {page.deviation} for {shown.usual[:2]}"
    for name in ("control", "confidence"):
        allowed = getattr(shown, name)
        if allowed is not None and not any(_close(getattr(page, name), each) for each in allowed):
            return f"{name} {getattr(page, name)} for {allowed}"
    for event_type, (least, most) in (shown.annotations or {}).items():
        if not least <= page.annotations.get(event_type, 0) <= most:
            return (f"{page.annotations.get(event_type, 0)} annotations {event_type} for "
                    f"{least} to {most}")
    return None


class QueryLedger:
    """The exchanges of one query in the order of its requests."""

    def __init__(self):
        self.exchanges = []
        self._by_value = collections.defaultdict(list)
        self._hidden = []
        self._first_counted = 0

    def append(self, exchange):
        place = len(self.exchanges)
        self.exchanges.append(exchange)
        if not exchange.may_be_used:
            return
        for shown in exchange.verdict.shown:
            self._by_value[round(shown.spoof, 9)].append((place, shown))
            if True in shown.hidden:
                self._hidden.append((place, shown))

    def restart(self):
        """The exporter is another process from here on, with counters of its own; the request that
        was in flight may have come to nothing."""
        self._first_counted = len(self.exchanges)
        for last in self.exchanges[-1:]:
            last.counted = False
            if last.verdict.kind == ACCEPT:
                last.verdict = dataclasses.replace(last.verdict, kind=EITHER)

    def check(self, page, began, ended):
        """What is wrong with the page, or None."""
        settled = self._last(lambda following, _: following is not None and
                             following.asked_at <= began)
        begun = self._last(lambda _, exchange: exchange.begun_at <= ended)
        problems = [self._against(page, place, shown, settled, begun)
                    for place, shown in self._origins(page)]
        if None not in problems:
            return problems[0] if problems else "a number that no answer to this query may show"
        return self._counters(page, settled, begun)

    def _last(self, holds):
        following = None
        for place in reversed(range(len(self.exchanges))):
            if holds(following, self.exchanges[place]):
                return place
            following = self.exchanges[place]
        return -1

    def _origins(self, page):
        """The answers that the page's values may be from; -1 is none yet."""
        if page.spoof is None:
            return [*reversed(self._hidden), (-1, None)]
        key = round(page.spoof, 9)
        return [origin for each in (key, round(key - 1e-9, 9), round(key + 1e-9, 9))
                for origin in reversed(self._by_value.get(each, ()))]

    def _against(self, page, origin, shown, settled, begun):
        """What speaks against the page showing the state that began with the answer at `origin`."""
        if origin > begun:
            return "a value before its answer was sent"
        if shown is not None:
            wrong = difference(page, shown, self.exchanges[origin].verdict.loose)
            if wrong:
                return f"values not of one answer: {wrong}"
        since = self.exchanges[origin + 1:settled + 1]
        missed = next((each for each in since if each.verdict.kind == ACCEPT), None)
        if missed:
            return f"an acceptable answer is not shown: {describe(missed)}"
        if page.success:
            if origin < 0:
                return "success without an answer"
            failed = next((each for each in since if each.counted and each.verdict.kind in (
                REFUSE, EITHER)), None)
            if failed:
                return f"success after an answer that was not used: {describe(failed)}"
        elif not any(each.may_fail for each in self.exchanges[origin + 1:begun + 1]) and any(
                each.verdict.kind != ASK_AGAIN
                for each in self.exchanges[:max(origin, settled) + 1]):
            return "a failed poll without an answer that explains it"
        if page.success and origin >= max(settled, self._first_counted):
            self.exchanges[origin].seen = self.exchanges[origin].used = True
        elif not page.success and settled > origin:
            self.exchanges[settled].seen = True
        return None

    def _counters(self, page, settled, begun):
        if self._first_counted:
            return None
        before, sent = self.exchanges[:settled + 1], self.exchanges[:begun + 1]
        polls = sum(each.counted and each.verdict.kind not in (NOTHING, ASK_AGAIN)
                    for each in before)
        if not polls <= page.polls <= len(sent):
            return f"{page.polls} polls for {polls} to {len(sent)} answers"
        failures = sum(each.counted and each.verdict.kind == REFUSE for each in before)
        most = sum(each.may_fail for each in sent)
        if not failures <= page.failures <= most:
            return f"{page.failures} failures counted for {failures} to {most} broken answers"
        return None


def describe(exchange):
    return f"[{' + '.join(exchange.kinds)}: {exchange.verdict.kind} {exchange.verdict.why}]"
