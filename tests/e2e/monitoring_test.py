"""What is in monitoring/, judged by the tools of those who read it; and that nothing an alert needs
is missing: tests, severity, annotations, a runbook, a reason for every number."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from processes import SOURCE_DIR
from prometheus import prometheus_tool

MONITORING = SOURCE_DIR / "monitoring"
ALERTING = (SOURCE_DIR / "docs/alerting.md").read_text()
RUNBOOKS = SOURCE_DIR / "docs/runbooks"
RUNBOOK_URL = "{{ $externalURL }}/user/runbooks/"
DASHBOARD_URL = "http://localhost:3000/d/radar-spoof"
TEMPLATES = MONITORING / "alertmanager/radar_spoof.tmpl"


def rules():
    """Of all files, those in optional/ included."""
    return [rule for path in sorted((MONITORING / "rules").rglob("*.yml"))
            for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded():
    return {rule["record"]: rule for rule in rules() if "record" in rule}


def rule_tests():
    return [test for path in (MONITORING / "tests").glob("*.yml")
            for test in yaml.safe_load(path.read_text())["tests"]]


def words(expression):
    """The numbers and durations of a PromQL expression, and its names."""
    numbers, names = set(), set()
    for token in re.finditer(
            r'"[^"]*"|(?P<name>[A-Za-z_][\w:]*)|(?P<number>\d+(?:\.\d+)?[a-z]*)', expression):
        if token["number"]:
            numbers.add(token["number"])
        elif token["name"]:
            names.add(token["name"])
    return numbers, names


def table_rows(text):
    """{alert or recorded series: its row of the tables that explain numbers}"""
    found = re.findall(r"^\| (?:\[(\w+)\]\(\S+\)|`(\w+(?::\w+)+)`) (\|.*)$", text, re.MULTILINE)
    return {alert or series: row for alert, series, row in found}


class ToolsTest(unittest.TestCase):
    def check(self, tool, *arguments):
        said = subprocess.run([prometheus_tool(tool), *arguments], capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertNotRegex(said.stdout + said.stderr, r"(?i)warn|duplicate")

    def test_promtool_checks_the_configuration_and_its_rules(self):
        self.check("promtool", "check", "config", MONITORING / "prometheus/prometheus.yml")

    def test_promtool_checks_the_optional_rules(self):
        self.check("promtool", "check", "rules", *(MONITORING / "rules/optional").glob("*.yml"))

    def test_amtool_checks_the_configuration(self):
        self.check("amtool", "check-config", MONITORING / "alertmanager/alertmanager.yml")

    def test_amtool_renders_every_template(self):
        names = re.findall(r'define "([\w.]+)"', TEMPLATES.read_text())
        self.assertGreater(len(names), 2)
        for name in set(names) - {"radar_spoof.time"}:  # of one alert, within the others
            with self.subTest(template=name):
                self.check("amtool", "template", "render", f"--template.glob={TEMPLATES}",
                           f'--template.text={{{{ template "{name}" . }}}}')


class RuleUnitTest(unittest.TestCase):
    def test_promtool_runs_every_rule_test(self):
        paths = sorted((MONITORING / "tests").glob("*.yml"))
        self.assertGreater(len(paths), 0)
        said = subprocess.run([prometheus_tool("promtool"), "test", "rules", *paths],
                              capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertEqual(said.stdout.count("SUCCESS"), len(paths), said.stdout)


class CopyTest(unittest.TestCase):
    """The commands by which docs/alerting.md makes and changes a copy, as they stand but for its folder."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.copy = pathlib.Path(directory.name)
        self.rules = self.copy / "radar_spoof"

    def make_copy(self):
        shutil.copytree(MONITORING / "rules", self.rules)
        shutil.copy(MONITORING / "alertmanager/alertmanager.yml", self.copy)

    def run_commands(self, commands, cwd=SOURCE_DIR):
        self.assertIn("sed -i", commands)
        commands = commands.replace("sudo ", "").replace("/etc/prometheus", str(self.copy))
        subprocess.run(["bash", "-e", "-c", commands], cwd=cwd, check=True)

    def commands_under(self, heading):
        section = ALERTING.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        return "\n".join(re.findall(r"^    (.*)$", section, re.MULTILINE))

    def check_rules(self, label, instead):
        """The rule tests that are about one label pass with another in its place."""
        files = []
        for path in sorted((MONITORING / "tests").glob("*.yml")):
            file = yaml.safe_load(path.read_text())
            file["tests"] = [each for each in file["tests"] if f"{label}=" in yaml.dump(each)]
            if file["tests"]:
                files.append(self.copy / path.name)
                files[-1].write_text(re.sub(rf"\b{label}\b", instead, yaml.dump(file)).replace(
                    "../rules/", f"{self.rules}/"))
        self.assertGreater(len(files), 1)
        said = subprocess.run([prometheus_tool("promtool"), "test", "rules", *files],
                              capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_a_second_copy_takes_the_place_of_the_first(self):
        commands = self.commands_under("Links in the alerts")
        self.run_commands(commands)
        made = {path: path.read_text() for path in self.rules.rglob("*.yml")}
        self.assertEqual({path.relative_to(self.rules) for path in made},
                         {path.relative_to(MONITORING / "rules")
                          for path in (MONITORING / "rules").rglob("*.yml")})
        self.assertNotRegex("".join(made.values()), r"externalURL|//localhost")
        for path in made:
            path.write_text("groups: []  # of the version before\n")
        self.run_commands(commands)
        self.assertEqual({path: path.read_text() for path in self.rules.rglob("*.yml")}, made)

    def test_another_label_may_tell_clusters_apart(self):
        self.make_copy()
        self.run_commands(self.commands_under("Another label than `cluster`"))
        self.check_rules("cluster", "site")
        config = yaml.safe_load((self.copy / "alertmanager.yml").read_text())
        routes = [config["route"], *config["route"]["routes"]]
        for labels in ([each["equal"] for each in config["inhibit_rules"]]
                       + [each["group_by"] for each in routes if "group_by" in each]):
            self.assertIn("site", labels)

    def test_another_label_may_change_with_each_pod(self):
        self.make_copy()
        command = re.search(r"`(sudo sed -i 's/without [^`]+)`", ALERTING)[1]
        self.run_commands(command.replace("LABEL", "of_the_pod"), self.rules)
        self.check_rules("pod_template_hash", "of_the_pod")


class CompletenessTest(unittest.TestCase):
    def setUp(self):
        self.assertGreater(len(alerts()), 0)

    def test_every_alert_is_tested_firing_and_not_firing(self):
        expectations = [each for test in rule_tests() for each in test.get("alert_rule_test", [])]
        for name in alerts():
            with self.subTest(alert=name):
                said = [bool(each["exp_alerts"]) for each in expectations
                        if each["alertname"] == name]
                self.assertIn(True, said, "no test in which it fires")
                self.assertIn(False, said, "no test in which it does not fire")

    def test_every_alert_says_what_its_reader_needs(self):
        for name, alert in alerts().items():
            with self.subTest(alert=name):
                self.assertRegex(name, r"^RadarSpoof([A-Z][a-z]+)+$")
                if name == "RadarSpoofSpike":
                    self.assertNotIn("labels", alert)  # whom it wakes is the configuration's matter
                else:
                    self.assertIn(alert["labels"]["severity"], ("warning", "info"))
                annotations = alert["annotations"]
                self.assertNotIn("{{", annotations["summary"])
                self.assertIn("{{", annotations["description"])
                self.assertEqual(annotations["runbook_url"], f"{RUNBOOK_URL}{name}.md")
                query = "?var-query={{ $labels.query | urlquery }}"
                about = query if "$labels.query" in annotations["description"] else ""
                self.assertEqual(annotations["dashboard_url"], DASHBOARD_URL + about)

    def test_the_dashboard_is_where_the_alerts_say(self):
        dashboard = json.loads(
            (MONITORING / "grafana/dashboards/radar_spoof.json").read_text())
        self.assertTrue(DASHBOARD_URL.endswith(f"/d/{dashboard['uid']}"))
        self.assertIn("query", [each["name"] for each in dashboard["templating"]["list"]])

    def test_what_is_optional_alerts_nobody_and_is_not_loaded_by_default(self):
        optional = list((MONITORING / "rules/optional").glob("*.yml"))
        self.assertGreater(len(optional), 0)
        for path in optional:
            self.assertNotIn("alert:", path.read_text())
        for config in ("monitoring/prometheus/prometheus.yml", "compose/prometheus.yml"):
            self.assertNotIn("optional", (SOURCE_DIR / config).read_text())

    def test_no_recorded_series_refers_to_itself(self):
        for name, rule in recorded().items():
            self.assertNotIn(name, rule["expr"])

    def test_how_good_it_is_was_measured_with_the_alert_that_is_shipped(self):
        replayed = (SOURCE_DIR / "quality/replay.h").read_text()
        run = re.search(r"kPagedRun = (\d+);", replayed)[1]
        hours = int(re.search(r"kKeepFiring\{(\d+)\};", replayed)[1]) // 3600
        spike = alerts()["RadarSpoofSpike"]
        self.assertIn(f":trusted >= {run})", spike["expr"])
        self.assertEqual(spike["keep_firing_for"], f"{hours}h")

    def test_every_alert_has_a_runbook_and_no_runbook_is_left_over(self):
        for name in alerts():
            with self.subTest(alert=name):
                text = (RUNBOOKS / f"{name}.md").read_text()
                self.assertEqual(re.findall(r"^# (\w+)$", text, re.MULTILINE), [name])
                parts = re.findall(r"^## (\w+)\n+(?=\S)(?!#)", text, re.MULTILINE)
                self.assertEqual(parts, ["First", "Meaning", "Impact", "Diagnosis",
                                         "Mitigation"])
                for link in re.findall(r"\]\((\w+\.md)\)", text):
                    self.assertTrue((RUNBOOKS / link).exists(), link)
        self.assertEqual({path.stem for path in RUNBOOKS.iterdir()}, set(alerts()))

    def test_who_wants_to_be_woken_while_spikes_are_not_seen_can_be(self):
        blind = {name for name in alerts()
                 if "would wake nobody" in (RUNBOOKS / f"{name}.md").read_text()}
        self.assertIn("RadarSpoofExporterAbsent", blind)
        named = re.search(r"If you would rather be woken for that, route (.*) to the pager", ALERTING)
        self.assertEqual(set(re.findall(r"`(\w+)`", named[1])), blind)
        config = yaml.safe_load((MONITORING / "alertmanager/alertmanager.yml").read_text())
        inhibited = [each["target_matchers"] for each in config["inhibit_rules"]]
        for name in blind:
            self.assertNotIn(name, str(inhibited))

    def test_a_restart_of_prometheus_does_not_page_again(self):
        """It restores no alert whose `for` is shorter than its grace period."""
        flag = f"--rules.alert.for-grace-period={alerts()['RadarSpoofSpike']['for']}"
        for path in ("monitoring/prometheus/prometheus.yml", "compose.yaml", "docs/alerting.md"):
            text = (SOURCE_DIR / path).read_text()
            with self.subTest(path=path):
                self.assertIn(flag, text)
                # Wherever Prometheus is started.
                self.assertGreaterEqual(text.count(flag), text.count("--web.user-assets"))

    def test_every_number_is_explained(self):
        explained = table_rows(ALERTING + (SOURCE_DIR / "docs/compare.md").read_text())
        for rule in rules():
            name = rule.get("alert") or rule["record"].removeprefix("query:cloudflare_radar_")
            with self.subTest(rule=name):
                self.assertIn(name, explained)
                numbers, _ = words(rule["expr"])
                numbers |= {rule[key] for key in ("for", "keep_firing_for") if key in rule}
                unexplained = [each for each in sorted(numbers - {"0", "1"})
                               if f"`{each}`" not in explained[name]]
                self.assertEqual(unexplained, [])

    def test_rules_use_only_metrics_there_are(self):
        documented = set(re.findall(
            r"`((?:cloudflare_radar|radar_spoof_exporter)_\w+)`",
            (SOURCE_DIR / "docs/metrics.md").read_text()))
        self.assertGreater(len(documented), 20)
        for rule in rules():
            _, names = words(rule["expr"])
            metrics = {each for each in names if "radar" in each}
            self.assertEqual(metrics - documented - set(recorded()), set(), rule["expr"])


if __name__ == "__main__":
    unittest.main()
