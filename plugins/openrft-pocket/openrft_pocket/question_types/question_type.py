"""The record of one question type: how its facts are drawn, worded, solved and split. And helpers to draw options.

Each type is an instance in a file beside this one. Knows no chat format, no tokenizer and nothing of openrft.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any, Literal

from openrft_pocket.question_types.trace import LETTERS, TraceWriter

Split = Literal["train", "test"]
Facts = dict[str, Any]  # plain JSON: everything a question states
_CALCULATION = re.compile(r"^(.*?)(\d+(?:\+\d+)+|\d+(?:\*\d+)+)=(\d+)$")  # what stands before it, terms, result


def assign_split(type_name: str, problem_key: str) -> Split:
    """The split that a problem belongs to: always the same, and about half of all problems each."""
    return "train" if hashlib.sha256(f"{type_name} {problem_key}".encode()).digest()[0] % 2 else "test"


@dataclass(frozen=True)
class QuestionType:
    """Everything that the task family needs to know about one type of question."""

    name: str
    paper: str  # the paper's task that it imitates, "T1".."T8"; "L1" for a knowledge type, which imitates none
    domain: str
    summary: str
    wordings: tuple[str, ...]  # the task's own; never seen in pre-training
    rewordings: tuple[str, ...]  # the rule-based rewriter's; never seen in pre-training either
    training_wordings: tuple[str, ...]  # those of pre-training
    draw_facts: Callable[[Random], Facts]
    problem_key: Callable[[Facts], str]  # questions with the same key are the same problem; splits never share one
    get_slots: Callable[[Facts], dict[str, object]]  # values of the {names} in a wording
    draw_options: Callable[[Facts, Random], tuple[list[str], int]]  # four texts and the index of the gold one
    write_solution: Callable[[Facts, Sequence[str], TraceWriter], None]  # the whole trace, boxed line included
    stratum: Callable[[Facts], object] = lambda facts: None  # its values are equally frequent in train and test
    # further lines that are true of the question: a trace may hold or omit them
    list_optional_lines: Callable[[Facts, Sequence[str]], list[str]] = lambda facts, options: []
    draw_training_facts: Callable[[Random], Facts] | None = None  # for pre-training, where it covers more than the task
    level: str = "L3"  # L3: reasoning; L1: knowledge

    def list_true_lines(self, facts: Facts, options: Sequence[str]) -> set[str]:
        """Every line that is true of the question: the solution's, the optional ones and the gold option's, with sums
        and products in every order."""
        writer = TraceWriter()
        self.write_solution(facts, options, writer)
        gold = f"{writer.boxed_letter}. {options[LETTERS.index(writer.boxed_letter)]}"
        lines = (*writer.lines, *self.list_optional_lines(facts, options), gold)
        return {reordered for line in lines for reordered in _reorder_terms(line)}


def _reorder_terms(line: str) -> list[str]:
    """The line with the terms of its sum or product in every order; only itself if it has none."""
    if not (found := _CALCULATION.match(line)):
        return [line]
    head, terms, result = found.groups()
    sign = "+" if "+" in terms else "*"
    return [f"{head}{sign.join(order)}={result}" for order in permutations(terms.split(sign))]


def draw_neighbours(gold: int, possible: Sequence[int], rng: Random) -> list[int]:
    """Gold and three values near it, all from `possible` (sorted), with gold at a uniform rank. The first value follows
    the last, so all have equally many neighbours, and no value is gold more often than another when it is an option."""
    gaps = [rng.choice((1, 1, 2, 3)) for _ in range(3)]
    first = possible.index(gold) - sum(gaps[: rng.randrange(4)])
    return [possible[(first + sum(gaps[:i])) % len(possible)] for i in range(4)]


def draw_number_options(gold: int, rng: Random) -> tuple[list[str], int]:
    """Four whole numbers with gold at a uniform rank, and gold's index. Gaps have the same distribution on all sides,
    so the extreme, the middle and the most crowded option are gold equally often. Needs gold >= 3."""
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
    return shuffle_options([str(v) for v in values], str(gold), rng)


def shuffle_options(texts: Sequence[str], gold: str, rng: Random) -> tuple[list[str], int]:
    """The texts in random order, and the index of gold."""
    texts = list(texts)
    rng.shuffle(texts)
    return texts, texts.index(gold)
