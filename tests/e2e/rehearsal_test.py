"""The rehearsal in docs/alerting.md, pasted as one block into a fresh bash at the root of the source
tree. Its ports are fixed, so it has a network of its own. What follows the block takes its time:
alerting_test.py has it faster."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from processes import SOURCE_DIR, Child, EndToEndTest, executable
from prometheus import prometheus_tool
from web_client import wait_until

PATIENCE = 240  # seconds: a poll, a scrape and the rules come within a minute each
ABOVE = "query:cloudflare_radar_email_spoof_buckets_above:trusted"


def section():
    return (SOURCE_DIR / "docs/alerting.md").read_text().split("\n## Rehearse it\n")[1].split("\n## ")[0]


class RehearsalTest(EndToEndTest):
    def source_tree(self):
        """The tree as it is after a build, whichever of its builds is tested."""
        tree = self.directory / "tree"
        (tree / "build/release").mkdir(parents=True)
        (tree / "build/tools/prometheus/usr").mkdir(parents=True)
        for name in ("monitoring", "docs"):
            (tree / name).symlink_to(SOURCE_DIR / name)
        (tree / "build/release/bin").symlink_to(pathlib.Path(executable("RADAR_SIMULATOR")).parent)
        (tree / "build/tools/prometheus/usr/bin").symlink_to(
            pathlib.Path(prometheus_tool("prometheus")).parent)
        return tree

    def start_shell(self):
        unshare = shutil.which("unshare")
        if os.geteuid() != 0 or not unshare or not shutil.which("ip"):
            self.skipTest("needs root, unshare and ip")
        self.shell = Child(
            [unshare, "--net", "sh", "-c", "ip link set lo up && exec bash --norc"],
            {"PATH": os.environ["PATH"], "HOME": str(self.directory), "TMPDIR": str(self.directory)},
            stdin=subprocess.PIPE, cwd=self.source_tree())
        self.addCleanup(self.end_shell)
        self.paste("echo a fresh bash\n")
        try:
            self.shell.wait_for_line("^a fresh bash$")
        except AssertionError:
            self.skipTest("cannot make a network of its own")

    def paste(self, text):
        self.shell.process.stdin.write(text)
        self.shell.process.stdin.flush()

    def end_shell(self):
        """As the document says, so that nothing outlives the shell."""
        if self.shell.process.poll() is None:
            self.paste("kill $(jobs -p)\nwait\nexit\n")
            self.shell.process.wait(PATIENCE)
        self.shell.end()

    def fetch(self, url):
        run = subprocess.run(["nsenter", f"--target={self.shell.process.pid}", "--net",
                              "curl", "--silent", "--fail", url], capture_output=True, text=True)
        # Prometheus answers 503 before it is ready.
        return json.loads(run.stdout)["data"] if run.returncode == 0 else None

    def test_the_block_works_as_it_stands(self):
        self.start_shell()
        text = section()
        self.paste(re.search(r"```bash\n(.*?)```", text, re.DOTALL).group(1) + "echo\n")
        self.shell.wait_for_line(r'"scenario":"spike"')

        def far_above():
            data = self.fetch(f"http://localhost:9090/api/v1/query?query={ABOVE}")
            return data and [each for each in data["result"] if float(each["value"][1]) >= 1]

        found = wait_until(far_above, "a bucket that the rules see far above its bound", PATIENCE)
        self.assertEqual(found[0]["metric"]["query"], "dmarc_fail")
        alertmanagers = self.fetch("http://localhost:9090/api/v1/alertmanagers")
        self.assertEqual(len(alertmanagers["activeAlertmanagers"]), 1)
        for scenario in re.findall(r"curl -X PUT (\S+?/scenario/\S+?)[`\n]", text):
            self.paste(f"curl -X PUT {scenario}; echo\n")
            self.shell.wait_for_line(f'"scenario":"{scenario.rpartition("/")[2]}"')
        self.paste(re.search(r"^    \$ (amtool .*)", text, re.MULTILINE).group(1) + " && echo asked\n")
        self.shell.wait_for_line("^asked$")
        self.end_shell()
        self.assertEqual(self.shell.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
