"""What one update measured: means over tokens, peaks and counts. Of the rollouts themselves the core keeps figures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from openrft_rl.equations.surrogate import clipped
from openrft_rl.equations.value_loss import explained_variance
from openrft_rl.lines import Line


class Measures:
    """Gathers numbers under their names."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._found: dict[str, float] = {}

    def mean(self, name: str, values: Tensor, mask: Tensor) -> None:
        """Add tokens' values (B, T) to the mean of this name."""
        self.add(name, float((values.detach() * mask).sum()), float(mask.sum()))

    def add(self, name: str, value: float, count: float = 1.0) -> None:
        """Add `count` values that sum to `value` to the mean of this name."""
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0.0) + count

    def peak(self, name: str, value: float) -> None:
        """Keep the largest."""
        self._found[name] = max(value, self._found.get(name, value))

    def count(self, name: str) -> None:
        """One more of these."""
        self._found[name] = self._found.get(name, 0.0) + 1

    def note(self, **values: float) -> None:
        """Numbers that need no gathering."""
        self._found.update(values)

    def ratio(self, log_ratio: Tensor, mask: Tensor, clip: tuple[float, float]) -> None:
        """How far the policy has moved from the one that sampled."""
        ratio = log_ratio.detach().exp()
        self.mean("ratio", ratio, mask)
        self.peak("ratio_max", float((ratio * mask).max()))
        self.mean("clip_fraction", clipped(log_ratio, *clip), mask)

    def sampling(self, sampled: Sequence[Line], asked: Sequence[Line]) -> None:
        """Where the policy was asked again: how far apart, in nats a token, sampling and its forward pass are."""
        for one, other in zip(sampled, asked, strict=True):
            if one.old is not None and one.old is not other.old:
                self.add("sampling_gap", float((other.old - one.old).abs().sum()), len(one.tokens))

    def before(self, lines: Sequence[Line]) -> None:
        """Of the policy that sampled and of its critic, before they change.

        kl_completion: log pi - log pi_ref summed over a completion, an unbiased estimate of the KL of whole completions
        to the reference, in nats.
        """
        for line in lines:
            if line.reference is not None:
                self.add("kl_completion", float((line.old - line.reference).sum()))
        if lines[0].values is not None:
            values, returns = (torch.cat([getattr(line, name) for line in lines]) for name in ("values", "returns"))
            self.note(explained_variance=explained_variance(values, returns))

    def report(self) -> dict[str, float]:
        """Every number by name."""
        return {**self._found, **{name: self._sums[name] / (self._counts[name] or 1.0) for name in self._sums}}
