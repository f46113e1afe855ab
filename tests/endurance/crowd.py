"""Clients that do a server no good: half-open, slow to read, dripping, stalled in a handshake. They
come from many addresses of the loopback network, or from one, which has a share of its own."""

import contextlib
import itertools
import select
import socket
import threading
import time

HALF_A_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
WHOLE_REQUEST = HALF_A_REQUEST + b"\r\n"
# A TLS record header that announces a handshake of 512 bytes, and its first few.
HALF_A_CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
SMALL_BUFFER = 2048
MANY = [f"127.0.2.{i}" for i in range(1, 51)]
ONE = ["127.0.3.1"]


class Crowd:
    """Sockets to 127.0.0.1:`port`, from `addresses` in turn, each after its first words, and a
    thread that plays their part until leave()."""

    def __init__(self, port, count, words, receive_buffer=None, addresses=None):
        self.born = time.monotonic()
        self.sockets = []
        self.gone_after = []  # seconds after which each of those that were closed was
        self._leaving = threading.Event()
        for _, address in zip(range(count), itertools.cycle(addresses or MANY)):
            client = socket.socket()
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(5)
            client.bind((address, 0))
            client.connect(("127.0.0.1", port))
            with contextlib.suppress(ConnectionError):
                client.sendall(words)
            client.setblocking(False)
            self.sockets.append(client)
        self._open = set(self.sockets)
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    @property
    def still_open(self):
        return len(self._open)

    def leave(self):
        self._leaving.set()
        self._thread.join()
        for client in self.sockets:
            client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def _play(self):
        while not self._leaving.wait(0.2):
            self._act()

    def _act(self):
        """Notices who was closed."""
        poll = select.poll()
        by_number = {client.fileno(): client for client in self._open}
        for number in by_number:
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(0):
            self._read(by_number[number], SMALL_BUFFER)

    def _read(self, client, size):
        with contextlib.suppress(BlockingIOError):
            try:
                if client.recv(size):
                    return
            except ConnectionError:
                pass
            self._gone(client)

    def _gone(self, client):
        self._open.discard(client)
        self.gone_after.append(time.monotonic() - self.born)


class HalfOpen(Crowd):
    """A request that is never finished."""

    def __init__(self, port, count, addresses=None):
        super().__init__(port, count, HALF_A_REQUEST, addresses=addresses)


class StalledHandshakes(Crowd):
    """A TLS client hello that is never finished."""

    def __init__(self, port, count):
        super().__init__(port, count, HALF_A_CLIENT_HELLO)


class Idle(Crowd):
    """A connection on which nothing is ever said."""

    def __init__(self, port, count):
        super().__init__(port, count, b"")


class SlowReaders(Crowd):
    """2 KB every 0.2 s, of answers that are more than the kernel's buffers hold."""

    def __init__(self, port, count, requests=4, addresses=None):
        super().__init__(port, count, WHOLE_REQUEST * requests, SMALL_BUFFER, addresses)

    def _act(self):
        for client in list(self._open):
            self._read(client, SMALL_BUFFER)


class Drips(Crowd):
    """A byte of the header a second."""

    def __init__(self, port, count):
        self._due = 0
        super().__init__(port, count, HALF_A_REQUEST)

    def _act(self):
        super()._act()
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + 1
        for client in list(self._open):
            try:
                client.send(b"x")
            except BlockingIOError:
                pass
            except OSError:
                self._gone(client)
