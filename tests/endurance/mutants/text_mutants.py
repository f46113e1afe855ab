"""Mutations of the text of an answer: JSON that is spelled unusually, or is none. Each returns the
bytes and what they are still worth."""

import json

from .target import mutation

WHOLE, PERHAPS, BROKEN = "whole", "perhaps", "broken"


@mutation("text")
def layout(document, rng):
    """Blanks, line ends, order of keys, escapes."""
    choice = rng.randrange(4)
    if choice == 0:
        return json.dumps(document, indent=rng.choice((0, 1, 8))).encode(), WHOLE
    if choice == 1:
        return b" \r\n\t" + json.dumps(document, separators=(",", ":")).encode() + b"\n \n", WHOLE
    if choice == 2:
        return json.dumps(document, sort_keys=True).encode(), WHOLE
    text = json.dumps(document)
    return text.replace('"SPOOF"', r'"\u0053POOF"').replace("T00:", r"T\u00300:").encode(), WHOLE


@mutation("text")
def cut(document, rng):
    text = json.dumps(document).encode()
    return text[:rng.choice((0, 1, len(text) // 2, len(text) - 1, rng.randrange(len(text))))], BROKEN


@mutation("text")
def garbage_behind(document, rng):
    text = json.dumps(document).encode()
    return text + rng.choice((b"x", b"}", b",", b"\0", b"\0" + text, text, b"[]", b"//", b"null",
                              b"</html>")), BROKEN


@mutation("text")
def garbage_before(document, rng):
    text = json.dumps(document).encode()
    return rng.choice((b")]}',\n", b"callback(", b"\0", b"<!-- -->", b"/**/")) + text, BROKEN


@mutation("text")
def byte_order_mark(document, _):
    return b"\xef\xbb\xbf" + json.dumps(document).encode(), PERHAPS


@mutation("text")
def encoding(document, rng):
    text = json.dumps(document)
    return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-32"))), BROKEN


@mutation("text")
def bad_bytes(document, rng):
    """In a description that nobody shows, or in a name."""
    document = dict(document, note="@")
    bad = rng.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800", b"\x01", b"\\u0000",
                      b"\n"))
    return json.dumps(document).encode().replace(b'"@"', b'"' + bad + b'"'), PERHAPS


@mutation("text")
def not_json(document, rng):
    text = json.dumps(document)
    spoiled = rng.choice((
        text.replace('"', "'"), text.replace('"success"', "success"), text.replace(",", ",,", 1),
        text[:-1] + ",}", text.replace("true", "True"), text.replace("true", "NaN"),
        text.replace('"SPOOF": [', '"SPOOF": [NaN, '), text.replace(":", "=", 1),
        "/* */" + text, text.replace('"errors"', '"errors', 1), "null", "[]", "{}", "7", '"x"',
        "<html><title>Just a moment...</title></html>", "", " "))
    # What it would replace may not be there any more.
    return ("" if spoiled == text else spoiled).encode(), BROKEN


@mutation("text", 2)
def twice(document, rng):
    """The same key two times; which of them holds is nobody's to guess."""
    text = json.dumps(document)
    key, other = rng.choice((
        ('"success": ', "true"), ('"lastUpdated": ', '"2020-01-01T00:00:00Z"'),
        ('"SPOOF": ', '["9.5"]'), ('"meta": ', "{}"), ('"result": ', "{}"),
        ('"timestamps": ', "[]")))
    if text.count(key) == 0:
        return text.encode(), PERHAPS
    place = text.index(key)
    return (text[:place] + key + other + ", " + text[place:]).encode(), (
        PERHAPS if other == "true" else BROKEN)


@mutation("text")
def hard_numbers(document, rng):
    """Beside the data, where readers of numbers have been killed by them."""
    text = json.dumps(dict(document, note="@"))
    number = rng.choice(("1.0000000000000000000000e-2147483639", "0." + "0" * 380 + "42041091429",
                         "1e999", "9" * 400, "1e-999", "-0", "0" * 1 + ".5" + "5" * 300))
    return text.replace('"@"', f"[{number}]").encode(), PERHAPS


@mutation("text")
def depth(document, rng):
    deep = rng.choice((33, 100, 1_000, 100_000))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}")))
    text = json.dumps(dict(document, note="@"))
    return text.replace('"@"', opened * deep + "0" + closed * deep).encode(), (
        PERHAPS if deep < 1_000 else BROKEN)


@mutation("text")
def size(document, rng):
    """Around and over four mebibytes."""
    document = dict(document, note="x" * rng.choice((100_000, 5 << 20)))
    text = json.dumps(document).encode()
    return text, PERHAPS if len(text) < (4 << 20) else BROKEN
