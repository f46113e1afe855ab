"""docs/faults.md names only tests there are; docs/operations.md all reasons and only log lines there
are; README.md shows what is printed; links lead somewhere."""

import re
import unittest
import urllib.parse

from processes import SOURCE_DIR, EndToEndTest, run_exporter

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


class LinksTest(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self):
        skipped = {"build", "node_modules", ".git"}
        pages = [path for path in SOURCE_DIR.rglob("*.md")
                 if not skipped.intersection(path.relative_to(SOURCE_DIR).parts)]
        links = [(page, link) for page in pages
                 for link in re.findall(r"\]\(([^()\s]+)\)", page.read_text())
                 if not urllib.parse.urlsplit(link).scheme]
        self.assertGreater(len(links), 80)
        dead = []
        for page, link in links:
            path, _, fragment = urllib.parse.unquote(link).partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (fragment and target.suffix == ".md"
                                       and fragment not in anchors(target.read_text())):
                dead.append(f"{page.relative_to(SOURCE_DIR)}: {link}")
        self.assertEqual(dead, [])


class FaultsTest(unittest.TestCase):
    def test_every_test_that_is_named_exists(self):
        text = (SOURCE_DIR / "docs/faults.md").read_text()
        named = re.findall(r"`([a-z0-9_]+: [^`]+)`", text)
        named = [each for each in named if not each.startswith(("module: ", "e2e: name",
                                                                "endurance: name",
                                                                "monitoring: name"))]
        self.assertGreater(len(named), 80)
        self.assertEqual(sorted(set(named) - test_names()), [])


class OperationsTest(unittest.TestCase):
    def rows(self, heading):
        """The first cell of each row of the table under a heading."""
        section = (SOURCE_DIR / "docs/operations.md").read_text().split(f"## {heading}\n")[1]
        table = re.search(r"\n\| --- .*\n((?:\|.*\n)+)", section).group(1)
        return [row.split("|")[1] for row in table.splitlines()]

    def test_every_reason_has_its_row(self):
        reasons = re.findall(r'case FailureReason::\w+: return "(\w+)"',
                             (SOURCE_DIR / "src/core/error.cpp").read_text())
        self.assertGreater(len(reasons), 10)
        self.assertEqual(sorted(row.strip(" `") for row in self.rows("A query fails")),
                         sorted(reasons))

    def test_the_log_says_what_the_table_says(self):
        sources = [path.read_text() for folder in ("include", "src", "exporter")
                   for path in (SOURCE_DIR / folder).rglob("*.[ch]*")]
        messages = re.findall(r"`([^`]+)`", "".join(self.rows("Read the log")))
        self.assertGreater(len(messages), 10)
        for message in messages:
            with self.subTest(message):
                begin = '"' + message.removesuffix("...")
                self.assertTrue(any(begin in source for source in sources))


class ReadmeTest(EndToEndTest):
    def test_the_plan_that_is_shown_is_that_of_the_file_that_is_shown(self):
        text = (SOURCE_DIR / "README.md").read_text()
        shown = re.search(r"```yaml\n(queries:\n.*?)```\n.*?```\n(.*?)```", text, re.DOTALL)
        config = self.file("FILE", shown.group(1))
        run = run_exporter(config, "--config.check")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout.replace(str(config), "FILE"), shown.group(2))


if __name__ == "__main__":
    unittest.main()
