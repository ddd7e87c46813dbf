"""Sampling tokens: temperature, top-p, and random numbers keyed by prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

BLOCK = 128  # tokens of the vocabulary whose probabilities are summed first; it divides most vocabularies


def draw_uniforms(keys: Sequence[str], samples: range, length: int) -> torch.Tensor:
    """(prompts * samples, length) uniform numbers. Each row has a generator seeded by its prompt's key and its sample
    index. A CPU generator uses 32 bits of the seed: two of 10,000 rows share their numbers once in a hundred calls."""
    seeds = [(int(key, 16) + sample) % (1 << 64) for key in keys for sample in samples]
    return torch.stack([torch.rand(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def sample_tokens(
    logits: torch.Tensor, temperature: float, top_p: float, uniform: torch.Tensor, blockwise: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Next tokens (B,) by inverting the cumulative distribution at `uniform` (B,), and their log-probabilities
    under softmax(logits / temperature) before any top-p cut. Temperature 0 takes the largest logit.

    blockwise: find the block of the vocabulary first. The tokens are the same but for rounding, and a GPU need not add
    up the whole vocabulary in order.
    """
    probs = (logits / (temperature or 1.0)).softmax(-1)
    if temperature == 0:
        token = logits.argmax(-1)
    else:
        kept = probs if top_p == 1 else apply_top_p(probs, top_p)
        token = (_invert_blockwise if blockwise else _invert)(kept, uniform.double()[:, None])[:, 0]
    return token, probs.gather(-1, token[:, None])[:, 0].log()


def _invert(probs: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The first token (B, 1) at which the sum of `probs` (B, V) exceeds the share `uniform` (B, 1) of the whole."""
    cdf = probs.cumsum(-1, dtype=torch.float64)
    token = torch.searchsorted(cdf, uniform * cdf[:, -1:], right=True)
    return token.clamp(max=probs.shape[-1] - 1)


def _invert_blockwise(probs: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """`_invert` in two levels: the block in which the sum exceeds the share, then the token within it."""
    missing = -probs.shape[-1] % BLOCK
    blocks = (F.pad(probs, (0, missing)) if missing else probs).unflatten(-1, (-1, BLOCK))
    cdf = blocks.sum(-1, dtype=torch.float64).cumsum(-1)
    target = uniform * cdf[:, -1:]
    block = torch.searchsorted(cdf, target, right=True).clamp(max=cdf.shape[-1] - 1)
    before = F.pad(cdf[:, :-1], (1, 0)).gather(-1, block)
    inside = blocks.gather(1, block[:, :, None].expand(-1, 1, BLOCK))[:, 0].cumsum(-1, dtype=torch.float64)
    # Below the last sum, or rounding could choose a token behind it, which has no probability.
    rest = torch.minimum(target - before, inside[:, -1:] * (1 - torch.finfo(torch.float64).eps))
    token = block * BLOCK + torch.searchsorted(inside, rest, right=True).clamp(max=BLOCK - 1)
    return token.clamp(max=probs.shape[-1] - 1)


def apply_top_p(probs: torch.Tensor, top_p: float) -> torch.Tensor:
    """`probs` (B, V) with zeros outside the smallest set of most likely tokens that holds `top_p`."""
    ordered, order = probs.sort(-1, descending=True)
    ordered = ordered.masked_fill(ordered.cumsum(-1) - ordered >= top_p, 0)
    return torch.zeros_like(probs).scatter_(-1, order, ordered)
