"""Which mutations an answer gets: the same for the same seed, query and number of the answer, in
whatever order the requests come."""

import copy
import json
import random

from oracle import contract

from . import (  # noqa: F401  (they register their mutations)
    envelope_mutants, remark_mutants, status_mutants, surplus_mutants, text_mutants, time_mutants,
    value_mutants, wire_mutants)
from .target import KINDS, Target
from .text_mutants import BROKEN, PERHAPS
from .true_answer import true_answer
from .wire_mutants import NOTHING, Sending, plain

# How many answers of a hundred stay true, and how many get a mutation of each layer.
_SHARES = {None: 30, "document": 40, "text": 8, "wire": 22}
# Bytes that a body has at least that the mutations of the wire can cut anywhere.
_DIVISIBLE = 100


class Spoiled:
    """An answer as it is sent: its `sending`, the verdict for each query it is about, and the
    `kinds` of mutation it got."""

    def __init__(self, sending, verdicts, kinds, document):
        self.sending = sending
        self.verdicts = verdicts  # {query: Verdict}
        self.kinds = kinds
        self.document = document


def layer_of(kind):
    return next(layer for layer, kinds in KINDS.items() if kind in kinds)


def all_kinds():
    return [kind for kinds in KINDS.values() for kind in kinds]


class Recipe:
    """`only`: the names of the mutations to use; all when empty."""

    def __init__(self, seed, only=()):
        self._seed = seed
        self._only = only

    def spoil(self, series, number, now):
        """The answer to a request for `series`, which is the `number`th for the first of them."""
        rng = random.Random(f"{self._seed} {series[0].query.number} {number}")
        document = true_answer(series, now, rng)
        kinds = self._kinds(rng)
        chosen = {layer: [kind for kind in kinds if layer_of(kind) == layer] for layer in KINDS}
        for number_of_kind, kind in enumerate(chosen["document"]):
            self._spoil_document(kind, document, series, now, rng, number_of_kind == 0)
        verdicts = {each.query: contract.judge(document, each.own, each.control, now)
                    for each in series}
        body, worth = json.dumps(document).encode(), None
        for kind in chosen["text"]:
            body, worth = KINDS["text"][kind][0](document, rng)
            _lower(verdicts, worth, kind)
        sending = Sending([plain(body)])
        for kind in chosen["wire"]:
            if len(body) >= _DIVISIBLE:
                sending = KINDS["wire"][kind][0](body, rng)
                _lower(verdicts, sending.worth, kind)
        return Spoiled(sending, verdicts, kinds or ["true"], document)

    def _kinds(self, rng):
        if self._only:
            return [rng.choice(self._only)] if rng.random() < 0.6 else []
        layer = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
        if layer is None:
            return []
        kinds = [_choose(layer, rng)]
        # Some get a second one, of any layer.
        if rng.random() < 0.2:
            second = _choose(rng.choice(("document", "wire")), rng)
            if layer_of(second) != "wire" or layer != "wire":
                kinds.append(second)
        return kinds

    @staticmethod
    def _spoil_document(kind, document, series, now, rng, first):
        victim = rng.choice(series)
        others = [each.own.name for each in series if each is not victim]
        before = copy.deepcopy(document)
        try:
            KINDS["document"][kind][0](Target(document, victim, others, now, rng))
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            if first:
                raise
            # What it would spoil is not there any more, by the mutation before.
            document.clear()
            document.update(before)


def _choose(layer, rng):
    names = list(KINDS[layer])
    return rng.choices(names, [KINDS[layer][name][1] for name in names])[0]


def _lower(verdicts, worth, kind):
    """A document is worth no more than the text and the message that it comes in."""
    for query, verdict in verdicts.items():
        if worth == NOTHING:
            verdicts[query] = contract.Verdict(NOTHING, why=kind)
        elif worth == BROKEN and verdict.kind != NOTHING:
            verdicts[query] = contract.Verdict(contract.REFUSE, why=kind)
        elif worth == PERHAPS and verdict.kind == contract.ACCEPT:
            verdict.kind, verdict.why = contract.EITHER, kind
