"""Probability ratios, the clipped policy loss, the KL, the clipped value loss, and how token losses become one loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def token_log_ratio(logprobs: Tensor, old_logprobs: Tensor, mask: Tensor) -> Tensor:
    """log pi(token) - log pi_old(token), (B, T). PPO, arXiv 1707.06347, section 3."""
    return logprobs - old_logprobs


def sequence_log_ratio(logprobs: Tensor, old_logprobs: Tensor, mask: Tensor) -> Tensor:
    """The mean log ratio of the whole completion, at each of its tokens, (B, T). GSPO, arXiv 2507.18071, equation 7.

    Written in the form of GSPO-token (its section 4.3): the value is the sequence's, the gradient at token t is that of
    token t. With one advantage per completion this is GSPO's own gradient. With one per token, each token gets its own.
    """
    log_ratio = (logprobs - old_logprobs) * mask
    mean = log_ratio.sum(1, keepdim=True) / mask.sum(1, keepdim=True)
    return mean.detach() + logprobs - logprobs.detach()


LOG_RATIOS = {"token": token_log_ratio, "sequence": sequence_log_ratio}


def clipped_policy_loss(log_ratio: Tensor, advantages: Tensor, clip_low: float, clip_high: float) -> Tensor:
    """-min(ratio A, clip(ratio, 1 - clip_low, 1 + clip_high) A), (B, T). All algorithms here minimise it.

    PPO, arXiv 1707.06347, equation 7, where both clips are one epsilon. DAPO, arXiv 2503.14476, equation 10, where the
    higher one leaves unlikely tokens room to grow.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip_low, 1 + clip_high) * advantages)


def outside_clip(log_ratio: Tensor, clip_low: float, clip_high: float) -> Tensor:
    """1 where a token's ratio lies outside the clip range, else 0, (B, T)."""
    ratio = log_ratio.detach().exp()
    return ((ratio < 1 - clip_low) | (ratio > 1 + clip_high)).float()


def estimate_kl(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Unbiased, never negative estimate of KL(policy || reference) per token, (B, T): r - log r - 1, r = ref / policy.

    Source: GRPO, arXiv 2402.03300, equation 4 (Schulman's k3). A term of the loss.
    """
    log_ratio = ref_logprobs - logprobs
    return log_ratio.exp() - log_ratio - 1


def apply_kl_penalty(rewards: Tensor, logprobs: Tensor, ref_logprobs: Tensor, kl_coef: float) -> Tensor:
    """r_t - kl_coef (log pi(token) - log pi_ref(token)), (B, T): the penalty in the reward.

    Ziegler et al., arXiv 1909.08593, equation 2, token by token as in InstructGPT, arXiv 2203.02155, section 3.5.
    """
    return rewards - kl_coef * (logprobs - ref_logprobs)


def adapt_kl_coef(kl_coef: float, kl: float, target: float) -> float:
    """The next step's weight of the KL: larger where the measured KL (nats per completion) exceeds the target.

        e = clip(KL / target - 1, -0.2, 0.2)        beta' = beta (1 + 0.1 e)

    Ziegler et al., arXiv 1909.08593, section 2.2.
    """
    error = min(max(kl / target - 1, -0.2), 0.2)
    return kl_coef * (1 + 0.1 * error)


def clipped_value_loss(values: Tensor, old_values: Tensor, returns: Tensor, clip: float) -> Tensor:
    """max((V - return)^2, (V_clip - return)^2) / 2, (B, T), with V_clip at most `clip` away from the old value.

    The critic's counterpart of PPO's clip (the released code of arXiv 1707.06347): a value that has moved further than
    `clip` in one update gains nothing by moving on.
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    return torch.maximum((values - returns).square(), (near - returns).square()) / 2


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """1 - Var(return - V) / Var(return) over tokens, (N,) each. 1: a perfect critic. 0: no better than the mean.

    0 where all returns are equal: there is nothing to explain.
    """
    total = returns.double().var(unbiased=False)
    left = (returns - values).double().var(unbiased=False)
    return float(1 - left / total) if total > 1e-12 else 0.0


def token_weights(lengths: Sequence[int], loss_agg_mode: str, divisor: int | None = None) -> list[float]:
    """The weight of each token of each rollout, so that sum(weight * token loss) is the batch's loss.

    seq-mean-token-mean: averaged over a rollout's tokens, then over rollouts (GRPO, arXiv 2402.03300, equation 3).
    seq-mean-token-sum: a rollout's tokens are added up, as its log-probability is, and rollouts averaged (RLOO, arXiv
        2402.14740, equation 8).
    token-mean: averaged over all tokens of the batch, so long rollouts count more (DAPO, arXiv 2503.14476,
        equation 12).
    seq-mean-token-sum-norm: divided by one number for all rollouts, so that long wrong answers are not let off
        (Dr. GRPO, arXiv 2503.20783, 3.1): rollouts times `divisor`, fixed as in the paper, or, if None, rollouts times
        the tokens of the batch's longest.
    """
    if loss_agg_mode == "seq-mean-token-sum-norm":
        return [1 / (len(lengths) * (divisor or max(lengths)))] * len(lengths)
    if loss_agg_mode == "seq-mean-token-sum":
        return [1 / len(lengths)] * len(lengths)
    if loss_agg_mode == "token-mean":
        return [1 / sum(lengths)] * len(lengths)
    return [1 / (len(lengths) * length) for length in lengths]
