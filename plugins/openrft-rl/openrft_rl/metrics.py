"""The metrics of one update: means over tokens, maxima and counts. The core logs metrics of the rollouts themselves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from openrft_rl.batch import TrainingSequence, get_field
from openrft_rl.equations.losses import explained_variance, outside_clip


class Metrics:
    """Gathers numbers by name."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._values: dict[str, float] = {}

    def add(self, name: str, value: float, count: float = 1.0) -> None:
        """Add `count` values that sum to `value` to the mean of this name."""
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0.0) + count

    def add_tokens(self, name: str, values: Tensor, mask: Tensor) -> None:
        """Add tokens' values (B, T) to the mean of this name."""
        self.add(name, float((values.detach() * mask).sum()), float(mask.sum()))

    def add_max(self, name: str, value: float) -> None:
        """Keep the largest value of this name."""
        self._values[name] = max(value, self._values.get(name, value))

    def count(self, name: str) -> None:
        """Count one more of this name."""
        self._values[name] = self._values.get(name, 0.0) + 1

    def merge(self, other: Metrics) -> None:
        """Add what another one has gathered: sums of `add` and largest values of `add_max`."""
        for name, value in other._sums.items():
            self.add(name, value, other._counts[name])
        for name, value in other._values.items():
            self.add_max(name, value)

    def set(self, **values: float) -> None:
        """Set numbers that need no gathering."""
        self._values.update(values)

    def add_ratio(self, log_ratio: Tensor, mask: Tensor, clip_ratio: tuple[float, float]) -> None:
        """How far the policy has moved from the one that sampled: (B, T) log ratios and their mask."""
        ratio = log_ratio.detach().exp()
        self.add_tokens("ratio", ratio, mask)
        self.add_max("ratio_max", float((ratio * mask).max()))
        self.add_tokens("clip_fraction", outside_clip(log_ratio, *clip_ratio), mask)

    def add_sampling_gap(self, sampled: Sequence[TrainingSequence], computed: Sequence[TrainingSequence]) -> None:
        """Where log-probabilities were computed again: how far, in nats per token, they are from those of sampling."""
        for before, after in zip(sampled, computed, strict=True):
            was, now = before.old_logprobs, after.old_logprobs
            if was is not None and now is not None and was is not now:
                self.add("sampling_gap", float((now - was).abs().sum()), len(before.tokens))

    def add_before_update(self, sequences: Sequence[TrainingSequence], with_kl: bool = True) -> None:
        """What is known of the sampling policy and of its critic before they change.

        kl_completion: log pi - log pi_ref summed over a completion, in nats: an unbiased estimate of the KL of whole
        completions to the reference.
        """
        for sequence in sequences:
            if with_kl and sequence.old_logprobs is not None and sequence.ref_logprobs is not None:
                gaps = (sequence.old_logprobs - sequence.ref_logprobs).clone()
                gaps[list(sequence.inserted)] = 0
                self.add("kl_completion", float(gaps.sum()))
        if sequences[0].values is not None:
            values, returns = (torch.cat(get_field(sequences, name)) for name in ("values", "returns"))
            self.set(explained_variance=explained_variance(values, returns))

    def report(self) -> dict[str, float]:
        """Every number by name."""
        means = {name: self._sums[name] / (self._counts[name] or 1.0) for name in self._sums}
        return {**self._values, **means}
