"""The words of a violation: what was shown, what had been answered, and whose the number is."""

import json

from oracle.ledger import describe

_LONGEST = 1_500  # characters of an answer
_LAST = 4  # answers, lines of the log


def testimony(name, page, exchanges, recent, log):
    """Lines. `recent`: (query, exchange) of all queries, the newest last."""
    values = {key: value for key, value in vars(page).items() if key != "annotations"}
    yield f"shown: {values}"
    for number, exchange in list(enumerate(exchanges))[-_LAST:]:
        yield f"answer {number} to {name} {describe(exchange)}"
    for last in exchanges[-1:]:
        yield f"its bytes: {_shortened(last.answer)}"
    if page.spoof is not None:
        yield _origin(name, page.spoof, recent)
    said = [line for line in log.splitlines() if f"query={name}" in line]
    yield from (f"log: {line}" for line in said[-_LAST:])


def _origin(name, spoof, recent):
    for owner, exchange in reversed(recent):
        result = getattr(exchange.answer, "document", {}).get("result")
        if not isinstance(result, dict):
            continue
        for key, series in result.items():
            values = series.get("SPOOF") if isinstance(series, dict) else None
            for place, value in enumerate(values if isinstance(values, list) else ()):
                if _is(value, spoof):
                    meta = result.get("meta")
                    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
                    whose = "this query" if owner == name else f"another query, {owner}"
                    return (f"{spoof} is {key}.SPOOF[{place}] of {len(values)} in an answer to "
                            f"{whose} {describe(exchange)}, lastUpdated {updated}")
    return f"{spoof} is in none of the last {len(recent)} answers"


def _is(value, spoof):
    try:
        return abs(float(value) / 100 - spoof) < 1e-10
    except (ValueError, TypeError):
        return False


def _shortened(answer):
    if not hasattr(answer, "sending"):
        return repr(answer)
    sent = b"".join(each for each in answer.sending.pieces if isinstance(each, bytes))
    head = sent.partition(b"\r\n\r\n")[0]
    return f"{head!r} ... {json.dumps(answer.document, default=repr)}"[:_LONGEST]
