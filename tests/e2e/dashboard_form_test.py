"""The Grafana dashboard as it is written: what it shows and how, by the rules of Grafana's
dashboard-linter, and in colours that everybody tells apart. Needs no server."""

import collections
import itertools
import re
import subprocess
import tempfile
import unittest

import yaml

import dashboard
from processes import SOURCE_DIR
from prometheus import prometheus_tool

# Grafana has each of these in 9.5 and in 12.4, and the linter knows it.
UNITS = {"none", "percentunit", "s", "bytes", "dateTimeFromNow", "dateTimeAsIso"}
PAGER = [("blue", None), ("yellow", 1), ("red", 2)]


def unit_of(panel):
    return panel["fieldConfig"]["defaults"]["unit"]


def overridden(panel, name):
    """[(column or line, value)] of the property `name` of a panel's overrides."""
    return [(override["matcher"]["options"], each["value"])
            for override in panel.get("fieldConfig", {}).get("overrides", [])
            for each in override["properties"] if each["id"] == name]


def steps(thresholds):
    return [(step["color"], step["value"]) for step in thresholds["steps"]]


class FormTest(unittest.TestCase):
    def setUp(self):
        self.dashboard = dashboard.read()
        self.panels = dashboard.panels(self.dashboard)

    def test_rows(self):
        self.assertEqual([row["title"] for row in dashboard.rows(self.dashboard)],
                         ["Overview", "Per filter combination", "Each query by itself",
                          "Is it us, or everybody?", "Data freshness", "API health and budget",
                          "The exporter itself"])

    def test_what_needs_the_optional_rules_asks_nothing_until_it_is_opened(self):
        row = next(each for each in dashboard.rows(self.dashboard)
                   if each["title"] == "Is it us, or everybody?")
        self.assertTrue(row["collapsed"])
        for panel in self.panels:
            for target in panel.get("targets", []):
                self.assertEqual(dashboard.is_recorded(target["expr"]), panel in row["panels"],
                                 panel["title"])

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
        for each in self.panels + variables + self.dashboard["annotations"]["list"]:
            self.assertEqual(each["datasource"], chosen, each)
        for each in targets:  # that of the panel, if it has none of its own
            self.assertEqual(each.get("datasource", chosen), chosen, each)

    def test_variables_are_those_that_are_used(self):
        names = {each["name"] for each in self.dashboard["templating"]["list"]}
        asked = [target.expression for target in dashboard.targets(self.dashboard)]
        asked += [each["query"] for each in self.dashboard["templating"]["list"]
                  if each["type"] == "query"]
        used = set(re.findall(r"\$(\w+)", " ".join(asked))) - {"__range", "__rate_interval"}
        self.assertEqual(used | {"datasource", "runbooks"}, names)
        self.assertLessEqual({"query", "arc", "dkim", "dmarc", "spf", "tls_version"}, names)

    def test_gaps_stay_gaps(self):
        for panel in self.panels:
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
            self.assertFalse(custom.get("spanNulls"), panel["title"])
            self.assertEqual(overridden(panel, "custom.spanNulls"), [])

    def test_what_is_shown_as_now_is_asked_for_now(self):
        """The last value of a range would show what is long gone."""
        for panel in self.panels:
            for target in panel.get("targets", []):
                if panel["type"] in ("stat", "bargauge", "table"):
                    self.assertTrue(target.get("instant") and not target.get("range"),
                                    panel["title"])
                if panel["type"] == "stat":
                    self.assertIn("noValue", panel["fieldConfig"]["defaults"])

    def test_no_absence_is_turned_into_a_number(self):
        for target in dashboard.targets(self.dashboard):
            self.assertNotRegex(target.expression, r"\b(or vector|absent)\b", target)

    def test_ratios_are_shown_as_percent_of_one(self):
        checked = 0
        for panel in (each for each in self.panels if each["type"] != "text"):
            by_field = {None: unit_of(panel)} | dict(overridden(panel, "unit"))
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

    def panel(self, title):
        return next(each for each in self.panels if each["title"] == title)

    def test_the_band_reaches_from_what_was_expected_to_the_upper_bound(self):
        for title in ("Spoof share", "$query"):
            panel = self.panel(title)
            shown = {target["legendFormat"]: target["expr"] for target in panel["targets"]}
            self.assertIn("cloudflare_radar_email_spoof_expected_ratio{", shown["expected"])
            self.assertIn("cloudflare_radar_email_spoof_expected_upper_ratio{", shown["upper bound"])
            self.assertEqual(overridden(panel, "custom.fillBelowTo"), [("upper bound", "expected")])

    def test_thresholds_are_those_of_the_pager(self):
        for title in ("Most buckets above", "Buckets above their upper bound"):
            defaults = self.panel(title)["fieldConfig"]["defaults"]
            self.assertEqual(steps(defaults["thresholds"]), PAGER, title)
        table = dict(overridden(self.panel("All selected queries"), "thresholds"))
        self.assertEqual(steps(table["Buckets above"]), PAGER)
        spikes = self.panel("Spikes")["targets"][0]["expr"]
        for condition in (">= bool 2", ">= 3", 'severity="none"', "OUTAGE|PARTIAL_PROJECTION|PIPELINE"):
            self.assertIn(condition, spikes)

    def test_tables_link_to_the_query_and_the_runbook(self):
        alone = f"/d/{self.dashboard['uid']}?"
        for title in ("Firing alerts", "All selected queries", "Polls and data"):
            links = dict(overridden(self.panel(title), "links"))
            self.assertTrue(links["Query"][0]["url"].startswith(alone), title)
            self.assertIn("&var-query=${__value.raw:percentencode}", links["Query"][0]["url"])
        links = {column: link["url"] for title in ("Firing alerts", "All selected queries")
                 for column, (link,) in overridden(self.panel(title), "links")}
        self.assertEqual(links["Alert"], "${runbooks}/${__value.raw}.md")
        runbook = links["Buckets above"].removeprefix("${runbooks}/")
        self.assertTrue((SOURCE_DIR / "docs/runbooks" / runbook).is_file(), runbook)

    def test_an_alert_is_shown_whatever_is_selected_beside_its_query(self):
        alerts = 'ALERTS{alertname=~"RadarSpoof.*",alertstate="firing",job=~"$job|",query=~"$query|"}'
        for expression in (next(each["expr"] for each in self.dashboard["annotations"]["list"]
                                if each["name"] == "Firing alerts"),
                           self.panel("Firing alerts")["targets"][0]["expr"]):
            self.assertEqual(expression,
                             f"max without (instance, pod, node, pod_template_hash, alertstate) ({alerts})")

    def test_all_is_whatever_is_there(self):
        """But for the queries, whose All is the list that the filters leave: what has no labels of
        filters is narrowed by them through it alone."""
        for variable in self.dashboard["templating"]["list"]:
            if variable["type"] == "query":
                self.assertTrue(variable["includeAll"] and variable["multi"])
                self.assertEqual(variable.get("allValue"),
                                 None if variable["name"] == "query" else ".+")


Finding = collections.namedtuple("Finding", "rule panel target says")


class LinterTest(unittest.TestCase):
    """The rules of https://github.com/grafana/dashboard-linter, which cannot be run here: it is a
    program that no package has. What `.lint` beside the dashboard excludes has a reason there."""

    VISUAL = {"stat", "table", "timeseries"}  # of the kinds that the linter's rules of panels are about
    SELECTOR = r'([a-zA-Z_:][\w:]*)(\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\})'

    def setUp(self):
        self.dashboard = dashboard.read()
        self.panels = dashboard.panels(self.dashboard)
        self.variables = {each["name"]: each for each in self.dashboard["templating"]["list"]}

    def expressions(self):
        return [(panel["title"], index, target["expr"]) for panel in self.panels
                for index, target in enumerate(panel.get("targets", []))]

    def template_findings(self):
        source = self.variables.get("datasource", {})
        if (source.get("type"), source.get("query"), source.get("label")) != (
                "datasource", "prometheus", "Data source"):
            yield Finding("template-datasource-rule", None, None, "not a Prometheus of one's choice")
        for name in ("job", "instance"):
            variable = self.variables.get(name, {})
            if (variable.get("type") != "query" or not variable.get("multi")
                    or variable.get("allValue") != ".+" or variable.get("label") != name.title()
                    or variable.get("datasource", {}).get("uid") != "${datasource}"):
                yield Finding(f"template-{name}-rule", None, None, f"{variable}")
        for variable in self.variables.values():
            if variable["type"] == "query" and variable["refresh"] != 2:
                yield Finding("template-on-time-change-reload-rule", None, None, variable["name"])
        if self.dashboard["editable"]:
            yield Finding("uneditable-dashboard", None, None, "can be edited")

    def panel_findings(self):
        for panel in self.panels:
            if panel["type"] not in self.VISUAL:
                continue
            title = panel["title"]
            if panel["datasource"]["uid"] != "${datasource}":
                yield Finding("panel-datasource-rule", title, None, panel["datasource"])
            if not title or not panel["description"]:
                yield Finding("panel-title-description-rule", title, None, panel["id"])
            if not panel.get("targets"):
                yield Finding("panel-no-targets-rule", title, None, "asks nothing")
            units = [unit_of(panel)] + [unit for _, unit in overridden(panel, "unit")]
            for unit in set(units) - UNITS:
                yield Finding("panel-units-rule", title, None, unit)

    def target_findings(self):
        for title, index, expression in self.expressions():
            selectors = re.findall(self.SELECTOR, expression)
            for name in ("job", "instance"):
                for metric, matchers in selectors:
                    if f'{name}=~"${name}"' not in matchers:
                        yield Finding(f"target-{name}-rule", title, index, metric + matchers)
            for duration in re.findall(r"\bi?rate\([^\[]*\[([^\]]*)\]", expression):
                if duration != "$__rate_interval":
                    yield Finding("target-rate-interval-rule", title, index, duration)
            for match in re.finditer(self.SELECTOR, expression):
                if match[1].endswith("_total") and not (
                        re.search(r"\b(i?rate|increase)\($", expression[:match.start()])
                        and expression[match.end()] == "["):
                    yield Finding("target-counter-agg-rule", title, index, match[1])

    def findings(self):
        return [*self.template_findings(), *self.panel_findings(), *self.target_findings()]

    def test_what_departs_from_a_rule_is_excluded_with_a_reason(self):
        exclusions = yaml.safe_load((dashboard.DASHBOARD.parent / ".lint").read_text())["exclusions"]
        found = self.findings()
        for rule, excluded in exclusions.items():
            for entry in excluded["entries"]:
                self.assertGreater(len(entry["reason"]), 40, rule)
                left = [each for each in found
                        if (each.rule, each.panel) != (rule, entry["panel"])]
                self.assertNotEqual(left, found, f"{rule} needs no exclusion of {entry}")
                found = left
        self.assertEqual(found, [])

    def test_each_rule_finds_what_it_is_there_for(self):
        def found():
            return {each.rule for each in self.findings()} - {"target-job-rule", "target-instance-rule"}

        self.assertEqual(found(), set())
        tile = next(each for each in self.panels if each["title"] == "Failing")
        target = tile["targets"][0]
        for rule, place, key, wrong in (
                ("uneditable-dashboard", self.dashboard, "editable", True),
                ("template-datasource-rule", self.variables["datasource"], "label", "Source"),
                ("template-job-rule", self.variables["job"], "allValue", ".*"),
                ("template-instance-rule", self.variables["instance"], "multi", False),
                ("template-on-time-change-reload-rule", self.variables["spf"], "refresh", 1),
                ("panel-datasource-rule", tile, "datasource", {"uid": "prometheus"}),
                ("panel-title-description-rule", tile, "description", ""),
                ("panel-no-targets-rule", tile, "targets", []),
                ("panel-units-rule", tile["fieldConfig"]["defaults"], "unit", "suffix: x"),
                ("target-rate-interval-rule", target, "expr", "rate(a{}[5m])"),
                ("target-counter-agg-rule", target, "expr", "sum(a_total{})")):
            with self.subTest(rule=rule):
                right = place[key]
                place[key] = wrong
                self.assertEqual(found(), {rule})
                place[key] = right

    def test_every_expression_is_promql(self):
        """target-promql-rule and template-label-promql-rule, by promtool; and every metric has a
        selector, which the rules of job and instance look for."""
        expressions = [each for _, _, each in self.expressions()]
        expressions += [each["expr"] for each in self.dashboard["annotations"]["list"]]
        for expression in expressions:
            outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
            bare = re.findall(r"(?<![\w:])(?:cloudflare|radar|process|scrape|up\b)\w*(?![\w{])", outside)
            self.assertEqual(bare, [], expression)
        for variable in self.variables.values():
            if variable["type"] == "query":
                selector, label = dashboard.variable_query(variable["query"])
                self.assertRegex(label, r"^[a-z_]+$")
                expressions.append(selector)
        rules = [{"record": f"expression_{index}", "expr": re.sub(r"\[\$\w+\]", "[5m]", expression)}
                 for index, expression in enumerate(expressions)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            said = subprocess.run([prometheus_tool("promtool"), "check", "rules", file.name],
                                  capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn(f"{len(rules)} rules found", said.stdout)


class ValueTest(unittest.TestCase):
    """What panels show of given series, by promtool."""

    def setUp(self):
        self.panels = dashboard.panels(dashboard.read())

    def check(self, panel, series, at, shown):
        """Of the panels with that title, each shows {labels: value} `at` a time."""
        chosen = dict.fromkeys(("job", "instance", "query"), ".*")
        expressions = [dashboard.interpolated(target["expr"], chosen)
                       for each in self.panels if each["title"] == panel for target in each["targets"]]
        self.assertGreater(len(expressions), 0)
        wanted = [{"labels": labels, "value": value} for labels, value in shown.items()]
        test = {"interval": "1m",
                "input_series": [{"series": name, "values": f"{value}+0x999"}
                                 for name, value in series.items()],
                "promql_expr_test": [{"expr": f"sum by (policy) ({each})", "eval_time": at,
                                      "exp_samples": wanted} for each in expressions]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"tests": [test]}, file)
            file.flush()
            said = subprocess.run([prometheus_tool("promtool"), "test", "rules", file.name],
                                  capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_data_are_overdue_when_they_should_have_been_polled(self):
        # The bucket that begins at 0 is complete after an hour, and Radar has it an hour later.
        for poll_interval, at, overdue in ((14400, "6h", 3600), (14400, "10h", 18000),
                                           (3600, "3h", 3600), (900, "3h", 3600)):
            names = ("sample_timestamp", "aggregation_interval", "poll_interval")
            series = {f'cloudflare_radar_query_{name}_seconds{{query="q"}}': value
                      for name, value in zip(names, (0, 3600, poll_interval))}
            self.check("Data overdue", series, at, {"{}": overdue})

    def test_a_budget_is_shown_whose_headers_have_different_names(self):
        policies = {"remaining": {"default": 50, "other": 30}, "limit": {"burst": 100, "other": 300}}
        series = {f'cloudflare_radar_api_ratelimit_{what}_requests{{policy="{policy}"}}': value
                  for what, values in policies.items() for policy, value in values.items()}
        self.check("Cloudflare's budget left", series, "1h",
                   {'{policy="default"}': 0.5, '{policy="other"}': 0.1})


class ColourTest(unittest.TestCase):
    """Whoever cannot tell red from green (protanopia and deuteranopia, the two common forms) tells the
    colours of one panel apart, in Grafana's dark and in its light theme."""

    # The main hue of each name, and the text's, in Grafana's themes (dark, light).
    NAMED = {"red": ("F2495C", "E02F44"), "orange": ("FF9830", "FF780A"), "yellow": ("FADE2A", "F2CC0C"),
             "green": ("73BF69", "56A64B"), "blue": ("5794F2", "3274D9"), "text": ("CCCCDC", "24292E")}
    # Machado, Oliveira and Fernandes 2009, severity 1.0: what is seen of linear RGB.
    SEEN = {
        "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                       (-0.003882, -0.048116, 1.051998)),
        "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                         (-0.011820, 0.042940, 0.968881)),
    }
    TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    WHITE = (0.9505, 1.0, 1.089)
    APART = 20  # in CIELAB, where about 2 can just be told apart side by side

    @staticmethod
    def product(matrix, vector):
        return [sum(a * b for a, b in zip(row, vector)) for row in matrix]

    def lab(self, code, seen):
        rgb = (int(code[i:i + 2], 16) / 255 for i in (0, 2, 4))
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4
                  for each in rgb]
        linear = [min(1, max(0, each)) for each in self.product(seen, linear)]
        x, y, z = (each / white for each, white in zip(self.product(self.TO_XYZ, linear), self.WHITE))
        x, y, z = (each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in (x, y, z))
        return 116 * y - 16, 500 * (x - y), 200 * (y - z)

    def distance(self, one, other):
        """The smallest, of both themes and both forms."""
        return min(
            sum((a - b) ** 2 for a, b in zip(self.lab(self.NAMED[one][theme], seen),
                                             self.lab(self.NAMED[other][theme], seen))) ** 0.5
            for theme in (0, 1) for seen in self.SEEN.values())

    @staticmethod
    def named(tree):
        """The names of colours anywhere below."""
        if isinstance(tree, dict):
            for key, value in tree.items():
                if key in ("color", "fixedColor", "iconColor") and isinstance(value, str):
                    yield value
                else:
                    yield from ColourTest.named(value)
        elif isinstance(tree, list):
            for each in tree:
                yield from ColourTest.named(each)

    def test_red_and_green_are_not_told_apart(self):
        """Or the rest would prove nothing."""
        self.assertLess(self.distance("orange", "green"), self.APART)

    def test_colours_of_one_panel_are_told_apart(self):
        read = dashboard.read()
        for shown in [*dashboard.panels(read), read["annotations"]]:
            for one, other in itertools.combinations(sorted(set(self.named(shown))), 2):
                self.assertGreater(self.distance(one, other), self.APART,
                                   f"{one} and {other} in {shown.get('title')}")

    def test_lines_are_coloured_from_yellow_to_blue_or_as_named(self):
        for panel in dashboard.panels(dashboard.read()):
            if panel["type"] == "timeseries":
                mode = panel["fieldConfig"]["defaults"]["color"]["mode"]
                self.assertEqual(mode, "continuous-YlBl", panel["title"])


if __name__ == "__main__":
    unittest.main()
