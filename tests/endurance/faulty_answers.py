"""The ways in which an API goes wrong, as scripts for misbehaving_api. Each returns whether the
connection stays open."""

import gzip
import json
import time
import zlib

from misbehaving_api import drip, reply


def plain_text(head):
    """The credential that came with the request, as a talkative API would repeat it."""
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "authorization":
            return value
    return ""


def server_error(request):
    request.send(reply(b"upstream failed", "500 Internal Server Error", content_type="text/plain"))
    return True


def rate_limited(request):
    request.send(reply(b"{}", "429 Too Many Requests", ["Retry-After: 1"]))
    return True


def html(request):
    request.send(reply(b"<html><title>Just a moment...</title></html>", content_type="text/html"))
    return True


def credential_repeated(request):
    """In an error, and in a page that is no JSON."""
    secret = plain_text(request.head)
    error = {"success": False, "result": None, "messages": [],
             "errors": [{"code": 7003, "message": f"no route for {secret}"}]}
    body = json.dumps(error).encode() if hash(request.target) % 2 else f"<p>{secret}".encode()
    request.send(reply(body, "400 Bad Request" if body.startswith(b"{") else "200 OK",
                       [f"X-Seen: {secret}"]))
    return True


def stall_before_header(request):
    request.stall()
    return False


def stall_in_body(request):
    body = request.good_body()
    request.send(reply(body)[:-len(body) // 2])
    request.stall()
    return False


def reset_in_body(request):
    body = request.good_body()
    request.send(reply(body)[:-len(body) // 2])
    request.reset()
    return False


def closed_at_once(_):
    return False


def cut_short(request):
    """No length, and an end that comes early."""
    body = request.good_body()
    request.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body[:len(body) // 2])
    return False


def length_lies(request):
    body = request.good_body()
    request.send(reply(body).replace(b"Content-Length: ", b"Content-Length: 1"))
    return False


def gzip_garbage(request):
    body = bytes(range(256)) * 4
    request.send(reply(body, headers=["Content-Encoding: gzip"]))
    return True


def gzip_cut_short(request):
    body = gzip.compress(request.good_body())
    request.send(reply(body[:len(body) // 2], headers=["Content-Encoding: gzip"]))
    return True


def first_series(answer):
    return next(value for key, value in answer["result"].items() if key != "meta")


def schema_drift(request):
    """A field renamed, a number for a list, a value that is no share."""
    answer = json.loads(request.good_body())
    serie = first_series(answer)
    serie["SPAM"] = serie.pop("SPOOF")
    answer["result"]["meta"] = 7
    request.send(reply(json.dumps(answer).encode()))
    return True


def lies(request):
    """Well-formed, and impossible."""
    answer = json.loads(request.good_body())
    serie = first_series(answer)
    serie["SPOOF"] = ["1e999"] * len(serie["SPOOF"])
    request.send(reply(json.dumps(answer).encode()))
    return True


def too_slow(request):
    drip(request, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"{" * 40)
    time.sleep(0.1)
    return False


def redirect_to(url):
    """To another host, which must not get to see a request."""

    def redirect(request):
        request.send(reply(b"", "302 Found", [f"Location: {url}"]))
        return True

    return redirect


# Those of a soak. A 429 stops every query for a second, so it is left to be chosen rarely.
FAULTS = [server_error, html, credential_repeated, stall_before_header, stall_in_body,
          reset_in_body, closed_at_once, cut_short, length_lies, gzip_garbage, gzip_cut_short,
          schema_drift, lies, too_slow]


def _gzip_bomb(request):
    """1 MB on the wire, 1 GB when it is unpacked."""
    request.send(reply(BOMB, headers=["Content-Encoding: gzip"]))
    return True


def _deep_nesting(request):
    request.send(reply(b"[" * 1_000_000))
    return True


def _deep_objects(request):
    request.send(reply(b'{"a":' * 200_000))
    return True


def _many_numbers(request):
    request.send(reply(b'{"result":{"serie_0":{"SPOOF":[' + b"0," * 499_000 + b"0]}}}"))
    return True


def _many_arrays(request):
    request.send(reply(b"[" + b"[]," * 333_000 + b"[]]"))
    return True


def _many_keys(request):
    body = "{" + ",".join(f'"k{i}":0' for i in range(90_000)) + "}"
    request.send(reply(body.encode()))
    return True


def _one_long_string(request):
    request.send(reply(b'{"result":"' + b"x" * 990_000 + b'"}'))
    return True


def _many_headers(request):
    lines = [f"X-Header-{i}: {'v' * 60}" for i in range(3_000)]
    request.send(reply(b"{}", headers=lines))
    return False


def _one_long_header(request):
    request.send(reply(b"{}", headers=["X-Long: " + "v" * 900_000]))
    return False


def _many_policies(request):
    """Each name in this header may become a series."""
    policies = ", ".join(f'"p{i}";r=1;t=1' for i in range(4_000))
    request.send(reply(request.good_body(), headers=["Ratelimit: " + policies[:90_000]]))
    return True


def _many_interim_answers(request):
    request.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20_000)
    return False


def _many_chunks(request):
    request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n[\r\n" * 160_000)
    return False


def _many_annotations(request):
    answer = json.loads(request.good_body())
    annotation = {"dataSource": "ALL", "description": "d" * 60, "endDate": "2020-01-01T00:00:00Z",
                  "eventType": "EVENT", "isInstantaneous": False, "linkedUrl": "",
                  "startDate": "2020-01-01T00:00:00Z"}
    info = answer["result"]["meta"].setdefault("confidenceInfo", {"level": 5})
    info["annotations"] = [annotation | {"eventType": f"E{i}"} for i in range(4_500)]
    request.send(reply(json.dumps(answer).encode()))
    return True


def _bomb():
    """The same packed 16 MiB of zeros over and over; only the checksum at the end is wrong, and
    nobody should get that far."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (packer.compress(bytes(16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
                    for _ in range(2))
    return first + again * 60 + packer.flush()


BOMB = _bomb()
# At most 1 MB on the wire each.
AMPLIFIERS = [_gzip_bomb, _deep_nesting, _deep_objects, _many_numbers, _many_arrays, _many_keys,
              _one_long_string, _many_headers, _one_long_header, _many_policies,
              _many_interim_answers, _many_chunks, _many_annotations]
