"""A name server that is silent, or loses a packet, costs seconds and not the value; a lookup that
takes as long as `api.timeout` is told as `dns`. In namespaces of our own, as root.

    name_servers.py [--short]
"""

import argparse
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading

from exporter_under_test import Exporter, Simulator, running, scratch, write
from figures import Figures

HOST = "api.example.org"
INSIDE = "--inside"
CANNOT_BE_MADE = 77
QUESTION_HEADER = 12
TYPE_A = 1


class NameServer:
    """Takes questions on port 53 of `address`; `answers(question)` says whether it answers one."""

    def __init__(self, address, answers):
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._answers = answers
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(512)
            end = query.index(b"\0", QUESTION_HEADER) + 5  # the name, its type and its class
            question = query[QUESTION_HEADER:end]
            if not self._answers(question):
                continue
            found = is_about(question, TYPE_A)
            header = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if found else b""
            self._socket.sendto(header + question + record, client)


def is_about(question, kind):
    return question[-4:-2] == bytes([0, kind])


def never(_):
    return False


def always(_):
    return True


def losing_the_first_aaaa():
    lost = []

    def answers(question):
        if is_about(question, TYPE_A) or lost:
            return True
        lost.append(question)
        return False

    return answers


# The name servers of resolv.conf, in its order, `api.timeout`, and what comes of it.
CASES = {
    "the first of two is silent": ([never, always], "20s", "good"),
    "one AAAA packet is lost": ([losing_the_first_aaaa()], "20s", "good"),
    "the only one is silent": ([never], "2s", "dns"),
}


@contextlib.contextmanager
def over_tls(directory, simulator):
    """The simulator under HOST's name; its port and the CA file."""
    subprocess.run(
        ["openssl", *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
         f" -subj /CN=api -addext subjectAltName=DNS:{HOST} -keyout api.key -out api.crt".split()],
        cwd=directory, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "api.crt", directory / "api.key")

    def pass_on(connection):
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(1 << 16):
                with socket.create_connection(("127.0.0.1", simulator.port)) as upstream:
                    upstream.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                    while answer := upstream.recv(1 << 16):
                        connection.sendall(answer)
                return

    def accept(listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=pass_on, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as plain:
        with context.wrap_socket(plain, server_side=True) as listener:
            threading.Thread(target=accept, args=(listener,), daemon=True).start()
            yield listener.getsockname()[1], directory / "api.crt"


def outcome(servers, timeout):
    """How the first poll ends ("good", or the reason), and after how many seconds."""
    addresses = [f"127.0.0.{53 + i}" for i in range(len(servers))]
    with scratch() as directory:
        try:
            resolv = write(directory / "resolv.conf",
                           "".join(f"nameserver {each}\n" for each in addresses))
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            return CANNOT_BE_MADE
        for address, answers in zip(addresses, servers):
            NameServer(address, answers)
        with running(Simulator()) as simulator, over_tls(directory, simulator) as (port, ca_file):
            config = write(directory / "config.yaml", f"""\
api: {{base_url: "https://{HOST}:{port}/client/v4", ca_file: "{ca_file}", timeout: {timeout}}}
queries:
  - name: all
""")
            with running(Exporter(config)) as exporter:
                page = exporter.wait_for_page(
                    lambda page: page.value("cloudflare_radar_query_polls_total", query="all"),
                    "the first poll")
        seconds = page.value("cloudflare_radar_api_request_duration_seconds_sum")
        if page.value("cloudflare_radar_query_success", query="all"):
            print("good", seconds)
        else:
            print(*(each.labels["reason"] for each in page.samples if each.value
                    and each.name == "cloudflare_radar_api_failures_total"), seconds)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the same: there is no long form")
    parser.add_argument(INSIDE, choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        servers, timeout, _ = CASES[options.inside]
        return outcome(servers, timeout)
    figures = Figures("name servers: how the first poll ends, and how long its request took")
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or not unshare:
        figures.note("name servers", "SKIPPED: needs root, unshare and ip")
        return figures.finish()
    runs = {name: subprocess.Popen([unshare, "-mn", sys.executable, "-B", __file__, INSIDE, name],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for name in CASES}
    for name, run in runs.items():
        output, errors = run.communicate(timeout=60)
        if run.returncode == CANNOT_BE_MADE or "unshare" in errors.partition("\n")[0]:
            figures.note(name, "SKIPPED: needs root, unshare and ip")
            continue
        if run.returncode != 0:
            raise AssertionError(output + errors)
        ended, seconds = output.split()
        figures.equal(name, ended, CASES[name][2])
        figures.note("... after", float(seconds), "s")
    return figures.finish()


if __name__ == "__main__":
    sys.exit(main())
