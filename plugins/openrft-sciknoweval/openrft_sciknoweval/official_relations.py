"""The benchmark's own scorer of relations, faults included, for comparison with numbers published elsewhere.

Known faults: a list of one relation is read as empty; a list with one malformed relation becomes one relation of
empty names, and so does an empty answer, and such relations match each other; entities and relations are matched
across the whole corpus, so what is right for one text counts for another; a name without a vector does not match
itself; and the scorer of pairs stops with an error at the first pair that matches none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from openrft_sciknoweval.relations import ENTITY, WHOLE, Relation
from openrft_sciknoweval.similarity import Likeness, Similarity


class Stops(Exception):
    """The benchmark's scorer ends with an error here."""


def parsed(text: str, parts: int) -> list[Relation]:
    """The relations of `parts` names that the benchmark's scorer reads."""
    blank = [("",) * parts]
    text = text.strip()
    if not text:
        return blank
    text = text.removeprefix("[").removesuffix("]").strip('"').lower()
    for opening, closing in ("()", "[]"):
        if f"{opening}'" in text:
            text = text.replace(f"{opening}'", opening).replace("','", ",").replace("', '", ", ")
            text = text.replace(f"'{closing}", closing)
    for opening, closing in ("()", "[]"):
        if f"{closing}," in text:
            groups = re.split(rf"\s*\{closing},\s*\{opening}", text)
            clean = [group.replace(opening, "").replace(closing, "") for group in groups]
            found = [tuple(part.strip() for part in group.split(",")) for group in clean]
            return found if all(len(relation) == parts for relation in found) else blank
    return []


def corpus_f1(answers: Sequence[str], golds: Sequence[str], parts: int, similarity: Similarity | None) -> float | None:
    """The score of a corpus, in [0, 1]; None where the benchmark's scorer stops with an error."""
    found = [relation for answer in answers for relation in parsed(answer, parts)]
    gold = [relation for text in golds for relation in parsed(text, parts)]
    like = Likeness([part for relation in (*found, *gold) for part in relation], similarity)
    try:
        first = _names_f1(_firsts(found, parts), _firsts(gold, parts), like)
        second = _names_f1({r[1] for r in found}, {r[1] for r in gold}, like)
        return ((first + second) / 2 + _relations_f1(found, gold, like, parts)) / 2
    except Stops:
        return None


def _firsts(relations: Iterable[Relation], parts: int) -> set[str]:
    return {name for relation in relations for name in (relation[::2] if parts == 3 else relation[:1])}


def _names_f1(found: set[str], gold: set[str], like: Likeness) -> float:
    taken: set[str] = set()
    wrong = 0
    ordered = sorted(gold, key=str.lower)
    for name in sorted(found, key=str.lower):
        match = next((g for g in ordered if like(name, g) > ENTITY), None)
        if match is None:
            wrong += 1
        else:
            taken.add(match)  # a second name for the same one is neither right nor wrong
    return _f1(len(taken), wrong, len(gold) - len(taken))


def _relations_f1(found: Sequence[Relation], gold: Sequence[Relation], like: Likeness, parts: int) -> float:
    claimed, true = set(found), set(gold)
    right = sum(_matches(relation, true, like, parts) for relation in found)
    missed = sum(not _matches(relation, claimed, like, parts) for relation in gold)
    return _f1(right, len(found) - right, missed)


def _matches(relation: Relation, others: set[Relation], like: Likeness, parts: int) -> bool:
    if relation in others:
        return True
    if any(all(like(a, b) > WHOLE for a, b in zip(relation, other, strict=True)) for other in others):
        return True
    if parts == 2:
        raise Stops  # its variable is set only where something matches
    return False


def _f1(right: int, wrong: int, missed: int) -> float:
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
