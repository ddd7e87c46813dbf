"""What a token's loss counts in the batch's loss."""

from __future__ import annotations

from collections.abc import Sequence


def token_weights(lengths: Sequence[int], mean: str, length: int | None = None) -> list[float]:
    """The weight of each token of each rollout, so that sum(weight * loss) is the batch's loss.

    rollouts: averaged over a rollout's tokens, then over rollouts (GRPO, arXiv 2402.03300, equation 3).
    sums: a rollout's tokens are added up, as its log-probability is, and rollouts averaged (RLOO, arXiv 2402.14740,
    equation 8).
    tokens: averaged over all the batch's tokens: long rollouts count more (DAPO, arXiv 2503.14476, equation 12).
    constant: divided by one number for all rollouts, so that long wrong answers are not let off (Dr. GRPO, arXiv
    2503.20783, 3.1): rollouts times `length`, fixed as in the paper, or the tokens of the batch's longest if None.
    """
    if mean == "constant":
        return [1 / (len(lengths) * (length or max(lengths)))] * len(lengths)
    if mean == "sums":
        return [1 / len(lengths)] * len(lengths)
    if mean == "tokens":
        return [1 / sum(lengths)] * len(lengths)
    return [1 / (len(lengths) * length) for length in lengths]
