"""tests/faults.md names only tests there are; docs/operations.md has every reason, warning and error;
README.md shows what is printed; each way to install ends with three lines that tell whether it works; links lead somewhere, in the tree and where it is installed."""

import os
import pathlib
import re
import shlex
import subprocess
import unittest
import urllib.parse

from processes import SOURCE_DIR, TOKEN, EndToEndTest, config_text, executable, run_exporter
from prometheus import Prometheus, prometheus_tool
from web_client import wait_until

TESTS = SOURCE_DIR / "tests"


def test_names():
    names = set()
    for source in TESTS.rglob("*_test.cpp"):
        module = source.name.removesuffix("_test.cpp")
        for match in re.finditer(r'TEST_CASE(?:_FIXTURE)?\(\s*(?:\w+,\s*)?((?:"(?:[^"\\]|\\.)*"\s*)+)',
                                 source.read_text()):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1)))
            names.add(f"{module}: " + text.replace('\\"', '"'))
    cmake = (TESTS / "CMakeLists.txt").read_text()
    names.update("e2e: " + name for name in re.findall(r'radar_spoof_e2e_test\("([^"]+)"', cmake))
    names.update("monitoring: " + name
                 for name in re.findall(r'radar_spoof_monitoring_test\("([^"]+)"', cmake))
    names.update("endurance: " + name
                 for name in re.findall(r'radar_spoof_endurance_test\("([^"]+)"', cmake))
    return names


def anchors(text):
    """Those of a page's headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def documents():
    """Every page, by its path in the tree."""
    # Not even looked into: build/ may hold the tree of another Debian, in which tests run.
    tops = [top for top in SOURCE_DIR.iterdir() if top.name not in ("build", ".git")]
    paths = [each for top in tops for each in ([top] if top.suffix == ".md" else top.rglob("*.md"))]
    return [path.relative_to(SOURCE_DIR) for path in paths if "node_modules" not in path.parts]


def is_installed(path):
    """Whether the install rules bring what has this path in the tree to the documentation."""
    rules = re.findall(r"install\((?:FILES|DIRECTORY) ([^)]*?)\s+DESTINATION \$\{CMAKE_INSTALL_DOCDIR\}",
                       (SOURCE_DIR / "CMakeLists.txt").read_text())
    installed = [pathlib.Path(name) for rule in rules for name in rule.split()]
    return any(each == path or each in path.parents for each in installed)


def sources():
    return "".join(path.read_text() for folder in ("include", "src", "exporter")
                   for path in sorted((SOURCE_DIR / folder).rglob("*.[ch]*")))


def messages():
    """What is logged, each with its level: {("stopped", "info"), ...}."""
    text = sources()
    literal = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    constants = dict(re.findall(rf"std::string_view (k\w+) =\s*{literal};", text))
    found = re.findall(rf"\blog_?(?:\.|->)(Info|Warn|Error)\(\s*(?:{literal}|[\w:]*\b(k\w+))", text)
    # The log itself tells what it lost.
    found += [(level, message, "") for level, message in
              re.findall(rf"Statement\(format, LogLevel::k(\w+), {literal}", text)]
    # A loop's thread is told what to say.
    found += [("Error", message, "") for message in re.findall(rf"\.(?:failed|stuck) =\s*{literal}", text)]
    return {("".join(re.findall(r'"([^"]*)"', message or constants[name])), level.lower())
            for level, message, name in found}


class LinksTest(unittest.TestCase):
    def setUp(self):
        self.links = [(page, link) for page in documents()
                      for link in re.findall(r"\]\(([^()\s]+)\)", (SOURCE_DIR / page).read_text())
                      if not urllib.parse.urlsplit(link).scheme]
        self.assertGreater(len(self.links), 80)

    @staticmethod
    def target(page, link):
        """Its path in the tree, and the fragment."""
        path, _, fragment = urllib.parse.unquote(link).partition("#")
        target = os.path.normpath(page.parent / path) if path else page
        return pathlib.Path(target), fragment

    def test_every_relative_link_leads_somewhere(self):
        dead = []
        for page, link in self.links:
            path, fragment = self.target(page, link)
            target = SOURCE_DIR / path
            if not target.exists() or (fragment and target.suffix == ".md"
                                       and fragment not in anchors(target.read_text())):
                dead.append(f"{page}: {link}")
        self.assertEqual(dead, [])

    def test_what_is_installed_links_only_to_what_is_installed(self):
        self.assertTrue(is_installed(pathlib.Path("docs/operations.md")))
        self.assertEqual([f"{page}: {link}" for page, link in self.links if is_installed(page)
                          and not is_installed(self.target(page, link)[0])], [])


class FaultsTest(unittest.TestCase):
    def test_every_test_that_is_named_exists(self):
        text = (TESTS / "faults.md").read_text()
        named = re.findall(r"`([a-z0-9_]+: [^`]+)`", text)
        named = [each for each in named if not each.startswith(("module: ", "e2e: name",
                                                                "endurance: name",
                                                                "monitoring: name"))]
        self.assertGreater(len(named), 80)
        self.assertEqual(sorted(set(named) - test_names()), [])


class OperationsTest(unittest.TestCase):
    def rows(self, heading):
        """The cells of each row of the first table under a heading."""
        section = (SOURCE_DIR / "docs/operations.md").read_text().split(f"## {heading}\n")[1]
        table = re.search(r"\n\| --- .*\n((?:\|.*\n)+)", section).group(1)
        return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]

    def test_every_reason_has_its_row(self):
        reasons = re.findall(r'\{k\w+, "(\w+)", RetryClass::', sources())
        self.assertGreater(len(reasons), 10)
        self.assertEqual(sorted(row[0].strip("`") for row in self.rows("When a query fails")),
                         sorted(reasons))

    def test_every_warning_and_error_has_its_row(self):
        told = {(message, level) for message, level in messages() if level in ("warn", "error")}
        self.assertGreater(len(told), 20)
        rows = {(message, row[1]) for row in self.rows("Read the log")
                for message in re.findall(r"`([^`]+)`", row[0])}
        self.assertEqual({row for row in rows if row[1] != "info"}, told)
        self.assertEqual(rows - messages(), set())


class ReadmeTest(EndToEndTest):
    def test_the_plan_that_is_shown_is_that_of_the_file_that_is_shown(self):
        text = (SOURCE_DIR / "README.md").read_text()
        shown = re.search(r"```yaml\n(defaults:\n.*?)```\n.*?```\n(.*?)```", text, re.DOTALL)
        config = self.file("FILE", shown.group(1))
        run = run_exporter(config, "--config.check")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout.replace(str(config), "FILE"), shown.group(2))


class CheckThatItWorksTest(EndToEndTest):
    """The three lines after each way to install: README.md's and operations.md's are the same, those for
    containers have another beginning."""

    PAGES = {"README.md": 1, "docs/operations.md": 2, "docs/containers.md": 2}

    @staticmethod
    def blocks(page):
        text = (SOURCE_DIR / page).read_text()
        return [each.splitlines() for each in re.findall(r"\n\n((?:    .*\n)+)", text)
                if "/-/ready" in each]

    def test_every_install_ends_with_them(self):
        for page, count in self.PAGES.items():
            blocks = self.blocks(page)
            self.assertEqual(len(blocks), count, page)
            for ready, query, numbers in blocks:
                self.assertEqual(ready.strip(), "curl -fsS http://localhost:10766/-/ready")
                self.assertRegex(query, r" radar_spoof_exporter query all( |$)")
                self.assertRegex(numbers, r" promtool query instant http://localhost:9090 "
                                          r"cloudflare_radar_query_success$")
        self.assertEqual(self.blocks("README.md") * 2, self.blocks("docs/operations.md"))

    def test_they_say_what_the_readme_says(self):
        token = self.file("token", TOKEN)
        config = self.file("config.yaml", config_text(self.start_simulator(), "- {name: all}"))
        exporter = self.start_exporter(config.read_text()).wait_until_ready()
        prometheus = self.started(Prometheus(
            self.directory, f"job_name: r\nstatic_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]"))
        wait_until(lambda: prometheus.query("cloudflare_radar_query_success"), "a scrape")
        (block,) = self.blocks("README.md")
        printed = []
        for line in block:
            words = shlex.split(line.replace("localhost:10766", f"127.0.0.1:{exporter.port}")
                                .replace("localhost:9090", f"127.0.0.1:{prometheus.port}")
                                .replace("/etc/radar_spoof_exporter/token", str(token)))
            words = [executable("RADAR_SPOOF_EXPORTER") if each == "radar_spoof_exporter"
                     else prometheus_tool(each) if each == "promtool" else each
                     for each in words if each != "sudo"]
            if "query" in words and "all" in words:
                words.append(f"--config.file={config}")
            environment = {name: value for name, value in os.environ.items()
                           if name != "CLOUDFLARE_API_TOKEN"}
            said = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
            self.assertEqual(said.returncode, 0, f"{line}\n{said.stdout}{said.stderr}")
            printed.append(said.stdout)
        self.assertEqual(printed[0], "OK\n")
        self.assertRegex(printed[1], r"(?m)^Spoof +[\d.]+ %$")
        self.assertRegex(printed[2], r'query="all"\} => 1 @')


if __name__ == "__main__":
    unittest.main()
