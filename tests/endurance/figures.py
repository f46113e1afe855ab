"""What a script has measured beside what it had to reach: a short table, and the exit code."""

import math


class Figures:
    """Collects rows; a row that is missed makes the exit code 1."""

    def __init__(self, title):
        self._title = title
        self._rows = []
        self._missed = 0

    def at_most(self, name, value, limit, unit=""):
        self._row(name, value, f"<= {_text(limit)} {unit}", unit, value <= limit)

    def at_least(self, name, value, limit, unit=""):
        self._row(name, value, f">= {_text(limit)} {unit}", unit, value >= limit)

    def equal(self, name, value, expected, unit=""):
        self._row(name, value, f"= {_text(expected)} {unit}", unit, value == expected)

    def nothing(self, name, findings):
        """None of a kind may have been found; the first few are named."""
        self.equal(name, len(findings), 0)
        self._rows.extend(("", f"  {finding}", "", "") for finding in list(findings)[:10])

    def note(self, name, value, unit=""):
        """A figure without a target."""
        self._row(name, value, "", unit, True)

    def _row(self, name, value, target, unit, reached):
        self._missed += not reached
        self._rows.append(("" if reached else "MISSED", name, f"{_text(value)} {unit}".strip(),
                           target.strip()))

    def finish(self):
        """Prints the table; what the script has to exit with."""
        print(self._title)
        for verdict, name, value, target in self._rows:
            print(f"  {verdict:6}  {name:58} {value:>14}   {target}".rstrip())
        print(f"  {self._missed} missed" if self._missed else "  all reached", flush=True)
        return 1 if self._missed else 0


def _text(value):
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else (
        f"{value:.0f}" if isinstance(value, float) else str(value))


def percentile(values, percent):
    """The smallest of `values` that `percent` of them do not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
