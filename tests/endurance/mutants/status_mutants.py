"""Mutations of status and header lines."""

import json

from .envelope_mutants import ERROR_MARK
from .target import mutation
from .text_mutants import BROKEN, PERHAPS, WHOLE
from .wire_mutants import NOTHING, Sending, chunked, plain

# In a header line before one that begins with HTTP/.
EARLIER_POLICY = "earlier"
# What the exporter is given as its credential.
TOKEN = "aK7fQz29LmXw41RtYv83BcNd65EhUj0sGiPo"


@mutation("wire", 3)
def status(body, rng):
    """A true answer under a status that says that it is none."""
    code = rng.choice(("206 Partial Content", "206 Partial Content", "204 No Content",
                       "301 Moved Permanently", "500 Internal Server Error",
                       "503 Service Unavailable", "520 x", "418 x", "402 Payment Required",
                       "409 Conflict"))
    extra = []
    if code.startswith("206"):
        extra.append(f"Content-Range: bytes 0-{len(body) - 1}/{len(body)}")
    if code.startswith("301"):
        extra.append("Location: http://127.0.0.2:9/")
    if code.startswith("204"):
        body = b""
    return Sending([plain(body, code, extra)], BROKEN)


@mutation("wire")
def odd_status(body, rng):
    code = rng.choice(("201 Created", "203 x", "226 IM Used", "099 x", "1000 x", "2x0 OK", "20"))
    return Sending([plain(body, code)], PERHAPS, "close")


@mutation("wire")
def status_line(body, rng):
    """Spelled as it may be."""
    version, code = rng.choice((("HTTP/1.1", "200"), ("HTTP/1.1", "200 Fine thank you"),
                                ("HTTP/1.0", "200 OK")))
    return Sending([plain(body, code, version=version, extra=["Connection: close"])], WHOLE,
                   "close")


@mutation("wire", 3)
def header_like_a_status(body, rng):
    """A header line that begins with HTTP/ ends nothing that stood before it."""
    line = rng.choice(("HTTP/1.1 200 OK: x", "HTTP/2: x", "HTTP/1.1: 304"))
    if rng.random() < 0.3:
        return Sending([plain(body, extra=["Content-Encoding: br", line])], BROKEN)
    return Sending([plain(body, extra=[f'Ratelimit: "{EARLIER_POLICY}";r=900000;t=1', line])],
                   PERHAPS)


@mutation("wire", 2)
def interim(body, rng):
    """1xx answers before the answer, with header lines of their own."""
    lines = rng.choice(("", "Link: </a>\r\n", "Content-Encoding: br\r\n", "Retry-After: 900\r\n",
                        'Ratelimit: "interim";r=0;t=900\r\n'))
    code = rng.choice(("100 Continue", "103 Early Hints"))
    first = f"HTTP/1.1 {code}\r\n{lines}\r\n".encode() * rng.choice((1, 2))
    text = plain(body)
    return Sending([first + text] if rng.random() < 0.5 else [first, 0.005, text])


@mutation("wire")
def header_lines(body, rng):
    """Odd ones beside the true ones."""
    line, worth = rng.choice((
        ("X-Empty:", WHOLE), ("x-lower: a", WHOLE), ("Connection: keep-alive", WHOLE),
        ("Set-Cookie: a=b", WHOLE), ("Content-Encoding: identity", WHOLE),
        ("Retry-After: 900", WHOLE), ("X-Long: " + "v" * 4_000, WHOLE), ("no colon", PERHAPS),
        (": no name", PERHAPS), ("X-Nul: \0", PERHAPS), ("X-Bytes: \xff", PERHAPS),
        ("X-CR: a\rb", PERHAPS), ("X-Longer: " + "v" * 200_000, PERHAPS)))
    return Sending([plain(body, extra=[line])], worth)


@mutation("wire")
def rate_limit_lines(body, rng):
    line = rng.choice(('Ratelimit: "default";r=50;t=30', 'Ratelimit: "default";r=;t=-1',
                       'Ratelimit: "default";r=99999999999999999999;t=1', "Ratelimit: ,;=",
                       'Ratelimit-Policy: "burst";q=100;w=60', 'Ratelimit: "\\";r=1'))
    return Sending([plain(body, extra=[line])], WHOLE)


@mutation("wire", 2)
def error_texts(_, rng):
    """Refusals whose text the log has to tell."""
    document = rng.choice(({"success": False, "errors": [ERROR_MARK + "-listed"], "result": None},
                           {"success": False, "error": ERROR_MARK + "-single", "result": {}}))
    code = rng.choice(("200 OK", "500 Internal Server Error", "422 Unprocessable Entity"))
    return Sending([plain(json.dumps(document).encode(), code)], BROKEN)


@mutation("wire", 2)
def token_echo(body, rng):
    """The credential in what the API says, whole, in part, or in other letters."""
    part = TOKEN[rng.randrange(8):][:rng.randrange(9, 30)]
    spelled = rng.choice((TOKEN, part, TOKEN.upper(), part.lower()))
    if rng.random() < 0.5:
        line = rng.choice(('Ratelimit: "{}";r=1;t=1', 'Ratelimit-Policy: "{}";q=100;w=60'))
        return Sending([plain(body, extra=[line.format(spelled)])], WHOLE)
    document = {"success": False, "result": None,
                "errors": [{"code": 7003, "message": f"no route for {spelled}"}]}
    return Sending([plain(json.dumps(document).encode(), "422 Unprocessable Entity")], BROKEN)


@mutation("wire", 0.5)
def not_modified(_, rng):
    """Which is no redirect."""
    return Sending([plain(b"", "304 Not Modified", length=rng.random() < 0.5)], BROKEN)


@mutation("wire", 0.5)
def not_found(_, rng):
    """The other path is tried."""
    code = rng.choice(("404 Not Found", "410 Gone"))
    document = {"errors": [{"code": 7003, "message": "Not Found"}], "success": False, "result": {}}
    return Sending([plain(json.dumps(document).encode(), code)], NOTHING)


@mutation("wire", 2)
def chunked_status(body, rng):
    """A refusal in chunks, whose trailer looks like a better answer."""
    start, end = chunked(body, iter([1_000] * 10_000), ["HTTP/1.1 200 OK", "X: y"])
    return Sending([(start + end).replace(b"200 OK", b"503 No", 1)], BROKEN, "close")
