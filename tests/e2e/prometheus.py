"""The real Prometheus of Debian, for the end-to-end tests."""

import json
import pathlib
import shutil
import urllib.parse

from processes import SOURCE_DIR, Child
from web_client import fetch, wait_until


def prometheus_tool(name):
    """`prometheus` or `promtool`, where scripts/install-deps puts them, or on the path."""
    unpacked = SOURCE_DIR / "build/tools/prometheus/usr/bin" / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is missing; run scripts/install-deps, which installs it")
    return found


class Prometheus(Child):
    """Debian's Prometheus; `scrape_config` is the YAML of one entry of scrape_configs. Its data are
    in `directory`/tsdb."""

    def __init__(self, directory, scrape_config, *flags):
        config = pathlib.Path(directory) / "prometheus.yml"
        indented = scrape_config.strip().replace("\n", "\n    ")
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs:\n  - {indented}\n"
        )
        super().__init__(
            [prometheus_tool("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={directory}/tsdb", "--web.listen-address=127.0.0.1:0",
             *flags]
        )

    def wait_until_started(self):
        line = self.wait_for_line(r'"Listening on" address=127\.0\.0\.1:(\d+)')
        self.port = int(line.group(1))
        self.wait_for_line("Server is ready to receive web requests")

    def get(self, path):
        answer = json.loads(fetch(self.port, path).body)
        if answer["status"] != "success":
            raise AssertionError(f"{path}: {answer}")
        return answer["data"]

    def query(self, expression):
        """The instant vector: [(labels, value)]."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        return [(each["metric"], float(each["value"][1])) for each in self.get(path)["result"]]

    def target(self):
        """The only target, once it was scraped."""

        def scraped():
            targets = self.get("/api/v1/targets")["activeTargets"]
            return next((each for each in targets if each["health"] != "unknown"), None)

        return wait_until(scraped, "the first scrape")
