"""Relation extraction: from a text to relations, and how well a list of relations matches the gold one.

A relation is a triple (drug, interaction, drug) or a pair (compound, disease). Its score is the benchmark's:
((F1 of entities + F1 of what comes second) / 2 + F1 of relations) / 2, from counts pooled over the corpus.
Unlike in the benchmark's own scorer (metrics.py), a relation is matched within its own text and only once, so that what
is right for one abstract earns nothing in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openrft_sciknoweval.similarity import NameMatcher

Relation = tuple[str, ...]  # two or three parts, lower case
ENTITY_THRESHOLD, RELATION_THRESHOLD = (
    0.9,
    0.95,
)  # similarity above which two entities, or two parts of a relation, are the same

_GROUP = re.compile(r"\(|\[|\)|\]")
_QUOTES = "\"'\u2018\u2019\u201c\u201d`"


def parse_relations(text: str) -> tuple[Relation, ...] | None:
    """The relations of a list such as `[(a, effect, b), (c, int, d)]`; None if there is no such list.

    An empty list is a list. A group that has neither two nor three parts, or an empty one, is no relation.
    """
    groups = list(_split_groups(text))
    found = tuple(relation for relation in map(_parse_relation, groups) if relation)
    if found:
        return found
    return () if re.fullmatch(r"\s*[\[(]\s*[\])]\s*", text) else None


def _split_groups(text: str) -> Iterator[str]:
    """The text between each pair of brackets; in a list `[(...), ...]` between the inner ones.

    A name may begin with a bracket, as (R)-warfarin does, so `((` is no list.
    """
    depth, start, outer = 0, 0, 1 if re.match(r"[^\[(]*\[\s*[\[(]", text) else 0
    for mark in _GROUP.finditer(text):
        if mark.group() in "([":
            if depth == outer:
                start = mark.end()
            depth += 1
        elif depth:
            depth -= 1
            if depth == outer:
                yield text[start : mark.start()]


def _parse_relation(group: str) -> Relation | None:
    for comma in (r",\s+", ","):  # a name may hold a comma, as 1,25(OH)2D3 does, but seldom one before a space
        parts = tuple(_normalize_name(part) for part in re.split(comma, group))
        if len(parts) in (2, 3) and all(parts):
            return parts
    return None


def _normalize_name(part: str) -> str:
    return " ".join(part.lower().split()).strip(_QUOTES + " ")


@dataclass(frozen=True, slots=True)
class Counts:
    """Found and right, found and wrong, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def f1(self) -> float:
        """2 right / (2 right + wrong + missed); 1 where there was nothing to find and nothing was claimed."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """What a list of relations matches of the gold one: entities, second parts, whole relations."""

    entities: Counts = Counts()
    second: Counts = Counts()
    whole: Counts = Counts()

    def __add__(self, other: MatchCounts) -> MatchCounts:
        return MatchCounts(self.entities + other.entities, self.second + other.second, self.whole + other.whole)

    @property
    def score(self) -> float:
        """In [0, 1]."""
        return ((self.entities.f1 + self.second.f1) / 2 + self.whole.f1) / 2


def match_relations(found: Iterable[Relation], gold: Iterable[Relation], same_name: NameMatcher) -> MatchCounts:
    """The counts for one text. Repeated relations and entities count once."""
    found, gold = tuple(dict.fromkeys(found)), tuple(dict.fromkeys(gold))
    return MatchCounts(
        _count_matches(
            [(e,) for e in list_entities(found)], [(e,) for e in list_entities(gold)], same_name, ENTITY_THRESHOLD
        ),
        _count_matches(
            [(s,) for s in list_seconds(found)], [(s,) for s in list_seconds(gold)], same_name, ENTITY_THRESHOLD
        ),
        _count_matches(found, gold, same_name, RELATION_THRESHOLD),
    )


def list_entities(relations: Iterable[Relation]) -> list[str]:
    """The first and third parts of triples, the first of pairs, each once."""
    return list(dict.fromkeys(part for relation in relations for part in (relation[0], *relation[2:])))


def list_seconds(relations: Iterable[Relation]) -> list[str]:
    """The second parts: a triple's relation, a pair's other entity; each once."""
    return list(dict.fromkeys(relation[1] for relation in relations))


def _count_matches(found: Sequence[Relation], gold: Sequence[Relation], same_name: NameMatcher, above: float) -> Counts:
    """Each gold one is taken once, by the same one if that was found, else by the first that is alike."""
    taken = set(found) & set(gold)
    right, free = len(taken), [relation for relation in gold if relation not in taken]
    for relation in found:
        if relation in taken:
            continue
        match = next((g for g in free if _relations_match(relation, g, same_name, above)), None)
        if match is not None:
            free.remove(match)
            right += 1
    return Counts(right, len(found) - right, len(gold) - right)


def _relations_match(one: Relation, other: Relation, same_name: NameMatcher, above: float) -> bool:
    return len(one) == len(other) and all(same_name(a, b, above) for a, b in zip(one, other, strict=True))
