"""Whether what the teacher writes suits the policy: solved questions, likelihood under the policy, length and steps.

A policy of few parameters that imitates a hundred traces learns their style at the cost of its own. How unlikely each
token of the teacher's right traces is under the policy, against its own right traces, tells the two cases apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from openrft.doctor import thresholds as limits
from openrft.doctor.subject import Subject
from openrft.doctor.thresholds import diagnose, skip
from openrft.grading.thinking import split_steps
from openrft.plugins.hookspecs import Diagnosis
from openrft.policies.base import TrainablePolicy
from openrft.tasks.prompt import box_answer
from openrft.types import Message, Rollout

ROWS = 4  # of a forward pass
MOST_TRACES = 24  # of the policy's own, that are compared with


def check_teacher(subject: Subject) -> Iterator[Diagnosis]:
    """Whether the teacher solves the questions, and whether its solutions are likely under the policy."""
    if not subject.imitates:
        yield skip("teacher", "no teacher's answers are imitated")
        return
    solved = [r for r in subject.targets if r.completion.text != box_answer(r.sample.answer)]
    asked = len(subject.taught)
    imitates_all = len(subject.targets) == asked
    others = "for others the bare answer is imitated" if imitates_all else "others are left out"
    leaving_out = " set teacher.unsolved=leave-out," if imitates_all else ""
    yield diagnose(
        "teacher",
        1 - len(solved) / max(1, asked),
        limits.UNSOLVED,
        f"it solves {len(solved)} of {asked} training questions; {others}",
        f"Take a stronger teacher (teacher.model),{leaving_out} or leave out sft.",
    )
    yield from check_fit(subject, solved)


def check_fit(subject: Subject, solved: Sequence[Rollout]) -> Iterator[Diagnosis]:
    """Compares the teacher's right solutions with the policy's own: likelihood, length and steps."""
    policy = subject.weights
    own = [r for r in subject.answers if r.correct and r.completion.finish_reason == "stop"][:MOST_TRACES]
    if policy is None or not own or not solved:
        why = "the policy has no right answer of its own" if solved else "the teacher solves no question"
        yield skip("teacher fit", f"{why}, so there is nothing to compare with")
        return
    taught = [(r.messages, policy.encode_target(r.completion.text)) for r in solved]
    mine = [(r.messages, policy.encode_target(r.completion.text)) for r in own]
    gap = compute_surprise(policy, taught) - compute_surprise(policy, mine)
    more_or_less = "less" if gap >= 0 else "more"
    yield diagnose(
        "teacher fit",
        max(0.0, gap),
        limits.FOREIGN,
        f"a token of its traces is {abs(gap):.2f} nats {more_or_less} likely under the policy than one of the policy's"
        " own right ones",
        "Imitation may cost the policy more than it gains: take a teacher that writes like it (teacher.model=self is"
        " one), or distil on the policy's own answers (opd).",
    )
    lengths = [fmean(len(tokens) for _, tokens in rows) for rows in (taught, mine)]
    ratio = max(lengths) / min(lengths)
    steps = [fmean(len(split_steps(r.completion.text)) for r in rollouts) for rollouts in (solved, own)]
    yield diagnose(
        "teacher length",
        ratio,
        limits.LENGTH_RATIO,
        f"its traces have {lengths[0]:.0f} tokens in {steps[0]:.1f} steps, the policy's own {lengths[1]:.0f} in"
        f" {steps[1]:.1f}",
        "Give evaluate.max_tokens and explore.max_tokens room for the teacher's length, or set teacher.keep=shortest.",
    )


def compute_surprise(policy: TrainablePolicy, rows: Sequence[tuple[Sequence[Message], Sequence[int]]]) -> float:
    """The mean negative log-probability of a token in nats, averaged over the tokens of a row and then over rows."""
    import torch

    found = []
    for first in range(0, len(rows), ROWS):
        part = rows[first : first + ROWS]
        with torch.no_grad():
            logprobs, mask = policy.completion_logprobs([policy.encode(m) for m, _ in part], [list(t) for _, t in part])
        found += (-(logprobs * mask).sum(1) / mask.sum(1)).tolist()
    return fmean(found)
