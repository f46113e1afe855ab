"""The oracle itself, on the rows of the contract: a judge that errs is worse than none."""

import copy
import datetime
import unittest

from oracle.contract import ACCEPT, ASK_AGAIN, EITHER, NOTHING, REFUSE, Verdict, judge
from oracle.ledger import Exchange, QueryLedger
from oracle.page import PageReader, QueryOnPage
from oracle.series import Asked
from oracle.words import secret_in

NOW = datetime.datetime(2026, 6, 1, 12, 10, tzinfo=datetime.timezone.utc).timestamp()
QUARTERS = [f"2026-06-01T{hour:02}:{minute:02}:00Z" for hour in range(12)
            for minute in (0, 15, 30, 45)]
OWN = Asked("s", 0, 1, "15m", 1)


def answer(**meta):
    """Quarter hours of the morning; complete up to 11:30, so that 11:30 and 11:45 are not."""
    return {"success": True, "result": {
        "s": {"timestamps": list(QUARTERS), "SPOOF": [f"{10 + i}.5" for i in range(48)],
              "NOT_SPOOF": [f"{89 - i}.5" for i in range(48)]},
        "meta": {"dateRange": [{"startTime": QUARTERS[0], "endTime": "2026-06-01T12:00:00Z"}],
                 "aggInterval": "FIFTEEN_MINUTES", "lastUpdated": "2026-06-01T11:30:00Z",
                 "normalization": "PERCENTAGE", "confidenceInfo": {"level": 5, "annotations": []},
                 } | meta}}


def with_pair(place, spoof, not_spoof):
    found = answer()
    found["result"]["s"]["SPOOF"][place] = spoof
    found["result"]["s"]["NOT_SPOOF"][place] = not_spoof
    return found


def with_projection(**annotation):
    return answer(lastUpdated="2026-06-01T12:00:00Z", confidenceInfo={"level": 5, "annotations": [
        {"eventType": "partial_projection"} | annotation]})


def with_one_to_come(found):
    for key, value in (("timestamps", "2026-06-03T00:00:00Z"), ("SPOOF", "1"), ("NOT_SPOOF", "99")):
        found["result"]["s"][key].append(value)
    return found


class ContractTest(unittest.TestCase):
    def verdict(self, document, own=OWN, control=None):
        return judge(copy.deepcopy(document), own, control, NOW)

    def shows(self, document, place):
        """The bucket at `place` and no other."""
        verdict = self.verdict(document)
        self.assertEqual((verdict.kind, [each.spoof for each in verdict.shown]),
                         (ACCEPT, [(10.5 + place) / 100]), verdict.why)
        return verdict.shown[0]

    def refuses(self, document, *reasons):
        verdict = self.verdict(document)
        self.assertEqual(verdict.kind, REFUSE, verdict.why)
        self.assertEqual(verdict.reasons, reasons or ("validation",))

    def test_newest_complete_bucket(self):
        shown = self.shows(answer(), 45)
        self.assertAlmostEqual(shown.not_spoof, 0.445)
        self.assertAlmostEqual(shown.usual[0][0], (10.5 + 54.5) / 200)

    def test_last_updated_fails_closed(self):
        for bad in (None, "", 7, "2026-06-01T11:30:00", "2026-06-01", "9999-01-01T00:00:00Z"):
            with self.subTest(bad):
                self.refuses(answer(lastUpdated=bad))
        self.refuses(answer(lastUpdated="0001-01-01T00:00:00Z"), "empty")
        self.shows(answer(lastUpdated="2026-06-01T13:30:00+02:00"), 45)

    def test_without_timestamps(self):
        found = answer()
        del found["result"]["s"]["timestamps"]
        self.shows(found, 45)  # placed by dateRange
        for name in ("SPOOF", "NOT_SPOOF"):
            del found["result"]["s"][name][:5]
        self.shows(found, 47)  # that many do not fit: the last one
        found["result"]["meta"]["confidenceInfo"]["annotations"] = [
            {"eventType": "PARTIAL_PROJECTION"}]
        self.shows(found, 46)

    def test_projections(self):
        self.shows(with_projection(startDate=QUARTERS[47], endDate="2026-06-01T12:00:00Z"), 46)
        backwards = self.verdict(with_projection(startDate=QUARTERS[47], endDate=QUARTERS[46]))
        self.assertEqual(backwards.kind, ACCEPT)
        self.assertNotIn(0.575, [each.spoof for each in backwards.shown])
        self.shows(with_projection(startDate="2026-06-01", endDate="2026-06-01"), 46)
        self.shows(with_projection(), 46)
        self.refuses(answer(confidenceInfo={"annotations": {}}))
        # The last one, or the last that has begun.
        verdict = self.verdict(with_one_to_come(with_projection()))
        self.assertEqual((verdict.kind, [each.spoof for each in verdict.shown]),
                         (ACCEPT, [0.575, 0.565]))

    def test_what_is_still_to_come(self):
        self.shows(with_one_to_come(answer()), 45)

    def test_grid(self):
        off, overlapping, apart = answer(), answer(), answer()
        off["result"]["s"]["timestamps"][7] = "2026-06-01T01:52:00Z"
        overlapping["result"]["s"]["timestamps"][7] = QUARTERS[6]
        apart["result"]["s"]["timestamps"] = [f"{2026 - 47 + i}-06-01T11:00:00Z" for i in range(48)]
        for each in (off, overlapping, apart):
            self.refuses(each)
        shuffled = answer()
        for values in shuffled["result"]["s"].values():
            values.reverse()
        self.shows(shuffled, 45)

    def test_gaps(self):
        for gap in (("0.0", "0.0"), (None, None), ("", ""), ("NaN", "NaN"), (0, 0)):
            with self.subTest(gap):
                self.shows(with_pair(45, *gap), 44)
                self.shows(with_pair(20, *gap), 45)
        found = answer()
        del found["result"]["s"]["SPOOF"], found["result"]["s"]["NOT_SPOOF"]
        self.refuses(found, "empty")

    def test_broken_pairs(self):
        for pair in ((None, "50"), ("x", "50"), ("-1", "50"), ("101", "0"), ("60", "60"),
                     ("NaN", "50"), ("1e999", "0"), (True, "50"), (" 1", "50")):
            with self.subTest(pair):
                self.refuses(with_pair(45, *pair))
                self.refuses(with_pair(3, *pair))
                self.shows(with_pair(46, *pair), 45)  # not complete: never looked at

    def test_other_classes(self):
        found = with_pair(45, "20", "78.5")
        found["result"]["s"]["UNKNOWN"] = None
        self.assertEqual(self.verdict(found).shown[0].spoof, 0.2)

    def test_control_costs_itself_alone(self):
        own, control = Asked("s", 0, 2, "15m", 1), Asked("c", 1, 2, "15m", 1, 7)
        found = answer()
        week_before = [f"2026-05-25{each[10:]}" for each in QUARTERS]
        found["result"]["meta"]["dateRange"].append(
            {"startTime": week_before[0], "endTime": "2026-05-25T12:00:00Z"})
        found["result"]["c"] = found["result"]["s"] | {
            "timestamps": week_before, "SPOOF": [str(i) for i in range(48)]}
        for spoil, allowed in ((lambda c: None, [0.45]), (lambda c: c.pop("SPOOF"), [None]),
                               (lambda c: c["SPOOF"].__setitem__(3, None), [None, 0.45])):
            document = copy.deepcopy(found)
            spoil(document["result"]["c"])
            verdict = judge(document, own, control, NOW)
            self.assertEqual((verdict.kind, verdict.shown[0].control), (ACCEPT, allowed))

    def test_names(self):
        found = answer()
        found["result"]["serie_0"] = found["result"].pop("s")
        self.assertEqual(self.verdict(found).kind, NOTHING)
        found["result"]["s"] = []
        self.assertEqual(self.verdict(found).kind, NOTHING)
        self.assertEqual(self.verdict(found, Asked("serie_1", 1, 2, "15m", 1)).kind, NOTHING)
        self.assertEqual(self.verdict(found, Asked("serie_1", 0, 1, "15m", 1)).kind, REFUSE)


class LedgerTest(unittest.TestCase):
    """A page between the answers: what it may show and what not."""

    def setUp(self):
        self.ledger = QueryLedger()
        self.first = judge(answer(), OWN, None, NOW)
        self.second = judge(with_pair(45, "20", "80"), OWN, None, NOW)

    def page(self, verdict, success, polls, failures):
        shown = verdict.shown[0]
        return QueryOnPage(shown.spoof, shown.not_spoof, *shown.usual[0], None, shown.start,
                           shown.last_updated, 5.0, success, polls, failures)

    def exchanges(self, *verdicts):
        """Asked at 0, 10, 20 ... and answered a second later."""
        for number, verdict in enumerate(verdicts):
            self.ledger.append(Exchange(verdict, ("kind",), 10 * number, 10 * number + 1))

    def test_latest_answer(self):
        self.exchanges(self.first, self.second, self.second)
        self.assertIsNone(self.ledger.check(self.page(self.second, 1, 2, 0), 20.1, 20.2))
        self.assertIn("not shown", self.ledger.check(self.page(self.first, 1, 1, 0), 20.1, 20.2))

    def test_value_before_its_answer(self):
        self.exchanges(self.first, self.second)
        self.assertIn("before its answer",
                      self.ledger.check(self.page(self.second, 1, 2, 0), 5, 6))

    def test_broken_answer(self):
        self.exchanges(self.first, Verdict(REFUSE), self.second)
        self.assertIsNone(self.ledger.check(self.page(self.first, 0, 2, 1), 20.1, 20.2))
        self.assertIn("success after",
                      self.ledger.check(self.page(self.first, 1, 2, 1), 20.1, 20.2))
        self.assertIn("failures counted",
                      self.ledger.check(self.page(self.first, 0, 2, 0), 20.1, 20.2))

    def test_values_that_a_restart_kept(self):
        self.exchanges(self.first)
        self.ledger.restart()
        self.assertIsNone(self.ledger.check(self.page(self.first, 1, 0, 0), 5, 6))
        self.assertFalse(self.ledger.exchanges[0].used)

    def test_failure_without_a_cause(self):
        self.exchanges(self.first, self.second)
        self.assertIn("explains", self.ledger.check(self.page(self.first, 0, 2, 1), 10.1, 12))

    def test_before_the_first_poll_has_ended(self):
        self.exchanges(Verdict(ASK_AGAIN), self.first, self.first)
        nothing = QueryOnPage(success=0, polls=0, failures=0)
        self.assertIsNone(self.ledger.check(nothing, 15, 16))
        self.assertIn("not shown", self.ledger.check(nothing, 25, 26))

    def test_mixture_of_answers(self):
        self.exchanges(self.first, self.second)
        page = self.page(self.second, 1, 2, 0)
        page.not_spoof = self.first.shown[0].not_spoof
        self.assertIn("not of one answer", self.ledger.check(page, 15, 16))

    def test_either(self):
        self.exchanges(self.first, Verdict(EITHER, self.second.shown), self.second)
        for page in (self.page(self.first, 0, 2, 1), self.page(self.second, 1, 2, 0)):
            self.assertIsNone(self.ledger.check(page, 20.1, 20.2))


class PageTest(unittest.TestCase):
    def test_reads_what_is_there(self):
        queries = PageReader().read(
            'cloudflare_radar_email_spoof_ratio{query="a",arc="any"} 0.25\n'
            'cloudflare_radar_query_annotations{query="a",event_type="EVENT"} 2\n')
        self.assertEqual((queries["a"].spoof, queries["a"].control, queries["a"].annotations),
                         (0.25, None, {"EVENT": 2.0}))

    def test_parts_of_a_secret(self):
        self.assertEqual(secret_in("... ABCDEFGH ...", "xxabcdefghyy"), "abcdefgh")
        self.assertIsNone(secret_in("abcdefg", "xxabcdefghyy"))


if __name__ == "__main__":
    unittest.main()
