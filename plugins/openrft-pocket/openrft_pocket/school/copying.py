"""Rows of the first minutes: some tokens, and the same again. They make the two given heads sure of themselves."""

from __future__ import annotations

from random import Random
from typing import Any

from openrft_pocket.school.rows import IGNORED, Batch

ROWS = 16  # a batch
STEPS, RATE = 700, 5e-4  # at four times this rate the heads are lost again (seen 2026-11-22)


def copies(rng: Random, bos: int, first: int, size: int) -> Batch:
    """Tokens `first`..`size` said twice; half of the rows keep to digits, letters and marks."""
    length = rng.randint(4, 16)
    ids, labels = [], []
    for _ in range(ROWS):
        said = rng.sample(range(first + 256, size - 1) if rng.random() < 0.5 else range(first, first + 120), length)
        ids.append([bos, *said, *said])
        labels.append([IGNORED] * (length + 1) + said)
    return Batch(ids, labels)


def practise(model: Any, tokenizer: Any, seed: int) -> float:
    """Train on copies alone; the loss of the last fifty steps."""
    import torch

    from openrft_pocket.school.pretrain import update

    rng = Random(f"copying {seed}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    first = len(tokenizer.all_special_ids)
    losses = [
        update(
            model, optimizer, copies(rng, tokenizer.bos_token_id, first, len(tokenizer)), RATE * min(1, (i + 1) / 50)
        )
        for i in range(STEPS)
    ]
    return sum(losses[-50:]) / len(losses[-50:])
