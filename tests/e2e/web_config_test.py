"""TLS and basic authentication by --web.config.file; the certificates are made here."""

import base64
import http.client
import os
import re
import signal
import ssl
import subprocess
import textwrap
import unittest

from processes import SOURCE_DIR, EndToEndTest, config_text, run_exporter
from prometheus import Prometheus, prometheus_tool
from web_client import fetch, wait_until

USER = "prometheus"
PASSWORD = "correct horse"
BCRYPT_HASH = "$2y$08$radarSpoofExporterTesefB6FiLJJs8twKoc3m1Gv3LBp7Z2B6Sq"
QUERIES = "- {name: all, agg_interval: 15m, date_range: 1d, poll_interval: 4w}"


def authorization(user, password):
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


GOOD = authorization(USER, PASSWORD)


class WebConfigTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.make_certificates()
        self.web_config = self.file("web.yaml", f"""\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  min_version: TLS12
basic_auth_users:
  {USER}: {BCRYPT_HASH}
""")
        self.tls = ssl.create_default_context(cafile=self.directory / "ca.crt")
        self.exporter = self.start_exporter(
            config_text(self.start_simulator(), QUERIES), f"--web.config.file={self.web_config}")
        self.port = self.exporter.port

    def make_certificates(self, ca="ca"):
        """CA.crt, and server.crt with server.key, which it signed for 127.0.0.1."""
        # Python 3.13 takes only a chain that RFC 5280 describes.
        self.file("server.ext", "subjectAltName = IP:127.0.0.1\nauthorityKeyIdentifier = keyid\n")
        new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        for command in (
            f"req -x509 {new_key} -days 2 -subj /CN={ca} -addext keyUsage=critical,keyCertSign"
            f" -keyout {ca}.key -out {ca}.crt",
            f"req {new_key} -subj /CN=exporter -keyout next.key -out server.csr",
            f"x509 -req -in server.csr -CA {ca}.crt -CAkey {ca}.key -CAcreateserial -days 2"
            " -extfile server.ext -out next.crt",
        ):
            subprocess.run(["openssl", *command.split()], cwd=self.directory, check=True,
                           capture_output=True)
        for suffix in ("key", "crt"):
            os.replace(self.directory / f"next.{suffix}", self.directory / f"server.{suffix}")

    def scrape_config(self, password):
        return f"""\
job_name: radar
scheme: https
tls_config: {{ca_file: {self.directory}/ca.crt}}
basic_auth: {{username: {USER}, password: {password}}}
static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]
"""

    def test_promtool_takes_the_file_too(self):
        check = subprocess.run(
            [prometheus_tool("promtool"), "check", "web-config", self.web_config],
            capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_every_good_file_is_taken_by_promtool_and_by_the_exporter(self):
        os.replace(self.directory / "ca.crt", self.directory / "client.crt")
        promtool = prometheus_tool("promtool")
        version = subprocess.run([promtool, "--version"], capture_output=True, text=True).stdout
        knows_all = int(re.search(r"version (\d+)", version)[1]) >= 3
        table = (SOURCE_DIR / "tests/data/web_config/good.txtar").read_text()
        cases = re.findall(r"^-- (\w+) --\n(.*?)^=>\n(any|3)\n", table, re.S | re.M)
        self.assertGreater(len(cases), 10)
        for name, text, known_by in cases:
            with self.subTest(name):
                text = re.sub(r"^( *)<(.*)>$", lambda line: textwrap.indent(
                    (self.directory / line[2]).read_text().rstrip(), line[1]), text, flags=re.M)
                path = self.file("good.yaml", text)
                if known_by == "any" or knows_all:
                    check = subprocess.run([promtool, "check", "web-config", path],
                                           capture_output=True, text=True)
                    self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
                done = run_exporter(SOURCE_DIR / "config.example.yaml", "--config.check",
                                    f"--web.config.file={path}")
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_prometheus_scrapes_over_https_with_a_password(self):
        self.exporter.wait_for_line('"serving".* tls=yes')
        prometheus = self.started(Prometheus(self.directory, self.scrape_config(PASSWORD)))
        # On a busy machine a scrape may end by Prometheus' own deadline.
        wait_until(lambda: prometheus.target()["health"] == "up", "a scrape that is good")
        target = prometheus.target()
        self.assertTrue(target["scrapeUrl"].startswith("https://"))
        # A target is told to be up a moment before its samples can be asked for.
        wait_until(lambda: len(prometheus.query("cloudflare_radar_query_info")) == 1, "its samples")

    def test_prometheus_with_a_wrong_password_is_told_401(self):
        prometheus = self.started(Prometheus(self.directory, self.scrape_config("wrong")))
        # On a busy machine a scrape may end by Prometheus' own deadline.
        wait_until(lambda: "401" in prometheus.target()["lastError"], "a scrape that is told 401")
        self.assertEqual(prometheus.target()["health"], "down")

    def test_probes_need_no_password_and_are_no_guesses(self):
        wait_until(lambda: fetch(self.port, "/-/ready", tls=self.tls).status == 200, "/-/ready")
        for path in ("/-/healthy", "/-/ready"):
            for headers in [{}] + [authorization(USER, "wrong")] * 6:
                self.assertEqual(fetch(self.port, path, tls=self.tls, headers=headers).status, 200)
        wrong = fetch(self.port, "/metrics", tls=self.tls, headers=authorization(USER, "wrong"))
        self.assertEqual(wrong.status, 401)

    def test_every_other_page_needs_the_password(self):
        guesses = [authorization(USER, "wrong"), authorization("someone", PASSWORD),
                   authorization(USER, "")]
        paths = ("/metrics", "/", "/-/reload", "/-/healthyX", "/-/", "/nothing")
        for number, path in enumerate(paths):
            for headers in ({}, {"Authorization": "Bearer " + PASSWORD}, guesses[number % 3]):
                with self.subTest(path=path, headers=headers):
                    answer = fetch(self.port, path, tls=self.tls, headers=headers)
                    self.assertEqual(answer.status, 401)
                    self.assertRegex(answer.headers["WWW-Authenticate"], "^Basic realm=")
                    self.assertNotIn(b"cloudflare_radar", answer.body)
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)

    def test_plain_http_gets_nothing(self):
        with self.assertRaises((http.client.HTTPException, OSError)):
            fetch(self.port, "/metrics", headers=GOOD)

    def test_the_certificate_is_the_one_configured(self):
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_VERIFY_FAILED"):
            fetch(self.port, "/metrics", tls=ssl.create_default_context(), headers=GOOD)
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)

    def test_a_new_certificate_is_picked_up_without_a_signal(self):
        self.make_certificates("other")
        renewed = ssl.create_default_context(cafile=self.directory / "other.crt")

        def served():
            try:
                return fetch(self.port, "/metrics", tls=renewed, headers=GOOD).status == 200
            except ssl.SSLError:
                return False

        wait_until(served, "the new certificate")
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_VERIFY_FAILED"):
            fetch(self.port, "/metrics", tls=self.tls, headers=GOOD)

    def test_new_users_are_picked_up_on_sighup(self):
        self.file("web.yaml", self.web_config.read_text().replace(f"  {USER}:", "  other:"))
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for_line("web configuration read again")
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 401)
        other = authorization("other", PASSWORD)
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=other).status, 200)

    def test_a_broken_change_is_logged_and_changes_nothing(self):
        self.file("web.yaml", "tls_server_config: {cert_file: nowhere.crt}\n")
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for_line("the web configuration stays as it was.*nowhere.crt")
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)

    @unittest.skipIf(os.environ.get("RADAR_SPOOF_SANITIZED"), "it ends where it gets no memory")
    def test_a_change_that_lacks_memory_ends_nothing_and_is_taken_when_there_is_some(self):
        users = "".join(f"  user{i}: {BCRYPT_HASH}\n" for i in range(10000))
        self.exporter.limit_memory(1 << 20)
        self.file("web.yaml", self.web_config.read_text() + users)
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for_line("reload loop: iteration failed, retrying|"
                                    "the web configuration stays as it was")
        self.exporter.unlimit_memory()
        self.exporter.wait_for_line("web configuration read again.*users=10001")
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)

    def test_guessing_is_slowed_down(self):
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)
        wrong = authorization(USER, "wrong")
        answers = [fetch(self.port, "/metrics", tls=self.tls, headers=wrong) for _ in range(12)]
        self.assertEqual([answer.status for answer in answers], [401] * 10 + [429] * 2)
        self.assertTrue(1 <= int(answers[-1].headers["Retry-After"]) <= 60)
        self.assertEqual(fetch(self.port, "/metrics", tls=self.tls, headers=GOOD).status, 200)

    def test_neither_password_nor_hash_is_logged(self):
        fetch(self.port, "/metrics", tls=self.tls, headers=GOOD)
        fetch(self.port, "/metrics", tls=self.tls, headers=authorization(USER, "wrong horse"))
        self.assertEqual(self.exporter.stop()[0], 0)
        for secret in (PASSWORD, "wrong horse", BCRYPT_HASH, GOOD["Authorization"]):
            self.assertNotIn(secret, self.exporter.output)


if __name__ == "__main__":
    unittest.main()
