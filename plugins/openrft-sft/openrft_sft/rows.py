"""From rollouts to training rows: the prompt exactly as the policy sees it, the loss on the completion alone.

The rows are tokenised here and not by the trainer. The same `policy.encode` serves SFT, RL and evaluation, so the
policy is never trained on one template and evaluated on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openrft import OpenRFTError, Rollout, TrainablePolicy

IGNORED = -100  # the label that the loss skips


@dataclass(frozen=True, slots=True)
class Rows:
    """Token ids and labels of equal length, row by row."""

    input_ids: list[list[int]]
    labels: list[list[int]]  # the ids of the completion; `IGNORED` at the prompt
    truncated: int  # rows cut at the limit: their completion has no end
    dropped: int  # rollouts whose prompt alone fills the limit: there is nothing to learn from

    @property
    def targets(self) -> int:
        """Tokens that count in the loss of one epoch."""
        return sum(label != IGNORED for row in self.labels for label in row)


def build_rows(policy: TrainablePolicy, rollouts: Sequence[Rollout], max_length: int) -> Rows:
    """Each rollout as `encode(messages) + encode_target(text)`, cut at `max_length` and at the model's context.

    Raises OpenRFTError if no rollout leaves anything to learn.
    """
    limit = min(max_length, policy.context)
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    truncated = 0
    for rollout in rollouts:
        prompt = policy.encode(rollout.messages)
        if len(prompt) >= limit:
            continue
        # The text is encoded again, because a teacher's token ids may belong to another tokenizer.
        row = [*prompt, *policy.encode_target(rollout.completion.text)]
        truncated += len(row) > limit
        ids.append(row[:limit])
        labels.append(([IGNORED] * len(prompt) + row[len(prompt) :])[:limit])
    if not ids:
        raise OpenRFTError(
            f"sft: all {len(rollouts)} prompts are longer than {limit} tokens.",
            "Raise sft.max_length, or use a policy with a longer context.",
        )
    return Rows(ids, labels, truncated, len(rollouts) - len(ids))
