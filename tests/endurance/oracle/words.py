"""What must not be read on the page or in the log, what must be, and as what failures may be
counted."""

import re

from .contract import REFUSE

_REASON = re.compile(r'^cloudflare_radar_api_failures_total\{reason="(\w+)"\} (\S+)$', re.MULTILINE)
# A part of a credential that is long enough to be one.
_PART = 8
# The mutations after which more than one thing may be wrong with an answer.
_MANIFOLD = ("havoc",)


def secret_in(text, token):
    """A part of the token, in whatever letters, or None."""
    text, token = text.lower(), token.lower()
    parts = (token[place:place + _PART] for place in range(len(token) - _PART + 1))
    return next((part for part in parts if part in text), None)


def wrong_words(where, text, token):
    """Words that came from the API and should have gone no further, or None."""
    part = secret_in(text, token)
    if part:
        return f"{where} shows {part}, a part of the token"
    for policy in ('policy="trailer"', 'policy="interim"'):
        if policy in text:
            return f"{where} shows {policy}, which was in no header line of an answer"
    if re.search(r"HTTP 304[^\n]*redirect", text):
        return f"{where} calls a 304 a redirect"
    return None


def excess_of_reasons(text, exchanges):
    """A reason that is counted more often on the page than the answers explain, or None."""
    known = [each.verdict.reasons if each.verdict.kind == REFUSE and len(each.kinds) == 1 and
             each.kinds[0] not in _MANIFOLD else () for each in exchanges if each.may_fail]
    anything = sum(not reasons for reasons in known)
    for reason, count in _REASON.findall(text):
        allowed = anything + sum(reason in reasons for reasons in known)
        if float(count) > allowed:
            return f"{count} failures are counted as {reason}, where {allowed} may be"
    return None
