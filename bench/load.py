"""Drives a server, and reads from /proc what that cost it."""

import collections
import json
import pathlib
import re
import subprocess

from programs import BIN, Obvious, ProcessFigures

CLIENTS = 8


def cpu_seconds(server):
    """CPU time of the server so far: to the nanosecond, but of threads that live; for those that
    have a thread for each request, in the kernel's ticks."""
    if isinstance(server, Obvious):
        return ProcessFigures(server.process.pid).cpu_seconds()
    return sum(int(task.read_text().split()[0])
               for pid in getattr(server, "workers", [server.process.pid])
               for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


Load = collections.namedtuple("Load", "per_second cpu_ms")


def throughput(server, coding, seconds):
    """Scrapes per second that CLIENTS clients get, and the server's CPU time for each."""
    before = cpu_seconds(server)
    done = subprocess.run(
        ["wrk", "--threads=1", f"--connections={CLIENTS}", f"--duration={seconds}s", "--timeout=30s",
         f"--header=Accept-Encoding: {coding}", f"http://127.0.0.1:{server.port}{server.path}"],
        capture_output=True, text=True, check=True).stdout
    cost = cpu_seconds(server) - before
    # wrk takes a connection that is closed after its answer for a failed read.
    if "Non-2xx" in done or ("Socket errors" in done and not isinstance(server, Obvious)):
        raise RuntimeError(done)
    count, elapsed = re.search(r"(\d+) requests in ([\d.]+)(?=s)", done).groups()
    count = max(1, int(count))  # of who is too slow for even one
    return Load(count / float(elapsed), cost * 1000 / count)


Wait = collections.namedtuple("Wait", "p50 p99 cpu_ms bytes series queries")


def one_client(server, coding, requests, pause_ms=0, openmetrics=False):
    """How long one client waits, in ms; it checks every page it gets."""
    before = cpu_seconds(server)
    done = subprocess.run(
        [BIN / "latency_client", str(server.port), server.path, coding,
         "openmetrics" if openmetrics else "text", str(requests), str(pause_ms)],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    cost = cpu_seconds(server) - before
    seen = json.loads(done.stdout)
    return Wait(seen["p50_ms"], seen["p99_ms"], cost * 1000 / seen["requests"], seen["bytes"],
                seen["series"], seen["queries"])
