"""The Grafana dashboard: every query of it returns data from a real Prometheus that scrapes the real
exporter, and nothing in it can mislead whoever is woken by it. (tests/schemas checks its form.)"""

import math
import re
import time
import unittest
import urllib.parse

import dashboard
from processes import EndToEndTest, config_text
from prometheus import Prometheus
from web_client import PATIENCE, wait_until

# Names with characters that mean something in a regular expression.
QUERIES = """
- {name: all, poll_interval: 1s}
- {name: "dmarc.fail (7d)", agg_interval: 1h, date_range: 7d, control: true, poll_interval: 1s, filters: {dmarc: FAIL}}
- {name: auth, agg_interval: 1d, date_range: 28d, poll_interval: 1s, matrix: {spf: [PASS, any], arc: [FAIL, NONE]}}
- {name: tls, agg_interval: 1w, date_range: 52w, poll_interval: 1s, filters: {tls_version: TLSv1_2, dkim: FAIL}}
"""
SCRAPE_INTERVAL = 1


def has_data(result):
    """Whether there is a point that is a number."""
    points = [point for series in result
              for point in series.get("values", [series.get("value")])]
    return any(not math.isnan(float(value)) for _, value in points)


class QueriesTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.dashboard = dashboard.read()
        # With an annotation on the newest bucket, so that there is something to annotate.
        simulator = self.start_simulator("--scenario=pipeline-issue")
        # Two replicas, which must not meet in one match.
        config = config_text(simulator, QUERIES)
        ports = [self.start_exporter(config).wait_until_ready().port for _ in range(2)]
        self.prometheus = self.started(Prometheus(
            self.directory,
            "job_name: radar spoof\n"
            f"static_configs: [{{targets: {[f'127.0.0.1:{port}' for port in ports]}}},"
            " {targets: ['127.0.0.1:1'], labels: {job: foreign and dead}}]"
        ))
        wait_until(lambda: sorted(value for _, value in self.prometheus.query("up")) == [0, 1, 1],
                   "a scrape of both, and of what is not there")
        self.begin = time.time()

    def label_values(self, selector, label):
        return self.prometheus.get(f"/api/v1/label/{label}/values?"
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
        return self.prometheus.get(path)["result"]

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
        annotations = [
            dashboard.Target(f"annotation {each['name']}", "", each["expr"], False)
            for each in self.dashboard["annotations"]["list"]
        ]
        return dashboard.targets(self.dashboard) + annotations

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
        targets = dashboard.targets(self.dashboard)
        self.assertEqual(self.without_data(targets, chosen), [])
        exporter = next(each for each in targets if each.panel == "Exporter")
        result = self.result(exporter.expression, chosen, exporter.instant)
        self.assertEqual([each["value"][1] for each in result], ["1"])
        # Whoever selects by job and instance; the foreign one has only `up` and what scraping adds.
        for target in targets:
            expression = re.sub(r"\b[a-z]\w+(?=\{job=)", "up", target.expression)
            jobs = {each["metric"].get("job") for each in
                    self.result(expression, chosen, target.instant)}
            self.assertLessEqual(jobs, {"radar spoof", None}, target)

    def test_what_has_no_values_is_counted(self):
        """Also when nothing has; and nothing is said when there is no exporter."""
        chosen = dashboard.choose(self.dashboard, self.label_values, {})
        expression = next(each.expression for each in dashboard.targets(self.dashboard)
                          if each.panel == "Without values")
        for text, expected in ((expression, ["0"]),
                               (expression.replace("_email_spoof_ratio", "_nothing"), ["7"]),
                               (re.sub("_email_spoof_ratio|_query_info", "_nothing", expression), [])):
            result = self.result(text, chosen, True)
            self.assertEqual([each["value"][1] for each in result], expected)

    def test_every_query_returns_data_of_one_query_with_an_awkward_name(self):
        chosen = dashboard.choose(self.dashboard, self.label_values,
                                  {"query": ["dmarc.fail (7d)"], "dmarc": ["FAIL"]})
        self.assertEqual(self.without_data(self.targets(), chosen), [])
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


class FormTest(unittest.TestCase):
    def setUp(self):
        self.dashboard = dashboard.read()
        self.panels = dashboard.panels(self.dashboard)

    def test_rows(self):
        self.assertEqual([row["title"] for row in dashboard.rows(self.dashboard)],
                         ["Overview", "Per filter combination", "Each query by itself",
                          "Data freshness", "API health and budget", "The exporter itself"])

    def test_every_panel_says_what_it_shows_and_in_which_unit(self):
        for panel in self.panels:
            with self.subTest(panel=panel["title"]):
                self.assertGreater(len(panel["description"]), 40)
                if panel["type"] != "text":
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["fieldConfig"]["defaults"]["thresholds"]["steps"])

    def test_ids_are_unique(self):
        ids = [each["id"] for each in self.panels + dashboard.rows(self.dashboard)]
        self.assertEqual(sorted(set(ids)), sorted(ids))

    def test_panels_are_inside_the_grid_and_do_not_overlap(self):
        taken = {}
        for panel in self.panels + dashboard.rows(self.dashboard):
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            # What a collapsed row holds is drawn over what follows, which then moves down.
            group = next((row["id"] for row in dashboard.rows(self.dashboard)
                          if panel in row["panels"]), None)
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    other = taken.setdefault((group, x, y), panel["title"])
                    self.assertEqual(other, panel["title"])

    def test_everything_asks_the_chosen_data_source(self):
        chosen = {"type": "prometheus", "uid": "${datasource}"}
        variables = [each for each in self.dashboard["templating"]["list"]
                     if each["type"] == "query"]
        targets = [target for panel in self.panels for target in panel.get("targets", [])]
        for each in self.panels + targets + variables + self.dashboard["annotations"]["list"]:
            self.assertEqual(each["datasource"], chosen, each)

    def test_variables_are_those_that_are_used(self):
        names = {each["name"] for each in self.dashboard["templating"]["list"]}
        asked = [target.expression for target in dashboard.targets(self.dashboard)]
        asked += [each["query"]["query"] for each in self.dashboard["templating"]["list"]
                  if each["type"] == "query"]
        used = set(re.findall(r"\$(\w+)", " ".join(asked))) - {"__range", "__rate_interval"}
        self.assertEqual(used | {"datasource"}, names)
        self.assertLessEqual({"query", "arc", "dkim", "dmarc", "spf", "tls_version"}, names)

    def test_gaps_stay_gaps(self):
        for panel in self.panels:
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
            self.assertFalse(custom.get("spanNulls"), panel["title"])
            overridden = [each["id"] for override in panel.get("fieldConfig", {})
                          .get("overrides", []) for each in override["properties"]]
            self.assertNotIn("custom.spanNulls", overridden)

    def test_what_is_shown_as_now_is_asked_for_now(self):
        """The last value of a range would show what is long gone."""
        for panel in self.panels:
            for target in panel.get("targets", []):
                if panel["type"] in ("stat", "bargauge", "table"):
                    self.assertTrue(target["instant"] and not target["range"], panel["title"])
                if panel["type"] == "stat":
                    self.assertIn("noValue", panel["fieldConfig"]["defaults"])

    def test_no_absence_is_turned_into_a_number(self):
        for target in dashboard.targets(self.dashboard):
            self.assertNotRegex(target.expression, r"\b(or vector|absent)\b", target)

    def test_ratios_are_shown_as_percent_of_one(self):
        def units(panel):
            yield None, panel["fieldConfig"]["defaults"]["unit"]
            for override in panel["fieldConfig"]["overrides"]:
                for each in override["properties"]:
                    if each["id"] == "unit":
                        yield override["matcher"]["options"], each["value"]

        checked = 0
        for panel in (each for each in self.panels if each["type"] != "text"):
            by_field = dict(units(panel))
            self.assertNotIn("percent", by_field.values(), panel["title"])
            columns = next((each["options"]["renameByName"] for each in
                            panel.get("transformations", []) if each["id"] == "organize"), {})
            for target in panel["targets"]:
                if re.fullmatch(r"(sort_desc\()?max by \(query\) \(\w+_ratio\{[^}]*\}\)+",
                                target["expr"]):
                    column = columns.get(f"Value #{target['refId']}")
                    self.assertEqual(by_field.get(column), "percentunit", panel["title"])
                    checked += 1
        self.assertGreater(checked, 6)

    def test_cloudflare_radar_is_credited_with_its_own_numbers_alone(self):
        for text in (self.dashboard["description"], self.dashboard["links"][0]["title"]):
            self.assertIn("Cloudflare Radar", text)
            self.assertIn("CC BY-NC 4.0", text)
            self.assertNotIn("Data:", text)
        whose = next(each for each in dashboard.targets(self.dashboard)
                     if each.panel == "Whose numbers these are")
        made_up, real, neither = (
            re.compile(each.replace("\\\\", "\\"))
            for each in re.findall(r'host[=!]~"([^"]*)"', whose.expression))
        for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8787", "127.1.2.3", "[::1]:1"):
            self.assertTrue(made_up.fullmatch(host) and not real.fullmatch(host), host)
        for host in ("api.cloudflare.com", "API.cloudflare.com:443", "cloudflare.com."):
            self.assertTrue(real.fullmatch(host) and not made_up.fullmatch(host), host)
        for host in ("evilcloudflare.com", "cloudflare.com.evil.test", "127.0.0.1.evil.test",
                     "10.0.0.1"):
            self.assertFalse(neither.fullmatch(host), host)


if __name__ == "__main__":
    unittest.main()
