"""A token that would be recognised anywhere, and the places where it must not be."""

import base64

from exporter_under_test import ProcessFigures, fetch

CANARY = "canary-5b1d3f-neither-logged-nor-shown"
PAGES = ("/metrics", "/", "/-/ready", "/-/healthy", "/nothing", "/-/reload")
_SPELLINGS = [CANARY.encode(), base64.b64encode(CANARY.encode()), CANARY.encode().hex().encode(),
              CANARY[:12].encode()]


def found_in(data):
    return any(each in data for each in _SPELLINGS)


def leaks(exporter):
    """Where a running exporter shows the canary: its arguments, environment, pages and log."""
    process = ProcessFigures(exporter.process.pid)
    places = {"arguments": process.command_line(), "environment": process.environment(),
              "log": exporter.output.encode()}
    for path in PAGES:
        for method in ("GET", "POST"):
            answer = fetch(exporter.port, path, method)
            places[f"{method} {path}"] = answer.body + str(answer.headers).encode()
    return [f"in {place}" for place, data in places.items() if found_in(data)]
