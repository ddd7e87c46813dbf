"""How much likelier the policy makes a token than the policy that sampled it: log ratios."""

from __future__ import annotations

from torch import Tensor


def token_ratio(logp: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """log pi(token) - log pi_old(token), (B, T). PPO, arXiv 1707.06347, section 3."""
    return logp - old


def sequence_ratio(logp: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """The mean log ratio of the whole completion, at each of its tokens, (B, T). GSPO, arXiv 2507.18071, equation 7.

    Written in the form of GSPO-token (its section 4.3): the value is the sequence's, the gradient at token t is that of
    token t. With one advantage a completion that is GSPO's own gradient; with one a token, each token gets its own.
    """
    log_ratio = (logp - old) * mask
    whole = log_ratio.sum(1, keepdim=True) / mask.sum(1, keepdim=True)
    return whole.detach() + logp - logp.detach()


RATIOS = {"token": token_ratio, "sequence": sequence_ratio}
