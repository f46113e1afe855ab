"""Standard streams that are closed, full or gone do no harm: the exporter serves and polls, what it
would have logged ends up in no socket and no file, and SIGTERM gives 0.

    standard_streams.py [--short]
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time

from exporter_under_test import Simulator, fetch, running, scratch, simulator_config, wait_until
from fault_injection import free_port
from figures import Figures
from misbehaving_api import MisbehavingApi, answer_well
from processes import exporter_command, exporter_environment

QUERY = "{name: all, agg_interval: 15m, date_range: 1d, poll_interval: 1s}"
SERVED = b"cloudflare_radar_query_success"
# How the log would show: each line begins so.
LOG_LINE = b"ts=20"


def closed(*numbers):
    def close():
        for number in numbers:
            os.close(number)
    return {"preexec_fn": close}


@contextlib.contextmanager
def full_disk():
    with open("/dev/full", "wb") as full:
        yield {"stdout": full, "stderr": full}


@contextlib.contextmanager
def reader_gone():
    reader, writer = os.pipe()
    os.close(reader)
    yield {"stdout": writer, "stderr": writer}
    os.close(writer)


CASES = {
    "stdin closed": contextlib.nullcontext(closed(0)),
    "stdout closed": contextlib.nullcontext(closed(1)),
    "stderr closed": contextlib.nullcontext(closed(2)),
    "stdout and stderr closed": contextlib.nullcontext(closed(1, 2)),
    "all closed": contextlib.nullcontext(closed(0, 1, 2)),
    "a full disk": full_disk(),
    "a pipe whose reader went away": reader_gone(),
}


class Eavesdropper:
    """The API, noting every byte it is sent."""

    def __init__(self):
        self.heard = b""

    def __call__(self, request):
        self.heard += request.head
        return answer_well(request)

    __name__ = "eavesdropper"


def live(command, streams, ear, port, api):
    """What was wrong with a daemon's life, or None."""
    polls = api.requests.total()
    process = subprocess.Popen(command, env=exporter_environment("simulator-token"), **streams)
    try:
        wait_until(lambda: page(port), "the page")
        process.send_signal(signal.SIGHUP)  # which logs
        wait_until(lambda: api.requests.total() >= polls + 2, "two polls")
        answer = page(port)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(10)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if SERVED not in (answer or b"") or LOG_LINE in answer:
        return "the page is not right"
    if LOG_LINE in ear.heard:
        return "log lines in the socket to the API"
    if code != 0 or time.monotonic() - begin > 1:
        return f"exit {code} after {time.monotonic() - begin:.1f} s"
    return None


def page(port):
    try:
        return fetch(port, "/metrics", timeout=2).body
    except OSError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the same: it is short")
    parser.parse_args()
    figures = Figures("standard streams")
    devnull = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
               "stderr": subprocess.DEVNULL}
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        simulator = stack.enter_context(running(Simulator()))
        ear = Eavesdropper()
        api = stack.enter_context(MisbehavingApi(simulator, ear))
        config = simulator_config(directory, api.base_url, [QUERY])
        for name, case in CASES.items():
            port = free_port()
            with case as streams:
                problem = live(exporter_command(config, f"--web.listen-address=127.0.0.1:{port}"),
                               devnull | streams, ear, port, api)
            figures.equal(name, problem or "lives", "lives")
        for name, streams in (("full", {"stdout": stack.enter_context(open("/dev/full", "wb"))}),
                              ("closed", closed(1))):
            code = subprocess.run(exporter_command(config, "--once"), timeout=20,
                                  env=exporter_environment("simulator-token"),
                                  **(devnull | streams)).returncode
            figures.equal(f"--once with stdout {name}: exit code", code, 1)
        api.script = answer_well
    return figures.finish()


if __name__ == "__main__":
    sys.exit(main())
