"""Further metrics of a finished evaluation, by subtask where they have a scale of their own.

The benchmark's own rules, faults included, for comparison with numbers published elsewhere; F1 of relations with a
choice of similarity; judged answers on the benchmark's scale. Groups, macro averages and scores without defective rows
are computed by the core's bench.

Known faults of the benchmark's rules for answers: they look at the whole completion, its thinking included; a
multiple-choice answer in a box scores nothing; the letters are tried from D down, so the first that is merely
mentioned decides; `no` inside `not` or `know` is a No. For relations: a list of one relation is read as empty; a list
with one malformed relation becomes one relation of empty names, and so does an empty answer, and such relations match
each other; entities and relations are matched across the whole corpus, so what is right for one text counts for
another; a name without a vector does not match itself; and the scorer of pairs stops with an error at the first pair
that matches none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from statistics import fmean

from openrft import Rollout, Sample
from openrft_sciknoweval.grading import form_of
from openrft_sciknoweval.judge import Verdict, choose_rubric, compute_official_judge_mean
from openrft_sciknoweval.relations import (
    ENTITY_THRESHOLD,
    RELATION_THRESHOLD,
    MatchCounts,
    Relation,
    match_relations,
    parse_relations,
)
from openrft_sciknoweval.similarity import NameEmbedder, PairwiseSimilarity, make_name_matcher

PREFIX = "sciknoweval_"
_AFTER = (".", "\n", ")", " ", '"')  # a letter with one of these behind it counts as chosen


def compute_metrics(
    rollouts: Sequence[Rollout], embedders: Sequence[NameEmbedder | None] = (None,)
) -> Iterator[tuple[str, float]]:
    """Names and values. What has no items, and what ends the benchmark's scorer with an error, is left out."""
    official: dict[str, list[bool]] = {}
    for leaf, members in _group_by_leaf(r for r in rollouts if form_of(r.sample) not in ("relations", "judged")):
        scored = [is_officially_correct(r.sample, r.completion.text) for r in members]
        official[leaf] = [right for right in scored if right is not None]
    if any(official.values()):
        yield f"{PREFIX}official", fmean(right for known in official.values() for right in known)
    yield from ((f"{PREFIX}official.{leaf}", fmean(known)) for leaf, known in official.items() if known)
    for leaf, members in _group_by_leaf(r for r in rollouts if form_of(r.sample) == "relations"):
        for embedder in embedders:
            yield from _relation_metrics(leaf, members, embedder)


def compute_judge_metrics(judged: Sequence[tuple[Rollout, Verdict | None]]) -> Iterator[tuple[str, float]]:
    """Of answers with their verdicts, by subtask on the benchmark's scale.

    `judged`: the mean over all answers. An empty answer, and one whose verdict could not be read after all attempts,
    has the lowest mark, so it stays in the denominator; `unread` counts the latter apart, and `judged_read` is the
    mean without them. `official`: the benchmark's own rule on the same verdicts.
    """
    of_leaf: dict[str, list[tuple[Rollout, Verdict | None]]] = defaultdict(list)
    for rollout, verdict in judged:
        of_leaf[rollout.sample.task].append((rollout, verdict))
    for task, pairs in sorted(of_leaf.items()):
        leaf = task.rpartition("/")[2]
        rubric = choose_rubric(leaf)
        marks = [verdict.score if verdict else 0.0 for _, verdict in pairs]
        read = [mark for mark in marks if mark is not None]
        yield f"{PREFIX}judged.{leaf}", fmean(rubric.to_benchmark_scale(mark or 0.0) for mark in marks)
        if read:
            yield f"{PREFIX}judged_read.{leaf}", fmean(map(rubric.to_benchmark_scale, read))
        yield f"{PREFIX}judged_unread.{leaf}", float(len(marks) - len(read))
        official = compute_official_judge_mean(rubric.scale, [verdict.attempts[0] for _, verdict in pairs if verdict])
        if official is not None:
            yield f"{PREFIX}judged_official.{leaf}", official


def _relation_metrics(
    leaf: str, rollouts: Sequence[Rollout], embedder: NameEmbedder | None
) -> Iterator[tuple[str, float]]:
    name = embedder.name if embedder else "exact"
    rounds = list(_split_rounds(rollouts))
    yield f"{PREFIX}relation_f1_{name}.{leaf}", fmean(compute_relation_f1(r, embedder) for r in rounds)
    official = [_score_officially(r, embedder) for r in rounds]
    known = [value for value in official if value is not None]
    if len(known) == len(official):
        yield f"{PREFIX}relation_f1_{name}_official.{leaf}", fmean(known)


def compute_relation_f1(rollouts: Sequence[Rollout], embedder: NameEmbedder | None) -> float:
    """The composite of F1s (relations.py) of one answer a question, counts pooled over the questions, in [0, 1]."""
    pairs = [(parse_relations(r.answer or "") or (), parse_relations(r.sample.answer) or ()) for r in rollouts]
    same = make_name_matcher([part for pair in pairs for part in _list_names(pair)], embedder)
    return reduce(add, (match_relations(found, gold, same) for found, gold in pairs), MatchCounts()).score


def _score_officially(rollouts: Sequence[Rollout], embedder: NameEmbedder | None) -> float | None:
    golds = [r.sample.answer for r in rollouts]
    pairs = sum(len(relation) == 2 for gold in golds for relation in parse_relations(gold) or ())
    triples = sum(len(relation) == 3 for gold in golds for relation in parse_relations(gold) or ())
    return compute_official_relation_f1(
        [r.completion.text for r in rollouts], golds, 2 if pairs > triples else 3, embedder
    )


def _list_names(relations: Iterable[Iterable[Relation]]) -> Iterator[str]:
    return (part for side in relations for relation in side for part in relation)


def _split_rounds(rollouts: Sequence[Rollout]) -> Iterator[list[Rollout]]:
    """The first answers to all questions, then the second ones, ...: a corpus has one answer a question."""
    seen: dict[str, int] = defaultdict(int)
    rounds: dict[int, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        rounds[seen[rollout.sample.id]].append(rollout)
        seen[rollout.sample.id] += 1
    yield from rounds.values()


def _group_by_leaf(rollouts: Iterable[Rollout]) -> list[tuple[str, list[Rollout]]]:
    found: Mapping[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        found[rollout.sample.task.rpartition("/")[2]].append(rollout)
    return sorted(found.items())


def is_officially_correct(sample: Sample, completion: str) -> bool | None:
    """Whether the benchmark's scorer takes the answer for right; None for an item at which it stops with an error."""
    text = completion.strip()
    if sample.kind == "choice":
        labelled = sample.options[: sample.meta.get("labels")]  # it knows texts by their labels, and no others
        return _official_choice(sample, labelled, text) if len(labelled) in (2, 4) else None
    if sample.kind == "boolean":
        return _official_boolean(sample.answer, text.lower())
    return sample.answer.strip() in text


def _official_choice(sample: Sample, options: tuple[str, ...], text: str) -> bool:
    if len(text) < 2:
        return text == sample.answer
    wrong = [option for letter, option in zip("ABCD", options, strict=False) if letter != sample.answer]
    if sample.gold in text and not any(option in text for option in wrong):
        return True
    for letter in "DCBA":
        if text[0] == letter or f'"{letter}' in text or any(letter + mark in text for mark in _AFTER):
            return letter == sample.answer
    return False


def _official_boolean(answer: str, text: str) -> bool:
    if answer.lower() in text:
        return True
    if "true" in text:
        return answer == "Yes"
    return "false" in text and answer == "No"


class OfficialScorerError(Exception):
    """The benchmark's scorer ends with an error here."""


def parse_official_relations(text: str, parts: int) -> list[Relation]:
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


def compute_official_relation_f1(
    answers: Sequence[str], golds: Sequence[str], parts: int, embedder: NameEmbedder | None
) -> float | None:
    """The score of a corpus, in [0, 1]; None where the benchmark's scorer stops with an error."""
    found = [relation for answer in answers for relation in parse_official_relations(answer, parts)]
    gold = [relation for text in golds for relation in parse_official_relations(text, parts)]
    similarity = PairwiseSimilarity([part for relation in (*found, *gold) for part in relation], embedder)
    try:
        first = _official_names_f1(_first_parts(found, parts), _first_parts(gold, parts), similarity)
        second = _official_names_f1({r[1] for r in found}, {r[1] for r in gold}, similarity)
        return ((first + second) / 2 + _official_relations_f1(found, gold, similarity, parts)) / 2
    except OfficialScorerError:
        return None


def _first_parts(relations: Iterable[Relation], parts: int) -> set[str]:
    return {name for relation in relations for name in (relation[::2] if parts == 3 else relation[:1])}


def _official_names_f1(found: set[str], gold: set[str], similarity: PairwiseSimilarity) -> float:
    taken: set[str] = set()
    wrong = 0
    ordered = sorted(gold, key=str.lower)
    for name in sorted(found, key=str.lower):
        match = next((g for g in ordered if similarity(name, g) > ENTITY_THRESHOLD), None)
        if match is None:
            wrong += 1
        else:
            taken.add(match)  # a second name for the same one is neither right nor wrong
    return _f1_score(len(taken), wrong, len(gold) - len(taken))


def _official_relations_f1(
    found: Sequence[Relation], gold: Sequence[Relation], similarity: PairwiseSimilarity, parts: int
) -> float:
    claimed, true = set(found), set(gold)
    right = sum(_officially_matches(relation, true, similarity, parts) for relation in found)
    missed = sum(not _officially_matches(relation, claimed, similarity, parts) for relation in gold)
    return _f1_score(right, len(found) - right, missed)


def _officially_matches(relation: Relation, others: set[Relation], similarity: PairwiseSimilarity, parts: int) -> bool:
    if relation in others:
        return True
    if any(
        all(similarity(a, b) > RELATION_THRESHOLD for a, b in zip(relation, other, strict=True)) for other in others
    ):
        return True
    if parts == 2:
        raise OfficialScorerError  # its variable is set only where something matches
    return False


def _f1_score(right: int, wrong: int, missed: int) -> float:
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
