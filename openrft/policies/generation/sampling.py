"""Sampling tokens: temperature, top-p, and random numbers keyed by prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def draw_uniforms(keys: Sequence[str], samples: range, length: int) -> torch.Tensor:
    """(prompts * samples, length) uniform numbers. Each row has a generator seeded by its prompt's key and its sample
    index. A CPU generator uses 32 bits of the seed: two of 10,000 rows share their numbers once in a hundred calls."""
    seeds = [(int(key, 16) + sample) % (1 << 64) for key in keys for sample in samples]
    return torch.stack([torch.rand(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def sample_tokens(
    logits: torch.Tensor, temperature: float, top_p: float, uniform: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Next tokens (B,) by inverting the cumulative distribution at `uniform` (B,), and their log-probabilities
    under softmax(logits / temperature) before any top-p cut. Temperature 0 takes the largest logit."""
    probs = (logits / (temperature or 1.0)).softmax(-1)
    if temperature == 0:
        token = logits.argmax(-1)
    else:
        kept = probs if top_p == 1 else apply_top_p(probs, top_p)
        cdf = kept.cumsum(-1, dtype=torch.float64)
        token = torch.searchsorted(cdf, uniform.double()[:, None] * cdf[:, -1:], right=True)[:, 0]
        token = token.clamp(max=logits.shape[-1] - 1)
    return token, probs.gather(-1, token[:, None])[:, 0].log()


def apply_top_p(probs: torch.Tensor, top_p: float) -> torch.Tensor:
    """`probs` (B, V) with zeros outside the smallest set of most likely tokens that holds `top_p`."""
    ordered, order = probs.sort(-1, descending=True)
    ordered[ordered.cumsum(-1) - ordered >= top_p] = 0
    return torch.zeros_like(probs).scatter_(-1, order, ordered)
