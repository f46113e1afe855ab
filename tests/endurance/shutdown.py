"""SIGTERM ends the exporter with 0 within 1 s, whatever it is in the middle of.

    shutdown.py [--short]
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from crowd import SlowReaders
from exporter_under_test import (
    Exporter, Simulator, running, scratch, seconds_when_quiet, simulator_config, wait_until, write)
from figures import Figures
from misbehaving_api import MisbehavingApi

WITHIN = 1.0
QUERY = "{name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"
INSIDE = "--inside-dns-black-hole"
CANNOT_BE_MADE = 77


@contextlib.contextmanager
def exporter(base_url, *flags):
    """Asking `base_url` with a timeout that is longer than the test's patience."""
    with scratch() as directory:
        config = simulator_config(directory, base_url, [QUERY], timeout="20s")
        with running(Exporter(config, *flags)) as process:
            yield process


def connect_black_hole():
    """A full backlog: the kernel drops what asks to connect."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with exporter(f"http://127.0.0.1:{port}/client/v4") as process:
            wait_until(lambda: is_connecting(process.process.pid, port), "the SYN")
            yield process.stop()


def is_connecting(pid, port):
    """Whether one of the process' own sockets is in SYN_SENT (02) towards `port`."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            sockets.add(os.readlink(entry))
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if (words[2].endswith(f":{port:04X}") and words[3] == "02"
                and f"socket:[{words[9]}]" in sockets):
            return True
    return False


def tls_handshake_stall():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with exporter(f"https://127.0.0.1:{listener.getsockname()[1]}/client/v4") as process:
            connection, _ = listener.accept()
            with connection:
                connection.recv(5)  # the client hello has begun
                yield process.stop()


def stalled(after):
    """An API that says `after` and no more."""
    def answer(request):
        request.send(after)
        request.stall()

    with running(Simulator()) as simulator, MisbehavingApi(simulator, answer) as api:
        with exporter(api.base_url) as process:
            wait_until(lambda: api.requests.total() > 0, "the request")
            time.sleep(0.05)
            yield process


def header_stall():
    for process in stalled(b"HTTP/1.1 200 OK\r\nContent-Type: app"):
        yield process.stop()


def no_header_at_all():
    for process in stalled(b""):
        yield process.stop()


def body_stall():
    for process in stalled(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"result\":"):
        yield process.stop()


def slow_readers():
    """In the middle of answering them."""
    with running(Simulator()) as simulator, exporter(simulator.base_url) as process:
        process.wait_until_ready()
        with SlowReaders(process.port, 20, requests=200):
            time.sleep(0.3)
            yield process.stop()


def twice():
    for process in stalled(b""):
        process.send(signal.SIGTERM)
        yield process.stop()


def interrupt():
    for process in stalled(b""):
        yield process.stop(signal.SIGINT)


def hangup_before_ready():
    for process in stalled(b""):
        process.send(signal.SIGHUP)
        yield process.stop()


def hangups_and_reload_storm():
    for process in stalled(b""):
        for _ in range(50):
            process.send(signal.SIGHUP)
            time.sleep(0.002)
        yield process.stop()


def as_soon_as_it_starts():
    """SIGTERM while it may not serve yet."""
    with running(Simulator()) as simulator, scratch() as directory:
        config = simulator_config(directory, simulator.base_url, [QUERY])
        process = Exporter(config)
        try:
            process.wait_for_line("starting")
            yield process.stop()
        finally:
            process.process.kill()


def dns_black_hole():
    """A name server that takes questions and says nothing, in namespaces of our own."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or not unshare:
        return
    run = subprocess.run([unshare, "-mn", sys.executable, "-B", __file__, INSIDE],
                         capture_output=True, text=True, timeout=60)
    if run.returncode == CANNOT_BE_MADE or "unshare" in run.stderr.partition("\n")[0]:
        print(run.stderr, file=sys.stderr)
        return
    if run.returncode != 0:
        raise AssertionError(run.stdout + run.stderr)
    code, seconds = run.stdout.split()
    yield int(code), float(seconds)


def inside_dns_black_hole():
    with scratch() as directory:
        try:
            resolv = write(directory / "resolv.conf", "nameserver 127.0.0.1\n")
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            return CANNOT_BE_MADE
        with socket.socket(type=socket.SOCK_DGRAM) as name_server:
            name_server.bind(("127.0.0.1", 53))
            name_server.settimeout(10)
            with exporter("https://api.example.org/client/v4") as process:
                name_server.recv(512)
                print(*process.stop())
    return 0


PHASES = [connect_black_hole, dns_black_hole, tls_handshake_stall, no_header_at_all, header_stall,
          body_stall, slow_readers, twice, interrupt, hangup_before_ready,
          hangups_and_reload_storm, as_soon_as_it_starts]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="once each instead of twenty times")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside_dns_black_hole:
        return inside_dns_black_hole()
    figures = Figures("shutdown: seconds from the signal to exit 0")
    for phase in PHASES:
        name = phase.__name__.replace("_", " ")
        results = [r for _ in range(1 if options.short else 20) for r in phase()]
        if not results:
            figures.note(name, "SKIPPED: needs root, unshare and ip")
            continue
        figures.at_most(name, max(seconds for _, seconds in results), seconds_when_quiet(WITHIN),
                        "s")
        bad = {code for code, _ in results} - {0}
        if bad:
            figures.nothing(f"{name}: exit codes that are not 0", sorted(bad))
    return figures.finish()


if __name__ == "__main__":
    sys.exit(main())
