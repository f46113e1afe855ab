"""The whole chain: radar_simulator -> radar_spoof_exporter -> Prometheus, and back through
Prometheus' HTTP API, against a second reading of what the simulator says."""

import collections
import re
import unittest

import radar_reading
from processes import SOURCE_DIR, EndToEndTest, config_text
from prometheus import Prometheus
from web_client import wait_until

Asked = collections.namedtuple("Asked", "config query_string agg_interval days filters")

# All intervals, all five filters, several values in one filter, and control periods of whole and
# of broken weeks. Each query twice: as configured, and as it should be asked.
QUERIES = {
    "all": Asked(
        "agg_interval: 15m, date_range: 1d",
        "aggInterval=15m&dateRange=1d",
        "15m", 1, {}),
    "arc_fail": Asked(
        "agg_interval: 15m, date_range: 2d, filters: {arc: FAIL}",
        "aggInterval=15m&dateRange=2d&arc=FAIL",
        "15m", 2, {"arc": "FAIL"}),
    "dkim_pass": Asked(
        "agg_interval: 1h, date_range: 1w, filters: {dkim: PASS}",
        "aggInterval=1h&dateRange=1w&dkim=PASS",
        "1h", 7, {"dkim": "PASS"}),
    "dmarc_fail": Asked(
        "agg_interval: 1h, date_range: 7d, control: true, filters: {dmarc: FAIL}",
        "aggInterval=1h&dateRange=7d&dmarc=FAIL&dateRange=7dcontrol&dmarc=FAIL",
        "1h", 7, {"dmarc": "FAIL"}),
    "spf_fail_or_none": Asked(
        "agg_interval: 1d, date_range: 28d, filters: {spf: [NONE, FAIL]}",
        "aggInterval=1d&dateRange=28d&spf=FAIL,NONE",
        "1d", 28, {"spf": "FAIL,NONE"}),
    "tls_1_2": Asked(
        "agg_interval: 1w, date_range: 52w, filters: {tls_version: TLSv1_2}",
        "aggInterval=1w&dateRange=52w&tlsVersion=TLSv1_2",
        "1w", 364, {"tls_version": "TLSv1_2"}),
    "narrow": Asked(
        "agg_interval: 1d, date_range: 10d, control: true, filters:"
        " {arc: NONE, dkim: FAIL, dmarc: NONE, spf: FAIL, tls_version: TLSv1_3}",
        "aggInterval=1d&dateRange=10d&arc=NONE&dkim=FAIL&dmarc=NONE&spf=FAIL&tlsVersion=TLSv1_3"
        "&dateRange=10dcontrol&arc=NONE&dkim=FAIL&dmarc=NONE&spf=FAIL&tlsVersion=TLSv1_3",
        "1d", 10,
        {"arc": "NONE", "dkim": "FAIL", "dmarc": "NONE", "spf": "FAIL", "tls_version": "TLSv1_3"}),
    "one_day": Asked(
        "agg_interval: 1d, date_range: 1d",
        "aggInterval=1d&dateRange=1d",
        "1d", 1, {}),
}

# What the documents' examples need: a window and a control period.
DOCUMENTED_ON = """
- {name: dmarc_fail, agg_interval: 1h, date_range: 7d, control: true, filters: {dmarc: FAIL}}
"""
RATIOS = {
    "cloudflare_radar_email_spoof_ratio": "spoof",
    "cloudflare_radar_email_not_spoof_ratio": "not_spoof",
    "cloudflare_radar_email_spoof_window_mean_ratio": "mean",
    "cloudflare_radar_email_spoof_window_stddev_ratio": "stddev",
    "cloudflare_radar_email_spoof_control_ratio": "control",
}
# What is computed, and so may differ in the last digit; the rest must be equal.
COMPUTED = {"mean", "stddev"}
BY_QUERY = {
    "cloudflare_radar_query_sample_timestamp_seconds": "sample_timestamp",
    "cloudflare_radar_query_last_updated_timestamp_seconds": "last_updated",
    "cloudflare_radar_query_confidence_level": "confidence",
}


class PrometheusTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()
        queries = "\n".join(
            f"- {{name: {name}, poll_interval: 1s, {asked.config}}}"
            for name, asked in QUERIES.items()
        )
        self.exporter = self.start_exporter(config_text(self.simulator, queries))
        self.exporter.wait_until_ready()
        self.prometheus = self.started(Prometheus(
            self.directory,
            "job_name: radar\n"
            f"static_configs: [{{targets: ['127.0.0.1:{self.exporter.port}']}}]"
        ))
        target = self.prometheus.target()
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))
        self.readings = {
            name: radar_reading.read(
                self.simulator.ask("format=JSON&" + asked.query_string),
                asked.agg_interval, asked.days)
            for name, asked in QUERIES.items()
        }

    def series(self, metric):
        """{query: (value, all other labels)} as Prometheus has it."""
        by_query = {}
        for labels, value in self.prometheus.query(metric):
            del labels["__name__"], labels["job"], labels["instance"]
            query = labels.pop("query")
            self.assertNotIn(query, by_query, f"{metric}: two series")
            by_query[query] = (value, labels)
        return by_query

    def check_numbers(self):
        for metric, field in RATIOS.items():
            expected = {
                name: getattr(reading, field)
                for name, reading in self.readings.items()
                if getattr(reading, field) is not None
            }
            found = self.series(metric)
            self.assertEqual(found.keys(), expected.keys(), metric)
            for name, (value, labels) in found.items():
                with self.subTest(metric=metric, query=name):
                    if field in COMPUTED:
                        self.assertAlmostEqual(value, expected[name], delta=1e-12)
                    else:
                        self.assertEqual(value, expected[name])
                    any_mail = dict.fromkeys(("arc", "dkim", "dmarc", "spf", "tls_version"), "any")
                    self.assertEqual(labels, any_mail | QUERIES[name].filters)

    def check_by_query(self):
        for metric, field in BY_QUERY.items():
            with self.subTest(metric=metric):
                expected = {
                    name: (getattr(reading, field), {}) for name, reading in self.readings.items()
                }
                self.assertEqual(self.series(metric), expected)

    def check_scrape(self):
        self.assertEqual([value for _, value in self.prometheus.query("up")], [1])
        self.assertGreater(self.prometheus.query("scrape_samples_scraped")[0][1], 0)
        served = len(self.exporter.page().samples)
        self.assertEqual(self.prometheus.query("scrape_samples_scraped")[0][1], served)
        target = self.prometheus.target()
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))

    def check_openmetrics_was_negotiated(self):
        """The text format knows no units."""
        metadata = self.prometheus.get("/api/v1/targets/metadata?metric=" + next(iter(RATIOS)))
        self.assertEqual([(each["type"], each["unit"]) for each in metadata], [("gauge", "ratio")])

    def check_polling_goes_on(self):
        def polled_again():
            increases = self.prometheus.query("increase(cloudflare_radar_query_polls_total[10s])")
            return len(increases) == len(QUERIES) and min(value for _, value in increases) > 0

        wait_until(polled_again, "polls of every query, counted by Prometheus")
        self.assertEqual(self.prometheus.query("cloudflare_radar_query_failures_total > 0"), [])
        self.assertEqual(self.prometheus.query("min_over_time(up[10s])")[0][1], 1)

    def test_prometheus_holds_what_the_api_says(self):
        # The narrow cases are there at all.
        self.assertIsNone(self.readings["one_day"].stddev)
        self.assertIsNotNone(self.readings["narrow"].control)
        self.assertIsNotNone(self.readings["dmarc_fail"].control)
        self.check_numbers()
        self.check_by_query()
        self.check_scrape()
        self.check_openmetrics_was_negotiated()
        self.check_polling_goes_on()


class DocumentedQueriesTest(EndToEndTest):
    def test_the_promql_in_the_documents_works_with_two_replicas(self):
        """Prometheus refuses to match many series with many only where there are many."""
        config = config_text(self.start_simulator(), DOCUMENTED_ON)
        replicas = [self.start_exporter(config).wait_until_ready() for _ in range(2)]
        prometheus = self.started(Prometheus(
            self.directory,
            "job_name: radar\n"
            f"static_configs: [{{targets: {[f'127.0.0.1:{each.port}' for each in replicas]}}}]"))
        wait_until(lambda: len(prometheus.query("cloudflare_radar_email_spoof_control_ratio")) == 2,
                   "the numbers of both replicas")
        expressions = [
            part for page in ("metrics.md", "alerting.md", "compare.md")
            for block in re.findall(r"```promql\n(.*?)```",
                                    (SOURCE_DIR / "docs" / page).read_text(), re.DOTALL)
            for part in block.split("\n\n")]
        self.assertGreaterEqual(len(expressions), 8)
        for runbook in (SOURCE_DIR / "docs/runbooks").iterdir():
            text = runbook.read_text()
            for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
                expressions += map(str.strip, block.strip().splitlines())
            # In a sentence: more than a name, and not the part of a rule.
            expressions += [each for each in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
                            if re.search(r"(cloudflare_radar|radar_spoof_exporter)_", each)
                            and re.search(r"[ ({]", each) and not each.startswith("unless ")]
        self.assertGreaterEqual(len(expressions), 25)
        for expression in expressions:
            with self.subTest(expression):
                prometheus.query(expression)


if __name__ == "__main__":
    unittest.main()
