"""What is on the page in each state of the API: the table "When a value is there" of
docs/metrics.md, played through by the simulator's scenarios."""

import math
import time
import unittest

import radar_reading
from processes import EndToEndTest, config_text
from web_client import wait_until

SPOOF = "cloudflare_radar_email_spoof_ratio"
NUMBERS = {
    SPOOF,
    "cloudflare_radar_email_not_spoof_ratio",
    "cloudflare_radar_email_spoof_window_mean_ratio",
    "cloudflare_radar_email_spoof_window_stddev_ratio",
    "cloudflare_radar_email_spoof_control_ratio",
    "cloudflare_radar_email_spoof_expected_ratio",
    "cloudflare_radar_email_spoof_expected_upper_ratio",
    "cloudflare_radar_email_spoof_buckets_above",
    "cloudflare_radar_query_sample_timestamp_seconds",
    "cloudflare_radar_query_confidence_level",
}
# There in every state.
HEALTH = {
    "cloudflare_radar_query_info",
    "cloudflare_radar_query_success",
    "cloudflare_radar_query_last_success_timestamp_seconds",
    "cloudflare_radar_query_next_poll_timestamp_seconds",
    "cloudflare_radar_query_poll_interval_seconds",
    "cloudflare_radar_query_aggregation_interval_seconds",
    "cloudflare_radar_query_annotations",
    "cloudflare_radar_query_polls_total",
    "cloudflare_radar_query_failures_total",
    "cloudflare_radar_query_alert_info",
}
LAST_UPDATED = "cloudflare_radar_query_last_updated_timestamp_seconds"
SUCCESS = "cloudflare_radar_query_success"
LAST_SUCCESS = "cloudflare_radar_query_last_success_timestamp_seconds"
POLLS = "cloudflare_radar_query_polls_total"
FAILURES = "cloudflare_radar_query_failures_total"
UP = "cloudflare_radar_up"
API_FAILURES = "cloudflare_radar_api_failures_total"
REQUESTS = "cloudflare_radar_api_requests_total"
BLOCKED_UNTIL = "cloudflare_radar_api_blocked_until_timestamp_seconds"
ANNOTATIONS = "cloudflare_radar_query_annotations"
SAMPLE_TIMESTAMP = "cloudflare_radar_query_sample_timestamp_seconds"

# The control period makes it have every number.
ALL = "- {name: all, agg_interval: 15m, date_range: 1d, control: true, poll_interval: 1s}"


def is_good(page, query="all"):
    return page.value(SUCCESS, query=query) == 1


class StateTest(EndToEndTest):
    def start(self, *simulator_flags, lag=None, queries=ALL, **config):
        self.simulator = self.start_simulator(*simulator_flags, lag=lag)
        self.exporter = self.start_exporter(config_text(self.simulator, queries, **config))
        return self.exporter.wait_until_ready()

    def page_after(self, scenario, condition, what):
        self.simulator.switch(scenario)
        return self.exporter.wait_for_page(condition, what)


class OutageTest(StateTest):
    def test_before_the_first_good_poll_there_are_no_numbers(self):
        page = self.start("--scenario=outage").page()
        self.assertEqual(page.names(query="all"), HEALTH)
        self.assertEqual(page.value(SUCCESS, query="all"), 0)
        self.assertEqual(page.value(LAST_SUCCESS, query="all"), 0)
        self.assertEqual(page.value(UP), 0)
        self.assertEqual({s.value for s in page.samples if s.name == ANNOTATIONS}, {0})

    def test_values_stay_for_a_while_then_leave_and_come_back(self):
        stale_after = 6
        exporter = self.start(polling=f"settle: 0s, stale_after: {stale_after}")
        good = exporter.wait_for_page(is_good, "a good poll")
        self.assertEqual(good.names(query="all"), NUMBERS | HEALTH | {LAST_UPDATED})
        self.assertEqual(good.value(UP), 1)

        failing = self.page_after("outage", lambda page: not is_good(page), "a failed poll")
        self.assertEqual(failing.names(query="all"), good.names(query="all"))
        for name in NUMBERS:
            self.assertEqual(failing.value(name, query="all"), good.value(name, query="all"))
        last_success = failing.value(LAST_SUCCESS, query="all")
        self.assertGreater(last_success, 0)
        self.assertEqual(failing.value(UP), 0)
        self.assertGreaterEqual(failing.value(FAILURES, query="all"), 1)
        self.assertGreaterEqual(failing.value(API_FAILURES, reason="server"), 1)
        self.assertGreaterEqual(failing.value(REQUESTS, code="503"), 1)

        stale = exporter.wait_for_page(
            lambda page: page.value(SPOOF, query="all") is None, "the values' leaving")
        self.assertGreaterEqual(time.time() - last_success, stale_after)
        self.assertEqual(stale.names(query="all"), HEALTH | {LAST_UPDATED})
        self.assertEqual(stale.value(LAST_SUCCESS, query="all"), last_success)
        self.assertEqual(stale.value(SUCCESS, query="all"), 0)
        self.assertEqual(exporter.fetch("/-/ready").status, 200)
        self.assertIn("the last one is too old", exporter.fetch("/").body.decode())

        well = self.page_after("calm", is_good, "recovery")
        self.assertEqual(well.names(query="all"), good.names(query="all"))
        exporter.wait_for_line('msg="query recovered" query=all')
        self.assertEqual(exporter.output.count('msg="query failed"'), 1)
        self.assertRegex(exporter.output, r"query failed.*reason=server.*503")


class DataAgeTest(StateTest):
    def test_data_that_stop_moving_leave_though_the_api_answers(self):
        simulator = self.start_simulator("--scenario=frozen")
        answer = simulator.ask("format=JSON&aggInterval=15m&dateRange=1d")
        bucket_end = radar_reading.unix_seconds(answer["result"]["meta"]["lastUpdated"])
        max_age = math.ceil(time.time() - bucket_end) + 6
        exporter = self.start_exporter(config_text(
            simulator, ALL, polling=f"settle: 0s, max_data_age: {max_age}s"))
        page = exporter.wait_for_page(is_good, "a good poll")
        self.assertEqual(page.value(SAMPLE_TIMESTAMP, query="all"), bucket_end - 900)

        page = exporter.wait_for_page(
            lambda page: page.value(SPOOF, query="all") is None, "the values' leaving")
        self.assertGreaterEqual(time.time() - bucket_end, max_age)
        self.assertEqual(page.names(query="all"), HEALTH | {LAST_UPDATED})
        self.assertEqual(page.value(LAST_UPDATED, query="all"), bucket_end)
        self.assertEqual(page.value(SUCCESS, query="all"), 1)
        self.assertEqual(page.value(UP), 1)
        self.assertGreater(page.value(LAST_SUCCESS, query="all"), time.time() - 60)

    def test_by_default_data_may_be_six_hours_old(self):
        for hours, is_shown in ((5, True), (7, False)):
            with self.subTest(hours=hours):
                page = self.start(lag=hours * 3600).wait_for_page(is_good, "a good poll")
                self.assertEqual(SPOOF in page.names(query="all"), is_shown)


class RefusalTest(StateTest):
    def test_unauthorized_is_not_hammered_and_ends_when_the_token_file_changes(self):
        token_file = self.file("token", "simulator-token\n")
        exporter = self.start(api=f"token_file: {token_file}")
        good = exporter.wait_for_page(is_good, "a good poll")
        page = self.page_after(
            "unauthorized", lambda page: page.value(API_FAILURES, reason="unauthorized") == 2,
            "the second try with the token read again")
        self.assertEqual(page.value(SUCCESS, query="all"), 0)
        self.assertEqual(page.value(UP), 0)
        self.assertEqual(page.value(REQUESTS, code="403"), 2)
        self.assertEqual(page.value(SPOOF, query="all"), good.value(SPOOF, query="all"))
        next_poll = page.value("cloudflare_radar_query_next_poll_timestamp_seconds", query="all")
        self.assertGreater(next_poll, time.time() + 600)
        self.assertRegex(exporter.output, r"query failed.*reason=unauthorized.*403.*10000")

        self.simulator.switch("calm")
        self.assertEqual(self.simulator.requests()[403], 2)
        self.file("token", "simulator-token\n\n")
        page = exporter.wait_for_page(is_good, "recovery")
        self.assertEqual(page.value(UP), 1)

    def test_a_wrong_token_is_reason_unauthorized(self):
        token_file = self.file("token", "wrong-token")
        page = self.start(api=f"token_file: {token_file}").page()
        self.assertGreaterEqual(page.value(API_FAILURES, reason="unauthorized"), 1)

    def test_what_the_api_rejects_leaves_other_queries_alone(self):
        too_fine = "- {name: too_fine, agg_interval: 15m, date_range: 28d, poll_interval: 1s}"
        page = self.start(queries=ALL + "\n" + too_fine).page()
        self.assertTrue(is_good(page))
        self.assertFalse(is_good(page, "too_fine"))
        self.assertGreaterEqual(page.value(API_FAILURES, reason="rejected"), 1)
        self.assertRegex(self.exporter.output, r"query failed.*too_fine.*reason=rejected.*2001")


class RateLimitTest(StateTest):
    def test_nothing_is_asked_during_a_hold_and_polling_goes_on_after_it(self):
        other = "- {name: other, filters: {spf: FAIL}, agg_interval: 1h, date_range: 7d," \
                " poll_interval: 1s}"
        exporter = self.start(queries=ALL + "\n" + other, polling="settle: 0s, stale_after: 60")
        good = exporter.wait_for_page(
            lambda page: is_good(page) and is_good(page, "other"), "good polls")
        self.assertEqual(good.value(BLOCKED_UNTIL), 0)

        def is_held(page):
            return page.value(BLOCKED_UNTIL) > 0

        self.page_after("rate-limited", is_held, "the hold")
        wait_until(self.nothing_in_flight, "the end of what was in flight")
        self.simulator.switch("calm")
        asked = self.simulator.requests().total()
        page = exporter.page()
        blocked_until = page.value(BLOCKED_UNTIL)
        # Retry-After is 30 s; some jitter comes on top.
        self.assertGreater(blocked_until, time.time() + 20)
        self.assertLess(blocked_until, time.time() + 35)
        self.assertGreaterEqual(page.value(API_FAILURES, reason="rate_limited"), 1)
        self.assertEqual(page.value(SPOOF, query="all"), good.value(SPOOF, query="all"))
        self.assertRegex(exporter.fetch("/").body.decode(), "rate limited by the API: no requests for")

        wait_until(lambda: self.simulator.requests().total() > asked, "polling after the hold", 60)
        self.assertGreaterEqual(time.time(), blocked_until - 0.1)
        page = exporter.wait_for_page(
            lambda page: is_good(page) and is_good(page, "other"), "recovery")
        self.assertEqual(page.value(BLOCKED_UNTIL), 0)
        self.assertEqual(exporter.output.count("rate limited by the API"), 1)

    def nothing_in_flight(self):
        counted = sum(s.value for s in self.exporter.page().samples if s.name == REQUESTS)
        return counted == self.simulator.requests().total()


class DataQualityTest(StateTest):
    def test_low_confidence_is_on_the_page(self):
        exporter = self.start()
        confidence = "cloudflare_radar_query_confidence_level"
        self.assertEqual(exporter.page().value(confidence, query="all"), 5)
        page = self.page_after(
            "low-confidence", lambda page: page.value(confidence, query="all") == 2, "level 2")
        self.assertTrue(is_good(page))
        self.assertIsNotNone(page.value(SPOOF, query="all"))

    def test_a_pipeline_issue_is_counted_by_its_type(self):
        exporter = self.start()

        def counts(page):
            return {s.labels["event_type"]: s.value for s in page.samples if s.name == ANNOTATIONS}

        none = dict.fromkeys(("EVENT", "GENERAL", "OUTAGE", "PARTIAL_PROJECTION", "PIPELINE",
                              "TRAFFIC_ANOMALY", "OTHER"), 0)
        self.assertEqual(counts(exporter.page()), none)
        self.page_after("pipeline-issue",
                        lambda page: counts(page) == none | {"PIPELINE": 1}, "the annotation")
        self.page_after("calm", lambda page: counts(page) == none, "its end")

    def test_a_spike_triples_spoofing_among_mail_that_fails_dmarc(self):
        queries = "\n".join(
            f"- {{name: {value}, filters: {{dmarc: {value}}}, agg_interval: 15m, date_range: 1d,"
            " control: true, poll_interval: 1s}"
            for value in ("FAIL", "PASS"))
        exporter = self.start(queries=queries)
        calm = exporter.page()
        tripled = min(0.95, 3 * calm.value(SPOOF, query="FAIL"))
        spike = self.page_after(
            "spike", lambda page: page.value(SPOOF, query="FAIL") > calm.value(SPOOF, query="FAIL"),
            "the spike")
        self.assertAlmostEqual(spike.value(SPOOF, query="FAIL"), tripled, delta=1e-6)
        self.assertAlmostEqual(spike.value("cloudflare_radar_email_not_spoof_ratio", query="FAIL")
                               + spike.value(SPOOF, query="FAIL"), 1, delta=1e-12)
        # What was usual before still looks usual, and other mail is as it was.
        for name in ("cloudflare_radar_email_spoof_window_mean_ratio",
                     "cloudflare_radar_email_spoof_window_stddev_ratio",
                     "cloudflare_radar_email_spoof_control_ratio"):
            self.assertEqual(spike.value(name, query="FAIL"), calm.value(name, query="FAIL"))
        self.assertEqual(spike.value(SPOOF, query="PASS"), calm.value(SPOOF, query="PASS"))

    def test_an_api_that_leaves_the_partial_bucket_out_gives_the_same_numbers(self):
        daily = "- {name: all, agg_interval: 1d, date_range: 28d, poll_interval: 1s}"
        with_partial = self.start("--last-bucket=partial", queries=daily).page()
        without = self.start("--last-bucket=omit", queries=daily).page()
        for name in (SPOOF, SAMPLE_TIMESTAMP):
            self.assertEqual(
                without.value(name, query="all"), with_partial.value(name, query="all"))


class PathTest(StateTest):
    def check_path(self, configured, style, in_use):
        other = "- {name: other, filters: {spf: FAIL}, poll_interval: 1s}"
        exporter = self.start(
            f"--path-style={style}", "--other-dimensions=404", queries=ALL + "\n" + other,
            api=f"path: /radar/email/security/timeseries_groups/{configured}")
        page = exporter.wait_for_page(
            lambda page: min(page.value(POLLS, query=name) for name in ("all", "other")) >= 3,
            "some polls")
        for name in ("all", "other"):
            self.assertIsNotNone(page.value(SPOOF, query=name))
            self.assertEqual(page.value(FAILURES, query=name), 0)
        self.assertIn(f"timeseries_groups/{in_use}</code>", exporter.fetch("/").body.decode())
        info = [each.labels for each in page.samples if each.name == "cloudflare_radar_api_info"]
        self.assertEqual(info, [{"host": f"127.0.0.1:{self.simulator.port}",
                                 "path": f"/radar/email/security/timeseries_groups/{in_use}"}])
        return exporter

    def check_fallback(self, configured, style, in_use):
        exporter = self.check_path(configured, style, in_use)
        # Both may have been on their way when the first answer came; then the path is settled.
        self.assertLessEqual(self.simulator.requests()[404], 2)
        self.assertEqual(exporter.output.count("does not have the configured path"), 1)

    def test_an_api_that_has_only_the_new_path(self):
        self.check_fallback("spoof", "new", "SPOOF")

    def test_an_api_that_has_only_the_old_path(self):
        self.check_fallback("SPOOF", "old", "spoof")

    def test_the_configured_path_when_both_are_there(self):
        self.check_path("SPOOF", "both", "SPOOF")
        self.assertEqual(self.simulator.requests()[404], 0)
        self.assertNotIn("does not have the configured path", self.exporter.output)


if __name__ == "__main__":
    unittest.main()
