"""The live pages, as any HTTP client meets them."""

import gzip
import os
import re
import subprocess
import unittest

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from processes import SOURCE_DIR, EndToEndTest, config_text
from prometheus import prometheus_tool

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What Prometheus 2.42 and 3 send.
PROMETHEUS_2_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
GOLDEN = SOURCE_DIR / "tests/golden/live_series.txt"

# With such an interval each query is polled once in a test.
QUERIES = """
- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 4w}
- name: dmarc_fail
  filters: {dmarc: FAIL}
  agg_interval: 1h
  date_range: 7d
  control: true
  poll_interval: 4w
- name: 'a "quoted" name\\with backslash'
  filters: {spf: [FAIL, NONE], tls_version: TLSv1_3}
  agg_interval: 1d
  date_range: 28d
  poll_interval: 4w
"""


def series_names(page):
    """The page's series in its order: one a line, without values, what a build decides, and ports."""
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    names = [line.rsplit(" ", 1)[0] for line in lines]
    names = [
        re.sub(r'(version|revision|compiler)="[^"]*"', r'\1="..."', name)
        if name.startswith("radar_spoof_exporter_build_info") else name
        for name in names
    ]
    return "".join(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:...", name) + "\n" for name in names)


def samples(families):
    """What two pages that are served one after the other must agree on."""
    return {
        (s.name, tuple(sorted(s.labels.items()))): 0 if s.name.startswith("process_") else s.value
        for family in families for s in family.samples
    }


class ExpositionTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.exporter = self.start_exporter(config_text(self.start_simulator(), QUERIES))
        self.exporter.wait_until_ready()

    def text_of(self, path="/metrics", **headers):
        return self.exporter.fetch(path, headers=headers).body.decode()

    def test_promtool_has_nothing_to_say(self):
        said = subprocess.run(
            [prometheus_tool("promtool"), "check", "metrics"],
            input=self.text_of(), capture_output=True, text=True,
        )
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "", ""))

    def test_series_are_the_golden_ones(self):
        actual = series_names(self.text_of())
        if "RADAR_SPOOF_UPDATE_GOLDEN" in os.environ:
            GOLDEN.write_text(actual)
            self.fail(f"rewrote {GOLDEN}: read its diff, then test again without the variable")
        self.maxDiff = None
        self.assertEqual(actual, GOLDEN.read_text(), "RADAR_SPOOF_UPDATE_GOLDEN=1 rewrites it")

    def test_series_keep_their_order(self):
        self.assertEqual(series_names(self.text_of()), series_names(self.text_of()))

    def test_openmetrics_says_the_same_as_text(self):
        strict = self.text_of(Accept=OPENMETRICS)
        self.assertTrue(strict.endswith("\n# EOF\n"))
        openmetrics = samples(openmetrics_parser.text_string_to_metric_families(strict))
        text = samples(parser.text_string_to_metric_families(self.text_of()))
        self.assertEqual(openmetrics, text)
        self.assertGreater(len(text), 100)

    def test_content_type_is_exact_and_follows_accept(self):
        for accept, expected in {
            None: TEXT, "*/*": TEXT, "text/plain": TEXT, "text/html": TEXT,
            "application/openmetrics-text": OPENMETRICS,
            PROMETHEUS_2_ACCEPT: OPENMETRICS, PROMETHEUS_3_ACCEPT: OPENMETRICS,
            "application/openmetrics-text;q=0.1,text/plain;q=0.9": TEXT,
            "application/openmetrics-text;q=0,*/*": TEXT,
        }.items():
            with self.subTest(accept=accept):
                answer = self.exporter.fetch(
                    "/metrics", headers={} if accept is None else {"Accept": accept})
                self.assertEqual(answer.headers["Content-Type"], expected)
                self.assertEqual(answer.body.endswith(b"# EOF\n"), expected == OPENMETRICS)

    def test_gzip_only_for_those_who_take_it(self):
        for accept_encoding, zipped in {
            None: False, "identity": False, "gzip": True, "deflate, gzip;q=0.5": True, "*": True,
            "gzip;q=0": False, "gzip;q=0.000, *;q=0.1": False, "br": False, "xgzip": False,
        }.items():
            with self.subTest(accept_encoding=accept_encoding):
                headers = {} if accept_encoding is None else {"Accept-Encoding": accept_encoding}
                answer = self.exporter.fetch("/metrics", headers=headers)
                self.assertEqual(answer.headers["Content-Encoding"], "gzip" if zipped else None)
                self.assertIn("Accept-Encoding", answer.headers["Vary"])
                page = gzip.decompress(answer.body) if zipped else answer.body
                self.assertTrue(page.startswith(b"# HELP cloudflare_radar_email_spoof_ratio "))

    def test_head_answers_as_get_without_the_body(self):
        for path in ("/metrics", "/", "/-/healthy", "/-/ready"):
            with self.subTest(path=path):
                head = self.exporter.fetch(path, "HEAD")
                get = self.exporter.fetch(path)
                self.assertEqual((head.status, head.body), (200, b""))
                self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
                self.assertGreater(int(head.headers["Content-Length"]), 0)

    def test_paths_are_exact(self):
        for path in ("/metricsX", "/metrics/", "/metrics/x", "/METRICS", "//metrics", "/metric",
                     "/x/../metrics", "/-/health", "/-/healthy/", "/-/quit", "/favicon.ico"):
            with self.subTest(path=path):
                self.assertEqual(self.exporter.fetch(path).status, 404)
        for path in ("/metrics?x=1", "/%6detrics"):
            with self.subTest(path=path):
                self.assertEqual(self.exporter.fetch(path).status, 200)

    def test_wrong_methods_are_told_the_right_ones(self):
        for path, method, allow in (
            ("/metrics", "POST", "GET, HEAD, OPTIONS"), ("/metrics", "DELETE", "GET, HEAD, OPTIONS"),
            ("/", "PUT", "GET, HEAD, OPTIONS"), ("/-/healthy", "POST", "GET, HEAD, OPTIONS"),
            ("/-/ready", "TRACE", "GET, HEAD, OPTIONS"), ("/-/reload", "GET", "POST, PUT, OPTIONS"),
        ):
            with self.subTest(path=path, method=method):
                answer = self.exporter.fetch(path, method)
                self.assertEqual((answer.status, answer.headers["Allow"]), (405, allow))

    def test_options_is_answered_as_load_balancers_ask_it(self):
        for path in ("*", "/", "/metrics", "/-/healthy", "/nothing"):
            with self.subTest(path=path):
                answer = self.exporter.fetch(path, "OPTIONS")
                self.assertEqual((answer.status, answer.headers["Allow"], answer.body),
                                 (204, "GET, HEAD, OPTIONS", b""))

    def test_landing_page_tells_a_person_what_is_polled(self):
        answer = self.exporter.fetch("/")
        page = answer.body.decode()
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        for text in ("radar_spoof_exporter", 'href="./metrics"', "Simulated data", "dmarc_fail",
                      "timeseries_groups/spoof", "a &quot;quoted&quot; name"):
            self.assertIn(text, page)


class TelemetryPathTest(EndToEndTest):
    def test_metrics_are_where_they_are_wanted(self):
        exporter = self.start_exporter(
            config_text(self.start_simulator(), QUERIES), "--web.telemetry-path=/radar")
        self.assertEqual(exporter.fetch("/radar").headers["Content-Type"], TEXT)
        self.assertEqual(exporter.fetch("/metrics").status, 404)
        self.assertIn('href="./radar"', exporter.fetch("/").body.decode())

    def test_without_exporter_metrics_all_stays_that_alerts_need(self):
        simulator = self.start_simulator()
        names = []
        for flags in ((), ("--web.disable-exporter-metrics",)):
            exporter = self.start_exporter(config_text(simulator, QUERIES), *flags)
            exporter.wait_until_ready()
            names.append({sample.name for sample in exporter.page().samples})
        self.assertEqual({name for name in names[0] if name.startswith("process_")}, names[0] - names[1])
        self.assertGreater(len(names[0] - names[1]), 5)
        self.assertEqual(names[1] - names[0], set())
        rules = "".join(path.read_text() for path in (SOURCE_DIR / "monitoring/rules").glob("*.yml"))
        self.assertNotIn("process_", rules)

    def test_all_paths_are_under_the_path_of_the_external_url(self):
        exporter = self.start_exporter(config_text(self.start_simulator(), QUERIES),
                                       "--web.external-url=https://example.org/radar/")
        exporter.wait_for_line('"serving".* path=/radar/metrics')
        self.assertEqual(exporter.fetch("/radar/metrics").headers["Content-Type"], TEXT)
        self.assertEqual(exporter.fetch("/radar/-/healthy").status, 200)
        for path in ("/metrics", "/-/healthy", "/-/ready"):
            self.assertEqual(exporter.fetch(path).status, 404)
        for path in ("/", "/radar"):
            answer = exporter.fetch(path)
            self.assertEqual((answer.status, answer.headers["Location"]), (302, "/radar/"))
        self.assertIn('href="/radar/metrics"', exporter.fetch("/radar/").body.decode())


if __name__ == "__main__":
    unittest.main()
