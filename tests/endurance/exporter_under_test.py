"""Starts the exporter for an endurance script, stops it whatever happens, and reads from /proc
what it costs. The executables are named by RADAR_SPOOF_EXPORTER and RADAR_SIMULATOR."""

import contextlib
import pathlib
import resource
import subprocess
import sys
import tempfile
import os

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from processes import Exporter, Simulator, config_text  # noqa: E402, F401
from web_client import fetch, seconds_when_quiet, wait_until  # noqa: E402, F401

MEBIBYTE = 1 << 20
# What the systemd unit grants.
UNIT_DESCRIPTORS = 4096


def allow_descriptors(count=UNIT_DESCRIPTORS):
    """For this process and, by inheritance, for those it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@contextlib.contextmanager
def running(child):
    """`child` from its first sign of life to its end; its last words when something goes wrong."""
    try:
        child.wait_until_started()
        yield child
    except BaseException:
        print("\n".join(child.lines[-40:]), file=sys.stderr)
        raise
    finally:
        if child.process.poll() is None:
            child.process.terminate()
            try:
                child.process.wait(10)
            except subprocess.TimeoutExpired:
                child.process.kill()
        child.wait()


@contextlib.contextmanager
def scratch():
    """A directory for configurations and certificates."""
    with tempfile.TemporaryDirectory(prefix="radar_spoof_endurance_") as directory:
        yield pathlib.Path(directory)


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def simulator_config(directory, base_url, queries, timeout="1s", name="config.yaml"):
    """A configuration file that asks `base_url`; `queries` are flow-style mappings."""
    lines = "".join(f"  - {each}\n" for each in queries)
    return write(directory / name, f"""\
api: {{base_url: "{base_url}", rate_limit: 1000000, timeout: {timeout}}}
polling: {{settle: 0s, retry_max: 1s}}
queries:
{lines}""")


class ProcessFigures:
    """The costs of the process `pid`, as the kernel counts them."""

    def __init__(self, pid):
        self._proc = pathlib.Path(f"/proc/{pid}")

    def _status(self, key):
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {key} in {self._proc}/status")

    def resident_bytes(self):
        return self._status("VmRSS") * 1024

    def peak_resident_bytes(self):
        return self._status("VmHWM") * 1024

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(list((self._proc / "fd").iterdir()))

    def cpu_seconds(self):
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def command_line(self):
        return (self._proc / "cmdline").read_bytes()

    def environment(self):
        return (self._proc / "environ").read_bytes()
