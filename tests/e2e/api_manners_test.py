"""An API that is not as the simulator is by default: sparse data, nulls, a third class, a projected
last bucket, no confidence, no names, no timestamps, another path, answers sent twice, 408 on idle
connections. Healthy queries stay healthy beside it, and no wrong number is shown."""

import time
import unittest

import radar_reading
from processes import EndToEndTest, config_text
from web_client import wait_until

SPOOF = "cloudflare_radar_email_spoof_ratio"
NOT_SPOOF = "cloudflare_radar_email_not_spoof_ratio"
NUMBERS = {
    SPOOF: "spoof",
    NOT_SPOOF: "not_spoof",
    "cloudflare_radar_query_sample_timestamp_seconds": "sample_timestamp",
    "cloudflare_radar_query_confidence_level": "confidence",
}
SAMPLE_TIMESTAMP = "cloudflare_radar_query_sample_timestamp_seconds"
ANNOTATIONS = "cloudflare_radar_query_annotations"
SUCCESS = "cloudflare_radar_query_success"
POLLS = "cloudflare_radar_query_polls_total"
FAILURES = "cloudflare_radar_query_failures_total"
API_FAILURES = "cloudflare_radar_api_failures_total"

WINDOWS = {"15m": ("1d", 1), "1h": ("7d", 7), "1d": ("28d", 28), "1w": ("12w", 84)}


class Asked:
    """One query: how it is configured, and how the simulator is asked for the same."""

    def __init__(self, name, interval, **filters):
        self.name = name
        self.interval = interval
        self.filters = filters
        self.date_range, self.days = WINDOWS[interval]

    def config(self, more=""):
        filters = ", ".join(f"{dimension}: {value}" for dimension, value in self.filters.items())
        return (f"- {{name: {self.name}, agg_interval: {self.interval}, date_range: "
                f"{self.date_range}, poll_interval: 1s, filters: {{{filters}}}{more}}}")

    def query_string(self):
        filters = "".join(f"&{dimension.replace('tls_version', 'tlsVersion')}={value}"
                          for dimension, value in self.filters.items())
        return f"aggInterval={self.interval}&dateRange={self.date_range}{filters}"


ALL = Asked("all", "15m")
HOURLY = Asked("hourly", "1h", dmarc="FAIL")
FAILING = {"arc": "FAIL", "dkim": "FAIL", "dmarc": "FAIL", "spf": "FAIL"}
SPARSE = Asked("sparse", "15m", **FAILING)
NO_MAIL = Asked("no_mail", "15m", **FAILING, tls_version="TLSv1_1")
SEVERAL = [ALL, HOURLY, Asked("daily", "1d", spf="NONE"), Asked("weekly", "1w"),
           Asked("pass", "15m", dmarc="PASS"), Asked("fail", "15m", dmarc="FAIL"),
           Asked("none", "15m", dmarc="NONE"), Asked("spf_fail", "1h", spf="FAIL")]


class MannersTest(EndToEndTest):
    def start(self, asked, *simulator_flags, **config):
        self.asked = asked
        self.simulator = self.start_simulator(*simulator_flags)
        self.exporter = self.start_exporter(config_text(
            self.simulator, "\n".join(each.config() for each in asked), **config))
        return self.exporter.wait_until_ready()

    def reading(self, asked):
        return radar_reading.read(
            self.simulator.ask(asked.query_string()), asked.interval, asked.days)

    def check_numbers(self, page, asked, expected):
        for metric, field in NUMBERS.items():
            self.assertEqual(page.value(metric, query=asked.name), getattr(expected, field),
                             f"{asked.name}: {metric}")

    def check_page(self, page, readings):
        """Every query shows what its own answer says, and has never failed."""
        for asked in self.asked:
            self.check_numbers(page, asked, readings[asked.name])
            self.assertEqual(page.value(SUCCESS, query=asked.name), 1, asked.name)
            self.assertEqual(page.value(FAILURES, query=asked.name), 0, asked.name)

    def check_pages(self, polls):
        """Every page until each query was polled so often."""
        readings = {asked.name: self.reading(asked) for asked in self.asked}

        def done():
            page = self.exporter.page()
            self.check_page(page, readings)
            return min(page.value(POLLS, query=asked.name) for asked in self.asked) >= polls

        wait_until(done, f"{polls} polls of every query", 60)


class SparseTest(MannersTest):
    def gaps(self, asked):
        series = self.simulator.ask(asked.query_string())["result"]["serie_0"]
        return sum(not float(spoof or 0) + float(not_spoof or 0)
                   for spoof, not_spoof in zip(series["SPOOF"], series["NOT_SPOOF"], strict=True))

    def test_a_sparse_query_beside_healthy_ones_shows_its_newest_bucket_with_mail(self):
        for no_mail_as in ("zeros", "nulls"):
            with self.subTest(no_mail_as):
                self.start([ALL, HOURLY, SPARSE], f"--no-mail-as={no_mail_as}")
                self.assertGreater(self.gaps(SPARSE), 10)
                self.check_pages(3)

    def test_sparse_queries_that_share_a_request_leave_each_other_alone(self):
        three = {k: v for k, v in FAILING.items() if k != "arc"}
        shared = [Asked(f"sparse_{value}", "15m", **three, arc=value)
                  for value in ("FAIL", "NONE", "PASS")]
        self.start([ALL, *shared], api="max_series_per_request: 10")
        self.assertGreater(self.gaps(shared[0]), 10)
        self.check_pages(3)

    def test_when_mail_ceases_the_last_bucket_with_mail_stays(self):
        self.start([ALL, HOURLY])
        readings = {asked.name: self.reading(asked) for asked in self.asked}
        self.check_page(self.exporter.page(), readings)
        self.simulator.switch("no-mail")
        # From the newest complete bucket on there is no mail: the one before it is shown.
        before = {asked.name: self.reading(asked) for asked in self.asked}
        for asked in self.asked:
            self.assertEqual(before[asked.name].sample_timestamp,
                             readings[asked.name].sample_timestamp
                             - radar_reading.SECONDS[asked.interval])
        page = self.exporter.wait_for_page(
            lambda page: all(page.value(SAMPLE_TIMESTAMP, query=asked.name)
                             == before[asked.name].sample_timestamp for asked in self.asked),
            "the buckets with mail")
        self.check_page(page, before)

    def test_a_series_without_any_mail_is_empty_and_costs_no_other_query_anything(self):
        exporter = self.start([HOURLY, NO_MAIL], "--volume=1")
        self.assertNotIn(
            "SPOOF", self.simulator.ask(NO_MAIL.query_string())["result"]["serie_0"])
        page = exporter.wait_for_page(
            lambda page: page.value(POLLS, query="no_mail") >= 1
            and page.value(POLLS, query="hourly") >= 3, "some polls")
        self.check_numbers(page, HOURLY, self.reading(HOURLY))
        self.assertEqual(page.value(FAILURES, query="hourly"), 0)
        self.assertIsNone(page.value(SPOOF, query="no_mail"))
        self.assertEqual(page.value(SUCCESS, query="no_mail"), 0)
        self.assertGreaterEqual(page.value(API_FAILURES, reason="empty"), 1)
        self.assertEqual(page.value(API_FAILURES, reason="validation"), 0)

    def test_one_class_that_is_null_alone_is_never_a_number(self):
        self.start([ALL])
        good = self.exporter.page()
        self.simulator.switch("half-null")
        page = self.exporter.wait_for_page(
            lambda page: page.value(API_FAILURES, reason="validation") >= 1, "the refusal")
        self.assertEqual(page.value(SPOOF, query="all"), good.value(SPOOF, query="all"))
        self.assertEqual(page.value(SUCCESS, query="all"), 0)
        self.simulator.switch("calm")
        self.exporter.wait_for_page(lambda page: page.value(SUCCESS, query="all") == 1, "recovery")


class AnswerTest(MannersTest):
    def test_a_third_class_listed_or_not_leaves_spoof_what_it_is(self):
        for classes in ("three", "unlisted"):
            with self.subTest(classes):
                self.start([ALL, HOURLY], f"--classes={classes}")
                page = self.exporter.page()
                self.check_page(page, {each.name: self.reading(each) for each in self.asked})
                self.assertLess(
                    page.value(SPOOF, query="all") + page.value(NOT_SPOOF, query="all"), 0.9995)

    def test_confidence_that_is_null_or_has_no_level_is_absent_and_the_number_is_there(self):
        for confidence in ("null", "null-level"):
            with self.subTest(confidence):
                self.start([ALL, HOURLY], f"--confidence={confidence}")
                self.assertIsNone(self.reading(ALL).confidence)
                self.check_pages(1)

    def test_a_projected_bucket_is_never_shown(self):
        self.start([ALL, HOURLY, Asked("weekly", "1w")], "--last-bucket=projected")
        self.check_pages(1)
        for sample in self.exporter.page().samples:
            if sample.name == ANNOTATIONS:
                self.assertEqual(sample.value, 0)

    def test_without_timestamps_the_newest_complete_bucket_is_the_same_one(self):
        asked = [ALL, HOURLY, Asked("daily", "1d"), Asked("weekly", "1w")]
        self.start(asked)
        expected = {each.name: self.reading(each) for each in asked}
        self.start(asked, "--answer-form=no-timestamps")
        page = self.exporter.page()
        for each in asked:
            with self.subTest(each.name):
                self.assertEqual(page.value(SPOOF, query=each.name), expected[each.name].spoof)

    def test_the_api_references_own_example_is_ten_percent(self):
        exporter = self.start([ALL], "--answer-form=reference")
        page = exporter.wait_for_page(
            lambda page: page.value(SPOOF, query="all") is not None, "the example's value")
        self.assertEqual(page.value(SPOOF, query="all"), 0.1)
        self.assertEqual(page.value(NOT_SPOOF, query="all"), 0.1)
        self.assertEqual(page.value(SUCCESS, query="all"), 1)
        self.assertIsNone(page.value("cloudflare_radar_query_confidence_level", query="all"))

    def test_names_may_be_honoured_refused_or_ignored(self):
        for series in (1, 10):
            for names in ("honoured", "refused", "ignored"):
                with self.subTest(names, series=series):
                    self.start(SEVERAL, f"--series-names={names}",
                               api=f"max_series_per_request: {series}")
                    self.check_pages(3)
                    # Some were on their way when the first was refused; then it is known.
                    refused = self.simulator.requests()[400]
                    self.assertLessEqual(refused, len(SEVERAL))
                    self.check_pages(6)
                    self.assertEqual(self.simulator.requests()[400], refused)


class RefusalTest(MannersTest):
    def test_a_dimension_that_is_refused_is_asked_for_by_its_other_spelling(self):
        for configured, style in (("spoof", "new"), ("SPOOF", "old")):
            for refusal in ("400", "404", "error"):
                with self.subTest(configured, refusal=refusal):
                    self.start([ALL], f"--path-style={style}", f"--other-dimensions={refusal}",
                               api=f"path: /radar/email/security/timeseries_groups/{configured}")
                    page = self.exporter.page()
                    self.assertIsNotNone(page.value(SPOOF, query="all"))
                    self.assertEqual(page.value(FAILURES, query="all"), 0)

    def test_internal_error_passes_and_is_asked_again_soon(self):
        slow = Asked("all", "15m").config().replace("poll_interval: 1s", "poll_interval: 1h")
        simulator = self.start_simulator("--scenario=internal-error")
        exporter = self.start_exporter(config_text(simulator, slow))
        exporter.wait_for_page(
            lambda page: page.value(FAILURES, query="all") >= 1, "the failed poll")
        self.assertIn("Internal Error", exporter.output)
        simulator.switch("calm")
        exporter.wait_for_page(lambda page: page.value(SUCCESS, query="all") == 1, "recovery")


class ConnectionTest(MannersTest):
    def test_answers_sent_twice_put_no_number_under_another_name(self):
        for series, names, later in ((1, "honoured", "0ms"), (1, "honoured", "2ms"),
                                     (10, "honoured", "2ms"), (1, "ignored", "2ms"),
                                     (10, "refused", "5ms")):
            with self.subTest(series=series, names=names, later=later):
                self.start(SEVERAL, f"--answer-twice={later}", f"--series-names={names}",
                           api=f"max_series_per_request: {series}")
                self.check_pages(8)

    def test_idle_connections_that_end_with_408_cost_no_poll(self):
        # Polls are a second apart, so each finds the connections of the last one with a 408.
        self.start([ALL, HOURLY], "--idle-408=300ms")
        self.check_pages(6)
        requests = self.simulator.requests()  # once: polling goes on
        self.assertEqual(requests[200], requests.total())


if __name__ == "__main__":
    unittest.main()
