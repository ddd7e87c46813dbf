"""Advantages of the student's tokens from a teacher's log-probabilities, and the check that both read the same tokens.

How the policy is updated with them is in update.py, the mathematics in equations/distillation.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from openrft import MemoryPlan, ModelSettings, Rollout, TrainablePolicy, UsageError, open_policy
from openrft_rl.batch import TrainingSequence, drop_inserted, get_field, run_forward, set_field
from openrft_rl.equations.distillation import (
    compute_divergence,
    discounted_returns,
    find_disagreement,
    reverse_kl_rewards,
)
from openrft_rl.metrics import Metrics
from openrft_rl.update import Update, sum_weighted

VOCABULARY_BYTES = 2 << 30  # of logits, log-probabilities and gradients of both models in one pass
TABLES = 6  # of a float32 for each token and word of the vocabulary
ADVICE = "Choose a teacher of the same family, or imitate its answers: the plugins teacher and sft."


class DistillationTeacher:
    """A teacher that scores the student's tokens."""

    def __init__(self, name: str, policy: TrainablePolicy, settings: ModelSettings | None = None) -> None:
        """Open the teacher for this student. Raises CheckpointError or UsageError."""
        placed = (settings or ModelSettings()).as_policy_settings()
        opened: Any = open_policy(name, settings=placed, owner="opd")
        self._teacher: TrainablePolicy = opened  # checked in the next line
        if not hasattr(self._teacher, "completion_logprobs"):
            raise UsageError(f"opd.teacher={name} gives no log-probabilities of the student's tokens.", ADVICE)
        if found := describe_difference(policy, self._teacher):
            raise UsageError(f"opd.teacher={name} {found}, so it cannot score the policy's tokens.", ADVICE)
        self._teacher.model.requires_grad_(False)

    def read(self, rollouts: Sequence[Rollout]) -> TeacherReading:
        """The teacher's view of a step's rollouts: the same messages in its own chat template."""
        kept = [r for r in rollouts if r.completion.tokens]  # the others have no sequence
        prompts = {id(r.messages): tuple(self._teacher.encode(r.messages)) for r in kept}
        for rollout in kept:
            size = len(prompts[id(rollout.messages)]) + len(rollout.completion.tokens)
            if size > self._teacher.context:
                raise UsageError(
                    f"a prompt and its completion have {size} tokens, and the teacher's context holds"
                    f" {self._teacher.context}.",
                    "Lower explore.max_tokens, or choose a teacher with a longer context.",
                )
        return TeacherReading(self._teacher, [prompts[id(r.messages)] for r in kept])


@dataclass(frozen=True, slots=True)
class TeacherReading:
    """What a teacher says of one step's sequences."""

    teacher: TrainablePolicy
    prompts: list[tuple[int, ...]]  # by index of the sequence

    def add_advantages(
        self, sequences: list[TrainingSequence], plan: MemoryPlan, metrics: Metrics, discount: float
    ) -> list[TrainingSequence]:
        """The sequences with an advantage for each token: the discounted return of log pi_teacher - log pi.

        The metrics reverse_kl (nats per token) and teacher_disagrees (a share of tokens) are added.
        """
        asked = [replace(s, prompt=self.prompts[s.index]) for s in sequences]
        found = run_forward(self.teacher.completion_logprobs, asked, plan.tokens)
        rows = []
        for sequence, own, teachers in zip(sequences, get_field(sequences, "old_logprobs"), found, strict=True):
            rewards = reverse_kl_rewards(own, teachers.to(own.device))
            drawn = torch.ones_like(rewards)
            drawn[list(sequence.inserted)] = 0
            metrics.add_tokens("reverse_kl", -rewards, drawn)
            metrics.add_tokens("teacher_disagrees", find_disagreement(rewards), drawn)
            rows.append(discounted_returns(rewards * drawn, discount))
        return set_field(sequences, "advantages", rows)

    def divergence_loss(self, update: Update, sequences: list[TrainingSequence], divergence: str) -> Tensor:
        """The mean divergence from the teacher at a micro-batch's tokens, over the whole vocabulary. A scalar.

        Its gradient does not flow through the drawing of the tokens (GKD, arXiv 2306.13649, algorithm 1).
        """
        tokens, temperature = [s.tokens for s in sequences], sequences[0].temperature
        logits, mask = update.policy.completion_logits([s.prompt for s in sequences], tokens)
        with torch.no_grad():
            teachers, _ = self.teacher.completion_logits([self.prompts[s.index] for s in sequences], tokens)
        teachers = teachers.to(logits.device)
        width = min(logits.shape[1], teachers.shape[1])  # some models have rows that no token uses
        found = compute_divergence(logits[:, :width] / temperature, teachers[:, :width] / temperature, divergence)
        table = torch.zeros_like(mask, dtype=found.dtype).masked_scatter(mask.bool(), found)
        mask = drop_inserted(sequences, mask)
        update.metrics.add_tokens("divergence", table, mask)
        return sum_weighted(table, mask, sequences)


def limit_tokens(policy: TrainablePolicy) -> int:
    """The most tokens of a pass that compares whole vocabularies."""
    vocabulary = getattr(policy.model.config, "vocab_size", None) or 1
    return max(1, VOCABULARY_BYTES // (4 * TABLES * vocabulary))


def describe_difference(policy: TrainablePolicy, teacher: TrainablePolicy) -> str:
    """How the teacher's tokens differ from the policy's, in words that follow its name; empty if they are the same."""
    own, other = policy.tokenizer.get_vocab(), teacher.tokenizer.get_vocab()
    different = sorted(token for token in {*own, *other} if own.get(token) != other.get(token))
    if different:
        token = different[0]
        return (
            f"has another tokenizer than the policy: {len(different)} of {len({*own, *other})} tokens differ"
            f" ({token!r} is {_number(other, token)}, the policy's is {_number(own, token)})"
        )
    if policy.end_token != teacher.end_token:
        ends = [p.tokenizer.convert_ids_to_tokens(p.end_token) for p in (teacher, policy)]
        return f"ends an answer with {ends[0]!r} and the policy with {ends[1]!r}"
    return ""


def _number(vocabulary: Mapping[str, int], token: str) -> str:
    return f"number {vocabulary[token]}" if token in vocabulary else "missing"
