"""Further numbers of a finished evaluation, by subtask where they have a scale of their own.

The benchmark's own rules as a second column; F1 of relations with a choice of similarity; judged answers on the
benchmark's scale. Groups, macro averages and rows without defects are the core's business (openrft.bench).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from statistics import fmean

from openrft import Rollout
from openrft_sciknoweval.answering import form
from openrft_sciknoweval.official import official
from openrft_sciknoweval.official_relations import corpus_f1
from openrft_sciknoweval.relations import Matched, Relation, matched, relations_in
from openrft_sciknoweval.rubrics import official as official_verdicts
from openrft_sciknoweval.rubrics import rubric_for
from openrft_sciknoweval.similarity import Similarity, alike
from openrft_sciknoweval.verdicts import Verdict

PREFIX = "sciknoweval_"


def metrics(
    rollouts: Sequence[Rollout], similarities: Sequence[Similarity | None] = (None,)
) -> Iterator[tuple[str, float]]:
    """Names and values. What has no items, and what the benchmark's scorer ends at with an error, is left out."""
    theirs: dict[str, list[bool]] = {}
    for leaf, members in _by_leaf(r for r in rollouts if form(r.sample) not in ("relations", "judged")):
        scored = [official(r.sample, r.completion.text) for r in members]
        theirs[leaf] = [right for right in scored if right is not None]
    if any(theirs.values()):
        yield f"{PREFIX}official", fmean(right for known in theirs.values() for right in known)
    yield from ((f"{PREFIX}official.{leaf}", fmean(known)) for leaf, known in theirs.items() if known)
    for leaf, members in _by_leaf(r for r in rollouts if form(r.sample) == "relations"):
        for similarity in similarities:
            yield from _relations(leaf, members, similarity)


def judged_metrics(judged: Sequence[tuple[Rollout, Verdict | None]]) -> Iterator[tuple[str, float]]:
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
        rubric = rubric_for(leaf)
        marks = [verdict.score if verdict else 0.0 for _, verdict in pairs]
        read = [mark for mark in marks if mark is not None]
        yield f"{PREFIX}judged.{leaf}", fmean(rubric.shown(mark or 0.0) for mark in marks)
        if read:
            yield f"{PREFIX}judged_read.{leaf}", fmean(map(rubric.shown, read))
        yield f"{PREFIX}judged_unread.{leaf}", float(len(marks) - len(read))
        theirs = official_verdicts(rubric.scale, [verdict.attempts[0] for _, verdict in pairs if verdict])
        if theirs is not None:
            yield f"{PREFIX}judged_official.{leaf}", theirs


def _relations(leaf: str, rollouts: Sequence[Rollout], similarity: Similarity | None) -> Iterator[tuple[str, float]]:
    name = similarity.name if similarity else "exact"
    rounds = list(_rounds(rollouts))
    yield f"{PREFIX}relation_f1_{name}.{leaf}", fmean(relation_f1(r, similarity) for r in rounds)
    theirs = [_official_f1(r, similarity) for r in rounds]
    known = [value for value in theirs if value is not None]
    if len(known) == len(theirs):
        yield f"{PREFIX}relation_f1_{name}_official.{leaf}", fmean(known)


def relation_f1(rollouts: Sequence[Rollout], similarity: Similarity | None) -> float:
    """The composite of F1s (relations.py) of one answer a question, counts pooled over the questions, in [0, 1]."""
    pairs = [(relations_in(r.answer or "") or (), relations_in(r.sample.answer) or ()) for r in rollouts]
    same = alike([part for pair in pairs for part in _parts(pair)], similarity)
    return reduce(add, (matched(found, gold, same) for found, gold in pairs), Matched()).score


def _official_f1(rollouts: Sequence[Rollout], similarity: Similarity | None) -> float | None:
    golds = [r.sample.answer for r in rollouts]
    pairs = sum(len(relation) == 2 for gold in golds for relation in relations_in(gold) or ())
    triples = sum(len(relation) == 3 for gold in golds for relation in relations_in(gold) or ())
    return corpus_f1([r.completion.text for r in rollouts], golds, 2 if pairs > triples else 3, similarity)


def _parts(relations: Iterable[Iterable[Relation]]) -> Iterator[str]:
    return (part for side in relations for relation in side for part in relation)


def _rounds(rollouts: Sequence[Rollout]) -> Iterator[list[Rollout]]:
    """The first answers to all questions, then the second ones, ...: a corpus has one answer a question."""
    seen: dict[str, int] = defaultdict(int)
    rounds: dict[int, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        rounds[seen[rollout.sample.id]].append(rollout)
        seen[rollout.sample.id] += 1
    yield from rounds.values()


def _by_leaf(rollouts: Iterable[Rollout]) -> list[tuple[str, list[Rollout]]]:
    found: Mapping[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        found[rollout.sample.task.rpartition("/")[2]].append(rollout)
    return sorted(found.items())
