"""Mutations of how an answer is sent: status line, header lines, framing, encodings. Each returns a
Sending."""

import dataclasses
import gzip
import zlib

from oracle.contract import NOTHING

from .target import mutation
from .text_mutants import BROKEN, PERHAPS, WHOLE


@dataclasses.dataclass
class Sending:
    """`pieces`: bytes to write; a number is a pause in seconds. `then`: what becomes of the
    connection: kept, close, reset. `behind`: (pause, bytes) that follow while the connection
    may serve the next request already; `unasked`: (pause, bytes) that follow with an end of the
    connection, if no request has come by then."""
    pieces: list
    worth: str = WHOLE
    then: str = "kept"
    behind: list = dataclasses.field(default_factory=list)
    unasked: tuple | None = None


def head(body, status="200 OK", extra=(), length=True, version="HTTP/1.1"):
    lines = [f"{version} {status}".rstrip(), "Content-Type: application/json"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *extra, "", ""]).encode()


def plain(body, *arguments, **options):
    return head(body, *arguments, **options) + body


def chunked(body, sizes, trailer=(), extra=(), spell="{:x}"):
    start = head(body, extra=["Transfer-Encoding: chunked", *extra], length=False)
    pieces, place = [start], 0
    while place < len(body):
        size = min(next(sizes), len(body) - place)
        pieces.append(spell.format(size).encode() + b"\r\n" + body[place:place + size] + b"\r\n")
        place += size
    end = "\r\n".join(["0", *trailer, "", ""]).encode()
    return b"".join(pieces), end


def _worth_of_part(text, place):
    """Who has not even seen the head may ask again."""
    return BROKEN if place > text.index(b"\r\n\r\n") + 3 else NOTHING


def _sizes(rng):
    while True:
        yield rng.choice((1, 7, 100, 1_000, 4_096))


@mutation("wire", 4)
def folded(body, rng):
    """The first header line begins with a blank: of what it goes on is not in this answer."""
    status, _, rest = plain(body).partition(b"\r\n")
    return Sending([status + b"\r\n" + rng.choice((b" ", b"\t")) + b"folded: x\r\n" + rest], BROKEN)


@mutation("wire")
def folded_later(body, rng):
    return Sending([plain(body, extra=["X-Long: a", rng.choice((" b", "\tb: c"))])], PERHAPS)


@mutation("wire", 4)
def chunks(body, rng):
    """Whole, in every form that the standard allows."""
    trailer = rng.choice(([], [], ["X-Sum: 1"]))
    spell = rng.choice(("{:x}", "{:X}", "{:04x}", "{:x};name=value", "{:x};a=\"b\""))
    start, end = chunked(body, _sizes(rng), trailer, spell=spell)
    if rng.random() < 0.3:
        return Sending([start[:len(start) // 2], 0.005, start[len(start) // 2:], 0.005, end])
    return Sending([start + end])


@mutation("wire", 3)
def trailers(body, rng):
    """Lines behind a chunked body that look like header lines, and are none."""
    trailer = rng.choice((["Content-Encoding: br"], ["Content-Encoding: gzip"], ["Retry-After: 900"],
                          ['Ratelimit: "trailer";r=0;t=900'], ["Content-Length: 3"],
                          ["Content-Type: text/html", "Content-Encoding: br"]))
    start, end = chunked(body, _sizes(rng), trailer)
    return Sending([start + end])


@mutation("wire", 2)
def bad_chunks(body, rng):
    start, end = chunked(body, _sizes(rng))
    choice = rng.randrange(5)
    if choice == 0:
        return Sending([start], BROKEN, "close")
    if choice == 1:
        return Sending([start[:-rng.randrange(3, len(body))]], BROKEN, "close")
    if choice == 2:
        return Sending([start + rng.choice((b"xyz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n"))],
                       BROKEN, "close")
    if choice == 3:
        return Sending([start + b"5\r\nabc"], BROKEN, "reset")
    return Sending([(start + end).replace(b"\r\n", b"\n")], PERHAPS, "close")


@mutation("wire", 2)
def packed(body, _):
    """gzip, as it should be."""
    small = gzip.compress(body, 1)
    return Sending([plain(small, extra=["Content-Encoding: gzip"])])


@mutation("wire", 3)
def badly_packed(body, rng):
    small = gzip.compress(body, 1)
    choice = rng.randrange(8)
    if choice == 0:
        return Sending([plain(small[:len(small) // 2], extra=["Content-Encoding: gzip"])], BROKEN)
    if choice == 1:  # all but the checksum
        return Sending([plain(small[:-8], extra=["Content-Encoding: gzip"])], PERHAPS)
    if choice == 2:
        return Sending([plain(small[:-8] + b"12345678", extra=["Content-Encoding: gzip"])], PERHAPS)
    if choice == 3:
        return Sending([plain(body, extra=["Content-Encoding: gzip"])], BROKEN)
    if choice == 4:
        return Sending([plain(small)], BROKEN)
    if choice == 5:
        return Sending([plain(gzip.compress(small, 1), extra=["Content-Encoding: gzip"])], BROKEN)
    if choice == 6:
        return Sending([plain(zlib.compress(body), extra=["Content-Encoding: deflate"])], PERHAPS)
    return Sending([plain(body, extra=["Content-Encoding: " + rng.choice(("br", "zstd", "x"))])],
                   BROKEN)


@mutation("wire", 2)
def lengths(body, rng):
    """A Content-Length that lies, or more than one."""
    choice = rng.randrange(6)
    text = plain(body)
    said = f"Content-Length: {len(body)}\r\n".encode()
    if choice == 0:
        return Sending([text.replace(said, f"Content-Length: {len(body) + 9}\r\n".encode())],
                       BROKEN, "close")
    if choice == 1:
        by = rng.randrange(1, len(body))
        return Sending([text.replace(said, f"Content-Length: {len(body) - by}\r\n".encode())],
                       BROKEN, behind=[(0, b"")])
    if choice == 2:
        return Sending([text.replace(said, said + said)], PERHAPS)
    if choice == 3:
        return Sending([text.replace(said, b"Content-Length: abc\r\n")], PERHAPS, "close")
    if choice == 4:
        return Sending([text.replace(said, b"Content-Length: -1\r\n")], PERHAPS, "close")
    return Sending([text.replace(said, said + b"Transfer-Encoding: chunked\r\n")], BROKEN, "close")


@mutation("wire", 2)
def until_close(body, rng):
    """Without a length: whole, or cut."""
    version = rng.choice(("HTTP/1.1", "HTTP/1.0"))
    text = plain(body, length=False, version=version, extra=["Connection: close"])
    if rng.random() < 0.5:
        return Sending([text], WHOLE, "close")
    return Sending([text[:-rng.randrange(1, len(body))]], BROKEN, rng.choice(("close", "reset")))


@mutation("wire", 2)
def cut_off(body, rng):
    text = plain(body)
    place = rng.choice((rng.randrange(1, 90), rng.randrange(90, len(text))))
    return Sending([text[:place]], _worth_of_part(text, place), rng.choice(("close", "reset")))


@mutation("wire", 2)
def closed_unanswered(_, rng):
    return Sending([], NOTHING, rng.choice(("close", "reset")))


@mutation("wire", 2)
def pieces(body, rng):
    text = plain(body)
    places = sorted(rng.randrange(len(text)) for _ in range(rng.randrange(1, 6)))
    sent = []
    for start, end in zip([0, *places], [*places, len(text)]):
        sent += [text[start:end], 0.003]
    return Sending(sent)


@mutation("wire", 0.3)
def stalled(body, rng):
    """Begun, and given up after a while."""
    text = plain(body)
    place = rng.choice((9, 60, len(text) - 1))
    return Sending([text[:place], 0.5], _worth_of_part(text, place), "close")
