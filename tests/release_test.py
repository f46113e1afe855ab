"""What a release needs: its notes, whose it is, and templates that a form can be made of."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent
NOTES = "scripts/release-notes"
CHANGELOG = """# Changelog

## 1.2.4 (unreleased)
- Not yet.

## 1.2.3 (2026-11-29)
What it is.
- **What breaks**, and what to do.

## 1.2.2 (2026-10-01)
- Long ago.
"""


class NotesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="radar_spoof_release_")
        self.addCleanup(directory.cleanup)
        self.tree = pathlib.Path(directory.name)
        (self.tree / "scripts").mkdir()
        shutil.copy2(SOURCE_DIR / NOTES, self.tree / NOTES)

    def notes(self, version, *, changelog=CHANGELOG, cmake="1.2.3", debian="(1.2.3) bookworm"):
        (self.tree / "debian").mkdir(exist_ok=True)
        (self.tree / "CHANGELOG.md").write_text(changelog)
        (self.tree / "CMakeLists.txt").write_text(f"project(radar_spoof_exporter VERSION {cmake} LANGUAGES CXX)\n")
        (self.tree / "debian/changelog").write_text(f"radar-spoof-exporter {debian}; urgency=medium\n")
        return subprocess.run([self.tree / NOTES, version], capture_output=True, text=True)

    def assert_refused(self, done, reason):
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(reason, done.stderr)

    def test_they_are_the_section_of_the_version_and_nothing_else(self):
        for version in ("v1.2.3", "1.2.3"):
            done = self.notes(version)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.strip(), "What it is.\n- **What breaks**, and what to do.")

    def test_a_version_that_is_not_released_has_none(self):
        self.assert_refused(self.notes("v1.2.4", cmake="1.2.4", debian="(1.2.4) bookworm"), "without a date")
        self.assert_refused(self.notes("v1.2.3", debian="(1.2.3) UNRELEASED"), "UNRELEASED")

    def test_a_tag_of_another_version_has_none(self):
        self.assert_refused(self.notes("v1.2.2"), "CMakeLists.txt has another version")
        self.assert_refused(self.notes("v1.2.3", debian="(1.2.2) bookworm"), "debian/changelog begins with")
        self.assert_refused(self.notes("v1.2.5", cmake="1.2.5", debian="(1.2.5) bookworm"), "no section")

    def test_a_section_without_a_word_is_refused(self):
        self.assert_refused(self.notes("v1.2.3", changelog="## 1.2.3 (2026-11-29)\n\n## 1.2.2 (2026-10-01)\n- x\n"),
                            "says nothing")


class OwnerTest(unittest.TestCase):
    def test_what_stands_for_the_owner_is_where_the_document_says(self):
        section = (SOURCE_DIR / "docs/release.md").read_text().split("## Whose it is")[1].split("\n## ")[0]
        rows = re.findall(r"^\| .* \| (.*) \| `(.*)` \|$", section, re.M)
        self.assertGreaterEqual(len(rows), 2)
        for places, placeholder in rows:
            found = subprocess.run(["git", "grep", "-lF", placeholder], cwd=SOURCE_DIR, capture_output=True, text=True)
            files = set(found.stdout.split()) - {"docs/release.md"}
            self.assertEqual(set(re.findall(r"`(.*?)`", places)), files, placeholder)

    def test_debian_and_the_changelog_agree_on_what_is_released(self):
        newest = re.search(r"(?m)^## \S+ \((.*)\)$", (SOURCE_DIR / "CHANGELOG.md").read_text())[1]
        distribution = (SOURCE_DIR / "debian/changelog").read_text().split()[2].rstrip(";")
        self.assertEqual(distribution == "UNRELEASED", newest == "unreleased")


class WorkflowsTest(unittest.TestCase):
    def test_the_scripts_that_they_run_are_there(self):
        workflows = list((SOURCE_DIR / ".github/workflows").glob("*.yml"))
        scripts = {each for workflow in workflows
                   for each in re.findall(r"run: (\.ci/run|scripts/\S+)", workflow.read_text())}
        self.assertEqual(scripts, {".ci/run", "scripts/install-deps", "scripts/test-containers", NOTES})
        for script in scripts:
            self.assertTrue(os.access(SOURCE_DIR / script, os.X_OK), script)


class TemplatesTest(unittest.TestCase):
    def test_each_form_has_what_github_asks_of_a_form(self):
        forms = list((SOURCE_DIR / ".github/ISSUE_TEMPLATE").glob("*.yml"))
        self.assertEqual({each.stem for each in forms}, {"bug", "real-api"})
        for form in forms:
            with self.subTest(form.name):
                content = yaml.safe_load(form.read_text())
                self.assertLessEqual({"name", "description", "body"}, set(content))
                fields = [each for each in content["body"] if each["type"] != "markdown"]
                self.assertTrue(all(each["type"] in ("input", "textarea") for each in fields))
                ids = [each["id"] for each in fields]
                self.assertEqual(len(ids), len(set(ids)))
                self.assertTrue(all(each["attributes"]["label"] for each in fields))


if __name__ == "__main__":
    unittest.main()
