"""radar_spoof_exporter backfill: its history, imported by the real promtool into a real Prometheus
that scrapes the live exporter, point by point against a second reading of what the simulator says."""

import collections
import datetime
import math
import fcntl
import os
import pty
import re
import shlex
import signal
import stat
import statistics
import subprocess
import time
import unittest

from processes import (SOURCE_DIR, TOKEN, Child, EndToEndTest, config_text, executable,
                       exporter_environment)
from prometheus import Prometheus, prometheus_tool
from radar_reading import SECONDS, WEEK, complete_buckets, unix_seconds
from web_client import PATIENCE, wait_until

LAG = 1800  # docs/backfill.md
STEP = 300
HEAD = 3 * 3600
# Prometheus looks for new blocks once a minute.
BLOCKS_PATIENCE = 120

Asked = collections.namedtuple("Asked", "config filters interval days control longest_days")
QUERIES = {
    "all": Asked("agg_interval: 15m, date_range: 1d", "", "15m", 1, False, 7),
    "dmarc_fail": Asked("agg_interval: 1h, date_range: 7d, control: true, filters: {dmarc: FAIL}",
                        "&dmarc=FAIL", "1h", 7, True, 28),
    "spf": Asked("agg_interval: 1d, date_range: 10d, filters: {spf: [NONE, FAIL]}",
                 "&spf=FAIL,NONE", "1d", 10, False, 70),
    "tls": Asked("agg_interval: 1w, date_range: 12w, filters: {tls_version: TLSv1_2}",
                 "&tlsVersion=TLSv1_2", "1w", 84, False, 364),
}
METRICS = {
    "cloudflare_radar_email_spoof_ratio": "spoof",
    "cloudflare_radar_email_not_spoof_ratio": "not_spoof",
    "cloudflare_radar_email_spoof_window_mean_ratio": "mean",
    "cloudflare_radar_email_spoof_window_stddev_ratio": "stddev",
    "cloudflare_radar_email_spoof_control_ratio": "control",
    "cloudflare_radar_query_sample_timestamp_seconds": "start",
}
COMPUTED = {"mean", "stddev"}


def documented_command(program, **replaced):
    """The command in docs/backfill.md that runs `program`, as words; `replaced` gives another value
    to a flag or, by its text, to a word."""
    text = (SOURCE_DIR / "docs/backfill.md").read_text().replace("\\\n", " ")
    line = re.search(rf"^{program} .*$", text, re.MULTILINE).group(0)
    words = []
    for word in shlex.split(line):
        flag, equals, _ = word.partition("=")
        name = flag.lstrip("-").replace(".", "_")
        words.append(f"{flag}={replaced.pop(name)}" if equals and name in replaced else word)
    if replaced:
        raise AssertionError(f"no {replaced.keys()} in {line}")
    return words


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def floor_to(seconds, interval):
    monday = 4 * 86400 if interval == WEEK else 0  # 1970-01-05
    return (seconds - monday) // interval * interval + monday


class BackfillTest(EndToEndTest):
    def backfill_command(self, *flags):
        return [executable("RADAR_SPOOF_EXPORTER"), "backfill",
                f"--config.file={self.directory}/config.yaml", *flags]

    def run_backfill(self, *flags, token=TOKEN):
        return subprocess.run(self.backfill_command(*flags), env=exporter_environment(token),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE)


class ImportTest(BackfillTest):
    """Old and live points are one series, and hold what the API says."""

    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()
        queries = "\n".join(f"- {{name: {name}, poll_interval: 1s, {asked.config}}}"
                            for name, asked in QUERIES.items())
        self.exporter = self.start_exporter(config_text(self.simulator, queries))
        self.exporter.wait_until_ready()
        self.instance = f"127.0.0.1:{self.exporter.port}"
        self.prometheus = self.started(Prometheus(
            self.directory, f"job_name: radar_spoof\nstatic_configs: [{{targets: ['{self.instance}']}}]",
            "--storage.tsdb.retention.time=2y"))
        self.prometheus.target()

    def import_history(self):
        history = self.directory / "history.om"
        command = documented_command("radar_spoof_exporter", config_file=self.config_file,
                                     range="5w", output=history)
        command[0] = executable("RADAR_SPOOF_EXPORTER")
        command = [word.replace("localhost:10766", self.instance) for word in command]
        self.began = time.time()
        done = subprocess.run(command, env=exporter_environment(TOKEN), capture_output=True,
                              text=True, timeout=PATIENCE)
        self.ended = time.time()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertFalse((self.directory / "history.om.partial").exists())
        command = documented_command("promtool")
        self.assertEqual(command[-2:], ["history.om", "/var/lib/prometheus/metrics2"])
        command = [prometheus_tool("promtool"), *command[1:-2], history, self.directory / "tsdb"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_until(lambda: self.prometheus.query("cloudflare_radar_email_spoof_ratio offset 2w"),
                   "the imported blocks", BLOCKS_PATIENCE)

    def history_of(self, asked):
        """{start: (SPOOF, NOT_SPOOF)} of complete buckets, from windows the simulator takes."""
        interval, buckets = SECONDS[asked.interval], {}
        oldest = self.began - 5 * WEEK - 2 * asked.days * 86400 - 2 * WEEK
        end = floor_to(self.began, interval)
        while end > oldest:
            start = end - asked.longest_days * 86400
            result = self.simulator.ask(
                f"format=JSON&aggInterval={asked.interval}&dateStart={rfc3339(start)}"
                f"&dateEnd={rfc3339(end)}{asked.filters}")["result"]
            buckets |= complete_buckets(
                result["serie_0"], interval, unix_seconds(result["meta"]["lastUpdated"]))
            end = start
        return buckets

    def expected_of(self, asked):
        """[(first moment, what is shown from then on)], oldest first."""
        interval, history = SECONDS[asked.interval], self.history_of(asked)
        shift = math.ceil(asked.days * 86400 / WEEK) * WEEK
        expected = []
        for start in sorted(history):
            if start < self.began - 5 * WEEK:
                continue
            end = start + interval
            first = floor_to(end - asked.days * 86400, interval)
            before = [history[each][0] for each in range(int(first), int(start), interval)]
            expected.append((end + LAG, {
                "spoof": history[start][0],
                "not_spoof": history[start][1],
                "mean": statistics.fmean(before) if len(before) >= 2 else None,
                "stddev": statistics.stdev(before) if len(before) >= 2 else None,
                "control": history[start - shift][0] if asked.control else None,
                "start": start,
            }))
        return expected

    def check_query(self, metric, field, name, expected, points):
        live = [at for at, _ in points if at > self.began - HEAD]
        old = points[: len(points) - len(live)]
        self.assertTrue(live and live[-1] > self.began - 60, f"{metric} {name}: no live points")
        # Every step, from the first bucket's to 3 hours before now.
        stamps = [int(at) for at, _ in old]
        self.assertEqual(stamps, list(range(math.ceil(expected[0][0] / STEP) * STEP,
                                            stamps[-1] + 1, STEP)))
        self.assertTrue(self.began - HEAD - STEP <= stamps[-1] < self.ended - HEAD)
        moments = collections.deque(expected)
        shown = None
        for at, value in old:
            while moments and moments[0][0] <= at:
                shown = moments.popleft()[1]
            if field in COMPUTED:
                self.assertAlmostEqual(value, shown[field], delta=1e-12)
            elif value != shown[field]:
                self.fail(f"{metric} {name} at {rfc3339(at)}: {value}, expected {shown[field]}")

    def check_seam(self, series):
        """Old and live points about the same bucket are equal to the last bit, of every metric."""
        starts = series["cloudflare_radar_query_sample_timestamp_seconds"]
        seams = 0
        for name in QUERIES:
            def old_and_live(points):
                return ([value for at, value in points if at <= self.began - HEAD][-1],
                        points[-1][1])

            old_start, live_start = old_and_live(starts[name][0])
            if old_start != live_start:
                continue
            seams += 1
            for metric, by_query in series.items():
                if name in by_query:
                    self.assertEqual(*old_and_live(by_query[name][0]), f"{metric} {name}")
        # But for 4 hours a week the weekly bucket of 3 hours ago is still the newest.
        if time.time() - floor_to(time.time(), WEEK) > 4 * 3600:
            self.assertGreater(seams, 0)

    def test_old_and_live_points_are_one_series_and_hold_what_the_api_says(self):
        self.import_history()
        all_series = {}
        expected = {name: self.expected_of(asked) for name, asked in QUERIES.items()}
        for metric, field in METRICS.items():
            series = collections.defaultdict(list)
            for each in self.prometheus.get(
                    f"/api/v1/query?query={metric}[6w]&time={time.time()}")["result"]:
                points = [(at, float(value)) for at, value in each["values"]]
                series[each["metric"]["query"]].append(points)
            wanted = {name for name, asked in QUERIES.items() if field != "control" or asked.control}
            self.assertEqual(series.keys(), wanted, metric)
            all_series[metric] = series
            for name, found in series.items():
                with self.subTest(metric=metric, query=name):
                    self.assertEqual(len(found), 1, "old and live points are one series")
                    self.check_query(metric, field, name, expected[name], found[0])
        self.check_seam(all_series)


class ResumeTest(BackfillTest):
    FLAGS = ("--from=2026-01-05", "--to=2026-03-02", "--label=job=j", "--label=instance=i")
    QUERIES = "- {name: hours, agg_interval: 1h, date_range: 7d}"
    REQUESTS = 9  # 8 weeks, and the one that the first buckets' windows reach into

    def configure(self, rate_limit):
        text = config_text(self.simulator, self.QUERIES)
        self.file("config.yaml", text.replace("rate_limit: 100000", f"rate_limit: {rate_limit}"))

    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()

    def test_after_an_interrupt_the_same_command_goes_on_where_it_was(self):
        output = self.directory / "history.om"
        self.configure(rate_limit=60)  # 3 at once, then one every 5 s
        for number in (signal.SIGINT, signal.SIGTERM):
            before = self.simulator.requests()[200]
            child = Child(self.backfill_command(f"--output={output}", *self.FLAGS),
                          exporter_environment(TOKEN))
            self.addCleanup(child.end)
            partial = self.directory / "history.om.partial"
            wait_until(lambda: self.simulator.requests()[200] == before + 3, "3 answers")
            wait_until(lambda: partial.read_text().count("\n") == 1 + before + 3, "3 lines")
            child.process.send_signal(number)
            self.assertEqual(child.wait(), 1)
            self.assertIn("interrupted", child.output)
            self.assertIn("history.om.partial", child.output)
            self.assertFalse(output.exists())
        self.configure(rate_limit=100000)
        done = self.run_backfill(f"--output={output}", *self.FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.simulator.requests(), {200: self.REQUESTS})
        self.assertFalse(partial.exists())
        at_once = self.directory / "at_once.om"
        done = self.run_backfill(f"--output={at_once}", *self.FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(output.read_bytes(), at_once.read_bytes())
        self.assertIn("hours: 1344 of 1344 buckets of 1h", done.stdout)

    def test_an_interrupt_while_the_output_is_written_leaves_the_old_one(self):
        output = self.directory / "history.om"
        fresh = self.directory / "history.om.new"
        self.configure(rate_limit=100000)
        for number in (signal.SIGINT, signal.SIGTERM):
            output.write_text("old")
            child = Child(self.backfill_command(f"--output={output}", "--step=1", *self.FLAGS),
                          exporter_environment(TOKEN))
            self.addCleanup(child.end)
            wait_until(lambda: fresh.exists() and fresh.stat().st_size > 0, "the first samples")
            child.process.send_signal(number)
            self.assertEqual(child.wait(), 1)
            self.assertIn("interrupted", child.output)
            self.assertIn("history.om.partial", child.output)
            self.assertFalse(fresh.exists())
            self.assertEqual(output.read_text(), "old")
        done = self.run_backfill(f"--output={output}", *self.FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(output.read_text().endswith("# EOF\n"))
        self.assertEqual(self.simulator.requests(), {200: self.REQUESTS})

    def configure_many(self):
        """So many queries that what is printed about them does not fit into a small pipe."""
        many = "\n".join(f"- {{name: {'q' * 90}_{number}, agg_interval: 1d, date_range: {number}d}}"
                         for number in range(1, 71))
        self.file("config.yaml", config_text(self.simulator, many))

    def test_a_signal_ends_the_wait_for_who_reads_what_is_printed(self):
        self.configure_many()
        output = self.directory / "history.om"
        ours, its = os.pipe()
        self.addCleanup(os.close, ours)
        fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, 4096)
        process = subprocess.Popen(self.backfill_command(f"--output={output}", *self.FLAGS),
                                   env=exporter_environment(TOKEN), stdin=subprocess.DEVNULL,
                                   stdout=its, stderr=subprocess.DEVNULL)
        os.close(its)
        self.addCleanup(process.kill)
        wait_until(output.exists, "the output")

        def ended():
            process.terminate()
            return process.poll() is not None
        wait_until(ended, "the end")
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertTrue(output.read_text().endswith("# EOF\n"))

    def test_the_output_is_written_though_nobody_reads_what_is_printed(self):
        self.configure_many()
        output = self.directory / "history.om"
        ours, its = os.pipe()
        os.close(ours)
        done = subprocess.run(self.backfill_command(f"--output={output}", *self.FLAGS),
                              env=exporter_environment(TOKEN), stdin=subprocess.DEVNULL, stdout=its,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        os.close(its)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the output could not be written", done.stderr)
        self.assertTrue(output.read_text().endswith("# EOF\n"))

    def test_an_output_that_may_not_grow_says_so(self):
        self.configure(rate_limit=100000)
        limit = ["prlimit", f"--fsize={1 << 20}"]
        done = subprocess.run(
            limit + self.backfill_command(f"--output={self.directory}/history.om", "--step=1", *self.FLAGS),
            env=exporter_environment(TOKEN), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"cannot write {self.directory}/history.om: File too large", done.stderr)
        self.assertEqual([each.name for each in self.directory.glob("history*")], ["history.om.partial"])

    def test_what_a_shorter_range_does_not_need_is_kept(self):
        output = self.directory / "history.om"
        partial = self.directory / "history.om.partial"
        self.configure(rate_limit=60)
        child = Child(self.backfill_command(f"--output={output}", *self.FLAGS),
                      exporter_environment(TOKEN))
        self.addCleanup(child.end)
        wait_until(lambda: partial.exists() and partial.read_text().count("\n") == 4, "3 answers")
        child.process.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(), 1)
        fetched = partial.read_text()
        self.configure(rate_limit=100000)
        done = self.run_backfill(f"--output={output}", "--from=2026-02-23", *self.FLAGS[1:])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("history.om.partial: kept", done.stdout)
        self.assertTrue(partial.read_text().startswith(fetched))
        done = self.run_backfill(f"--output={output}", *self.FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.simulator.requests(), {200: self.REQUESTS})
        self.assertNotIn("kept", done.stdout)
        self.assertFalse(partial.exists())

    def test_a_second_backfill_to_the_same_file_is_refused(self):
        self.configure(rate_limit=60)
        output = f"--output={self.directory}/history.om"
        first = Child(self.backfill_command(output, *self.FLAGS), exporter_environment(TOKEN))
        self.addCleanup(first.end)
        wait_until(lambda: self.simulator.requests()[200] >= 1, "an answer")
        second = self.run_backfill(output, *self.FLAGS)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use by another backfill", second.stderr)

    def test_a_terminal_gets_a_bar(self):
        self.configure(rate_limit=100000)
        ours, its = pty.openpty()
        child = subprocess.Popen(
            self.backfill_command(f"--output={self.directory}/history.om", *self.FLAGS),
            env=exporter_environment(TOKEN), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=its)
        os.close(its)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            seen += chunk
        os.close(ours)
        self.assertEqual(child.wait(PATIENCE), 0, seen)
        bars = re.findall(rb"\[#*\.*\]  (\d+)/9  hours", seen)
        self.assertEqual([int(each) for each in bars], sorted(range(9)), seen)
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen)


class RefusedTest(BackfillTest):
    """Every refusal says why and leaves no output."""

    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()
        self.file("config.yaml", config_text(self.simulator, "- {name: all}"))
        self.output = self.directory / "history.om"

    def refused(self, code, text, *flags, **options):
        done = self.run_backfill(*flags, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertFalse(self.output.exists())

    def test_command_lines(self):
        output = f"--output={self.output}"
        for text, *flags in (
            ("--output is required", "--range=1d"),
            ("--range or --from is required", output),
            ('--range: found "53w"; expected 1d to 364d or 1w to 52w', output, "--range=53w"),
            ('--from: found "yesterday"', output, "--from=yesterday"),
            ('--to: found "2026-02-30"', output, "--from=2026-01-01", "--to=2026-02-30"),
            ("--from must be in the past", output, "--from=2026-02-02", "--to=2026-02-02"),
            ("--from must be in the past", output, "--from=9999-01-01"),
            ("--range excludes --from", output, "--range=1d", "--from=2026-01-01"),
            ("--to requires --from", output, "--to=2026-01-01"),
            ('--label: found "job"', output, "--range=1d", "--label=job"),
            ('--label: found "query=x"', output, "--range=1d", "--label=query=x"),
            ('--label: found "__name__=x"', output, "--range=1d", "--label=__name__=x"),
            (r'--label: found "job=\xff\xc3("; expected printable UTF-8', output, "--range=1d",
             b"--label=job=\xff\xc3("),
            (r'--label: found "job=a\u{d}"; expected', output, "--range=1d", "--label=job=a\r"),
            ("--label: job stands twice", output, "--range=1d", "--label=job=a", "--label=job=b"),
            ("--step", output, "--range=1d", "--step=0"),
            ("--step", output, "--range=1d", "--step=901"),
            ("no query has a whole bucket", output, "--from=2026-01-01T00:01:00Z",
             "--to=2026-01-01T00:29:00Z"),
        ):
            with self.subTest(flags=flags):
                self.refused(2, text, *flags)
        self.assertEqual(self.simulator.requests(), {})

    def test_without_credentials_nothing_is_asked(self):
        self.refused(2, "CLOUDFLARE_API_TOKEN", f"--output={self.output}", "--range=1d", token=None)
        self.assertEqual(self.simulator.requests(), {})

    def test_refused_credentials_are_tried_twice_and_never_shown(self):
        done = self.run_backfill(f"--output={self.output}", "--range=1d", token="canary-token")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the API refuses the credentials", done.stderr)
        self.assertNotIn("canary", done.stdout + done.stderr)
        self.assertEqual(sum(self.simulator.requests().values()), 2)

    def test_an_output_that_is_no_file_is_left_as_it_is(self):
        kinds = {"directory": os.mkdir, "fifo": os.mkfifo,
                 "link to nothing": lambda path: os.symlink("nothing", path),
                 "link to a fifo": lambda path: os.symlink("fifo", path),
                 "history.om.new": os.mkfifo}
        if os.geteuid() == 0:  # a second /dev/null; in a container it may be forbidden
            kinds["device"] = lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        for kind, make in kinds.items():
            path = self.directory / kind
            make(path)
            before = os.lstat(path)
            output = self.output if kind == "history.om.new" else path
            with self.subTest(kind):
                self.refused(2, "a symbolic link that leads nowhere" if kind == "link to nothing"
                             else "not a regular file", f"--output={output}", "--range=1d")
                after = os.lstat(path)
                self.assertEqual((after.st_mode, after.st_ino), (before.st_mode, before.st_ino))
        self.assertEqual(self.simulator.requests(), {})
        self.assertEqual(list(self.directory.glob("*.partial")), [])

    def test_the_configuration_is_never_the_output(self):
        config = self.directory / "config.yaml"
        text = config.read_text()
        os.link(config, self.directory / "hard")
        os.symlink("config.yaml", self.directory / "soft")
        os.link(config, f"{self.output}.new")
        for output in ("config.yaml", "hard", "soft", "./config.yaml", "history.om"):
            with self.subTest(output):
                self.refused(2, "it is the configuration", f"--output={self.directory}/{output}",
                             "--range=1d")
                self.assertEqual(config.read_text(), text)
        self.assertEqual(self.simulator.requests(), {})

    def test_the_token_is_never_the_output(self):
        token = self.directory / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        config = self.directory / "config.yaml"
        config.write_text(config.read_text().replace("api:", f"api:\n  token_file: {token}", 1))
        self.refused(2, "it is api.token_file", f"--output={token}", "--range=1d")
        self.assertEqual(token.read_text(), TOKEN)

    def test_a_link_stays_and_what_it_leads_to_is_replaced(self):
        there = self.directory / "there"
        there.mkdir()
        (there / "history.om").write_text("old")
        self.output.symlink_to("there/history.om")
        done = self.run_backfill(f"--output={self.output}", "--range=1d")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.readlink(self.output), "there/history.om")
        self.assertTrue((there / "history.om").read_text().endswith("# EOF\n"))
        self.assertEqual([each.name for each in there.iterdir()], ["history.om"])

    def test_an_output_that_cannot_be_written(self):
        for output in ("/nowhere/history.om", f"{self.directory}/"):
            with self.subTest(output=output):
                self.refused(2, output.removesuffix("/history.om"), f"--output={output}",
                             "--range=1d")
        closed = self.directory / "closed"
        closed.mkdir(0o500)
        # Even root is then bound by the directory's mode.
        bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        command = self.backfill_command(f"--output={closed}/history.om", "--range=1d")
        done = subprocess.run(bound * (os.geteuid() == 0) + command, env=exporter_environment(TOKEN),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"cannot write in {closed}: Permission denied", done.stderr)
        self.assertEqual(self.simulator.requests(), {})

    def test_a_partial_file_of_another_api(self):
        self.file("history.om.partial", "radar_spoof_exporter backfill 1 https://elsewhere\n")
        self.refused(1, "remove it to begin anew", f"--output={self.output}", "--range=1d")

    def test_nothing_to_write(self):
        now = time.time()
        self.refused(2, "there is nothing to write", f"--output={self.output}",
                     f"--from={rfc3339(now - 2.5 * 3600)}", f"--to={rfc3339(now - 3600)}")
        self.assertEqual(self.simulator.requests(), {})
        self.assertEqual(list(self.directory.glob("history*")), [])

    def test_missing_labels_are_told(self):
        done = self.run_backfill(f"--output={self.output}", "--range=1d", "--label=job=j")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("label=instance", done.stderr)
        self.assertNotIn("label=job", done.stderr)

    def test_the_documented_lines_lend_the_token_of_the_unit(self):
        """As they stand, but that sudo is left out and the files are the test's."""
        token = self.file("token", TOKEN + "\n")
        environment = exporter_environment(None)
        own = os.path.dirname(executable("RADAR_SPOOF_EXPORTER"))
        environment["PATH"] = f"{own}:{environment['PATH']}"
        pages = [SOURCE_DIR / "man/radar_spoof_exporter.1", *sorted((SOURCE_DIR / "docs").rglob("*.md"))]
        lines = {line: page.name for page in pages for line in re.findall(
            r"sudo (env CLOUDFLARE_API_TOKEN_FILE=.*)", page.read_text().replace("\\e\n", ""))}
        self.assertLessEqual({pages[0].name, "operations.md"}, set(lines.values()))
        for line, page in lines.items():
            words = [word.replace("/etc/radar_spoof_exporter/token", str(token)).replace("NAME", "all")
                     for word in shlex.split(line.partition(" >")[0])]
            with self.subTest(page):
                done = subprocess.run([*words, f"--config.file={self.directory}/config.yaml"],
                                      env=environment, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=PATIENCE)
                self.assertNotIn("no API token", done.stderr)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_help(self):
        done = self.run_backfill("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for flag in ("--config.file", "--output", "--range", "--from", "--to", "--label", "--step"):
            self.assertIn(flag, done.stdout)
        done = subprocess.run([executable("RADAR_SPOOF_EXPORTER"), "--help"], capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertIn("backfill", done.stdout)


if __name__ == "__main__":
    unittest.main()
