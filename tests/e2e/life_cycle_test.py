"""Start, readiness, reload and stop of the real process."""

import errno
import os
import signal
import socket
import subprocess
import time
import unittest

from processes import (
    TOKEN, Child, EndToEndTest, config_text, executable, exporter_command, exporter_environment,
    run_exporter,
)
from web_client import PATIENCE, fetch, seconds_when_quiet, wait_until

# Polled once in a test.
ALL = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 4w}"
DMARC_FAIL = "- {name: dmarc_fail, filters: {dmarc: FAIL}, agg_interval: 1h, date_range: 7d," \
             " poll_interval: 4w}"
SPF_FAIL = "- {name: spf_fail, filters: {spf: FAIL}, agg_interval: 1h, date_range: 7d," \
           " poll_interval: 4w}"

RELOAD_SUCCESSFUL = "radar_spoof_exporter_config_last_reload_successful"
RELOAD_TIME = "radar_spoof_exporter_config_last_reload_success_timestamp_seconds"
POLLS = "cloudflare_radar_query_polls_total"
SPOOF = "cloudflare_radar_email_spoof_ratio"


class ReadinessTest(EndToEndTest):
    def test_healthy_at_once_and_ready_when_every_query_was_tried(self):
        simulator = self.start_simulator("--scenario=slow", "--slow-delay=3s")
        exporter = self.start_exporter(config_text(simulator, ALL + "\n" + DMARC_FAIL))
        wait_until(lambda: simulator.requests().total() == 2, "both requests")
        self.assertEqual(exporter.fetch("/-/healthy").status, 200)
        ready = exporter.fetch("/-/ready")
        self.assertEqual((ready.status, ready.body), (503, b"2 of 2 queries not tried yet\n"))
        page = exporter.page()
        for query in ("all", "dmarc_fail"):
            self.assertIsNone(page.value(SPOOF, query=query))
            self.assertEqual(page.value("cloudflare_radar_query_success", query=query), 0)
            self.assertEqual(
                page.value("cloudflare_radar_query_last_success_timestamp_seconds", query=query), 0)
        self.assertEqual(page.value("cloudflare_radar_up"), 0)
        exporter.wait_until_ready()
        self.assertIsNotNone(exporter.page().value(SPOOF, query="all"))

    def test_ready_though_the_api_is_down(self):
        simulator = self.start_simulator("--scenario=outage")
        exporter = self.start_exporter(config_text(simulator, ALL))
        exporter.wait_until_ready()
        self.assertEqual(exporter.page().value("cloudflare_radar_query_success", query="all"), 0)


class StopTest(EndToEndTest):
    def check_stop(self, number):
        simulator = self.start_simulator("--scenario=slow", "--slow-delay=60s")
        exporter = self.start_exporter(config_text(simulator, ALL))
        wait_until(lambda: simulator.requests().total() == 1, "the request in flight")
        code, seconds = exporter.stop(number)
        self.assertEqual(code, 0)
        self.assertLess(seconds, seconds_when_quiet(1))

    def test_sigterm_ends_it_within_a_second_with_a_request_in_flight(self):
        self.check_stop(signal.SIGTERM)

    def test_sigint_does_too(self):
        self.check_stop(signal.SIGINT)

    def test_sigterm_with_an_idle_and_a_half_open_client(self):
        exporter = self.start_exporter(config_text(self.start_simulator(), ALL))
        clients = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
        clients[0].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        exporter.wait_until_ready()
        code, seconds = exporter.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, seconds_when_quiet(1))


    def test_what_runs_to_its_end_is_ended_by_the_signal_with_a_request_in_flight(self):
        simulator = self.start_simulator("--scenario=slow", "--slow-delay=60s")
        config = self.file("config.yaml", config_text(simulator, ALL))
        requests = 0
        for command in (exporter_command(config, "--once"),
                        [executable("RADAR_SPOOF_EXPORTER"), "query", f"--config.file={config}",
                         "all"]):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                with self.subTest(command=command[1:], number=number):
                    child = Child(command, exporter_environment(TOKEN))
                    self.addCleanup(child.end)
                    requests += 1
                    wait_until(lambda: simulator.requests().total() == requests,
                               "the request in flight")
                    begin = time.monotonic()
                    child.process.send_signal(number)
                    self.assertEqual(child.wait(), -number)
                    self.assertLess(time.monotonic() - begin, seconds_when_quiet(1))

    def test_a_check_whose_output_nobody_reads_is_ended_by_the_signal(self):
        config = self.file("config.yaml", f"queries:\n  {ALL}\n")
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        os.set_blocking(theirs, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(theirs, b"x" * 4096)
        os.set_blocking(theirs, True)
        process = subprocess.Popen(exporter_command(config, "--config.check"), stdout=theirs,
                                   stdin=subprocess.DEVNULL, env=exporter_environment(None))
        os.close(theirs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), -signal.SIGTERM)


class ReloadTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator()

    def start(self, *flags):
        exporter = self.start_exporter(
            config_text(self.simulator, ALL + "\n" + DMARC_FAIL), *flags)
        return exporter.wait_until_ready()

    def write_config(self, queries):
        self.file("config.yaml", config_text(self.simulator, queries))

    def check_replaced(self, exporter, before):
        """dmarc_fail gave way to spf_fail; all stayed as it was."""
        page = exporter.wait_for_page(
            lambda page: page.value(POLLS, query="spf_fail") == 1, "the new query's poll")
        self.assertEqual(page.names(query="dmarc_fail"), set())
        self.assertIsNotNone(page.value(SPOOF, query="spf_fail"))
        self.assertEqual(page.value(POLLS, query="all"), 1)
        for name in ("cloudflare_radar_query_last_success_timestamp_seconds", SPOOF,
                     "cloudflare_radar_query_next_poll_timestamp_seconds"):
            # The next poll moves with the learnt lag of the data, by less than a minute.
            self.assertAlmostEqual(
                page.value(name, query="all"), before.value(name, query="all"), delta=60)
        self.assertEqual(page.value(RELOAD_SUCCESSFUL), 1)
        self.assertGreater(page.value(RELOAD_TIME), before.value(RELOAD_TIME))
        # What was not new was not asked again, and nothing the API was asked is forgotten.
        self.assertEqual(self.simulator.requests(), {200: 3})
        self.assertEqual(page.value("cloudflare_radar_api_requests_total", code="200"), 3)

    def check_kept(self, exporter, before):
        """A bad file changed nothing but the metric."""
        page = exporter.wait_for_page(
            lambda page: page.value(RELOAD_SUCCESSFUL) == 0, "the failed reload on the page")
        self.assertEqual(page.value(RELOAD_TIME), before.value(RELOAD_TIME))
        for query in ("all", "dmarc_fail"):
            self.assertEqual(page.names(query=query), before.names(query=query))
            self.assertEqual(page.value(POLLS, query=query), 1)

    def test_sighup_applies_a_good_file_and_survives_a_bad_one(self):
        exporter = self.start()
        before = exporter.page()
        self.assertEqual(before.value(RELOAD_SUCCESSFUL), 1)
        self.write_config(ALL + "\n" + "- {name: dmarc_fail, filters: {dmarc: FAILED}}")
        exporter.send(signal.SIGHUP)
        self.check_kept(exporter, before)
        exporter.wait_for_line(r"reload failed.*config\.yaml:8:\d+: .*FAILED")

        self.write_config(ALL + "\n" + SPF_FAIL)
        exporter.send(signal.SIGHUP)
        self.check_replaced(exporter, before)
        self.assertEqual(exporter.stop()[0], 0)

    def test_credentials_that_cannot_be_read_fail_it_and_the_check_says_so(self):
        token_file = self.file("token", TOKEN)
        exporter = self.start_exporter(config_text(
            self.simulator, ALL + "\n" + DMARC_FAIL, api=f"token_file: {token_file}"))
        before = exporter.wait_until_ready().page()
        token_file.unlink()
        exporter.send(signal.SIGHUP)
        self.check_kept(exporter, before)
        problem = exporter.wait_for_line(
            rf"reload failed.*detail=\"(token_file {token_file}: found no such file)")
        check = run_exporter(self.config_file, "--config.check")
        self.assertEqual(check.returncode, 0)
        self.assertIn(f"warning: credentials: {problem.group(1)}", check.stderr)

    def test_post_and_put_reload_when_enabled(self):
        exporter = self.start("--web.enable-lifecycle")
        before = exporter.page()
        self.write_config("- {nam: all}")
        answer = exporter.fetch("/-/reload", "PUT")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.body.decode(), r"config\.yaml:7:\d+: queries\[0\].*nam")
        self.check_kept(exporter, before)

        self.write_config(ALL + "\n" + SPF_FAIL)
        self.assertEqual(exporter.fetch("/-/reload", "POST").status, 200)
        self.check_replaced(exporter, before)
        answer = exporter.fetch("/-/reload")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST, PUT, OPTIONS"))

    def test_a_file_that_changes_is_reloaded_and_a_bad_one_is_told_of_once(self):
        exporter = self.start("--config.auto-reload-interval=100ms")
        before = exporter.page()
        self.file("new.yaml", config_text(self.simulator, "- {nam: all}")).rename(self.config_file)
        self.check_kept(exporter, before)
        exporter.wait_for_line(r'reload failed.*nam.*cause="the file changed"')

        self.file("new.yaml", config_text(self.simulator, ALL + "\n" + SPF_FAIL)).rename(
            self.config_file)
        exporter.wait_for_line(r'configuration reloaded" queries=2 cause="the file changed"')
        self.check_replaced(exporter, before)
        self.assertEqual(exporter.output.count("reload failed"), 1)
        self.assertEqual(exporter.output.count("configuration reloaded"), 1)

    def test_reload_over_http_is_forbidden_unless_enabled(self):
        exporter = self.start("--config.auto-reload-interval=0s")
        self.write_config(ALL + "\n" + SPF_FAIL)
        self.assertEqual(exporter.fetch("/-/reload", "POST").status, 403)
        self.assertEqual(exporter.fetch("/-/reload", "PUT").status, 403)
        self.assertEqual(exporter.fetch("/-/reload", "GET").status, 405)
        self.assertEqual(exporter.page().names(query="spf_fail"), set())
        self.assertNotIn("reloaded", exporter.output)

    def test_reload_while_a_request_is_in_flight(self):
        self.simulator = self.start_simulator("--scenario=slow", "--slow-delay=60s")
        exporter = self.start_exporter(config_text(self.simulator, ALL))
        wait_until(lambda: self.simulator.requests().total() == 1, "the request in flight")
        self.simulator.switch("calm")
        self.write_config(ALL + "\n" + SPF_FAIL)
        exporter.send(signal.SIGHUP)
        exporter.wait_for_page(
            lambda page: page.value(SPOOF, query="all") and page.value(SPOOF, query="spf_fail"),
            "both queries' values, without waiting for the late answer")


class ListenTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.config = config_text(self.start_simulator(), ALL)

    def test_port_in_use_is_exit_code_1_and_says_which(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            run = run_exporter(
                self.file("config.yaml", self.config), f"--web.listen-address={address}")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"cannot listen on {address}: Address already in use", run.stderr)
        self.assertEqual(run.stdout, "")

    def test_serves_on_every_address_given(self):
        exporter = self.start_exporter(self.config, listen=("127.0.0.1:0", "127.0.0.2:0"))
        self.assertEqual(fetch(exporter.ports[0], "/metrics").status, 200)
        self.assertEqual(fetch(exporter.ports[1], "/metrics", host="127.0.0.2").status, 200)
        with self.assertRaises(ConnectionRefusedError):
            fetch(exporter.ports[1], "/metrics", host="127.0.0.1")

    def test_one_address_in_use_of_two_is_exit_code_1(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            run = run_exporter(
                self.file("config.yaml", self.config), "--web.listen-address=127.0.0.1:0",
                f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}")
        self.assertEqual(run.returncode, 1)

    def test_ipv6(self):
        self.require_ipv6()
        exporter = self.start_exporter(self.config, listen=("[::1]:0",))
        self.assertEqual(fetch(exporter.port, "/metrics", host="::1").status, 200)

    def test_an_address_without_a_host_is_every_address_of_both_families(self):
        exporter = self.start_exporter(self.config, listen=(":0",))
        self.assertEqual(fetch(exporter.port, "/metrics", host="127.0.0.1").status, 200)
        self.require_ipv6()
        self.assertEqual(fetch(exporter.port, "/metrics", host="::1").status, 200)

    def require_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            self.skipTest("this machine has no IPv6 loopback")


if __name__ == "__main__":
    unittest.main()
