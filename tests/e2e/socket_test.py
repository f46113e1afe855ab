"""Sockets that systemd made, passed by systemd-socket-activate."""

import http.client
import pathlib
import socket
import unittest

from processes import (TOKEN, Child, EndToEndTest, config_text, exporter_command,
                       exporter_environment, run_exporter)
from web_client import fetch

QUERIES = "- {name: all}"


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        return taken.getsockname()[1]


class Activated(Child):
    """systemd-socket-activate, which becomes the exporter at the first connection."""

    def __init__(self, config_file, *arguments):
        super().__init__(
            ["systemd-socket-activate", "-E", "CLOUDFLARE_API_TOKEN", *arguments,
             *exporter_command(config_file, "--web.systemd-socket")], exporter_environment(TOKEN))

    def wait_until_started(self):
        self.wait_for_line("Listening on .* as 3")


class SocketTest(EndToEndTest):
    def start(self, *arguments):
        self.config = self.file("config.yaml", config_text(self.start_simulator(), QUERIES))
        return self.started(Activated(self.config, *arguments))

    def get_over(self, path):
        """The status of /-/healthy over the Unix domain."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("GET", "/-/healthy")
        status = connection.getresponse().status
        connection.close()
        return status

    def test_every_socket_is_served_and_no_other_address(self):
        four, six = free_port(), free_port("::1")
        path = pathlib.Path(self.directory / "exporter.sock")
        exporter = self.start(f"--listen=127.0.0.1:{four}", f"--listen=[::1]:{six}",
                              f"--listen={path}")
        self.assertEqual(fetch(four, "/-/healthy").status, 200)
        self.assertEqual(fetch(six, "/-/healthy", host="::1").status, 200)
        self.assertEqual(self.get_over(path), 200)
        for address in (f"127.0.0.1:{four}", f"[::1]:{six}", str(path)):
            exporter.wait_for_line(f'"serving" address={address}'.replace("[", r"\[")
                                   .replace("]", r"\]"))
        exporter.process.terminate()
        self.assertEqual(exporter.wait(), 0)
        self.assertEqual(sum('"serving"' in line for line in exporter.lines), 3)

    def test_what_is_no_socket_that_listens_is_2(self):
        port = free_port()
        exporter = self.start("--datagram", f"--listen=127.0.0.1:{port}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("127.0.0.1", port))
        exporter.wait_for_line("--web.systemd-socket: found descriptor 3, no socket that listens; ")
        self.assertEqual(exporter.wait(), 2)

    def test_no_socket_is_2_and_so_is_an_address_beside_them(self):
        config = self.file("config.yaml", config_text(self.start_simulator(), QUERIES))
        none = run_exporter(config, "--web.systemd-socket")
        self.assertEqual(none.returncode, 2)
        self.assertEqual(none.stderr.splitlines()[-1],
                         "--web.systemd-socket: found no socket that systemd has passed; "
                         "expected sockets that listen, as a socket unit of systemd makes them")
        both = run_exporter(config, "--web.systemd-socket", "--web.listen-address=127.0.0.1:0")
        self.assertEqual(both.returncode, 2)
        self.assertIn("--web.listen-address excludes --web.systemd-socket", both.stderr)


if __name__ == "__main__":
    unittest.main()
