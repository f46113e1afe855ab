"""radar_spoof_exporter query: what it says is held against a second reading of the API's answer, and
against --once. And --once as node_exporter's textfile collector takes it."""

import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import statistics
import struct
import subprocess
import termios
import unittest

from processes import (
    SOURCE_DIR, TOKEN, Child, EndToEndTest, config_text, executable, exporter_environment,
    run_exporter,
)
from prometheus import prometheus_tool
from radar_reading import read, unix_seconds
from web_client import PATIENCE, Page, fetch

DMARC_FAIL = ("- {name: dmarc_fail, filters: {dmarc: FAIL}, agg_interval: 1h, date_range: 7d, "
              "control: true}")
AD_HOC = ("--dmarc=FAIL", "--agg-interval=1h", "--date-range=7d", "--control")


def find(answer, path):
    """The value at "result.serie_0.SPOOF" in the answer."""
    for key in path.split("."):
        answer = answer[key]
    return answer


def places(text):
    """"0-2,4" is 0, 1, 2, 4."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def by_hand(source, answer):
    """The value that `source` describes; None where it is not about one place in the answer."""
    match = re.fullmatch(r"(mean of |sample standard deviation of |count of |none of )?"
                         r"(result\.[\w.]+)(?:\[([\d,-]+)\])?( / 100| as Unix time)?", source)
    if not match:
        return None
    what, path, indices, how = match.groups()
    if what == "none of ":
        return 0
    found = find(answer, path)
    if indices:
        found = [found[i] for i in places(indices)]
    else:
        found = [found]
    if what == "count of ":
        return len(found)
    if how == " / 100":
        found = [float(value) / 100 for value in found]
    elif how == " as Unix time":
        found = [unix_seconds(value) for value in found]
    if what == "mean of ":
        return statistics.fmean(found)
    if what == "sample standard deviation of ":
        return statistics.stdev(found)
    return float(found[0])


class QueryTest(EndToEndTest):
    def start(self, scenario="calm", **options):
        self.simulator = self.start_simulator(f"--scenario={scenario}", **options)
        self.config = self.file("config.yaml", config_text(self.simulator, DMARC_FAIL))

    def command(self, *flags, config=None):
        return [executable("RADAR_SPOOF_EXPORTER"), "query",
                f"--config.file={config or self.config}", *flags]

    def run_query(self, *flags, token=TOKEN, config=None, **options):
        return subprocess.run(
            self.command(*flags, config=config), env=exporter_environment(token),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, **options)

    def ask(self, *flags):
        """The JSON of an answer, and the API's own answer to the same URL."""
        run = self.run_query(*flags, "--json", "--explain")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        said = json.loads(run.stdout)
        return said, self.simulator.ask(said["url"].partition("?")[2])

    def test_the_numbers_are_those_of_the_answer(self):
        self.start()
        for flags in (("dmarc_fail",), AD_HOC):
            with self.subTest(flags=flags):
                said, answer = self.ask(*flags)
                expected = read(answer, "1h", 7)
                self.assertEqual(said["spoof_ratio"], expected.spoof)
                self.assertEqual(said["not_spoof_ratio"], expected.not_spoof)
                self.assertAlmostEqual(said["window"]["mean_ratio"], expected.mean, 12)
                self.assertAlmostEqual(said["window"]["stddev_ratio"], expected.stddev, 12)
                self.assertAlmostEqual(
                    said["window"]["deviations"],
                    (expected.spoof - expected.mean) / expected.stddev, 9)
                self.assertEqual(said["control_ratio"], expected.control)
                self.assertEqual(unix_seconds(said["bucket"]["start"]), expected.sample_timestamp)
                self.assertEqual(unix_seconds(said["last_updated"]), expected.last_updated)
                self.assertEqual(said["confidence_level"], expected.confidence)
                self.assertEqual(said["buckets"][-1]["start"], said["bucket"]["start"])
                self.assertEqual(said["query"]["dmarc"], "FAIL")

    def test_every_explained_number_can_be_checked_by_hand(self):
        self.start("pipeline-issue")
        said, answer = self.ask("dmarc_fail")
        checked = 0
        for each in said["series"]:
            value = by_hand(each["source"], answer)
            if value is None:
                continue
            checked += 1
            with self.subTest(series=each["series"], source=each["source"]):
                self.assertAlmostEqual(each["value"], value, 12)
        # The five numbers, sample time, last update, confidence, and the seven kinds of annotations.
        self.assertEqual(checked, 15)
        self.assertIn("count of result.meta.confidenceInfo.annotations[0]",
                      {each["source"] for each in said["series"]})

    def test_the_explained_series_are_those_of_once(self):
        self.start()
        said, _ = self.ask("dmarc_fail")
        once = run_exporter(self.config, "--once")
        self.assertEqual(once.returncode, 0)
        lines = dict(line.rsplit(" ", 1) for line in once.stdout.splitlines()
                     if 'query="dmarc_fail"' in line)
        explained = {each["series"]: each["value"] for each in said["series"]
                     if each["value"] is not None}
        when = ("last_success", "next_poll")  # differ between two runs
        self.assertEqual({name for name in lines if "next_poll" not in name}, explained.keys())
        for name, value in explained.items():
            if not any(word in name for word in when):
                self.assertEqual(float(lines[name]), value, name)

    def test_a_person_reads_the_same_numbers(self):
        self.start("low-confidence")
        said, _ = self.ask(*AD_HOC)
        run = self.run_query(*AD_HOC)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertNotIn("\x1b", run.stdout)
        self.assertTrue(run.stdout.isascii())  # no locale
        for text in (f"{said['spoof_ratio'] * 100:.2f} %", f"{said['control_ratio'] * 100:.2f} %",
                     "2 of 5: too little data", "dmarc=FAIL, 1h buckets over 7d"):
            self.assertIn(text, run.stdout)
        self.assertEqual(len(re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d\d %  #+$", run.stdout,
                                        re.MULTILINE)), 12)

    def in_terminal(self, columns, **variables):
        """What a terminal of that width is sent."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = exporter_environment(TOKEN) | {"LC_ALL": "C.UTF-8"} | variables
        with subprocess.Popen(self.command("dmarc_fail"), env=environment, stdin=subprocess.DEVNULL,
                              stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            sent = b""
            try:
                while chunk := os.read(ours, 65536):
                    sent += chunk
            except OSError:  # the other side is closed
                pass
            os.close(ours)
            self.assertEqual(process.wait(PATIENCE), 0, sent)
        return sent.decode().replace("\r\n", "\n")

    def test_a_terminal_gets_its_width_and_colours_if_it_has_any(self):
        self.start()
        wide = self.in_terminal(100, TERM="xterm")
        self.assertIn("\x1b[1m", wide)
        sparkline = max(re.findall(r"^[▁▂▃▄▅▆▇█ ]+$", wide, re.MULTILINE), key=len)
        self.assertEqual(len(sparkline), 84)  # 168 hours, two a column
        for variables in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
            with self.subTest(variables=variables):
                narrow = self.in_terminal(40, **variables)
                self.assertNotIn("\x1b", narrow)
                self.assertLessEqual(max(map(len, narrow.splitlines())), 40)
        self.assertTrue(self.in_terminal(40, TERM="dumb", LC_ALL="C").isascii())

    def test_a_failure_is_told_with_its_reason(self):
        self.start()
        for scenario, reason in (
            ("outage", "server"), ("unauthorized", "unauthorized"), ("rate-limited", "rate_limited"),
        ):
            with self.subTest(scenario=scenario):
                self.simulator.switch(scenario)
                before = self.simulator.requests().total()
                run = self.run_query("dmarc_fail")
                self.assertEqual((run.returncode, run.stdout), (1, ""))
                self.assertRegex(run.stderr, rf"^radar_spoof_exporter query: .* \({reason}: HTTP "
                                             r".*\)\. [A-Z].*\.\n$")
                self.assertEqual(self.simulator.requests().total(), before + 1)
                run = self.run_query("dmarc_fail", "--json")
                self.assertEqual((run.returncode, run.stderr), (1, ""))
                error = json.loads(run.stdout)["error"]
                self.assertEqual(error["reason"], reason)
                self.assertIn("HTTP", error["detail"])
                self.assertEqual(error.keys(), {"reason", "detail"})

    def test_what_the_api_rejects_or_nobody_answers_is_1(self):
        self.start()
        run = self.run_query("--agg-interval=15m", "--date-range=28d", "--json")
        error = json.loads(run.stdout)["error"]
        self.assertEqual((run.returncode, error["reason"]), (1, "rejected"))
        self.assertTrue(error["detail"].endswith("; 15m is known to work over 1d"), error)
        self.assertIn("warning: --date-range: 15m over 28d may be too fine", run.stderr)
        self.simulator.end()
        run = self.run_query("--json")
        self.assertEqual((run.returncode, json.loads(run.stdout)["error"]["reason"]),
                         (1, "connect"))

    def test_wrong_use_is_2_and_asks_nothing(self):
        self.start()
        bad = self.file("bad.yaml", "queries: []\n")
        for flags, options, text in (
            (("--dmarc=fail",), {}, r"--dmarc: found fail; .*did you mean FAIL\?"),
            (("--agg-interval=2h", "--date-range=0d"), {}, r"--agg-interval: .*\n.*--date-range: "),
            (("dmarc_fial",), {}, r"found the name dmarc_fial; .*did you mean dmarc_fail\?"),
            (("dmarc_fail", "--control"), {}, "beside flags that describe one"),
            (("--no-such-flag",), {}, "no-such-flag"), (("one", "two"), {}, "two"),
            ((), {"config": self.directory / "missing.yaml"}, "missing.yaml"),
            ((), {"config": bad}, r"bad\.yaml:1:\d+: queries"),
            ((), {"token": None}, "no API token: .*CLOUDFLARE_API_TOKEN"),
        ):
            with self.subTest(flags=flags, **options):
                run = self.run_query(*flags, **options)
                self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
                self.assertRegex(run.stderr, text)
                run = self.run_query(*flags, "--json", **options)
                self.assertEqual((run.returncode, run.stderr), (2, ""))
                self.assertEqual(run.stdout.count("\n"), 1)
                error = json.loads(run.stdout)["error"]
                self.assertEqual(error["reason"], "unusable")
                self.assertRegex(error["detail"], text)
                self.assertEqual(error.keys(), {"reason", "detail"})
        self.assertEqual(self.simulator.requests().total(), 0)

    def test_help_is_0(self):
        self.start()
        run = self.run_query("--help", token=None)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for flag in ("--dmarc", "--tls-version", "--agg-interval", "--explain", "--json"):
            self.assertIn(flag, run.stdout)

    def test_an_answer_that_cannot_be_written_is_1(self):
        self.start()
        with open("/dev/full", "w") as full:
            run = subprocess.run(self.command("dmarc_fail"), env=exporter_environment(TOKEN),
                                 stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                 text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("could not be written", run.stderr)

    def test_a_reader_that_leaves_early_ends_it_quietly(self):
        self.start()
        ours, theirs = os.pipe()
        os.close(ours)
        run = subprocess.run(self.command("dmarc_fail"), env=exporter_environment(TOKEN),
                             stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                             text=True, timeout=PATIENCE)
        os.close(theirs)
        self.assertEqual((run.returncode, run.stderr), (-signal.SIGPIPE, ""))

    def test_the_credential_comes_out_nowhere(self):
        canary = "canary-1b9d6bcd4c3a"
        self.simulator = self.start_simulator(f"--token={canary}")
        self.config = self.file("config.yaml", config_text(self.simulator, DMARC_FAIL))
        for scenario in ("calm", "unauthorized", "outage"):
            self.simulator.switch(scenario)
            for flags in ((), ("--explain",), ("--json", "--explain")):
                run = self.run_query("dmarc_fail", *flags, token=canary)
                self.assertEqual(run.returncode, 0 if scenario == "calm" else 1, run.stderr)
                self.assertNotIn(canary, run.stdout + run.stderr)


class NodeExporter(Child):
    """Debian's, with its textfile collector alone."""

    def __init__(self, directory):
        super().__init__(
            [prometheus_tool("prometheus-node-exporter"), "--collector.disable-defaults",
             "--collector.textfile", f"--collector.textfile.directory={directory}",
             "--web.listen-address=127.0.0.1:0"]
        )

    def wait_until_started(self):
        self.port = int(self.wait_for_line(r'"Listening on" address=127\.0\.0\.1:(\d+)').group(1))


class TextfileTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.collected = self.directory / "collected"
        self.collected.mkdir()
        self.simulator = self.start_simulator()
        self.config = self.file(
            "config.yaml",
            f"api: {{base_url: {self.simulator.base_url}}}\nqueries:\n  {DMARC_FAIL}\n")

    def run_documented_script(self, own=None):
        text = (SOURCE_DIR / "docs/textfile.md").read_text()
        script = re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)
        environment = exporter_environment(TOKEN)
        own = own or pathlib.Path(executable("RADAR_SPOOF_EXPORTER")).parent
        environment |= {"PATH": f"{own}:{environment['PATH']}", "CONFIG": str(self.config),
                        "DIRECTORY": str(self.collected)}
        return subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE)

    @staticmethod
    def with_equal_bounds(page):
        """The page's series; node_exporter writes le="1" for le="1.0"."""
        return {
            (name, tuple((k, float(v)) if k == "le" else (k, v) for k, v in labels)): value
            for (name, labels), value in page.series().items()
        }

    def names(self):
        return {path.name for path in self.collected.iterdir()}

    def test_node_exporter_serves_what_once_printed(self):
        run = self.run_documented_script()
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        self.assertEqual(self.names(), {"radar_spoof.prom"})
        text = (self.collected / "radar_spoof.prom").read_text()
        ours = Page(text)
        self.assertGreater(len(ours.samples), 50)
        for sample in ours.samples:
            self.assertIsNone(sample.timestamp)
        self.assertNotIn("process_", text)

        node_exporter = self.started(NodeExporter(self.collected))
        answer = fetch(node_exporter.port, "/metrics")
        self.assertEqual(answer.status, 200)
        page = Page(answer.body.decode())
        self.assertEqual(page.value("node_textfile_scrape_error"), 0)
        served = self.with_equal_bounds(page)
        for name, value in self.with_equal_bounds(ours).items():
            self.assertEqual(served.get(name), value, name)
        for line in text.splitlines():
            if line.startswith("# HELP"):
                self.assertIn(line, answer.body.decode())
        self.assertNotIn("level=error", node_exporter.output)

    def test_a_failed_query_takes_its_old_values_away(self):
        self.run_documented_script()
        self.simulator.switch("outage")
        self.assertEqual(self.run_documented_script().returncode, 1)
        page = Page((self.collected / "radar_spoof.prom").read_text())
        self.assertEqual(page.value("cloudflare_radar_query_success", query="dmarc_fail"), 0)
        self.assertIsNone(page.value("cloudflare_radar_email_spoof_ratio"))

    def test_a_full_disk_leaves_the_last_page(self):
        self.run_documented_script()
        before = (self.collected / "radar_spoof.prom").read_text()
        # As what a full disk takes of the page, and the exit code that goes with it.
        own = self.directory / "bin"
        own.mkdir()
        half = own / "radar_spoof_exporter"
        half.write_text(f"#!/bin/sh\n{executable('RADAR_SPOOF_EXPORTER')} \"$@\" | head -c 4096\nexit 1\n")
        half.chmod(0o755)
        self.assertEqual(self.run_documented_script(own).returncode, 1)
        self.assertEqual(self.names(), {"radar_spoof.prom"})
        self.assertEqual((self.collected / "radar_spoof.prom").read_text(), before)

    def test_a_broken_configuration_leaves_the_last_page(self):
        self.run_documented_script()
        before = (self.collected / "radar_spoof.prom").read_text()
        self.file("config.yaml", "queries: []\n")
        self.assertEqual(self.run_documented_script().returncode, 2)
        self.assertEqual(self.names(), {"radar_spoof.prom"})
        self.assertEqual((self.collected / "radar_spoof.prom").read_text(), before)


if __name__ == "__main__":
    unittest.main()
