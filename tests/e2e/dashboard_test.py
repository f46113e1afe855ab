"""The Grafana dashboard: every query of it returns data from a real Prometheus, and from a real
VictoriaMetrics, that scrape the real exporter, and nothing in it can mislead whoever is woken by it.
(dashboard_form_test.py judges what needs no server, tests/schemas its form.)"""

import http.server
import math
import re
import subprocess
import threading
import time
import unittest
import urllib.parse

import dashboard
from processes import SOURCE_DIR, EndToEndTest, config_text
from prometheus import Prometheus, VictoriaMetrics, prometheus_tool
from web_client import PATIENCE, wait_until

# Names with characters that mean something in a regular expression.
QUERIES = """
- {name: all, poll_interval: 1s}
- {name: "dmarc.fail (7d)", agg_interval: 1h, date_range: 7d, control: true, poll_interval: 1s, filters: {dmarc: FAIL}}
- {name: auth, agg_interval: 1d, date_range: 28d, poll_interval: 1s, matrix: {spf: [PASS, any], arc: [FAIL, NONE]}}
- {name: tls, agg_interval: 1w, date_range: 52w, poll_interval: 1s, filters: {tls_version: TLSv1_2, dkim: FAIL}}
"""
SCRAPE_INTERVAL = 1
COMPARE = [SOURCE_DIR / "monitoring/rules" / each
           for each in ("radar_spoof_numbers.yml", "optional/radar_spoof_compare.yml")]
HOUR = 3600
WEEK = 7 * 24 * HOUR


def has_data(result):
    """Whether there is a point that is a number."""
    points = [point for series in result
              for point in series.get("values", [series.get("value")])]
    return any(not math.isnan(float(value)) for _, value in points)


class OwnMail:
    """Made-up pages of dmarc-metrics-exporter and rspamd in one, and what Prometheus would have of the
    weeks before. A tenth of the reported messages fails, a fifth of the gateway's mail is rejected:
    twice and four times what was usual."""

    JOB = "own mail"

    def __init__(self):
        own_mail = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = own_mail.page(time.time()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._began = time.time() - 2 * WEEK
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port

    def end(self):
        self._server.shutdown()
        self._server.server_close()

    def page(self, now):
        count = now - self._began
        reports = ('reporter="google.com",from_domain="example.org",dkim_domain="example.org",'
                   'spf_domain="example.org"')
        return (f"dmarc_total{{{reports}}} {count}\n"
                f"dmarc_compliant_total{{{reports}}} {0.9 * count}\n"
                f'rspamd_actions_total{{type="no action"}} {0.8 * count}\n'
                f'rspamd_actions_total{{type="reject"}} {0.2 * count}\n'
                f'rspamd_actions_total{{type="greylist"}} {count}\n')

    def history(self, now):
        """As OpenMetrics: {series: [(time, value)]} until a minute ago."""
        here = f'job="{self.JOB}",instance="127.0.0.1:{self.port}"'
        day = [now - 60 - hours * HOUR for hours in range(24, -1, -1)]
        hour = [now - 60 - minutes * 60 for minutes in range(55, -1, -5)]
        before = [now - weeks * WEEK + minutes * 60 for weeks in (2, 1) for minutes in range(-30, 30, 10)]
        series = {
            f'instance_from_domain:dmarc_reported:sum{{{here},from_domain="example.org"}}':
                [(at, at - self._began) for at in day],
            f'instance_from_domain:dmarc_failed:sum{{{here},from_domain="example.org"}}':
                [(at, 0.1 * (at - self._began)) for at in day],
            f'rspamd_actions_total{{{here},type="no action"}}':
                [(at, 0.8 * (at - self._began)) for at in hour],
            f'rspamd_actions_total{{{here},type="reject"}}':
                [(at, 0.2 * (at - self._began)) for at in hour],
            f'from_domain:dmarc_failed_per_reported:ratio1d{{job="{self.JOB}",from_domain="example.org"}}':
                [(at, 0.05) for at in before],
            f'job:rspamd_unwanted_per_decided:ratio1h{{job="{self.JOB}"}}':
                [(at, 0.05) for at in before],
        }
        return "".join(f"{name} {value} {at}\n" for name, samples in series.items()
                       for at, value in samples) + "# EOF\n"


class DashboardTest(EndToEndTest):
    """Two replicas of the exporter, which must not meet in one match; what is dead, of another job; and
    what counts one's own mail."""

    def write_history(self):
        """Before Prometheus starts."""
        history = self.file("history.om", self.own_mail.history(time.time()))
        subprocess.run([prometheus_tool("promtool"), "tsdb", "create-blocks-from", "openmetrics",
                        "--max-block-duration=486h", history, self.directory / "tsdb"],
                       check=True, capture_output=True)

    def setUp(self):
        super().setUp()
        self.own_mail = OwnMail()
        self.addCleanup(self.own_mail.end)

    def start(self, scenario="calm", server=Prometheus, **options):
        self.dashboard = dashboard.read()
        config = config_text(self.start_simulator(f"--scenario={scenario}"), QUERIES)
        ports = [self.start_exporter(config).wait_until_ready().port for _ in range(2)]
        self.server = self.started(server(
            self.directory,
            "job_name: radar spoof\n"
            f"static_configs: [{{targets: {[f'127.0.0.1:{port}' for port in ports]}}},"
            " {targets: ['127.0.0.1:1'], labels: {job: foreign and dead}},"
            f" {{targets: ['127.0.0.1:{self.own_mail.port}'], labels: {{job: {OwnMail.JOB}}}}}]",
            **options
        ))
        wait_until(lambda: sorted(value for _, value in self.server.query("up")) == [0, 1, 1, 1],
                   "a scrape of both, of one's own mail, and of what is not there")
        self.begin = time.time()

    def label_values(self, selector, label):
        return self.server.get(f"/api/v1/label/{label}/values?"
                                   + urllib.parse.urlencode({"match[]": selector}))

    def result(self, expression, chosen, instant):
        now = time.time()
        seconds = max(1, round(now - self.begin))
        builtin = {"__interval": "1s", "__rate_interval": f"{4 * SCRAPE_INTERVAL}s",
                   "__range": f"{seconds}s"}
        query = dashboard.interpolated(expression, chosen | builtin)
        if instant:
            path = "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": now})
        else:
            path = "/api/v1/query_range?" + urllib.parse.urlencode(
                {"query": query, "start": self.begin, "end": now, "step": SCRAPE_INTERVAL})
        return self.server.get(path)["result"]

    def without_data(self, targets, chosen):
        """Those that have none, once all have some or patience is at its end."""
        deadline = time.monotonic() + PATIENCE
        while True:
            targets = [each for each in targets
                       if not has_data(self.result(each.expression, chosen, each.instant))]
            if not targets or time.monotonic() > deadline:
                return targets
            time.sleep(0.2)

    def targets(self):
        """Without what only exists at times: alerts, and the band of a query by itself."""
        return [each for each in dashboard.targets(self.dashboard)
                if "ALERTS" not in each.expression and "and on () count" not in each.expression]

    def annotations(self):
        return [dashboard.Target(f"annotation {each['name']}", "", each["expr"], False)
                for each in self.dashboard["annotations"]["list"]]

    def firing_alerts(self):
        return [each for each in dashboard.targets(self.dashboard) if "ALERTS" in each.expression]


class CalmTest(DashboardTest):
    def setUp(self):
        super().setUp()
        self.write_history()
        self.start(rule_files=COMPARE)

    def test_every_query_returns_data(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        targets = self.targets()
        self.assertGreater(len(targets), 40)
        self.assertEqual(self.without_data(targets, chosen), [])

    def test_two_replicas_are_one_line(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        targets = self.targets()
        self.assertEqual(self.without_data(targets, chosen), [])
        for target in targets:
            for series in self.result(target.expression, chosen, target.instant):
                if "query" in series["metric"]:
                    self.assertNotIn("instance", series["metric"], target)

    def test_other_jobs_are_not_shown(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        targets = self.targets()
        self.assertEqual(self.without_data(targets, chosen), [])
        exporter = next(each for each in targets if each.panel == "Exporter")
        result = self.result(exporter.expression, chosen, exporter.instant)
        self.assertEqual([each["value"][1] for each in result], ["1"])
        # Names that others have, too; the foreign one is dead, and has `up` alone.
        for target in targets:
            expression = re.sub(r"\b(process|scrape)_\w+(?=\{job=)", "up", target.expression)
            jobs = {each["metric"].get("job") for each in
                    self.result(expression, chosen, target.instant)}
            own = {OwnMail.JOB} if dashboard.is_recorded(expression) else set()
            self.assertLessEqual(jobs, {"radar spoof", None} | own, target)

    def test_own_numbers_stand_beside_radars(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {"query": ["all"]})
        targets = [each for each in self.targets() if dashboard.is_recorded(each.expression)]
        self.assertEqual(self.without_data(targets, chosen), [])
        shown = {(each.panel, each.ref): self.result(each.expression, chosen, True) for each in targets}
        (own,) = {each for each, _ in shown if each.startswith("Your reports")}
        (gateway,) = {each for each, _ in shown if each.startswith("Your gateway")}
        for panel, ref, labels, value in (
                (own, "A", {"from_domain": "example.org"}, 0.1),
                (gateway, "A", {"job": OwnMail.JOB}, 0.2),
                ("Times what is usual", "C", {"job": OwnMail.JOB}, 4),
                ("Times what is usual", "D", {"from_domain": "example.org"}, 2)):
            (series,) = shown[panel, ref]
            self.assertEqual(series["metric"], labels)
            self.assertAlmostEqual(float(series["value"][1]), value, delta=value / 100)
        for ref in ("A", "B"):
            self.assertEqual([each["metric"] for each in shown["Times what is usual", ref]],
                             [{"query": "all"}])

    def values(self, panel, *changes):
        """What the tile `panel` shows, its expression changed by (pattern, replacement) pairs."""
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        expression = next(each.expression for each in dashboard.targets(self.dashboard)
                          if each.panel == panel)
        for pattern, replacement in changes:
            expression = re.sub(pattern, replacement, expression)
        return [each["value"][1] for each in self.result(expression, chosen, True)]

    def test_what_has_no_values_is_counted(self):
        """Also when nothing has; and nothing is said when there is no exporter."""
        self.assertEqual(self.values("Without values"), ["0"])
        self.assertEqual(self.values("Without values", ("_email_spoof_ratio", "_nothing")), ["7"])
        self.assertEqual(self.values("Without values",
                                     ("_email_spoof_ratio|_query_info", "_nothing")), [])

    def test_tiles_count_as_the_pager_does(self):
        self.assertEqual(self.values("Not judged"), ["0"])
        self.assertEqual(self.values("Not judged", ("_confidence_level", "_nothing")), ["7"])
        self.assertEqual(self.values("Not judged", (">= 3", ">= 6")), ["7"])
        self.assertEqual(self.values("Not judged", ("_email_spoof_ratio", "_nothing")), [])
        # As if every query had been far above for two buckets, or for one.
        above = r"cloudflare_radar_email_spoof_buckets_above(\{[^}]*\})"
        for buckets, spikes in ((1, ["0"]), (2, ["7"]), (3, ["7"])):
            change = above, fr"{buckets} + 0 * cloudflare_radar_email_spoof_ratio\1"
            self.assertEqual(self.values("Spikes", change), spikes)
            self.assertEqual(self.values("Most buckets above", change), [str(buckets)])
            # Of these, what is not to be trusted or concerns nobody does not count.
            for other in ((">= 3", ">= 6"), ('severity="none"', 'severity="critical"'),
                          ('event_type=[^}]*(}) > 0', r'event_type="OUTAGE"\1 >= 0')):
                self.assertEqual(self.values("Spikes", change, other), [], other)
                self.assertEqual(self.values("Most buckets above", change, other), [], other)

    def test_every_query_returns_data_of_one_query_with_an_awkward_name(self):
        chosen = dashboard.choose(self.dashboard, self.label_values,
                                  {"query": ["dmarc.fail (7d)"], "dmarc": ["FAIL"]})
        targets = [each for each in dashboard.targets(self.dashboard)
                   if "ALERTS" not in each.expression]
        self.assertGreater(len(targets), len(self.targets()))  # the band is there
        self.assertEqual(self.without_data(targets, chosen), [])
        expression = "count by (query) (cloudflare_radar_query_info{query=~\"$query\"})"
        labels = [each["metric"] for each in self.result(expression, chosen, True)]
        self.assertEqual(labels, [{"query": "dmarc.fail (7d)"}])

    def test_made_up_numbers_are_called_so(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        whose = next(each for each in dashboard.targets(self.dashboard)
                     if each.panel == "Whose numbers these are")
        result = self.result(whose.expression, chosen, whose.instant)
        self.assertEqual([(each["metric"]["whose"], each["value"][1]) for each in result],
                         [("Simulated data, from ", "2")])
        self.assertRegex(result[0]["metric"]["host"], r"^127\.0\.0\.1:\d+$")

    def test_filters_narrow_the_queries(self):
        selection = {"spf": ["any"], "arc": ["FAIL", "NONE"]}
        chosen = dashboard.choose(self.dashboard, self.label_values, selection)
        expression = "count by (query) (cloudflare_radar_query_success{query=~\"$query\"})"
        names = {each["metric"]["query"] for each in self.result(expression, chosen, True)}
        self.assertEqual(names, {"auth_arc_fail_spf_any", "auth_arc_none_spf_any"})


class FaultTest(DashboardTest):
    def setUp(self):
        super().setUp()
        rules = sorted((SOURCE_DIR / "monitoring/rules").glob("*.yml"))
        # An annotation lies on the newest bucket, and RadarSpoofDataAtFault fires at once.
        self.start("pipeline-issue", rule_files=rules)

    def test_radars_events_and_firing_alerts_are_shown(self):
        for selection in ({}, {"query": ["dmarc.fail (7d)"]}, {"query": ["all", "dmarc.fail (7d)"]}):
            chosen = dashboard.choose(self.dashboard, self.label_values, selection)
            targets = self.annotations() + self.firing_alerts()
            self.assertEqual(len(targets), 3)
            self.assertEqual(self.without_data(targets, chosen), [])
            for target in targets:
                for series in self.result(target.expression, chosen, target.instant):
                    self.assertNotIn("instance", series["metric"])
                    if selection:
                        self.assertIn(series["metric"]["query"], selection["query"])
            alerts = {each["metric"]["alertname"]
                      for each in self.result(targets[-1].expression, chosen, True)}
            self.assertIn("RadarSpoofDataAtFault", alerts)

    def test_data_at_fault_are_no_spike(self):
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        for target in self.targets():
            if target.panel in ("Spikes", "Most buckets above"):
                self.assertEqual(self.result(target.expression, chosen, True), [])


class VictoriaMetricsTest(DashboardTest):
    def test_every_query_returns_data(self):
        self.start(server=VictoriaMetrics)
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        scraped = [each for each in self.targets() if not dashboard.is_recorded(each.expression)]
        self.assertGreater(len(scraped), 40)
        self.assertEqual(self.without_data(scraped, chosen), [])
        for each in self.annotations() + self.firing_alerts():
            self.assertEqual(self.result(each.expression, chosen, each.instant), [])


if __name__ == "__main__":
    unittest.main()
