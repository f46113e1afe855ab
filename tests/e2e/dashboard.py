"""The Grafana dashboard as its JSON says it, and its queries as Grafana would send them."""

import collections
import json
import re

from processes import SOURCE_DIR

DASHBOARD = SOURCE_DIR / "monitoring/grafana/dashboards/radar_spoof.json"

Target = collections.namedtuple("Target", "panel ref expression instant")


def read():
    return json.loads(DASHBOARD.read_text())


def rows(dashboard):
    return [each for each in dashboard["panels"] if each["type"] == "row"]


def panels(dashboard):
    """All that show something, those in collapsed rows included."""
    inner = [panel for row in rows(dashboard) for panel in row["panels"]]
    return [each for each in dashboard["panels"] if each["type"] != "row"] + inner


def targets(dashboard):
    return [
        Target(panel["title"], target["refId"], target["expr"], "instant" in target)
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def is_recorded(expression):
    """Whether it is about series that Prometheus has only with rules loaded."""
    return re.search(r"[a-z]:[a-z]", re.sub(r'"[^"]*"', "", expression)) is not None


def variable_query(text):
    """Metric selector and label of label_values(SELECTOR, LABEL)."""
    return re.fullmatch(r"label_values\((.*), (\w+)\)", text).groups()


def escaped(value):
    """As Grafana's Prometheus data source puts a value into a regular expression in a string."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\" * 4))


def as_regex(values):
    texts = [escaped(value) for value in values]
    return texts[0] if len(texts) == 1 else f"({'|'.join(texts)})"


def interpolated(expression, chosen):
    """`chosen` is {variable: text}; a variable that is not there stays, and Prometheus refuses it."""
    return re.sub(r"\$(\w+)", lambda match: chosen.get(match[1], match[0]), expression)


def choose(dashboard, label_values, selection):
    """{variable: text} for every query variable, in order, as Grafana fills them in: {name: [value]}
    of `selection`, else All. `label_values(selector, label)` asks Prometheus."""
    chosen = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        selector, label = variable_query(variable["query"])
        values = label_values(interpolated(selector, chosen), label)
        if not values:
            raise AssertionError(f"variable {variable['name']} has no values")
        picked = selection.get(variable["name"])
        if picked:
            chosen[variable["name"]] = as_regex(picked)
        else:
            chosen[variable["name"]] = variable.get("allValue") or as_regex(values)
    return chosen
