"""Advantages of the student's tokens from a teacher's log-probabilities, and the check that both read the same tokens.

How the policy is updated with them is in update.py, the mathematics in equations/distillation.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from openrft import MemoryPlan, Rollout, TrainablePolicy, UsageError, open_policy
from openrft_rl.batch import TrainingSequence, get_field, run_forward, set_field
from openrft_rl.equations.distillation import discounted_returns, find_disagreement, reverse_kl_rewards
from openrft_rl.metrics import Metrics

ADVICE = "Choose a teacher of the same family, or imitate its answers: the plugins teacher and sft."


class DistillationTeacher:
    """A teacher that scores the student's tokens."""

    def __init__(self, name: str, policy: TrainablePolicy) -> None:
        """Open the teacher for this student. Raises CheckpointError or UsageError."""
        self._teacher: TrainablePolicy = open_policy(name)  # type: ignore[assignment]  # checked in the next line
        if not hasattr(self._teacher, "completion_logprobs"):
            raise UsageError(f"opd.teacher={name} gives no log-probabilities of the student's tokens.", ADVICE)
        if found := describe_difference(policy, self._teacher):
            raise UsageError(f"opd.teacher={name} {found}, so it cannot score the policy's tokens.", ADVICE)
        self._teacher.model.requires_grad_(False)

    def add_advantages(
        self,
        sequences: list[TrainingSequence],
        plan: MemoryPlan,
        metrics: Metrics,
        rollouts: Sequence[Rollout],
        discount: float,
    ) -> list[TrainingSequence]:
        """The sequences with an advantage for each token: the discounted return of log pi_teacher - log pi.

        `rollouts` are those that the sequences were built from. The teacher reads the same messages in its own chat
        template. The metrics reverse_kl (nats per token) and teacher_disagrees (a share of tokens) are added.
        """
        kept = [r for r in rollouts if r.completion.tokens]  # the others have no sequence
        prompts = {id(r.messages): tuple(self._teacher.encode(r.messages)) for r in kept}
        asked = [replace(s, prompt=prompts[id(kept[s.index].messages)]) for s in sequences]
        for sequence in asked:
            if len(sequence.prompt) + len(sequence.tokens) > self._teacher.context:
                raise UsageError(
                    f"a prompt and its completion have {len(sequence.prompt) + len(sequence.tokens)} tokens, and the"
                    f" teacher's context holds {self._teacher.context}.",
                    "Lower explore.max_tokens, or choose a teacher with a longer context.",
                )
        found = run_forward(self._teacher.completion_logprobs, asked, plan.tokens)
        rows = []
        for sequence, own, teachers in zip(sequences, get_field(sequences, "old_logprobs"), found, strict=True):
            rewards = reverse_kl_rewards(own, teachers)
            drawn = torch.ones_like(rewards)
            drawn[list(sequence.inserted)] = 0
            metrics.add_tokens("reverse_kl", -rewards, drawn)
            metrics.add_tokens("teacher_disagrees", find_disagreement(rewards), drawn)
            rows.append(discounted_returns(rewards * drawn, discount))
        return set_field(sequences, "advantages", rows)


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
