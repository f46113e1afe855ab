"""The image, built from the Dockerfile and run as docs/containers.md says, beside the simulator's."""

import json
import pathlib
import re
import tempfile
import unittest

import engine
from engine import SOURCE_DIR, podman, try_podman, wait_until

IMAGE = f"radar_spoof_exporter:{engine.version()}"
SIMULATOR = f"radar_simulator:{engine.version()}"
REVISION = "0123456789ab"
HEALTH = "/usr/libexec/radar_spoof_exporter/health"
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=128")


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        engine.build("exporter", REVISION)
        cls.built_again = engine.build("simulator", "ba9876543210")
        engine.build("simulator", REVISION)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="radar_spoof_containers_")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.directory.chmod(0o755)
        config = (SOURCE_DIR / "compose/simulated.yaml").read_text().replace("  token_env: SIMULATOR_TOKEN\n", "")
        self.config = self.file("config.yaml", config)
        podman("secret", "create", "api-token", str(self.file("token", "simulator-token\n")))
        self.addCleanup(podman, "secret", "rm", "api-token")
        self.addCleanup(engine.remove_all_containers)

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def start_simulator(self):
        podman("run", "--detach", "--name=simulator", *HARDENED, SIMULATOR)
        wait_until(lambda: self.ask("http://127.0.0.1:8787/requests"), "the simulator")

    def ask(self, url):
        """What the simulator's curl gets, in the network of both."""
        code, said = try_podman("exec", "simulator", "curl", "--silent", "--fail", url)
        return said if code == 0 else None

    def start(self, *arguments, name="exporter", flags=()):
        podman("run", "--detach", f"--name={name}", "--network=container:simulator", *HARDENED,
               "--secret=api-token,uid=65532,mode=0400", f"--volume={self.config}:/etc/radar_spoof_exporter/config.yaml:ro",
               *arguments, IMAGE, *flags)

    def metrics(self, port=10766):
        return self.ask(f"http://127.0.0.1:{port}/metrics") or ""

    def log(self, name="exporter"):
        return try_podman("logs", name)[1]

    def wait_until_ready(self, port=10766):
        wait_until(lambda: self.ask(f"http://127.0.0.1:{port}/-/ready"), "/-/ready", self.log)

    def test_another_revision_compiles_one_file_and_not_everything(self):
        compiling = re.split(r"(?m)^\[\d/\d\] STEP ", self.built_again)
        step = next(each for each in compiling if "RADAR_SPOOF_TESTS=OFF" in each)
        self.assertIn("Using cache", step)
        self.assertEqual(podman("run", "--rm", SIMULATOR, "--version").split()[:3],
                         ["radar_simulator,", "version", engine.version()])
        self.assertIn(REVISION, podman("run", "--rm", IMAGE, "--version"))

    def test_it_says_what_it_is_and_has_its_licence(self):
        (image,) = json.loads(podman("image", "inspect", IMAGE))
        self.assertEqual(image["Config"]["User"], "65532:65532")
        labels = image["Config"]["Labels"]
        self.assertEqual(labels["org.opencontainers.image.revision"], REVISION)
        self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
        self.assertEqual(image["Healthcheck"]["Test"], ["CMD", HEALTH])
        for each in (IMAGE, SIMULATOR):
            licence = podman("run", "--rm", "--entrypoint=cat", each, "/usr/share/doc/radar_spoof_exporter/LICENSE")
            self.assertEqual(licence, (SOURCE_DIR / "LICENSE").read_text())

    def test_it_serves_as_a_user_without_rights_from_a_root_that_is_read_only(self):
        self.start_simulator()
        self.start()
        self.wait_until_ready()
        self.assertIn("cloudflare_radar_up 1", self.metrics())
        status = podman("exec", "exporter", "cat", "/proc/1/status")
        self.assertRegex(status, r"(?m)^Uid:\s+65532\s+65532\s+65532\s+65532$")
        self.assertRegex(status, r"(?m)^CapBnd:\s+0+$")
        self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
        code, said = try_podman("exec", "--user=0", "exporter", "touch", "/usr/bin/another")
        self.assertNotEqual(code, 0)
        self.assertIn("Read-only file system", said)

    def test_it_is_healthy_where_it_listens(self):
        self.start_simulator()
        self.start()
        self.start("--health-retries=1", name="elsewhere",
                   flags=("--config.file=/etc/radar_spoof_exporter/config.yaml", "--web.listen-address=127.0.0.1:9999"))
        self.wait_until_ready()
        self.wait_until_ready(9999)
        for name in ("exporter", "elsewhere"):
            self.assertEqual(try_podman("healthcheck", "run", name)[0], 0, name)
        # Of a container in which nothing listens.
        self.assertNotEqual(try_podman("run", "--rm", "--network=none", f"--entrypoint={HEALTH}", IMAGE)[0], 0)

    def test_signals_reload_and_end_it(self):
        self.start_simulator()
        self.start()
        self.wait_until_ready()
        self.config.write_text(self.config.read_text() + "  - name: another\n    filters: {spf: FAIL}\n")
        podman("kill", "--signal=HUP", "exporter")
        wait_until(lambda: 'query="another"' in self.metrics(), "the new query", self.log)
        podman("stop", "--time=60", "exporter")
        (container,) = json.loads(podman("container", "inspect", "exporter"))
        self.assertEqual(container["State"]["ExitCode"], 0, self.log())

    def test_its_state_survives_it(self):
        self.start_simulator()
        volume = "--volume=radar-state:/var/lib/radar_spoof_exporter"
        self.addCleanup(try_podman, "volume", "rm", "--force", "radar-state")
        self.start(volume)
        self.wait_until_ready()
        podman("stop", "--time=60", "exporter")
        podman("rm", "exporter")
        self.start(volume)
        self.wait_until_ready()
        self.assertIn("resumed from saved state", self.log())
        self.assertNotIn("level=warn", self.log())

    def test_it_ends_with_the_code_and_the_words_of_its_failure(self):
        code, said = try_podman("run", "--rm", *HARDENED, IMAGE)
        self.assertEqual(code, 2, said)
        self.assertIn("/etc/radar_spoof_exporter/config.yaml", said)
        code, said = try_podman("run", "--rm", *HARDENED,
                                f"--volume={self.config}:/etc/radar_spoof_exporter/config.yaml:ro", IMAGE)
        self.assertEqual(code, 2, said)
        self.assertIn("/run/secrets/api-token does not exist", said)
        self.assertEqual(try_podman("run", "--rm", IMAGE, "--no-such-flag")[0], 2)
