"""Each allocation and each system call fails once, over a life of start, poll, scrape, reload and
stop. Before the exporter serves it may end with 0, 1 or 2 and a message; from then on nothing ends
it, the next poll and the next scrape work, and SIGTERM gives 0. No fault is ever a signal.

    fault_injection.py --preload=LIBRARY [--short] [--call=NAME [--number=N]]
"""

import argparse
import collections
import concurrent.futures
import errno
import itertools
import os
import queue
import socket
import sys
import time

from exporter_under_test import Simulator, running, scratch
from fault_run import FaultRun, counts_of
from figures import Figures

EAI_MEMORY = -10
ERRORS = {
    "allocation": [errno.ENOMEM],
    "open": [errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EINTR],
    "fopen": [errno.EMFILE, errno.EACCES],
    "read": [errno.EIO, errno.EINTR],
    "write": [errno.EAGAIN],
    "writev": [errno.EPIPE, errno.EAGAIN],
    "fstat": [errno.EIO],
    "fcntl": [errno.EINVAL],
    "mmap": [errno.ENOMEM],
    "socket": [errno.EMFILE, errno.ENFILE, errno.ENOBUFS],
    "socketpair": [errno.EMFILE],
    "setsockopt": [errno.ENOBUFS],
    "bind": [errno.EADDRINUSE, errno.EACCES],
    "listen": [errno.EADDRINUSE],
    "getsockname": [errno.ENOBUFS],
    "connect": [errno.ECONNREFUSED, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINTR],
    "accept4": [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.EINTR, errno.ENOMEM],
    "eventfd": [errno.EMFILE],
    "epoll_create1": [errno.EMFILE],
    "epoll_ctl": [errno.ENOMEM, errno.ENOSPC],
    "epoll_wait": [errno.EINTR],
    "poll": [errno.EINTR, errno.ENOMEM],
    "recv": [errno.ECONNRESET, errno.EAGAIN, errno.EINTR],
    "send": [errno.EPIPE, errno.ECONNRESET, errno.EAGAIN, errno.EINTR],
    "sendmsg": [errno.EPIPE, errno.ECONNRESET, errno.EAGAIN, errno.EINTR],
    "getaddrinfo": [socket.EAI_AGAIN, EAI_MEMORY, socket.EAI_NONAME],
    "pthread_create": [errno.EAGAIN],
    "fwrite": [errno.ENOSPC, errno.EPIPE, errno.EAGAIN],
}
Fault = collections.namedtuple("Fault", "kind call number error")


def faults(kind, calls):
    """Every call of every function with every error."""
    for call, count in calls.items():
        for number, error in itertools.product(range(1, count + 1), ERRORS[call]):
            yield Fault(kind, call, number, error)


def sample(everything, count):
    """The first of each call and error, and others spread evenly, `count` together."""
    first = {}
    for fault in everything:
        first.setdefault((fault.kind, fault.call, fault.error), fault)
    rest = [fault for fault in everything if first[fault.kind, fault.call, fault.error] != fault]
    wanted = max(0, count - len(first))
    return list(first.values()) + rest[:: max(1, len(rest) // max(1, wanted))][:wanted]


class Runs:
    """A FaultRun for each worker."""

    def __init__(self, directory, preload, base_url, workers, backtrace):
        self.directory = directory
        self._always = {"FAULT_BACKTRACE": "1"} if backtrace else {}
        self._free = queue.Queue()
        for i in range(workers):
            self._free.put(FaultRun(directory / str(i), preload, base_url, free_port()))

    def count(self, kind):
        file = self.directory / f"counts.{kind}"
        run = self._free.get()
        problem = getattr(run, kind)({"FAULT_COUNTS": str(file)})
        self._free.put(run)
        if problem:
            raise AssertionError(f"without any fault: {problem}\n{run.log()}")
        return counts_of(file)

    def run(self, fault, end):
        """(fault, problem, log), or None after `end`."""
        if time.monotonic() > end:
            return None
        run = self._free.get()
        try:
            problem = getattr(run, fault.kind)(self._always | {
                "FAULT_CALL": fault.call, "FAULT_NUMBER": str(fault.number),
                "FAULT_ERRNO": str(fault.error)})
            return fault, problem, run.log()
        finally:
            self._free.put(run)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def chosen(options, runs):
    everything, sites = [], []
    for kind in options.kind or ("once", "daemon"):
        calls, new_sites = runs.count(kind)
        everything += faults(kind, calls)
        sites += [Fault(kind, "allocation", number, errno.ENOMEM) for number in new_sites]
    if options.call:
        everything = [each for each in everything if each.call == options.call
                      and options.number in (None, each.number)]
    elif options.short:
        everything = sample(everything, options.runs * 2 // 3) + sample(sites, options.runs // 3)
    if options.every > 1:
        everything = everything[::options.every]
    return everything


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preload", required=True)
    parser.add_argument("--short", action="store_true", help="a sample")
    parser.add_argument("--runs", type=int, default=120, help="so large a sample")
    parser.add_argument("--seconds", type=float, help="start no run after so long; 10 if --short")
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th fault")
    parser.add_argument("--call")
    parser.add_argument("--number", type=int)
    parser.add_argument("--kind", action="append", choices=("once", "daemon"))
    parser.add_argument("--verbose", action="store_true", help="the logs and backtraces of what went wrong")
    options = parser.parse_args()
    if options.short and options.seconds is None:
        options.seconds = 10
    begin = time.monotonic()

    with scratch() as directory, running(Simulator()) as simulator:
        workers = max(2, os.cpu_count() or 2)
        runs = Runs(directory, options.preload,
                    simulator.base_url.replace("127.0.0.1", "localhost"), workers, options.verbose)
        todo = chosen(options, runs)
        end = begin + (options.seconds or float("inf"))
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            done = [each for each in pool.map(lambda fault: runs.run(fault, end), todo) if each]

    wrong = [each for each in done if each[1]]
    figures = Figures("fault injection")
    figures.note("runs", len(done))
    figures.note("  in which the call came to pass",
                 sum("fault injected" in log for _, _, log in done))
    for call, count in collections.Counter(fault.call for fault, _, _ in done).items():
        figures.note(f"  of {call}", count)
    figures.note("seconds a run", (time.monotonic() - begin) * workers / max(1, len(done)), "s")
    figures.nothing("faults not survived", [
        f"{fault.kind}: {fault.call} {fault.number}, {describe(fault.error)}: {problem}"
        for fault, problem, _ in wrong])
    if options.verbose:
        for fault, problem, log in wrong:
            print(f"--- {fault}: {problem}\n{log}", file=sys.stderr)
    return figures.finish()


def describe(error):
    return errno.errorcode.get(error, f"EAI {error}")


if __name__ == "__main__":
    sys.exit(main())
