"""How far the skills have come: the share of questions whose true trace is the model's first choice throughout.

One forward pass on the true trace equals greedy decoding, as long as every token is right.
"""

from __future__ import annotations

from random import Random
from typing import Any

from openrft_pocket.kinds import KINDS
from openrft_pocket.school.chat import conversation
from openrft_pocket.school.lessons import Diet, exercise
from openrft_pocket.school.rows import IGNORED, encode, pad


def exam(model: Any, tokenizer: Any, items: int = 32, own: bool = False, seed: int = 1) -> dict[str, float]:
    """Greedy accuracy by kind, in the words of pre-training or in the tasks' own."""
    import torch

    marks = {}
    for name, kind in KINDS.items():
        rng = Random(f"exam {seed} {name}")
        rows = []
        for _ in range(items):
            block, trace, _ = exercise(kind, rng, Diet(), rng.choice(kind.wordings if own else kind.lessons))
            rows.append(conversation([(block, trace)]))
        batch = pad(encode(tokenizer, rows), tokenizer.pad_token_id)
        ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
        with torch.no_grad():
            best = model(input_ids=ids, use_cache=False).logits[:, :-1].argmax(-1)
        right = (best == labels[:, 1:]) | (labels[:, 1:] == IGNORED)
        marks[name] = right.all(1).float().mean().item()
    return marks
