"""What runs to its end: --once, --config.check, --help, --version, and all that is refused; the two
streams and the exit codes. And that a credential comes out nowhere."""

import pathlib
import re
import signal
import subprocess
import unittest

from processes import (
    SOURCE_DIR, TOKEN, EndToEndTest, config_text, executable, exporter_environment, run_exporter,
)
from prometheus import prometheus_tool
from web_client import Page, wait_until

ALL = "- {name: all, agg_interval: 15m, date_range: 1d}"
REJECTED = "- {name: too_fine, agg_interval: 15m, date_range: 28d}"
SPOOF = "cloudflare_radar_email_spoof_ratio"
SUCCESS = "cloudflare_radar_query_success"


class OnceTest(EndToEndTest):
    def run_once(self, queries=ALL, scenario="calm", **options):
        self.simulator = self.start_simulator(f"--scenario={scenario}")
        config = self.file("config.yaml", config_text(self.simulator, queries))
        run = run_exporter(config, "--once", **options)
        # Nothing but the exposition: promtool would stumble over anything else.
        said = subprocess.run([prometheus_tool("promtool"), "check", "metrics"], input=run.stdout,
                              capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "", ""))
        self.assertTrue(run.stdout.startswith("# HELP cloudflare_radar_"), run.stdout[:200])
        return run.returncode, Page(run.stdout), run.stderr

    def test_exits_0_when_every_query_was_answered(self):
        code, page, _ = self.run_once(ALL + "\n- {name: spf_fail, filters: {spf: FAIL}}")
        self.assertEqual(code, 0)
        for name in ("all", "spf_fail"):
            self.assertIsNotNone(page.value(SPOOF, query=name))
            self.assertEqual(page.value("cloudflare_radar_query_polls_total", query=name), 1)
        self.assertEqual(self.simulator.requests(), {200: 2})

    def test_exits_1_when_one_was_not_and_still_prints_the_others(self):
        code, page, log = self.run_once(ALL + "\n" + REJECTED)
        self.assertEqual(code, 1)
        self.assertIsNotNone(page.value(SPOOF, query="all"))
        self.assertIsNone(page.value(SPOOF, query="too_fine"))
        self.assertEqual(page.value(SUCCESS, query="too_fine"), 0)
        self.assertIn("query failed", log)

    def test_exits_1_when_the_api_is_down(self):
        code, page, _ = self.run_once(scenario="outage")
        self.assertEqual(code, 1)
        self.assertEqual(page.value("cloudflare_radar_api_failures_total", reason="server"), 1)

    def test_exits_1_at_once_when_the_rate_is_limited(self):
        code, page, _ = self.run_once(scenario="rate-limited")
        self.assertEqual(code, 1)
        self.assertGreater(page.value("cloudflare_radar_api_blocked_until_timestamp_seconds"), 0)

    def test_exits_1_when_nobody_is_there(self):
        simulator = self.start_simulator()
        config = self.file("config.yaml", config_text(simulator, ALL))
        simulator.end()
        run = run_exporter(config, "--once")
        self.assertEqual(run.returncode, 1)
        page = Page(run.stdout)
        self.assertEqual(page.value("cloudflare_radar_api_failures_total", reason="connect"), 1)
        self.assertEqual(page.value("cloudflare_radar_api_requests_total", code="0"), 1)


class ConfigCheckTest(EndToEndTest):
    def test_a_good_file_is_0_with_the_request_plan_and_asks_nothing(self):
        simulator = self.start_simulator()
        config = self.file("config.yaml", f"""\
api: {{base_url: {simulator.base_url}}}
queries:
  - {{name: all}}
  - {{name: dmarc_fail, filters: {{dmarc: FAIL}}, agg_interval: 1h, date_range: 7d, control: true}}
""")
        run = run_exporter(config, "--config.check")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn(f"{config}: valid\n", run.stdout)
        self.assertRegex(run.stdout, r"queries +2\n")
        self.assertRegex(run.stdout, r"series +3\n")
        self.assertRegex(run.stdout, r"requests per 5 minutes +0\.417 of 600 ")
        self.assertEqual(simulator.requests().total(), 0)

    def test_every_problem_of_a_bad_file_is_reported_with_its_place(self):
        config = self.file("config.yaml", """\
api: {base_url: http://example.com, rate_limit: many}
queries:
  - {name: all, agg_interval: 2h}
  - {name: dmarc, filters: {dmarc: FAILED}, color: red}
""")
        run = run_exporter(config, "--config.check", token=None)
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        problems = run.stderr.splitlines()
        for place, pattern in (
            ("1", r"api\.base_url.*http:// to example\.com"), ("1", r"api\.rate_limit.*many"),
            ("3", r"queries\[0\]\.agg_interval.*2h"),
            ("4", r"queries\[1\]\.filters\.dmarc.*FAILED.*FAIL"), ("4", r"color"),
        ):
            with self.subTest(pattern=pattern):
                found = rf"^{config}:{place}:\d+: .*{pattern}"
                self.assertTrue(any(re.search(found, line) for line in problems), run.stderr)
        self.assertEqual(len(problems), 5, run.stderr)

    def test_a_plan_over_the_budget_is_refused_with_the_arithmetic(self):
        config = self.file("config.yaml", """\
queries:
  - {name: all, poll_interval: 1s}
  - {name: arc_fail, filters: {arc: FAIL}, poll_interval: 1s}
  - {name: spf_fail, filters: {spf: FAIL}, poll_interval: 1s}
""")
        run = run_exporter(config, "--config.check", token=None)
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.stderr, r"3 queries every 1s = 900\.0 requests per 5 minutes.*600")

    def test_credentials_that_cannot_be_read_are_a_warning_with_what_a_reload_would_say(self):
        token_file = self.directory / "token"
        simulator = self.start_simulator()
        for content, found in ((None, "found no such file"), ("", "holds nothing"),
                               ("two words", "white space")):
            with self.subTest(content):
                if content is not None:
                    self.file("token", content)
                config = self.file("config.yaml", config_text(
                    simulator, ALL, api=f"token_file: {token_file}"))
                run = run_exporter(config, "--config.check")
                self.assertEqual(run.returncode, 0)
                self.assertIn("config.yaml: valid", run.stdout)
                said = re.search(r"(?m)^warning: credentials: (.*)\. Here a start or a reload would "
                                 "fail", run.stderr)
                self.assertTrue(said, run.stderr)
                self.assertIn(f"token_file {token_file}", said.group(1))
                self.assertIn(found, said.group(1))
                # In the words of the start that fails.
                start = run_exporter(config, "--once")
                self.assertEqual(start.returncode, 2)
                self.assertIn(said.group(1), start.stderr)
        run = run_exporter(self.file("config.yaml", config_text(simulator, ALL)), "--config.check",
                           token=None)
        self.assertEqual(run.returncode, 0)
        self.assertIn("warning: credentials: no API token: api.token_file is not configured",
                      run.stderr)

    def test_a_token_that_everybody_may_read_is_a_warning(self):
        self.file("token", TOKEN).chmod(0o644)
        config = self.file("config.yaml", config_text(
            self.start_simulator(), ALL, api=f"token_file: {self.directory}/token"))
        run = run_exporter(config, "--config.check")
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r"(?m)^warning: credentials: .*/token can be read by every user")

    def test_a_warning_is_not_an_error(self):
        config = self.file("config.yaml", "queries:\n  " + REJECTED + "\n")
        run = run_exporter(config, "--config.check", token=None)
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r"^warning: .*config\.yaml:2:\d+: queries\[0\]")

    def test_the_example_is_good(self):
        run = run_exporter(SOURCE_DIR / "config.example.yaml", "--config.check", token=None)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_an_empty_value_is_one_and_takes_nothing_from_the_next_flag(self):
        config = SOURCE_DIR / "config.example.yaml"
        for flag in ("--web.config.file=", "--web.external-url=", "--web.route-prefix="):
            for flags in ((flag, "--config.check"), ("--config.check", flag)):
                with self.subTest(flags=flags):
                    run = run_exporter(config, *flags)
                    self.assertEqual((run.returncode, run.stderr), (0, ""))
                    self.assertIn("valid", run.stdout)

    def test_a_file_that_is_not_there_is_2(self):
        run = run_exporter(self.directory / "nothing.yaml", "--config.check")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn(str(self.directory / "nothing.yaml"), run.stderr)


class RefusedTest(EndToEndTest):
    def check_refused(self, *flags, text=r"\S", config="queries:\n  " + ALL + "\n", token="token"):
        run = run_exporter(self.file("config.yaml", config), *flags, token=token)
        self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
        self.assertRegex(run.stderr, text)

    def test_wrong_command_lines_are_2(self):
        for flags, text in (
            (["--no.such.flag"], "no.such.flag"), (["somewhere"], "somewhere"),
            (["--web.listen-address=nowhere"], "nowhere"),
            (["--web.listen-address=:66000"], "66000"),
            (["--log.level=loud"], "loud"),
            (["--log.level=", "--once"], "not in"), (["--storage.path=", "--once"], "does not exist: *\n"),
            (["--log.format=xml"], "xml"), (["--web.config.file=/nonexistent.yaml"], "nonexistent"),
        ):
            with self.subTest(flags=flags):
                self.check_refused(*flags, text=text)

    def test_a_file_without_a_name_is_2(self):
        for words in (["--config.file=", "--config.check"], ["query", "--config.file=", "all"],
                      ["backfill", "--range=1d", "--output="], ["doctor", "--report="]):
            with self.subTest(words=words):
                run = subprocess.run([executable("RADAR_SPOOF_EXPORTER"), *words], text=True,
                                     capture_output=True, check=False)
                self.assertEqual((run.returncode, run.stdout), (2, ""))
                self.assertRegex(run.stderr, r'--[a-z.]+: found ""; expected the name of a file\n')

    def test_metrics_cannot_stand_where_they_would_not_be_reached(self):
        for path in ("metrics", "/-/healthy", "/-/ready", "/-/reload", "/-", "/-/", "/-/metrics",
                     "/a?b", "/a#b", "/a%2Fb", "/a b", "/a\tb", "/a\nb", "/a\x1b[2J", "/\u00e4",
                     "/a\\b", '/"', "//", "//metrics", "/a//b", "/../metrics", "/a/..", "/a/./b",
                     "/."):
            with self.subTest(path=path):
                run = run_exporter(self.file("config.yaml", "queries:\n  " + ALL + "\n"),
                                   "--config.check", f"--web.telemetry-path={path}")
                self.assertEqual((run.returncode, run.stdout), (2, ""))
                self.assertRegex(run.stderr, r"\A.*--web\.telemetry-path: found \".*\"; expected .*\n"
                                             r"Try --help\.\n\Z")
                self.assertTrue(run.stderr.isascii())
        for path in ("/", "/metrics", "/metrics/", "/a/b.c/...", "/-metrics", "/x/-/y",
                     "/~a_b-c:d@e!$&'()*+,;="):
            with self.subTest(path=path):
                run = run_exporter(self.file("config.yaml", "queries:\n  " + ALL + "\n"),
                                   "--config.check", f"--web.telemetry-path={path}")
                self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_an_external_url_or_a_prefix_that_no_client_could_ask_for_is_2(self):
        url, prefix = "--web.external-url", "--web.route-prefix"
        for flag, words in (
            (url, ("example.org/radar", "ftp://example.org/", "http://", "https:///radar", "'http://a/'",
                   "http://a/b?c", "http://a/b#c", "http://user@a/b", "http://a/%2F", "http://a//b",
                   "http://a?b", "//a/b", "http://a/../b")),
            (prefix, ("-", "a b", "/a?b", "/../a", "/a//b", "/-/a", "/a%20b", "http://a/b")),
        ):
            for word in words:
                with self.subTest(flag=flag, word=word):
                    self.check_refused(f"{flag}={word}", text=rf'{flag}: found ".*"; expected ')

    def test_no_token_is_2_and_says_where_one_may_be(self):
        self.check_refused(token=None, text="no API token: .*token_file.*CLOUDFLARE_API_TOKEN")
        self.check_refused("--once", token="", text="CLOUDFLARE_API_TOKEN holds nothing")
        missing = self.directory / "missing"
        self.check_refused(
            config=f"api: {{token_file: {missing}}}\nqueries:\n  {ALL}\n", text=f"{missing}.*found")

    def test_a_bad_config_is_2_at_start(self):
        self.check_refused(config="queries: []\n", text=r"config\.yaml:1:\d+: queries")

    def test_help_and_version_are_0(self):
        config = self.file("config.yaml", "")
        for flag, text in (
            ("--help", "--web.listen-address"), ("-h", "--config.file"),
            ("--version", r"^radar_spoof_exporter, version \d+\.\d+\.\d+ \(revision: \S+\)"),
        ):
            with self.subTest(flag=flag):
                run = run_exporter(config, flag, token=None)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertRegex(run.stdout, text)

    def test_what_cannot_be_written_is_1(self):
        config = self.file("config.yaml", "queries:\n  " + ALL + "\n")
        for flags in (["--config.check", f"--config.file={config}"], ["--help"], ["--version"],
                      ["query", "--help"], ["backfill", "--help"]):
            with self.subTest(flags=flags), open("/dev/full", "w") as full:
                run = subprocess.run([executable("RADAR_SPOOF_EXPORTER"), *flags],
                                     env=exporter_environment(None), stdin=subprocess.DEVNULL,
                                     stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(run.returncode, 1)
                self.assertIn("could not be written", run.stderr)


class SecretTest(EndToEndTest):
    CANARY = "canary-1b9d6bcd4c3a"

    def check_no_canary(self, **texts):
        for where, text in texts.items():
            self.assertNotIn(self.CANARY, text, where)

    def check_life(self, simulator, exporter):
        """Looks everywhere, through answers good and bad."""
        process = pathlib.Path(f"/proc/{exporter.process.pid}")
        exporter.wait_until_ready()
        self.assertEqual(simulator.requests().keys(), {200}, "the credential was not taken")
        for scenario, status in (("outage", 503), ("unauthorized", 403), ("rate-limited", 429)):
            simulator.switch(scenario)
            exporter.send(signal.SIGHUP)  # asks again what was refused
            wait_until(lambda s=status: simulator.requests()[s] > 0, f"a {status}")
            self.check_no_canary(
                metrics=exporter.fetch("/metrics").body.decode(),
                landing_page=exporter.fetch("/").body.decode(),
                ready=exporter.fetch("/-/ready").body.decode(),
                argv=process.joinpath("cmdline").read_text(),
                environ=process.joinpath("environ").read_text())
        self.assertEqual(exporter.stop()[0], 0)
        self.check_no_canary(log=exporter.output)
        self.assertIn("query failed", exporter.output)

    def config(self, simulator, api=""):
        return config_text(simulator, "- {name: all, poll_interval: 1s}", api=api)

    def test_a_token_from_the_environment(self):
        simulator = self.start_simulator(f"--token={self.CANARY}")
        self.check_life(
            simulator, self.start_exporter(self.config(simulator), token=self.CANARY,
                                           environment={"CLOUDFLARE_API_KEY": self.CANARY}))

    def test_a_token_from_a_file_with_the_log_as_json(self):
        simulator = self.start_simulator(f"--token={self.CANARY}")
        token_file = self.file("token", self.CANARY + "\n")
        config = self.config(simulator, api=f"token_file: {token_file}")
        self.check_life(
            simulator, self.start_exporter(config, "--log.format=json", token=None))

    def test_a_token_from_a_file_that_a_variable_names(self):
        simulator = self.start_simulator(f"--token={self.CANARY}")
        token_file = self.file("token", self.CANARY + "\n")
        self.check_life(simulator, self.start_exporter(
            self.config(simulator), token=None,
            environment={"CLOUDFLARE_API_TOKEN_FILE": str(token_file)}))

    def test_a_legacy_key(self):
        simulator = self.start_simulator(f"--key={self.CANARY}")
        key_file = self.file("key", self.CANARY)
        self.check_life(simulator, self.start_exporter(self.config(
            simulator, api=f"email: simulator@example.com\nkey_file: {key_file}"),
            token=self.CANARY))  # not used

    def test_a_token_that_is_refused_is_not_shown(self):
        token_file = self.file("token", f"{self.CANARY} {self.CANARY}")
        config = self.config(self.start_simulator(), api=f"token_file: {token_file}")
        run = run_exporter(self.file("config.yaml", config))
        self.assertEqual(run.returncode, 2)
        self.assertIn(str(token_file), run.stderr)
        self.check_no_canary(stdout=run.stdout, stderr=run.stderr)

    def test_a_token_in_the_config_file_is_not_shown(self):
        config = self.config(self.start_simulator(), api=f"token: {self.CANARY}")
        run = run_exporter(self.file("config.yaml", config))
        self.assertEqual(run.returncode, 2)
        self.check_no_canary(stdout=run.stdout, stderr=run.stderr)


if __name__ == "__main__":
    unittest.main()
