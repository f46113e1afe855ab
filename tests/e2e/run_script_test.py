"""scripts/run as it stands, in a tree of its own where everything is installed and built already."""

import os
import pathlib
import socket
import unittest

from processes import SOURCE_DIR, Child, EndToEndTest, config_text, executable
from web_client import fetch, wait_until


class Run(Child):
    """scripts/run without a token, so that it starts the simulator too."""

    def __init__(self, tree, port=0):
        super().__init__([tree / "scripts/run"],
                         {"PATH": f"{tree}/path:{os.environ['PATH']}", "PORT": str(port)})

    def wait_until_started(self):
        self.port = int(self.wait_for_line(r"^  metrics:  http://localhost:(\d+)/metrics$").group(1))
        self.simulator_port = int(self.wait_for_line(r"curl -X PUT http://127.0.0.1:(\d+)/").group(1))


class RunScriptTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        for name in ("scripts", "path", "build/release/bin"):
            (self.directory / name).mkdir(parents=True)
        for name in ("scripts/run", "config.example.yaml"):
            (self.directory / name).symlink_to(SOURCE_DIR / name)
        for variable in ("RADAR_SPOOF_EXPORTER", "RADAR_SIMULATOR"):
            program = pathlib.Path(executable(variable))
            (self.directory / "build/release/bin" / program.name).symlink_to(program)
        for name in ("scripts/install-deps", "path/cmake"):
            self.file(name, "#!/bin/sh\n").chmod(0o700)

    def start(self, *arguments):
        return self.started(Run(self.directory, *arguments))

    def check_serves_what_its_own_simulator_says(self, run):
        self.assertEqual(fetch(run.port, "/-/ready").status, 200)
        self.assertIn(f"api=http://127.0.0.1:{run.simulator_port}/client/v4", run.output)
        self.assertIn(b"cloudflare_radar_up 1\n", fetch(run.port, "/metrics").body)

    def check_nobody_listens(self, port):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()

    def test_every_later_start_is_as_good_as_the_first(self):
        for number in range(3):
            with self.subTest(start=number):
                run = self.start()
                self.check_serves_what_its_own_simulator_says(run)
                run.end()
                self.check_nobody_listens(run.simulator_port)
                self.check_nobody_listens(run.port)

    def test_two_at_a_time_leave_each_other_alone(self):
        for run in [self.start(), self.start()]:
            self.check_serves_what_its_own_simulator_says(run)

    def test_a_port_that_another_exporter_has_is_an_error(self):
        simulator = self.start_simulator()
        other = self.start_exporter(config_text(simulator, "- {name: all}")).wait_until_ready()
        run = Run(self.directory, other.port)
        self.addCleanup(run.end)
        wait_until(lambda: run.process.poll() is not None or "metrics:" in run.output, "its end")
        self.assertNotIn("metrics:", run.output)
        self.assertEqual(run.wait(), 1)
        self.assertRegex(run.output, "cannot serve.*in use")


if __name__ == "__main__":
    unittest.main()
