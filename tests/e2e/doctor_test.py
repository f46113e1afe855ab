"""radar_spoof_exporter doctor: the whole command against the simulator, and against an API that differs."""

import http.client
import http.server
import json
import os
import re
import signal
import socket
import socketserver
import ssl
import subprocess
import threading

from processes import SOURCE_DIR, TOKEN, Child, EndToEndTest, config_text, executable, exporter_environment
from web_client import PATIENCE, wait_until

CANARY = "canary-7d1f4ac09b3e"
ACCOUNT = "0123456789abcdef0123456789abcdef"
QUERIES = """
- {name: all, agg_interval: 1h, date_range: 28d}
- {name: list, agg_interval: 1d, date_range: 28d, filters: {spf: [PASS, FAIL]}, control: true}
"""


class ChangedApi:
    """Hands requests on to the simulator, and its answers back as `change(path, status, headers, body)` makes
    them: the same three behind the path."""

    def __init__(self, simulator, change, tls=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=PATIENCE)
                connection.request("GET", self.path, headers={"Authorization": self.headers["Authorization"]})
                answer = connection.getresponse()
                headers = {name.lower(): value for name, value in answer.getheaders()
                           if name.lower() not in ("content-length", "connection", "transfer-encoding")}
                status, headers, body = change(self.path, answer.status, headers, answer.read().decode())
                connection.close()
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        scheme = "https" if tls else "http"
        self.base_url = f"{scheme}://127.0.0.1:{self.server.server_port}/client/v4"

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class SocksProxy:
    """SOCKS 5 with a user name and a password, whatever they are (RFC 1928, RFC 1929)."""

    def __init__(self):
        class Handler(socketserver.BaseRequestHandler):
            def take(self, count):
                return self.request.recv(count, socket.MSG_WAITALL)

            def handle(self):
                self.take(self.take(2)[1])
                self.request.sendall(b"\5\2")
                self.take(self.take(2)[1])
                self.take(self.take(1)[0])
                self.request.sendall(b"\1\0")
                kind = self.take(4)[3]
                host = socket.inet_ntoa(self.take(4)) if kind == 1 else self.take(self.take(1)[0]).decode()
                port = int.from_bytes(self.take(2), "big")
                with socket.create_connection((host, port)) as other:
                    self.request.sendall(b"\5\0\0\1" + bytes(6))
                    back = threading.Thread(target=hand_on, args=(other, self.request))
                    back.start()
                    hand_on(self.request, other)
                    back.join()

        def hand_on(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class DoctorTest(EndToEndTest):
    def start(self, *flags, queries=QUERIES, api="", change=None):
        self.simulator = self.start_simulator(*flags)
        asked = self.simulator
        if change:
            asked = ChangedApi(self.simulator, change)
            self.addCleanup(asked.end)
        self.config = self.file("config.yaml", config_text(asked, queries, api=api))

    def command(self, *flags, config=None):
        return [executable("RADAR_SPOOF_EXPORTER"), "doctor", f"--config.file={config or self.config}", *flags]

    def doctor(self, *flags, token=TOKEN, config=None, environment=()):
        return subprocess.run(self.command(*flags, config=config),
                              env=exporter_environment(token) | dict(environment),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)

    def rows(self, *flags, code, **options):
        run = self.doctor("--json", *flags, **options)
        self.assertEqual((run.returncode, run.stdout.count("\n")), (code, 1), run.stdout + run.stderr)
        said = json.loads(run.stdout)
        self.assertEqual(said["all_well"], code == 0)
        return said, {row["name"]: row for row in said["checks"]}

    def test_with_the_simulator_everything_is_ok(self):
        self.start()
        report = self.directory / "report.md"
        run = self.doctor(f"--report={report}")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        asked = self.simulator.requests().total()
        host = f"127.0.0.1:{self.simulator.port}"
        self.assertRegex(run.stderr, rf"^14 requests to {host}, one after the other; at most 20, ")
        self.assertIn("api.rate_limit is 100000", run.stderr)
        self.assertEqual(len(re.findall(r"^\[ ?\d+/14\] .* \.\.\. HTTP 200, \d+ ms$", run.stderr, re.MULTILINE)), 14)
        self.assertEqual(asked, 14)
        self.assertNotRegex(run.stdout, "different|refused|not asked|not seen")
        self.assertIn("not Cloudflare", run.stdout)
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 100)
        self.assertTrue(run.stdout.isascii())
        self.assertTrue(run.stderr.endswith(f"radar_spoof_exporter doctor: the report is in {report}\n"))
        text = report.read_text()
        self.assertIn("- version ", text)
        self.assertIn("| query list | ok |", text)
        self.assertEqual(text.count("\nGET http://"), 14)
        self.assertIn('timestamps: [169 of "2', text)
        # An earlier report is replaced, nothing else.
        self.assertEqual(self.doctor(f"--report={report}").returncode, 0)
        self.assertEqual(report.read_text().count("# radar_spoof_exporter doctor"), 1)
        said, rows = self.rows(code=0)
        self.assertEqual((said["requests"], said["stopped"], said["queries_left_out"]), (14, None, 0))
        self.assertEqual({row["verdict"] for row in rows.values()}, {"ok"})
        documented = re.findall(r"^\| `([^`]+)` \|.*\|.*\|", (SOURCE_DIR / "docs/api.md").read_text()
                                .split("## The facts")[1].split("\n## ")[0], re.MULTILINE)
        self.assertEqual({re.sub("^query .*", "query NAME", name) for name in rows}, set(documented))

    def test_an_api_that_differs_in_ten_ways_is_told_in_ten_rows(self):
        def change(path, status, headers, body):
            if "/SPOOF?" in path:
                return 404, headers, '{"success":false,"errors":[{"code":7003,"message":"Not Found"}]}'
            if "aggInterval=1h" in path and "dateRange=28d" in path:
                return 400, headers, json.dumps({"success": False, "result": {}, "errors": [
                    {"message": "aggregation interval is too low for date range"}]})
            if "spf=FAIL%2CPASS" in path or "spf=FAIL,PASS" in path or "spf=PASS,FAIL" in path:
                return 400, headers, '{"success":false,"errors":[{"message":"spf: not valid"}],"result":{}}'
            if path.count("&dateRange=") > 10:
                return 422, headers, '{"success":false,"errors":[{"code":2002,"message":"max cost"}]}'
            del headers["ratelimit"], headers["ratelimit-policy"]
            headers["date"] = "Sun, 07 Jun 2026 00:00:00 GMT"
            body = re.sub(r"\bs(\d+_)", r"S\1", body).replace('"requests"', '"messages"')
            body = body.replace('"level":5', '"level":null').replace('"lastUpdated":"2', '"lastUpdated":"1')
            return status, headers, re.sub(r'"(\d+\.\d+)"', r"\1", body)

        self.start(change=change)
        _, rows = self.rows(code=1)
        for name, verdict in (
            ("other path", "refused"), ("1h over 28d", "refused"), ("query all", "refused"),
            ("comma list", "refused"), ("query list", "refused"), ("fifty series", "refused"),
            ("clock", "different"), ("names", "different"), ("units", "different"),
            ("confidence", "different"), ("lag", "different"), ("values", "different"),
            ("rate limit", "different"), ("address", "ok"), ("token", "ok"),
            ("path", "ok"), ("timestamps", "ok"), ("sums", "ok"), ("normalization", "ok"),
        ):
            with self.subTest(name):
                self.assertEqual(rows[name]["verdict"], verdict, rows[name])
                self.assertEqual(rows[name]["change"] is not None, verdict in ("different", "refused"))

    def test_a_refused_token_and_a_rate_limit_end_it(self):
        self.start("--scenario=unauthorized")
        said, rows = self.rows(code=1)
        self.assertEqual((said["requests"], said["stopped"]), (3, "the API does not accept the credential"))
        self.assertEqual(rows["token"]["verdict"], "refused")
        self.assertIn("docs/token.md", rows["token"]["change"])
        self.assertEqual(rows["1h over 7d"]["verdict"], "not asked")
        self.simulator.switch("rate-limited")
        said, rows = self.rows(code=1)
        self.assertEqual((said["requests"], rows["rate limit"]["verdict"]), (1, "refused"))
        self.assertEqual(said["stopped"], "the API limits the rate, for 30 seconds")

    def test_no_secret_comes_out_however_it_is_echoed(self):
        def change(path, status, headers, body):
            headers["sunset"] = f"{CANARY} for you@example.com of {ACCOUNT}"
            headers["ratelimit-policy"] = f'"{CANARY}";q=1200;w=300'
            if path.count("&dateRange=") > 2:
                return 400, headers, json.dumps({"success": False, "errors": [
                    {"code": 2001, "message": f"{CANARY} {ACCOUNT} you@example.com"}]})
            return status, headers, body.replace('"annotations":[]', '"annotations":[{"eventType":'
                                                 f'"{CANARY}","description":"{ACCOUNT}"}}],"{CANARY}":1')

        self.start(f"--token={CANARY}", change=change)
        report = self.directory / "report.md"
        for flags in ((), ("--json",)):
            run = self.doctor(f"--report={report}", *flags, token=CANARY)
            self.assertEqual(run.returncode, 1, run.stderr)
            everything = run.stdout + run.stderr + report.read_text()
            for secret in (CANARY, CANARY[:8], CANARY[-8:], ACCOUNT, "you@example.com"):
                self.assertNotIn(secret, everything)
            self.assertIn("[redacted]", everything)

    def test_tls_is_told_with_its_version_and_issuer(self):
        key, certificate = self.directory / "key", self.directory / "certificate"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/O=Some CA",
                        "-addext", "subjectAltName=IP:127.0.0.1",
                        "-addext", "keyUsage=critical,digitalSignature,keyCertSign"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.simulator = self.start_simulator()
        api = ChangedApi(self.simulator, lambda path, *answer: answer, tls=context)
        self.addCleanup(api.end)
        self.config = self.file("config.yaml", config_text(api, QUERIES, api=f"ca_file: {certificate}"))
        _, rows = self.rows(code=0)
        self.assertEqual(rows["TLS"]["found"], "TLSv1.3, verified; issued by /O=Some CA")
        proxy = SocksProxy()
        self.addCleanup(proxy.end)
        variables = {"ALL_PROXY": f"socks5h://user:{CANARY}@127.0.0.1:{proxy.port}"}
        self.config = self.file("config.yaml", config_text(
            api, QUERIES, api=f"ca_file: {certificate}\nproxy: environment"))
        said, rows = self.rows(code=0, environment=variables)
        self.assertEqual(rows["proxy"]["found"], f"in use: socks5h://127.0.0.1:{proxy.port}, from ALL_PROXY")
        self.assertNotIn(CANARY, json.dumps(said))
        self.config = self.file("config.yaml", config_text(api, QUERIES))
        said, rows = self.rows(code=1)
        self.assertEqual((rows["TLS"]["verdict"], rows["address"]["verdict"]), ("different", "ok"))
        self.assertIn("certificate is not trusted", rows["TLS"]["found"])
        self.assertIn("api.ca_file", rows["TLS"]["change"])
        self.assertEqual(said["requests"], 1)

    def test_an_interrupt_ends_it_with_what_was_found(self):
        self.start("--slow-delay=3600s")
        self.simulator.switch("slow")
        for number in (signal.SIGINT, signal.SIGTERM):
            report = self.directory / f"{number}.md"
            before = self.simulator.requests().total()
            child = Child(self.command("--json", f"--report={report}"), exporter_environment(TOKEN))
            self.addCleanup(child.end)
            wait_until(lambda: self.simulator.requests().total() > before, "the first request")
            os.kill(child.process.pid, number)
            self.assertEqual(child.wait(), 1)
            said = json.loads(next(line for line in child.lines if line.startswith("{")))
            self.assertEqual((said["requests"], said["stopped"]), (1, "it was interrupted"))
            self.assertIn("[ 1/14] 1h over 7d ... given up", child.output)
            self.assertEqual({row["verdict"] for row in said["checks"]}, {"not asked"})
            self.assertIn(f"the report is in {report}", child.output)
            self.assertIn("not all was asked: it was interrupted", report.read_text())

    def test_nobody_there_and_nothing_that_is_said(self):
        self.start()
        self.simulator.end()
        said, rows = self.rows(code=1)
        self.assertEqual((said["requests"], said["stopped"]), (2, "the API was not reached"))
        self.assertEqual(rows["address"]["verdict"], "different")
        self.assertIn("refuses connections", rows["address"]["found"])
        with socket.create_server(("127.0.0.1", 0)) as silent:
            config = self.file("silent.yaml", "api: {base_url: http://127.0.0.1:%d/x, timeout: 1s}\n"
                               "queries: [{name: all}]\n" % silent.getsockname()[1])
            said, rows = self.rows(code=1, config=config)
            self.assertIn("no complete answer in time", rows["address"]["found"])

    def test_wrong_use_is_2_and_asks_nothing(self):
        self.start()
        bad = self.file("bad.yaml", "queries: []\n")
        precious = self.file("precious", "token")
        for flags, options, text in (
            (("--no-such-flag",), {}, "no-such-flag"), (("more",), {}, "more"),
            ((), {"config": self.directory / "missing.yaml"}, "missing.yaml"),
            ((), {"config": bad}, r"bad\.yaml:1:\d+: queries"),
            ((), {"token": None}, "no API token: .*CLOUDFLARE_API_TOKEN"),
            ((f"--report={precious}",), {}, "precious exists and is no report"),
            ((f"--report={self.directory}",), {}, "is not a regular file"),
            ((f"--report={self.directory}/none/report.md",), {}, "cannot write .*: No such file"),
        ):
            with self.subTest(flags=flags, **options):
                run = self.doctor(*flags, **options)
                self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
                self.assertRegex(run.stderr, text)
                run = self.doctor(*flags, "--json", **options)
                self.assertEqual((run.returncode, run.stderr), (2, ""))
                self.assertRegex(json.loads(run.stdout)["error"]["detail"], text)
        self.assertEqual(self.simulator.requests().total(), 0)
        self.assertEqual(precious.read_text(), "token")
        run = self.doctor("--help", token=None)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("Exit codes", run.stdout)
