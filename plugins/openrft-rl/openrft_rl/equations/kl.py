"""How far the policy is from its reference: as a loss, as a penalty on rewards, and what that should weigh."""

from __future__ import annotations

from torch import Tensor


def kl_estimate(logp: Tensor, reference: Tensor) -> Tensor:
    """Unbiased, never negative estimate of KL(policy || reference) a token, (B, T): r - log r - 1, r = ref / policy.

    Source: GRPO, arXiv 2402.03300, equation 4 (Schulman's k3). A term of the loss.
    """
    log_ratio = reference - logp
    return log_ratio.exp() - log_ratio - 1


def kl_penalised(rewards: Tensor, logp: Tensor, reference: Tensor, coefficient: float) -> Tensor:
    """r_t - beta (log pi(token) - log pi_ref(token)), (B, T): the penalty in the reward.

    Ziegler et al., arXiv 1909.08593, equation 2, a token at a time as in InstructGPT, arXiv 2203.02155, section 3.5.
    """
    return rewards - coefficient * (logp - reference)


def adapted(coefficient: float, divergence: float, target: float) -> float:
    """The next step's weight of the KL: larger where the divergence (nats a completion) exceeds the target.

        e = clip(KL / target - 1, -0.2, 0.2)        beta' = beta (1 + 0.1 e)

    Ziegler et al., arXiv 1909.08593, section 2.2.
    """
    error = min(max(divergence / target - 1, -0.2), 0.2)
    return coefficient * (1 + 0.1 * error)
