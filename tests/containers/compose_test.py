"""compose.yaml, brought up by docker-compose on podman's socket. Prometheus and Alertmanager are Debian's,
in images that have the names of those in the file; in Grafana's place a container sleeps."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

import engine
from engine import SCRATCH, SOURCE_DIR, run, try_podman, wait_until

TOOLS = SOURCE_DIR / "build/tools/prometheus"
COMPOSE = yaml.safe_load((SOURCE_DIR / "compose.yaml").read_text())["services"]
SIMULATED = [name for name, service in COMPOSE.items() if service.get("profiles", ["simulator"]) == ["simulator"]]
PROJECT = "radarspooftest"


def program(name):
    return next(path for path in (TOOLS / "usr/bin" / name, shutil.which(name)) if path and pathlib.Path(path).exists())


def prepare_images():
    engine.stand_in(COMPOSE["prometheus"]["image"], {"/bin/prometheus": program("prometheus")},
                    "RUN install -d -o nobody /prometheus\nUSER nobody\nWORKDIR /prometheus\n"
                    'VOLUME /prometheus\nENTRYPOINT ["/bin/prometheus"]\n')
    templates = "/usr/share/prometheus/alertmanager"
    engine.stand_in(COMPOSE["alertmanager"]["image"],
                    {"/bin/alertmanager": program("prometheus-alertmanager"), templates: templates},
                    "RUN install -d -o nobody /alertmanager\nUSER nobody\nWORKDIR /alertmanager\n"
                    'VOLUME /alertmanager\nENTRYPOINT ["/bin/alertmanager"]\n')
    engine.stand_in(COMPOSE["grafana"]["image"], {},
                    'RUN install -d -o 472 /var/lib/grafana\nUSER 472\nENTRYPOINT ["sleep", "infinity"]\n')


def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=10).read().decode()
    except OSError:
        return None


class ComposeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for target in ("exporter", "simulator"):
            engine.build(target, "0123456789ab")
        prepare_images()
        # A copy: what an engine makes beside the file is seen there, and nobody's token is.
        scratch = tempfile.TemporaryDirectory(prefix="radar_spoof_compose_")
        cls.addClassCleanup(scratch.cleanup)
        cls.tree = pathlib.Path(scratch.name)
        cls.tree.chmod(0o755)
        names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "compose.yaml", "compose",
                     "config.example.yaml", "docs", "monitoring"], cwd=SOURCE_DIR).rstrip("\0").split("\0")
        for name in names:
            (cls.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE_DIR / name, cls.tree / name)
        run(["chmod", "--recursive", "a+rX", cls.tree])

    def serve_podman(self):
        """The socket that docker-compose talks to."""
        socket = SCRATCH / "podman.sock"
        socket.unlink(missing_ok=True)
        service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{socket}"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        wait_until(socket.exists, "podman's socket")
        return os.environ | {"DOCKER_HOST": f"unix://{socket}"}

    def docker_compose(self, environment, *arguments):
        return run(["docker-compose", "--project-name", PROJECT, *arguments], cwd=self.tree, env=environment)

    def containers(self):
        listed = json.loads(engine.podman("ps", "--all", "--format=json"))
        return {each["Labels"]["com.docker.compose.service"]: each for each in listed}

    def log(self, service):
        return try_podman("logs", self.containers()[service]["Id"])[1]

    def remove_all(self):
        self.addCleanup(engine.podman, "volume", "prune", "--force")
        self.addCleanup(engine.remove_all_containers)

    def test_the_simulator_s_profile_comes_up_without_a_warning_and_is_scraped(self):
        environment = self.serve_podman()
        self.remove_all()
        self.docker_compose(environment, "--profile", "simulator", "up", "--detach")
        self.assertEqual(set(self.containers()), set(SIMULATED))
        wait_until(lambda: fetch("http://127.0.0.1:10766/-/ready"), "the exporter", lambda: self.log("exporter-simulated"))
        self.assertIn("cloudflare_radar_up 1", fetch("http://127.0.0.1:10766/metrics"))
        said = self.log("exporter-simulated")
        self.assertNotIn("level=warn", said)
        self.assertNotIn("level=error", said)

        def targets():
            answer = json.loads(fetch("http://127.0.0.1:9090/api/v1/targets") or '{"data": {"activeTargets": []}}')
            return [(each["scrapeUrl"], each["health"]) for each in answer["data"]["activeTargets"]]

        wait_until(lambda: targets() == [("http://exporter:10766/metrics", "up")], "the first scrape", targets)
        groups = json.loads(fetch("http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
        self.assertGreater(len(groups), 1)
        managers = json.loads(fetch("http://127.0.0.1:9090/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
        self.assertEqual([each["url"] for each in managers], ["http://alertmanager:9093/api/v2/alerts"])
        self.assertIsNotNone(fetch("http://127.0.0.1:9093/-/ready"))
        self.assertIsNotNone(fetch("http://127.0.0.1:9090/user/runbooks/RadarSpoofSpike.md"))
        grafana = self.containers()["grafana"]["Id"]
        engine.podman("exec", grafana, "cat", "/etc/grafana/dashboards/radar_spoof.json")
        self.assertEqual({name: each["State"] for name, each in self.containers().items()},
                         dict.fromkeys(SIMULATED, "running"))

    def test_without_a_token_it_says_so_and_makes_nothing_of_that_name(self):
        environment = self.serve_podman()
        self.remove_all()
        self.docker_compose(environment, "--profile", "cloudflare", "up", "--detach", "exporter")
        wait_until(lambda: "/run/secrets/api-token does not exist" in self.log("exporter"), "the message",
                   lambda: self.log("exporter"))
        self.assertEqual([each.name for each in (self.tree / "compose/secrets").iterdir()], [".gitignore"])
        self.assertFalse((self.tree / "token").exists())

    def test_with_a_token_it_runs_and_keeps_its_state(self):
        environment = self.serve_podman()
        self.remove_all()
        secrets = self.tree / "elsewhere"
        secrets.mkdir()
        self.addCleanup(shutil.rmtree, secrets)
        (secrets / "api-token").write_text("a-token\n")
        os.chown(secrets / "api-token", 65532, 65532)
        (secrets / "api-token").chmod(0o400)
        # An API that is not there: nothing is asked of Cloudflare.
        config = self.tree / "mine.yaml"
        config.write_text("api: {base_url: http://127.0.0.1:1/client/v4}\nqueries: [{name: all}]\n")
        self.docker_compose(environment | {"RADAR_SPOOF_SECRETS": str(secrets), "RADAR_SPOOF_CONFIG": str(config)},
                            "--profile", "cloudflare", "up", "--detach", "exporter")
        wait_until(lambda: fetch("http://127.0.0.1:10766/-/ready"), "the exporter", lambda: self.log("exporter"))
        self.assertIn("cloudflare_radar_up 0", fetch("http://127.0.0.1:10766/metrics"))
        self.docker_compose(environment, "stop")
        self.assertEqual(self.containers()["exporter"]["ExitCode"], 0)
        self.assertNotIn("state", " ".join(line for line in self.log("exporter").splitlines() if "level=warn" in line))
