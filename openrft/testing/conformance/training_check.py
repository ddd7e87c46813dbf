"""The check of a trainer: one step on a tiny checkpoint, twice from the same start."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft.errors import OpenRFTError
from openrft.plugins.errors import check_metrics
from openrft.plugins.policy_registry import open_policy
from openrft.policies.base import Sampling
from openrft.runtime.progress import NoProgress
from openrft.stages.grade import grade_by_rule
from openrft.tasks.prompt import build_messages
from openrft.testing.conformance.result import Problem
from openrft.testing.conformance.subject import Subject
from openrft.testing.plain import is_same, to_plain
from openrft.testing.tiny_checkpoint import write_tiny_checkpoint
from openrft.testing.toys import toy_task
from openrft.types import Prompt, Rollout

ROUNDING = 1e-4
QUESTIONS, COMPLETIONS = 2, 4


def check_training(subject: Subject) -> list[Problem]:
    """One step of each objective changes the policy, measures finite numbers, and is the same from the same start."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="openrft-check-") as folder:
        spec = subject.policy or str(write_tiny_checkpoint(Path(folder)))
        for objective in subject.declaration.trains:
            if objective == "explore_stage":
                problems.append(Problem("a trainer that runs the whole stage is tried by a bench alone", "", "not run"))
                continue
            try:
                problems += _compare_two_steps(subject, spec, objective)
            except OpenRFTError as fault:
                problems.append(subject.describe(fault, f"{objective}: "))
    return problems


def _compare_two_steps(subject: Subject, spec: str, objective: str) -> list[Problem]:
    rollouts = draw_rollouts(open_policy(spec))
    before = to_plain(rollouts)
    (metrics, weights, changed), (again, others, _) = (_take_step(subject, spec, objective, rollouts) for _ in "12")
    problems = []
    if metrics is None:
        return [Problem(f"it declares that it trains for {objective!r}, and its train_step returned None for that")]
    if broken := [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]:
        problems.append(Problem(f"{objective}: it measured {', '.join(broken)}", "Leave out what is unknown."))
    if not is_same(_spell(metrics), _spell(again), ROUNDING) or not is_same(weights, others, ROUNDING):
        problems.append(
            Problem(
                f"{objective}: two steps from the same start, with the same rollouts and seed, gave different policies",
                "Seed every draw with `seed`.",
            )
        )
    if to_plain(rollouts) != before:
        problems.append(Problem(f"{objective}: it changes the rollouts that it is given", "Copy before you change."))
    if not changed:
        problems.append(
            Problem(
                f"{objective}: no weight was changed by a step in which half of the answers earned 1", "", "warning"
            )
        )
    return problems


def _spell(metrics: Mapping[str, float] | None) -> dict[str, float | str]:
    """What is not finite as text, which is equal to itself."""
    return {name: value if math.isfinite(value) else str(value) for name, value in (metrics or {}).items()}


def _take_step(
    subject: Subject, spec: str, objective: str, rollouts: Sequence[Rollout]
) -> tuple[dict[str, float] | None, list[float], bool]:
    """(metrics, the sum of each tensor of the policy after the step, whether any weight was trained)."""
    policy: Any = open_policy(spec)
    found = subject.open().call_first(
        "train_step",
        policy=policy,
        rollouts=rollouts,
        objective=objective,
        step=0,
        seed=0,
        progress=NoProgress(),
        run=None,
        state=None,
    )
    weights = {name: weight.detach().float() for name, weight in policy.model.state_dict().items()}
    # A new adapter has no effect, because its second matrix is 0.
    changed = any(bool(weight.any()) for name, weight in weights.items() if "lora_B" in name) or not policy.has_adapter
    metrics = found and check_metrics(subject.name, "train_step", found[1].value)
    return metrics, [float(weight.abs().sum()) for weight in weights.values()], changed


def draw_rollouts(policy: Any) -> list[Rollout]:
    """Completions of the policy to a few toy questions, graded. Every second one has earned 1, the others nothing."""
    task = toy_task()
    prompts = [Prompt(s, tuple(build_messages(s, (), task.instruction))) for s in task.train[:QUESTIONS]]
    groups = policy.generate([p.messages for p in prompts], Sampling(n=COMPLETIONS, max_tokens=8, seed=0))
    drawn = [p.to_rollout(c) for p, group in zip(prompts, groups, strict=True) for c in group]
    return [replace(rollout, reward=float(i % 2)) for i, rollout in enumerate(grade_by_rule(task, drawn))]
