"""docs/faults.md names only tests there are; docs/operations.md all reasons and only log lines there
are."""

import re
import unittest

from processes import SOURCE_DIR

TESTS = SOURCE_DIR / "tests"


def test_names():
    names = set()
    for source in TESTS.glob("*_test.cpp"):
        module = source.name.removesuffix("_test.cpp")
        for match in re.finditer(r'TEST_CASE(?:_FIXTURE)?\(\s*(?:\w+,\s*)?((?:"(?:[^"\\]|\\.)*"\s*)+)',
                                 source.read_text()):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1)))
            names.add(f"{module}: " + text.replace('\\"', '"'))
    cmake = (TESTS / "CMakeLists.txt").read_text()
    names.update("e2e: " + name for name in re.findall(r'radar_spoof_e2e_test\("([^"]+)"', cmake))
    names.update("endurance: " + name
                 for name in re.findall(r'radar_spoof_endurance_test\("([^"]+)"', cmake))
    return names


class FaultsTest(unittest.TestCase):
    def test_every_test_that_is_named_exists(self):
        text = (SOURCE_DIR / "docs/faults.md").read_text()
        named = re.findall(r"`([a-z0-9_]+: [^`]+)`", text)
        named = [each for each in named if not each.startswith(("module: ", "e2e: name",
                                                                "endurance: name"))]
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
                             (SOURCE_DIR / "src/words/error.cpp").read_text())
        self.assertGreater(len(reasons), 10)
        self.assertEqual(sorted(row.strip(" `") for row in self.rows("A query fails")),
                         sorted(reasons))

    def test_the_log_says_what_the_table_says(self):
        sources = [path.read_text() for folder in ("src", "exporter")
                   for path in (SOURCE_DIR / folder).rglob("*.cpp")]
        messages = re.findall(r"`([^`]+)`", "".join(self.rows("Read the log")))
        self.assertGreater(len(messages), 10)
        for message in messages:
            with self.subTest(message):
                begin = '"' + message.removesuffix("...")
                self.assertTrue(any(begin in source for source in sources))


if __name__ == "__main__":
    unittest.main()
