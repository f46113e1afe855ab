"""docs/faults.md names only tests there are."""

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


if __name__ == "__main__":
    unittest.main()
