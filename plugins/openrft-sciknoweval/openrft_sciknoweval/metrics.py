"""Further numbers of a finished evaluation: the benchmark's own rule, sound rows alone, every task the same weight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from openrft import Rollout
from openrft_sciknoweval.official import official


def metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """By name, each in [0, 1]; one that has no items to speak of is left out."""
    by_task: dict[str, list[bool]] = defaultdict(list)
    for rollout in rollouts:
        by_task[rollout.sample.task].append(bool(rollout.correct))
    scored = [official(rollout.sample, rollout.completion.text) for rollout in rollouts]
    found = {
        "sciknoweval_official": _mean(right for right in scored if right is not None),
        "sciknoweval_clean": _mean(bool(r.correct) for r in rollouts if not r.sample.meta.get("defects")),
        "sciknoweval_macro": _mean(fmean(of_task) for of_task in by_task.values()),
    }
    found |= {f"sciknoweval_{group}": value for group, value in _by_group(rollouts).items()}
    return {name: value for name, value in found.items() if value is not None}


def _by_group(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Accuracy by domain and by level, where a task spans several."""
    found: dict[str, float] = {}
    for kind in ("domain", "level"):
        groups: dict[str, list[bool]] = defaultdict(list)
        for rollout in rollouts:
            groups[rollout.sample.meta.get(kind) or "other"].append(bool(rollout.correct))
        if len(groups) > 1:
            found |= {group: fmean(right) for group, right in sorted(groups.items())}
    return found


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None
