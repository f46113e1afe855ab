"""What comes on a connection that nobody asked for: an answer twice, bytes behind it, somebody
else's answer, a 408. Whatever is asked for on that connection afterwards is in doubt."""

import itertools

from .target import mutation
from .text_mutants import WHOLE
from .wire_mutants import Sending, chunked, plain

REQUEST_TIMEOUT = (b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n"
                   b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n")


@mutation("wire", 5)
def doubled(body, rng):
    """The same answer again: at once, a little later, or when nobody expects it."""
    text = plain(body) if rng.random() < 0.7 else b"".join(chunked(body, itertools.repeat(500)))
    return Sending([text], WHOLE, behind=[(rng.choice((0, 0, 0.001, 0.005, 0.2, 0.7)), text)])


@mutation("wire")
def tripled(body, rng):
    text = plain(body)
    pause = rng.choice((0, 0.002, 0.3))
    return Sending([text], WHOLE, behind=[(pause, text), (pause, text)])


@mutation("wire", 2)
def bytes_behind(body, rng):
    surplus = rng.choice((b"\r\n", b"\0", b"x", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 x\r\n\r\n",
                          b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
                          b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    return Sending([plain(body)], WHOLE, behind=[(rng.choice((0, 0.002, 0.1)), surplus)])


@mutation("wire", 3)
def request_timeout(body, rng):
    """How a balancer ends an idle connection. No request may fail for it."""
    return Sending([plain(body)], WHOLE,
                   unasked=(rng.choice((0.005, 0.02, 0.1, 0.4)), REQUEST_TIMEOUT))


@mutation("wire")
def quiet_end(body, rng):
    """The same without a word."""
    return Sending([plain(body)], WHOLE, unasked=(rng.choice((0, 0.02, 0.1, 0.4)), b""))
