"""What stands behind the exporter when it alerts: Prometheus and Alertmanager with the files in
monitoring/, and receivers of webhooks, Slack messages and mail. Only times, addresses and ports are
replaced."""

import email
import email.policy
import http.server
import json
import re
import shutil
import socketserver
import threading

import yaml

from processes import SOURCE_DIR, Child
from prometheus import LISTENING, Prometheus, prometheus_tool
from web_client import fetch

MONITORING = SOURCE_DIR / "monitoring"


def shortened(match):
    seconds = int(match[2][:-1]) * {"m": 60, "h": 3600, "d": 86400}[match[2][-1]]
    return f"{match[1]} {seconds // 150}s"


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class MailServer:
    """Takes every mail that it is sent: `received` are email.message.EmailMessage."""

    def __init__(self):
        self.received = received = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 here\r\n")
                for line in self.rfile:
                    command = line[:4].upper()
                    if command == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = iter(self.rfile.readline, b".\r\n")
                        received.append(email.message_from_bytes(
                            b"".join(each.removeprefix(b".") for each in lines),
                            policy=email.policy.default))
                    if command == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    self.wfile.write(b"250 yes\r\n")

        self._server = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
        self.port = self._server.server_address[1]

    def end(self):
        self._server.shutdown()
        self._server.server_close()


class Webhook:
    """Alertmanager's notifications: [(path, status, labels, annotations)]; and the attachments of
    what it sends to Slack."""

    def __init__(self):
        self.received = []
        self.slack = []
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/slack":
                    webhook.slack += body["attachments"]
                else:
                    webhook.received += [
                        (self.path, each["status"], each["labels"], each["annotations"])
                        for each in body["alerts"]
                    ]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")  # Slack's word for it, which Alertmanager 0.33 reads

            def log_message(self, *_):
                pass

        self._server = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        self.port = self._server.server_port

    def end(self):
        self._server.shutdown()
        self._server.server_close()

    def find(self, status, **labels):
        """The first such notification, or None."""
        return next((each for each in list(self.received)
                     if each[1] == status and labels.items() <= each[2].items()), None)


class Alertmanager(Child):
    def __init__(self, directory, webhook, mail_server=None):
        text = (MONITORING / "alertmanager/alertmanager.yml").read_text()
        text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
        text = re.sub(r"http://127\.0\.0\.1:\d+/", f"http://127.0.0.1:{webhook.port}/", text)
        if mail_server:
            text = text.replace("127.0.0.1:25\n", f"127.0.0.1:{mail_server.port}\n")
        shutil.copy(MONITORING / "alertmanager/radar_spoof.tmpl", directory)
        config = directory / "alertmanager.yml"
        config.write_text(text)
        super().__init__(
            [prometheus_tool("prometheus-alertmanager"), f"--config.file={config}",
             f"--storage.path={directory}/alertmanager", "--web.listen-address=127.0.0.1:0",
             "--cluster.listen-address="])

    def wait_until_started(self):
        line = self.wait_for_line(LISTENING)
        self.port = int(line.group(1))

    def alerts(self, **labels):
        return [each for each in json.loads(fetch(self.port, "/api/v2/alerts").body)
                if labels.items() <= each["labels"].items()]


class AlertingPrometheus(Prometheus):
    """Scrapes the exporters at `ports` every second, and evaluates the shipped rules as often, with
    every `for` and `keep_firing_for` and the grace period of `for` 150 times shorter: which alert comes
    first stays the same."""

    def __init__(self, directory, alertmanager, ports):
        for rules in (MONITORING / "rules").glob("*.yml"):
            (directory / rules.name).write_text(
                re.sub(r"(?m)^( +(?:keep_firing_)?for:) (\w+)(?: +#.*)?$", shortened, rules.read_text()))
        config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s",
                            "evaluation_interval": "1s"}
        config["rule_files"] = [f"{directory}/radar_spoof_*.yml"]
        config["alerting"]["alertmanagers"] = [
            {"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
        config["scrape_configs"][0]["static_configs"] = [
            {"targets": [f"127.0.0.1:{port}" for port in ports]}]
        path = directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        Child.__init__(
            self,
            [prometheus_tool("prometheus"), f"--config.file={path}",
             f"--storage.tsdb.path={directory}/tsdb", "--web.listen-address=127.0.0.1:0",
             f"--web.user-assets={SOURCE_DIR}/docs", "--rules.alert.for-grace-period=2s"])

    def firing(self):
        """{(alert, query)}, query None where the alert is not about one."""
        return {(labels["alertname"], labels.get("query"))
                for labels, _ in self.query('ALERTS{alertstate="firing"}')}
