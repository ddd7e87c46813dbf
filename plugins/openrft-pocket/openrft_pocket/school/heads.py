"""Two attention heads written by hand into the untrained network: look at the previous token, and find its like.

Together they copy: where the text said "zinc 1.7" before, "zinc" is followed by "1.7" again. All look-up and option
matching grows from this, and on a CPU it is what training finds last. Everything else starts at random and small,
so that the two heads are heard; training is free to change them.
"""

from __future__ import annotations

import math
from typing import Any

QUIET = 0.1  # factor on what the random heads and MLPs add at first
CONSTANT = 4.0  # size of the one embedding coordinate that all tokens share, in units of the others' spread
PEAK = 40.0  # attention logit between neighbours
GAIN = 0.06  # how loudly the previous token's identity is added
SHARP = 3.0  # sharpness of the match, on query and key each
FAST, SLOW = 6, 7  # rotary pairs below FAST tell neighbours apart; pairs from SLOW on hardly turn within a prompt


def give_heads(model: Any, seed: int) -> None:
    """Layer 0 head 0 reads the previous token; layer 1 head 0 looks for places that the current token preceded."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    size, width = model.config.head_dim, model.config.hidden_size
    half = size // 2
    first, second = (layer.self_attn for layer in model.model.layers[:2])

    def random(rows: int, columns: int) -> Any:
        return torch.randn(rows, columns, generator=draw)

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight *= QUIET
            layer.mlp.down_proj.weight *= QUIET
        embedding = model.model.embed_tokens.weight
        embedding[:, 0] = CONSTANT * embedding.std()
        constant = (
            embedding[:, 0].mean() / embedding.pow(2).mean(1).sqrt().mean()
        ).item()  # as the first norm leaves it

        turn = model.config.rope_parameters["rope_theta"] ** (-torch.arange(half) / half)  # angle a position, by pair
        loud = torch.zeros(half)
        loud[:FAST] = math.sqrt(PEAK * math.sqrt(size) / FAST) / constant
        _set_head(first.q_proj, size, 0, torch.cat([loud, torch.zeros(half)]))
        _set_head(first.k_proj, size, 0, torch.cat([loud * turn.cos(), loud * turn.sin()]))
        identity = random(size, width) / math.sqrt(width)
        identity[:, 0] = 0
        place = torch.linalg.qr(random(width, size))[0]
        place[0] = 0
        first.v_proj.weight[:size], first.o_proj.weight[:, :size] = identity, place * GAIN

        slow = torch.cat([torch.arange(SLOW, half), torch.arange(SLOW, half) + half])
        sketch = SHARP * random(len(slow), size) / math.sqrt(size)
        second.q_proj.weight[:size], second.k_proj.weight[:size] = 0, 0
        second.q_proj.weight[slow], second.k_proj.weight[slow] = sketch @ identity, sketch @ place.T
        copy = random(size, width) / math.sqrt(size)
        copy[:, 0] = 0
        second.v_proj.weight[:size], second.o_proj.weight[:, :size] = copy, copy.T


def _set_head(projection: Any, size: int, column: int, values: Any) -> None:
    """Head 0 reads one column of the input and nothing else."""
    projection.weight[:size] = 0
    projection.weight[:size, column] = values
