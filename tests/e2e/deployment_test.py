"""The Dockerfile, compose.yaml and kubernetes/, as far as they can be judged without a container
engine: by what they promise, and against the programs they would run. (tests/schemas checks their
form.)"""

import http.server
import json
import pathlib
import platform
import re
import shutil
import subprocess
import threading
import unittest

import yaml

from processes import SOURCE_DIR, EndToEndTest, config_text, executable, run_exporter

USER = 65532
STATE = "/var/lib/radar_spoof_exporter"
COMPOSE = SOURCE_DIR / "compose.yaml"
KUBERNETES = SOURCE_DIR / "kubernetes"
RULES = SOURCE_DIR / "monitoring/rules"
EXAMPLE = SOURCE_DIR / "monitoring/prometheus/prometheus.yml"


def dockerfile():
    return (SOURCE_DIR / "Dockerfile").read_text()


def stage(name):
    return re.search(rf"(?ms)^FROM \S+ AS {name}$\n(.*?)(?=^FROM |\Z)", dockerfile())[1]


def manifest(name):
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())


def pod():
    return manifest("deployment")["spec"]["template"]["spec"]


def linked_packages(program):
    """The Debian packages of the libraries that `program` itself names."""
    dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic.stdout))
    loaded = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    packages = set()
    for name, path in re.findall(r"(\S+) => (\S+)", loaded):
        if name in needed:
            # Where the file is and where its package says it is differ by the link /lib -> /usr/lib.
            resolved = pathlib.Path(path).resolve()
            either = [str(resolved), str(resolved).removeprefix("/usr")]
            owner = subprocess.run(["dpkg-query", "-S", *either], capture_output=True, text=True)
            packages.add(owner.stdout.partition(":")[0])
    return packages


class DeploymentTest(EndToEndTest):
    def elsewhere(self, flags):
        """The flags of a container, for a run here: with another configuration and directory."""
        return [each.replace(STATE, str(self.directory)) for each in flags
                if not each.startswith("--config.file=")]


class ImageTest(DeploymentTest):
    def test_the_runtime_has_exactly_the_libraries_of_the_programs(self):
        release = re.search(r"debian:(\d+)", dockerfile())[1]
        if platform.freedesktop_os_release().get("VERSION_ID") != release:
            self.skipTest(f"the image is Debian {release}, whose packages have other names than this system's")
        install = re.search(r"apt-get install .*?(?=&&)", stage("runtime"), re.S)[0]
        named = set(re.findall(r"^ +([a-z0-9.+-]+) ", install, re.M)) - {"ca-certificates"}
        exporter = linked_packages(executable("RADAR_SPOOF_EXPORTER"))
        self.assertEqual(named, exporter)
        self.assertLessEqual(linked_packages(executable("RADAR_SIMULATOR")), exporter)

    def test_the_build_needs_nothing_that_the_context_leaves_out(self):
        patterns = (SOURCE_DIR / ".dockerignore").read_text().splitlines()
        self.assertIn("*", patterns)
        context = self.directory / "context"
        for name in (each[1:] for each in patterns if each.startswith("!")):
            source = SOURCE_DIR / name
            if source.is_dir():
                shutil.copytree(source, context / name)
            else:
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, context / name)
        configured = subprocess.run(
            ["cmake", "--preset", "release", "-D", "RADAR_SPOOF_TESTS=OFF",
             "-D", "RADAR_SPOOF_REVISION=0123456789ab"],
            cwd=context, capture_output=True, text=True)
        self.assertEqual(configured.returncode, 0, configured.stdout + configured.stderr)
        ninja = (context / "build/release/build.ninja").read_text()
        self.assertIn("0123456789ab", ninja)

    def test_every_image_runs_as_a_user_without_a_name_or_rights(self):
        for name in ("simulator", "exporter"):
            self.assertEqual(re.findall(r"(?m)^USER (.*)$", stage(name)), [f"{USER}:{USER}"])
        self.assertIn(f"-o {USER} -g {USER} -m 0700 {STATE}", stage("runtime"))

    def test_the_version_is_the_project_s(self):
        cmake = (SOURCE_DIR / "CMakeLists.txt").read_text()
        version = re.search(r"project\(\w+ VERSION (\S+)", cmake)[1]
        self.assertIn(f'org.opencontainers.image.version="{version}"', dockerfile())
        self.assertIn(f"image: radar_spoof_exporter:{version}", COMPOSE.read_text())
        self.assertEqual(manifest("kustomization")["images"][0]["newTag"], version)

    def health(self, *flags):
        """The exit code of the image's own health check, where the first process has these flags."""
        words = self.directory / "cmdline"
        words.write_text("".join(f"{word}\0" for word in ("/usr/bin/radar_spoof_exporter", *flags)))
        return subprocess.run([SOURCE_DIR / "scripts/container-health", words], capture_output=True,
                              timeout=30).returncode

    def start(self, *flags):
        # The API is away all the time: being healthy has nothing to do with it.
        simulator = self.start_simulator("--scenario=outage")
        return self.start_exporter(config_text(simulator, "- {name: all}"), *flags)

    def test_the_health_check_tells_a_running_exporter_from_none(self):
        self.assertIn("COPY scripts/container-health /usr/libexec/radar_spoof_exporter/health\n", stage("exporter"))
        self.assertRegex(stage("exporter"), r'(?m)^HEALTHCHECK .* CMD \["/usr/libexec/radar_spoof_exporter/health"\]$')
        exporter = self.start()
        address = f"--web.listen-address=127.0.0.1:{exporter.port}"
        self.assertEqual(self.health(address), 0)
        exporter.stop()
        self.assertNotEqual(self.health(address), 0)

    def test_the_health_check_asks_where_the_exporter_listens(self):
        port = self.start().port
        for flags in ((f"--web.listen-address=127.0.0.1:{port}",), ("--web.listen-address", f"127.0.0.1:{port}"),
                      (f"--web.listen-address=:{port}",), (f"--web.listen-address=0.0.0.0:{port}",),
                      (f"--web.listen-address=localhost:{port}", "--web.listen-address=:1")):
            with self.subTest(flags=flags):
                self.assertEqual(self.health("--log.level=debug", *flags), 0)
        self.assertNotEqual(self.health("--web.listen-address=:1", f"--web.listen-address=:{port}"), 0)
        self.assertNotEqual(self.health(f"--web.listen-address=[::1]:{port}"), 0)  # it does not listen there

    def test_the_health_check_asks_under_the_prefix_of_the_paths(self):
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        address = f"--web.listen-address=127.0.0.1:{server.server_port}"
        for flags, path in (((), "/-/healthy"),
                            (("--web.route-prefix=/radar/",), "/radar/-/healthy"),
                            (("--web.route-prefix", "radar"), "/radar/-/healthy"),
                            (("--web.external-url=https://example.org/a/b/",), "/a/b/-/healthy"),
                            (("--web.external-url=/a",), "/a/-/healthy"),
                            (("--web.external-url=https://example.org",), "/-/healthy"),
                            (("--web.external-url=https://example.org/a", "--web.route-prefix=/"), "/-/healthy")):
            with self.subTest(flags=flags):
                self.assertEqual((self.health(address, *flags), asked.pop()), (0, path))

    def test_the_health_check_needs_no_password(self):
        web_config = SOURCE_DIR / "tests/data/web_config/users.yaml"
        exporter = self.start(f"--web.config.file={web_config}")
        self.assertEqual(exporter.fetch("/metrics").status, 401)
        self.assertEqual(self.health(f"--web.listen-address=127.0.0.1:{exporter.port}"), 0)

    def test_the_default_command_is_one_the_exporter_takes(self):
        flags = json.loads(re.search(r"(?m)^CMD (.*)$", stage("exporter"))[1])
        self.assertIn(f"--storage.path={STATE}", flags)
        done = run_exporter(SOURCE_DIR / "config.example.yaml", "--config.check",
                            *self.elsewhere(flags))
        self.assertEqual(done.returncode, 0, done.stderr)


class ComposeTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.compose = yaml.safe_load(COMPOSE.read_text())
        self.services = self.compose["services"]

    def mounts(self, service):
        """{path in the container: path on the host}, as far as they are paths of this project."""
        pairs = (re.fullmatch(r"(?:\$\{\w+:-)?(\./[^:}]+)\}?:([^:]+):ro", each)
                 for each in service.get("volumes", []))
        return {pair[2]: SOURCE_DIR / pair[1] for pair in pairs if pair}

    def test_every_container_is_hardened(self):
        for name, service in self.services.items():
            with self.subTest(service=name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertNotIn("privileged", service)

    def test_images_are_pinned_and_ports_are_on_loopback(self):
        for name, service in self.services.items():
            with self.subTest(service=name):
                self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+$")
                if "build" not in service:  # podman completes no name
                    self.assertRegex(service["image"], r"^docker\.io/")
                for port in service.get("ports", []):
                    self.assertRegex(port, r"^127\.0\.0\.1:")

    def test_the_token_is_a_file_in_a_folder_and_nothing_else(self):
        # Some engines make a folder of a file that is not there; a folder is there.
        self.assertEqual(self.mounts(self.services["exporter"])["/run/secrets"], SOURCE_DIR / "compose/secrets")
        self.assertIn("*\n", (SOURCE_DIR / "compose/secrets/.gitignore").read_text())
        self.assertNotIn("environment", self.services["exporter"])
        # Where the image looks for it.
        self.assertIn("ENV CREDENTIALS_DIRECTORY=/run/secrets", stage("exporter"))

    def test_the_image_is_compiled_once_for_every_service(self):
        builds = [service["build"] for service in self.services.values() if "build" in service]
        self.assertEqual(len(builds), 3)
        for build in builds:
            self.assertEqual(build["args"], {"REVISION": "${REVISION:-unknown}"})
        compile_everything, stamp = stage("build").split("ARG REVISION")
        self.assertIn("cmake --build", compile_everything)
        self.assertIn("RADAR_SPOOF_REVISION", stamp)

    def test_what_is_mounted_is_there(self):
        mounted = 0
        for service in self.services.values():
            for path in self.mounts(service).values():
                self.assertTrue(path.exists(), path)
                mounted += 1
        self.assertGreater(mounted, 4)

    def test_the_configurations_are_good(self):
        for name in ("exporter", "exporter-simulated"):
            config = self.mounts(self.services[name])["/etc/radar_spoof_exporter/config.yaml"]
            text = config.read_text().replace("token_env: SIMULATOR_TOKEN", "")
            done = run_exporter(self.file("config.yaml", text), "--config.check")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_simulator_is_where_its_exporter_asks(self):
        exporter = self.services["exporter-simulated"]
        self.assertEqual(exporter["network_mode"], "service:simulator")
        self.assertEqual(exporter["depends_on"], ["simulator"])  # which therefore starts first
        config = yaml.safe_load((SOURCE_DIR / "compose/simulated.yaml").read_text())
        self.assertEqual(config["api"]["base_url"], "http://127.0.0.1:8787/client/v4")
        token = exporter["environment"][config["api"]["token_env"]]
        usage = subprocess.run([executable("RADAR_SIMULATOR"), "--help"], capture_output=True,
                               text=True).stdout
        self.assertIn(f"--token TEXT [{token}]", usage)
        self.assertIn("--listen-address HOST:PORT [127.0.0.1:8787]", usage)

    def test_grafana_finds_what_is_provisioned(self):
        grafana = self.services["grafana"]
        mounts = self.mounts(grafana)
        provisioning = mounts["/etc/grafana/provisioning"]
        provider = yaml.safe_load((provisioning / "dashboards/radar_spoof.yml").read_text())
        dashboards = mounts[provider["providers"][0]["options"]["path"]]
        self.assertTrue(list(dashboards.glob("*.json")))
        home = pathlib.PurePath(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        self.assertTrue((mounts[str(home.parent)] / home.name).exists())
        source = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())
        self.assertEqual(source["datasources"][0]["url"], "${PROMETHEUS_URL}")
        self.assertIn("PROMETHEUS_URL", grafana["environment"])

    def prometheus_config(self):
        return self.mounts(self.services["prometheus"])["/etc/prometheus/prometheus.yml"]

    def test_prometheus_asks_the_containers(self):
        config = yaml.safe_load(self.prometheus_config().read_text())
        jobs = config["scrape_configs"] + config["alerting"]["alertmanagers"]
        targets = [target for job in jobs for each in job["static_configs"]
                   for target in each["targets"]]
        ports = {name: each.rpartition(":")[2] for name, service in self.services.items()
                 for each in service.get("ports", [])}
        self.assertEqual(targets, ["exporter:10766", "alertmanager:9093"])
        self.assertEqual([ports[each.partition(":")[0]] for each in targets], ["10766", "9093"])
        self.assertEqual(self.services["simulator"]["networks"],
                         {"default": {"aliases": ["exporter"]}})
        self.assertEqual(self.services["simulator"]["ports"], self.services["exporter"]["ports"])

    @unittest.skipUnless(EXAMPLE.exists(), f"there is no {EXAMPLE.name}")
    def test_prometheus_has_the_example_s_configuration_but_for_names(self):
        text = self.prometheus_config().read_text()
        for name, there in (("exporter:", "localhost:"), ("alertmanager:9093", "localhost:9093"),
                            ("/etc/monitoring/rules", "../rules")):
            self.assertIn(name, text)
            text = text.replace(name, there)
        self.assertEqual(yaml.safe_load(text), yaml.safe_load(EXAMPLE.read_text()))


class KubernetesTest(DeploymentTest):
    def test_the_kustomization_names_every_manifest(self):
        files = {each.name for each in KUBERNETES.glob("*.yaml")}
        kustomization = manifest("kustomization")
        generated = {file for each in kustomization["configMapGenerator"] for file in each["files"]}
        self.assertEqual(set(kustomization["resources"]) | generated | {"kustomization.yaml"}, files)

    def test_the_pod_is_restricted(self):
        """The Pod Security Standard "restricted", which the namespace enforces, and more."""
        self.assertEqual(
            manifest("namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "restricted")
        spec = pod()
        self.assertFalse(spec["automountServiceAccountToken"])
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual(spec["securityContext"]["runAsUser"], USER)
        self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for container in spec["containers"]:
            self.assertEqual(container["securityContext"],
                             {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                              "capabilities": {"drop": ["ALL"]}})
            self.assertIn("memory", container["resources"]["limits"])

    def test_there_is_never_a_second_exporter(self):
        spec = manifest("deployment")["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]), (1, {"type": "Recreate"}))

    def test_labels_and_ports_meet(self):
        deployment, service = manifest("deployment"), manifest("service")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        ports = {each["name"]: each["containerPort"] for each in pod()["containers"][0]["ports"]}
        self.assertEqual(deployment["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(service["spec"]["selector"], labels)
        self.assertEqual(manifest("networkpolicy")["spec"]["podSelector"]["matchLabels"], labels)
        monitor = manifest("servicemonitor")["spec"]
        self.assertEqual(monitor["selector"]["matchLabels"], service["metadata"]["labels"])
        names = {each["name"] for each in service["spec"]["ports"]}
        self.assertEqual({each["port"] for each in monitor["endpoints"]}, names)
        self.assertEqual({each["targetPort"] for each in service["spec"]["ports"]}, set(ports))
        ingress = manifest("networkpolicy")["spec"]["ingress"][0]["ports"]
        self.assertEqual({each["port"] for each in ingress}, set(ports))
        self.assertEqual(set(ports.values()), {10766})

    def test_what_is_mounted_is_what_the_exporter_is_told_to_read(self):
        container = pod()["containers"][0]
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        self.assertEqual(set(mounts), {each["name"] for each in pod()["volumes"]})
        self.assertIn(f"--config.file={mounts['config']}/config.yaml", container["args"])
        self.assertIn(f"--storage.path={mounts['state']}", container["args"])
        config = (KUBERNETES / "config.yaml").read_text()
        token_file = yaml.safe_load(config)["api"]["token_file"]
        self.assertEqual(token_file, f"{mounts['secret']}/token")
        token = self.file("token", "a-token")
        done = run_exporter(self.file("config.yaml", config.replace(token_file, str(token))),
                            "--config.check", *self.elsewhere(container["args"]), token=None)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_probe_asks_the_api(self):
        """Both are answered well while every call fails, once each query was tried."""
        simulator = self.start_simulator("--scenario=outage")
        exporter = self.start_exporter(config_text(simulator, "- {name: all}"))
        exporter.wait_until_ready()
        asked = simulator.requests()
        container = pod()["containers"][0]
        probes = [container[each]["httpGet"]["path"] for each in
                  ("startupProbe", "livenessProbe", "readinessProbe")]
        self.assertEqual(probes, ["/-/healthy", "/-/healthy", "/-/ready"])
        self.assertEqual([exporter.fetch(each).status for each in probes], [200, 200, 200])
        self.assertEqual(list(asked), [503])

    @unittest.skipUnless(RULES.is_dir(), "there are no monitoring/rules")
    def test_the_rules_are_those_of_prometheus(self):
        made = subprocess.run([SOURCE_DIR / "scripts/generate-prometheusrule"],
                              capture_output=True, text=True, check=True).stdout
        self.assertEqual((KUBERNETES / "prometheusrule.yaml").read_text(), made,
                         "run scripts/generate-prometheusrule >kubernetes/prometheusrule.yaml")
        groups = [group for file in sorted(RULES.glob("*.yml"))
                  for group in yaml.safe_load(file.read_text())["groups"]]
        self.assertTrue(groups)
        self.assertEqual(manifest("prometheusrule")["spec"]["groups"], groups)


if __name__ == "__main__":
    unittest.main()
