"""The real Prometheus and VictoriaMetrics of Debian, for the end-to-end tests."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import urllib.parse

from processes import SOURCE_DIR, Child
from web_client import fetch, wait_until

TOOLS = SOURCE_DIR / "build/tools"  # where scripts/install-deps puts them
# With PROMETHEUS=3 these are Debian sid's.
SID = (["prometheus", "promtool", "prometheus-alertmanager", "amtool"]
       if os.environ.get("PROMETHEUS") == "3" else [])

# Of Prometheus and Alertmanager: `caller=tls_config.go msg="Listening on" address=...` until 2023,
# `source=tls_config.go msg="Listening on" component=web address=...` today.
LISTENING = r'"Listening on"(?: component=\w+)? address=127\.0\.0\.1:(\d+)'


def prometheus_tool(name):
    """`prometheus`, `promtool` and the like: what scripts/install-deps unpacked, or what is on the path."""
    if name in SID:
        found = shutil.which(name, path=TOOLS / "prometheus-sid/usr/bin")
    else:
        found = shutil.which(name, path=TOOLS / "prometheus/usr/bin") or shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is missing; run scripts/install-deps test, which installs it")
    return found


class QueryServer(Child):
    """What answers Prometheus' API for queries on `self.port` of 127.0.0.1."""

    def get(self, path):
        answer = json.loads(fetch(self.port, path).body)
        if answer["status"] != "success":
            raise AssertionError(f"{path}: {answer}")
        return answer["data"]

    def query(self, expression):
        """The instant vector: [(labels, value)]."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        return [(each["metric"], float(each["value"][1])) for each in self.get(path)["result"]]


class Prometheus(QueryServer):
    """Debian's Prometheus; `scrape_config` is the YAML of one entry of scrape_configs, and `rule_files`
    are the paths of rules. Its data are in `directory`/tsdb."""

    def __init__(self, directory, scrape_config, *flags, rule_files=()):
        config = pathlib.Path(directory) / "prometheus.yml"
        indented = scrape_config.strip().replace("\n", "\n    ")
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"rule_files: {json.dumps([str(each) for each in rule_files])}\n"
            f"scrape_configs:\n  - {indented}\n"
        )
        super().__init__(
            [prometheus_tool("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={directory}/tsdb", "--web.listen-address=127.0.0.1:0",
             *flags]
        )

    def wait_until_started(self):
        line = self.wait_for_line(LISTENING)
        self.port = int(line.group(1))
        self.wait_for_line("Server is ready to receive web requests")

    def target(self):
        """The only target, once it was scraped."""

        def scraped():
            targets = self.get("/api/v1/targets")["activeTargets"]
            return next((each for each in targets if each["health"] != "unknown"), None)

        return wait_until(scraped, "the first scrape")


class VictoriaMetrics(QueryServer):
    """Debian's VictoriaMetrics, which scrapes by itself; `scrape_config` is as Prometheus'. What it
    scraped is found at once, not after the 30 seconds that it waits by default."""

    def __init__(self, directory, scrape_config):
        config = pathlib.Path(directory) / "victoria_metrics.yml"
        indented = scrape_config.strip().replace("\n", "\n    ")
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                          f"scrape_configs:\n  - {indented}\n")
        super().__init__(
            [prometheus_tool("victoria-metrics"), f"-promscrape.config={config}",
             f"-storageDataPath={directory}/victoria_metrics", "-httpListenAddr=127.0.0.1:0",
             "-search.latencyOffset=0s", "-search.disableCache"])

    def wait_until_started(self):
        self.wait_for_line("(starting http server|started server) at")
        self.port = wait_until(self._listening_port, "its port, which it does not log")

    def _listening_port(self):
        mine = set()
        for descriptor in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                mine.update(re.findall(r"^socket:\[(\d+)\]$", str(descriptor.readlink())))
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and inode in mine:
                return int(local.split(":")[1], 16)
        return None
