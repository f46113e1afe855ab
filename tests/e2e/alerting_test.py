"""From number to page: radar_simulator -> radar_spoof_exporter -> Prometheus with the shipped rules
-> Alertmanager with the shipped routes and templates -> a webhook, Slack and mail. Four simulators, each with an exporter whose
one query bears its scenario's name. And from HTTP 429 to the alert that it goes on."""

import http.server
import os
import re
import statistics
import threading
import time
import unittest
import urllib.parse

from alerting import Alertmanager, AlertingPrometheus, MailServer, Webhook
from processes import EndToEndTest, config_text
from web_client import PATIENCE, fetch, wait_until

SCENARIOS = ("spike", "pipeline-issue", "outage", "calm")
SPIKE = "RadarSpoofSpike"
KEPT_FIRING = 7200 / 150  # seconds; as AlertingPrometheus shortens it
COUNT = "query:cloudflare_radar_email_spoof_buckets_above:trusted"
WEEK = 7 * 24  # hours
HOUR = 3600
# From the simulators' start to the next bucket, in seconds: long enough to see all is calm and to
# switch the scenarios before it, the longer the busier the machine is.
AHEAD = int(min(120, 30 * max(1, os.getloadavg()[0] / os.cpu_count())))


def lag_until_next_bucket():
    """A lag of the data in seconds with which their next hour is complete AHEAD seconds from now,
    so that a run of two hourly buckets can be waited for. None is made up: the clock is real."""
    return int(time.time() + AHEAD) % HOUR


def is_quiet(spoof):
    """Whether the latest hours of two weeks or more are like those before: none is more than two of
    its week's deviations from their mean, or much above the same hour a week before."""
    for end in range(len(spoof) - 4, len(spoof)):
        week = spoof[end - WEEK:end]
        mean, deviation = statistics.mean(week), statistics.pstdev(week)
        if abs(spoof[end] - mean) > 2 * deviation or spoof[end] - spoof[end - WEEK] > 3 * deviation:
            return False
    return True


class AlertingTest(EndToEndTest):
    def quiet_seed(self):
        """The flag for a world that is quiet now: the clock is real, and each has noisy hours."""
        for seed in range(1, 100):
            simulator = self.start_simulator(f"--seed={seed}", lag=1)
            series = simulator.ask("aggInterval=1h&dateRange=14d&dmarc=FAIL")["result"]["serie_0"]
            simulator.end()
            if is_quiet([float(ratio) for ratio in series["SPOOF"][:-1]]):  # the last is not whole
                return f"--seed={seed}"
        raise AssertionError("no world is quiet")

    def setUp(self):
        super().setUp()
        self.webhook = Webhook()
        self.addCleanup(self.webhook.end)
        self.mail_server = MailServer()
        self.addCleanup(self.mail_server.end)
        self.alertmanager = self.started(
            Alertmanager(self.directory, self.webhook, self.mail_server))
        seed = self.quiet_seed()
        lag = lag_until_next_bucket()
        self.next_bucket = time.time() + AHEAD
        self.simulators = {name: self.start_simulator(seed, lag=lag) for name in SCENARIOS}
        self.exporters = {
            name: self.start_exporter(config_text(
                simulator,
                f"- {{name: {name}, filters: {{dmarc: FAIL}}, agg_interval: 1h, date_range: 28d,"
                " poll_interval: 1s}"))
            for name, simulator in self.simulators.items()
        }
        for exporter in self.exporters.values():
            exporter.wait_until_ready()
        self.start_prometheus()

    def start_prometheus(self):
        self.prometheus = self.started(AlertingPrometheus(
            self.directory, self.alertmanager, [each.port for each in self.exporters.values()]))

    def wait_for_alert(self, alert, query):
        wait_until(lambda: (alert, query) in self.prometheus.firing(), f"{alert} of {query}")

    def wait_until_judged(self):
        """Every query is judged, and none is unusual."""
        def judged():
            return {labels["query"]: value for labels, value in self.prometheus.query(COUNT)}

        wait_until(lambda: judged() == dict.fromkeys(SCENARIOS, 0), "the judgement of all queries")

    def check_one_bucket_is_no_spike(self):
        """Both the exporter and the rules see what is unusual before the next bucket comes."""
        wait_until(lambda: self.prometheus.query(f'{COUNT}{{query="spike"}} == 1'), "the first bucket")
        firing = self.prometheus.firing()
        self.assertLess(time.time(), self.next_bucket, "too slow: the next bucket is there")
        self.assertNotIn((SPIKE, "spike"), firing)

    def check_spike_is_a_page(self):
        page = wait_until(lambda: self.webhook.find("firing", alertname=SPIKE, query="spike"),
                          "the page", AHEAD + PATIENCE)
        self.assertGreaterEqual(time.time(), self.next_bucket - 1)
        path, _, labels, annotations = page
        self.assertEqual((path, labels["severity"]), ("/pager", "critical"))
        self.assertRegex(annotations["description"], r"^Query spike: [4-9]\d(\.\d+)?% of its email is"
                         r" spoof in the latest bucket, [1-3]\d(\.\d+)?% was expected, up to \d+(\.\d+)?%"
                         r" would be usual\. Each of the last 2 buckets of 1h was above its upper bound\."
                         r" Radar's confidence in the data is 5 of 5\. First look at ")
        path = urllib.parse.urlsplit(annotations["runbook_url"]).path
        runbook = fetch(self.prometheus.port, path)
        self.assertEqual(runbook.status, 200)
        self.assertTrue(runbook.body.startswith(f"# {SPIKE}\n".encode()))
        message = wait_until(lambda: next(iter(self.webhook.slack), None), "the message in Slack")
        self.assertEqual((message["title"], message["title_link"]),
                         (f"[FIRING] {SPIKE}: spike", annotations["dashboard_url"]))
        self.assertRegex(message["text"], r"(?s)\n" + re.escape(annotations["description"])
                         + r"\nFiring since \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\n<"
                         + re.escape(f"{annotations['dashboard_url']}|Dashboard> | <"
                                     f"{annotations['runbook_url']}|Runbook> | <"
                                     "https://radar.cloudflare.com/email-security|Cloudflare Radar>"))

    def check_restart_of_prometheus_ends_no_spike(self):
        def since():
            """To the second. (Series would still be those of before the restart.)"""
            return next((each["activeAt"][:19] for each in self.prometheus.get("/api/v1/alerts")["alerts"]
                         if each["labels"]["alertname"] == SPIKE and each["state"] == "firing"), None)

        before = since()
        self.prometheus.end()
        self.start_prometheus()
        wait_until(lambda: since() == before, "the same spike after the restart")

    def check_pipeline_issue_is_no_spike(self):
        self.wait_for_alert("RadarSpoofDataAtFault", "pipeline-issue")
        ever = self.prometheus.query(
            f'max_over_time(ALERTS{{alertname="{SPIKE}",query="pipeline-issue"}}[10m])')
        self.assertEqual(ever, [])

    def check_pipeline_issue_inhibits_a_spike(self):
        self.simulators["spike"].switch("pipeline-issue")

        def suppressed():
            alerts = self.alertmanager.alerts(alertname=SPIKE, query="spike")
            return alerts and alerts[0]["status"]["state"] == "suppressed" and alerts[0]

        spike = wait_until(suppressed, "the inhibited spike in Alertmanager")
        source = self.alertmanager.alerts(
            alertname="RadarSpoofDataAtFault", query="spike")[0]
        self.assertEqual(spike["status"]["inhibitedBy"], [source["fingerprint"]])

    def check_outage_is_stale_and_no_spike(self):
        for wanted in ({"alertname": "RadarSpoofValuesStale", "query": "outage"},
                       {"alertname": "RadarSpoofApiDown"}):
            path, _, labels, _ = wait_until(
                lambda wanted=wanted: self.webhook.find("firing", **wanted), str(wanted))
            self.assertEqual((path, labels["severity"]), ("/morning", "warning"))
            mail = wait_until(lambda wanted=wanted: next(
                (each for each in list(self.mail_server.received)
                 if wanted["alertname"] in each["Subject"]), None), f"the mail of {wanted}")
            self.assertTrue(mail["Subject"].startswith("[FIRING] "))
            text = mail.get_body().get_content()
            for part in ("\nFiring since ", "/d/radar-spoof", f"/runbooks/{wanted['alertname']}.md",
                         "https://radar.cloudflare.com/email-security"):
                self.assertIn(part, text)
        # One cause is one alert: that the query fails is not said, as check_all_that_was_said sees.
        self.wait_for_alert("RadarSpoofQueryFailing", "outage")

    def check_all_that_was_said(self):
        """Once the end of the page has come, whatever else there was to say has been said."""
        self.simulators["spike"].switch("calm")
        wait_until(lambda: self.webhook.find("resolved", alertname=SPIKE, query="spike"),
                   "the end of the page", KEPT_FIRING + PATIENCE)
        wait_until(lambda: f"[RESOLVED] {SPIKE}: spike" in
                   [each["title"] for each in list(self.webhook.slack)], "its end in Slack")
        said = {(labels["alertname"], labels.get("query"))
                for _, _, labels, _ in list(self.webhook.received)}
        self.assertEqual({query for alert, query in said if alert == SPIKE}, {"spike"})
        self.assertEqual({alert for alert, query in said if query == "calm"}, set())
        # After 6 hours, here 144 seconds, somebody is told that a spike would not be seen.
        self.assertLessEqual({alert for alert, query in said if query == "pipeline-issue"},
                             {"RadarSpoofNotJudged"})
        self.assertEqual({alert for alert, query in said if query == "outage"},
                         {"RadarSpoofValuesStale"})
        # A scrape may take longer than Prometheus' second on a busy machine, and is then told, too.
        missed = self.prometheus.query("min_over_time(up[10m]) == 0")
        late = {"RadarSpoofExporterAbsent"} if missed else set()
        self.assertEqual({alert for alert, query in said if not query} - late,
                         {"RadarSpoofApiDown"})
        ever = self.prometheus.query('max_over_time(ALERTS{query="calm"}[10m])')
        self.assertEqual(ever, [])

    def test_each_scenario_wakes_whom_it_should(self):
        self.wait_until_judged()
        # The rules of one group are judged at another moment than those of the next.
        wait_until(lambda: not self.prometheus.firing(), "that no alert fires")
        for name, simulator in self.simulators.items():
            simulator.switch(name)
        self.check_one_bucket_is_no_spike()
        self.check_outage_is_stale_and_no_spike()
        self.check_spike_is_a_page()
        self.check_restart_of_prometheus_ends_no_spike()
        self.check_pipeline_issue_is_no_spike()
        self.check_pipeline_issue_inhibits_a_spike()
        self.check_all_that_was_said()


class LimitingApi(http.server.ThreadingHTTPServer):
    """Answers 429 for each of `pauses`, seconds to wait, and 503 when there is none left."""

    def __init__(self):
        self.pauses = pauses = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(429 if pauses else 503)
                if pauses:
                    self.send_header("Retry-After", str(pauses.pop(0)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}/client/v4"


class RateLimitTest(EndToEndTest):
    """`again` is held twice, without a moment between, the second time for longer than the test
    takes; `once` is held once, as by a stray 429."""

    def start_exporter_of(self, api):
        self.addCleanup(api.server_close)
        self.addCleanup(api.shutdown)
        threading.Thread(target=api.serve_forever, daemon=True).start()
        return self.start_exporter(config_text(api, "- {name: all, poll_interval: 1s}"))

    def test_the_second_hold_is_told_while_it_lasts_and_a_stray_one_is_not(self):
        webhook = Webhook()
        self.addCleanup(webhook.end)
        alertmanager = self.started(Alertmanager(self.directory, webhook))
        apis = LimitingApi(), LimitingApi()
        again, once = (self.start_exporter_of(api) for api in apis)
        prometheus = self.started(AlertingPrometheus(
            self.directory, alertmanager, [again.port, once.port]))
        counts = 'cloudflare_radar_api_failures_total{reason="rate_limited"}'
        wait_until(lambda: len(prometheus.query(counts)) == 2, "the first scrapes")
        for api, pauses in zip(apis, ([20, 900], [20])):
            api.pauses.extend(pauses)
        path, _, labels, annotations = wait_until(
            lambda: webhook.find("firing", alertname="RadarSpoofRateLimited"), "the alert", 90)
        instance = f"127.0.0.1:{again.port}"
        self.assertEqual((path, labels["instance"]), ("/morning", instance))
        self.assertEqual(annotations["description"],
                         f"{instance} was held for HTTP 429, and held again within an hour.")
        # The page shows the hold that is, not the first one.
        end = again.page().value("cloudflare_radar_api_blocked_until_timestamp_seconds")
        self.assertGreater(end, time.time())
        self.assertIn(time.strftime(", until %Y-%m-%d %H:%M:%S UTC", time.gmtime(end)),
                      again.fetch("/").body.decode())
        self.assertEqual({each["instance"]: count for each, count in prometheus.query(counts)},
                         {instance: 2, f"127.0.0.1:{once.port}": 1})
        self.assertEqual({each["instance"] for each, _ in prometheus.query(
            'ALERTS{alertname="RadarSpoofRateLimited"}')}, {instance})


if __name__ == "__main__":
    unittest.main()
