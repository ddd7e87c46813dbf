"""Checks of the rows: answers, leaks and duplicates, and what rules without a model score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from openrft.bench.runner import score_baselines
from openrft.doctor import thresholds as limits
from openrft.doctor.subject import Subject, percent
from openrft.doctor.thresholds import diagnose, skip
from openrft.grading.chance import chance_of_guessing
from openrft.plugins.hookspecs import Diagnosis
from openrft.tasks.leakage import cluster_samples, find_overlaps


def check_answers(subject: Subject) -> Iterator[Diagnosis]:
    """Whether one answer is right for most training questions."""
    counts = Counter(sample.answer for sample in subject.train)
    if not counts:
        yield skip("answers", "there are no training questions")
        return
    answer, count = counts.most_common(1)[0]
    share = count / len(subject.train)
    yield diagnose(
        "answers",
        share if len(subject.train) > 1 else 0.0,
        limits.SAME_ANSWER,
        f"the commonest answer, {answer[:20]!r}, is that of {count} of {len(subject.train)} training questions",
        "Balance the answers (shuffle the options) or fix the gold answers: RL would learn to write this one.",
    )


def check_leaks(subject: Subject) -> Iterator[Diagnosis]:
    """Whether test questions are also in the train split."""
    test = subject.context.task.test
    overlaps = {kind: pairs for kind, pairs in find_overlaps(subject.train, test).items() if pairs}
    leaked = {other for pairs in overlaps.values() for _, other in pairs}
    kinds = ", ".join(f"{len({other for _, other in pairs})} {kind}" for kind, pairs in overlaps.items())
    yield diagnose(
        "leaks",
        len(leaked) / max(1, len(test)),
        limits.LEAKED,
        f"{len(leaked)} of {len(test)} test questions are in the train split, too" + (f" ({kinds})" if kinds else ""),
        "Give --drop-leaks, which removes them from the train split; `openrft tasks overlap` names them.",
    )


def check_duplicates(subject: Subject) -> Iterator[Diagnosis]:
    """Whether training questions repeat each other, with the same answer or with another one."""
    clusters = cluster_samples(subject.train)
    repeated = len(clusters) - len(set(clusters))
    golds: dict[int, set[str]] = {}
    for cluster, sample in zip(clusters, subject.train, strict=True):
        golds.setdefault(cluster, set()).add(sample.gold)
    torn = sum(len(found) > 1 for found in golds.values())
    apart = f"; {torn} of them have different answers" if torn else ""
    yield diagnose(
        "duplicates",
        repeated / max(1, len(clusters)),
        limits.DUPLICATES,
        f"{repeated} of {len(clusters)} training questions repeat another{apart}",
        "Remove the copies." if not torn else "Remove the copies, and decide which answers are right.",
    )


def check_rules(subject: Subject) -> Iterator[Diagnosis]:
    """Whether a rule without a model is right more often than a guess on the test questions."""
    task = subject.context.task
    found = score_baselines(task)
    if not found:
        yield skip("rules", "no rule without a model applies to this task")
        return
    best = max(found, key=lambda baseline: baseline.accuracy)
    chance = sum(map(chance_of_guessing, task.test)) / len(task.test)
    beyond = (best.accuracy - chance) / (1 - chance) if chance < 1 else 0.0
    yield diagnose(
        "rules",
        max(0.0, beyond),
        limits.RULE,
        f"the rule {best.name} scores {percent(best.accuracy)} on the test questions (guessing {percent(chance)})",
        "A rule that reads no question solves this: change the options or the answers before a model learns the rule.",
    )
