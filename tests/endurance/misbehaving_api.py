"""A Radar API on loopback that answers as it is told: well, by asking radar_simulator, or wrongly.

Each request is handed to a script, a function of the `Request`, which sends what it likes and
returns whether the connection stays open."""

import collections
import socket
import threading
import time

from exporter_under_test import fetch


class Request:
    """One request and the connection it came on."""

    def __init__(self, api, connection, target, head):
        self.api = api
        self.connection = connection
        self.target = target
        self.head = head

    @property
    def query(self):
        """The name by which the requests of different configured queries differ: their filters."""
        return self.target.partition("?")[2]

    def send(self, data):
        self.connection.sendall(data)

    def stall(self):
        """Until the peer has closed, or the API stops."""
        self.connection.settimeout(0.1)
        while not self.api.stopping:
            try:
                if not self.connection.recv(4096):
                    return
            except TimeoutError:
                continue

    def reset(self):
        """An RST instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def good_body(self):
        return self.api.good_body(self.target)


def reply(body, status="200 OK", headers=(), content_type="application/json"):
    """A whole answer with a true Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}",
             *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer_well(request):
    request.send(reply(request.good_body()))
    return True


class MisbehavingApi:
    """Listens from the start; `script` may be replaced at any time."""

    def __init__(self, simulator, script=answer_well, host="127.0.0.1"):
        self.script = script
        self.stopping = False
        self.connections = 0
        self.requests = collections.Counter()  # by the script's name
        self._simulator = simulator
        self._good = {}
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, 0), backlog=64)
        self._host = host
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self):
        return f"http://{self._host}:{self.port}/client/v4"

    @property
    def open_connections(self):
        return len(self._open)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        # close() alone would leave a blocked accept() waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def good_body(self, target):
        """The simulator's answer, asked for once: the data stand still during a run."""
        with self._lock:
            known = self._good.get(target)
        if known is None:
            answer = fetch(self._simulator.port, target,
                           headers={"Authorization": "Bearer simulator-token"})
            if answer.status != 200:
                raise AssertionError(f"the simulator refuses {target}: {answer.body}")
            known = answer.body
            with self._lock:
                self._good[target] = known
        return known

    def _accept(self):
        while not self.stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            buffer = b""
            stays_open = True
            while stays_open:
                while b"\r\n\r\n" not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                script = self.script
                with self._lock:
                    self.requests[script.__name__] += 1
                target = head.split(b" ", 2)[1].decode()
                stays_open = script(Request(self, connection, target, head))
        except OSError:
            pass  # the exporter gave up first, as it may
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def drip(request, data, pause=0.05):
    """One byte at a time."""
    for i in range(len(data)):
        request.send(data[i:i + 1])
        time.sleep(pause)
