"""A kind of question: how its facts are drawn, worded, solved and kept apart. One instance a file beside this one.

Knows no chat format, no tokenizer and nothing of openrft.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any, Literal

from openrft_pocket.kinds.hand import LETTERS, Hand

Split = Literal["train", "test"]
Facts = dict[str, Any]  # plain JSON: everything a question states
_SUM = re.compile(r"^(.*?)(\d+(?:\+\d+)+|\d+(?:\*\d+)+)=(\d+)$")  # what stands before it, terms, result


def split_of(name: str, key: str) -> Split:
    """The half of all exercises of a kind to which this one belongs."""
    return "train" if hashlib.sha256(f"{name} {key}".encode()).digest()[0] % 2 else "test"


@dataclass(frozen=True)
class Kind:
    """Everything the family needs to know about one task."""

    name: str
    paper: str  # the paper's task that it is a miniature of, "T1".."T8"; a knowledge item has none, "L1"
    domain: str
    summary: str
    wordings: tuple[str, ...]  # the task's own; never seen in pre-training
    rewordings: tuple[str, ...]  # what the rule-based rewriter says instead; never seen in pre-training either
    lessons: tuple[str, ...]  # the wordings of pre-training
    draw: Callable[[Random], Facts]
    key: Callable[[Facts], str]  # what makes two questions the same exercise: train and test never share one
    slots: Callable[[Facts], dict[str, object]]  # what the wordings' {names} stand for
    options: Callable[[Facts, Random], tuple[list[str], int]]  # four texts and the index of the gold one
    solve: Callable[[Facts, Sequence[str], Hand], None]  # writes the trace, the boxed line included
    stratum: Callable[[Facts], object] = lambda facts: None  # what is as frequent in train as in test
    asides: Callable[[Facts, Sequence[str]], list[str]] = lambda facts, options: []  # true lines a trace may leave out
    practice: Callable[[Random], Facts] | None = None  # what lessons draw, where the task keeps to a part of that
    level: str = "L3"  # L3: reasoning; L1: knowledge

    def truths(self, facts: Facts, options: Sequence[str]) -> set[str]:
        """Every line that is true of the question, sums and products in every order, and the gold option's own."""
        hand = Hand()
        self.solve(facts, options, hand)
        gold = f"{hand.boxed}. {options[LETTERS.index(hand.boxed)]}"
        return {said for line in (*hand.lines, *self.asides(facts, options), gold) for said in _orders(line)}


def _orders(line: str) -> list[str]:
    """The line with the terms of its sum or product in every order; itself alone where it has none."""
    if not (found := _SUM.match(line)):
        return [line]
    head, terms, result = found.groups()
    sign = "+" if "+" in terms else "*"
    return [f"{head}{sign.join(order)}={result}" for order in permutations(terms.split(sign))]


def ring_around(gold: int, possible: Sequence[int], rng: Random) -> list[int]:
    """Gold and three others near it, all from `possible` (sorted), at a uniform rank. The last value is followed by the
    first one, so that each has as many neighbours as another, and none is likelier to be gold where it is an option."""
    gaps = [rng.choice((1, 1, 2, 3)) for _ in range(3)]
    first = possible.index(gold) - sum(gaps[: rng.randrange(4)])
    return [possible[(first + sum(gaps[:i])) % len(possible)] for i in range(4)]


def numbers_around(gold: int, rng: Random) -> tuple[list[str], int]:
    """Four whole numbers with gold at a uniform rank and letter. Gaps are drawn alike on all sides, so that
    neither the extreme, the middle nor the most crowded option is likelier to be gold. Needs gold >= 3."""
    rank = rng.randrange(4)
    while True:
        gaps = [rng.choice((1, 1, 2, 3, 4, 6, 9, 10)) for _ in range(3)]
        low = gold - sum(gaps[:rank])
        if low >= 0:
            break
        if gold < 30:
            gaps = [rng.choice((1, 1, 2, 3)) for _ in range(3)]
            low = gold - sum(gaps[:rank])
            if low >= 0:
                break
    values = [low, low + gaps[0], low + sum(gaps[:2]), low + sum(gaps)]
    return shuffled([str(v) for v in values], str(gold), rng)


def shuffled(texts: Sequence[str], gold: str, rng: Random) -> tuple[list[str], int]:
    """The texts in a random order, and where gold came to stand."""
    texts = list(texts)
    rng.shuffle(texts)
    return texts, texts.index(gold)


def letter(index: int) -> str:
    """The letter of the option at this place."""
    return LETTERS[index]
