"""From number to page: radar_simulator -> radar_spoof_exporter -> Prometheus with the shipped rules
-> Alertmanager with the shipped routes -> a webhook. Four simulators, each with an exporter whose
one query bears its scenario's name."""

import time
import unittest
import urllib.parse

from alerting import Alertmanager, AlertingPrometheus, Webhook
from processes import EndToEndTest, config_text
from web_client import fetch, wait_until

SCENARIOS = ("spike", "pipeline-issue", "outage", "calm")
SPIKE = "RadarSpoofSpikeAboveWindow"
# A world in which no hour of the last year was so noisy that the threefold would not stand out.
SEED = "--seed=3"
HOUR = 3600
# From the simulators' start to the next bucket, in seconds: long enough to see all is calm and to
# switch the scenarios before it.
AHEAD = 30


def lag_until_next_bucket():
    """A lag of the data in seconds with which their next hour is complete AHEAD seconds from now,
    so that a run of two hourly buckets can be waited for. None is made up: the clock is real."""
    return int(time.time() + AHEAD) % HOUR


class AlertingTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.webhook = Webhook()
        self.addCleanup(self.webhook.end)
        self.alertmanager = self.started(Alertmanager(self.directory, self.webhook))
        lag = lag_until_next_bucket()
        self.next_bucket = time.time() + AHEAD
        self.simulators = {name: self.start_simulator(SEED, lag=lag) for name in SCENARIOS}
        self.exporters = {
            name: self.start_exporter(config_text(
                simulator,
                f"- {{name: {name}, filters: {{dmarc: FAIL}}, agg_interval: 1h, date_range: 7d,"
                " control: true, poll_interval: 1s}"))
            for name, simulator in self.simulators.items()
        }
        for exporter in self.exporters.values():
            exporter.wait_until_ready()
        self.prometheus = self.started(AlertingPrometheus(
            self.directory, self.alertmanager, [each.port for each in self.exporters.values()]))

    def wait_for_alert(self, alert, query):
        wait_until(lambda: (alert, query) in self.prometheus.firing(), f"{alert} of {query}")

    def wait_until_judged(self):
        """Every query is judged, and none is unusual."""
        recorded = "instance_query:cloudflare_radar_query_sample_timestamp_seconds:above_window"

        def judged():
            return {labels["query"]: value for labels, value in self.prometheus.query(recorded)}

        wait_until(lambda: judged() == dict.fromkeys(SCENARIOS, 0), "the judgement of all queries")

    def check_one_bucket_is_no_spike(self):
        """Both the exporter and the rules see what is unusual before the next bucket comes."""
        run = "instance_query:cloudflare_radar_query_sample_timestamp_seconds:above_window"
        wait_until(lambda: self.prometheus.query(f'{run}{{query="spike"}} > 0'), "the first bucket")
        firing = self.prometheus.firing()
        self.assertLess(time.time(), self.next_bucket, "too slow: the next bucket is there")
        self.assertNotIn((SPIKE, "spike"), firing)

    def check_spike_is_a_page(self):
        page = wait_until(lambda: self.webhook.find("firing", alertname=SPIKE, query="spike"),
                          "the page")
        self.assertGreaterEqual(time.time(), self.next_bucket - 1)
        path, _, labels, annotations = page
        self.assertEqual((path, labels["severity"]), ("/pager", "critical"))
        self.assertRegex(annotations["description"], r"^Query spike: [4-9]\d(\.\d+)?% spoof")
        path = urllib.parse.urlsplit(annotations["runbook_url"]).path
        runbook = fetch(self.prometheus.port, path)
        self.assertEqual(runbook.status, 200)
        self.assertTrue(runbook.body.startswith(f"# {SPIKE}\n".encode()))

    def check_pipeline_issue_is_inhibited(self):
        self.wait_for_alert("RadarSpoofDataAtFault", "pipeline-issue")
        self.wait_for_alert(SPIKE, "pipeline-issue")

        def suppressed():
            alerts = self.alertmanager.alerts(alertname=SPIKE, query="pipeline-issue")
            return alerts and alerts[0]["status"]["state"] == "suppressed" and alerts[0]

        spike = wait_until(suppressed, "the inhibited spike in Alertmanager")
        source = self.alertmanager.alerts(
            alertname="RadarSpoofDataAtFault", query="pipeline-issue")[0]
        self.assertEqual(spike["status"]["inhibitedBy"], [source["fingerprint"]])

    def check_outage_is_stale_and_no_spike(self):
        for wanted in ({"alertname": "RadarSpoofValuesStale", "query": "outage"},
                       {"alertname": "RadarSpoofApiDown"}):
            path, _, labels, _ = wait_until(
                lambda wanted=wanted: self.webhook.find("firing", **wanted), str(wanted))
            self.assertEqual((path, labels["severity"]), ("/morning", "warning"))
        # One cause is one alert: that the query fails is not said, as check_all_that_was_said sees.
        self.wait_for_alert("RadarSpoofQueryFailing", "outage")

    def check_all_that_was_said(self):
        """Once the end of the page has come, whatever else there was to say has been said."""
        self.simulators["spike"].switch("calm")
        wait_until(lambda: self.webhook.find("resolved", alertname=SPIKE, query="spike"),
                   "the end of the page")
        said = {(labels["alertname"], labels.get("query"))
                for _, _, labels, _ in list(self.webhook.received)}
        self.assertEqual({query for alert, query in said if alert.startswith("RadarSpoofSpike")},
                         {"spike"})
        self.assertEqual({alert for alert, query in said if query == "calm"}, set())
        self.assertEqual({alert for alert, query in said if query == "pipeline-issue"}, set())
        self.assertEqual({alert for alert, query in said if query == "outage"},
                         {"RadarSpoofValuesStale"})
        self.assertEqual({alert for alert, query in said if not query}, {"RadarSpoofApiDown"})
        ever = self.prometheus.query('max_over_time(ALERTS{query="calm"}[10m])')
        self.assertEqual(ever, [])

    def test_each_scenario_wakes_whom_it_should(self):
        self.wait_until_judged()
        self.assertEqual(self.prometheus.firing(), set())
        for name, simulator in self.simulators.items():
            simulator.switch(name)
        self.check_one_bucket_is_no_spike()
        self.check_outage_is_stale_and_no_spike()
        self.check_spike_is_a_page()
        self.check_pipeline_issue_is_inhibited()
        self.check_all_that_was_said()


if __name__ == "__main__":
    unittest.main()
