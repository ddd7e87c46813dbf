"""How far the skills have come: the share of questions whose true trace is the model's first choice throughout.

One forward pass on the true trace equals greedy decoding, as long as every token is right.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.hand import Hand
from openrft_pocket.school.chat import Piece, conversation
from openrft_pocket.school.lessons import Diet, exercise
from openrft_pocket.school.listing import Rule, listing
from openrft_pocket.school.rows import IGNORED, encode, pad

ITEMS, SEED = 24, 1  # questions a skill, and what draws them


def exam(model: Any, tokenizer: Any, own: bool = False) -> dict[str, float]:
    """Greedy accuracy by kind, in the words of pre-training or in the tasks' own."""
    marks = {}
    for name, kind in KINDS.items():
        rng = Random(f"exam {SEED} {name}")
        rows = []
        for _ in range(ITEMS):
            block, trace, _ = exercise(kind, rng, Diet(), rng.choice(kind.wordings if own else kind.lessons))
            rows.append(conversation([(block, trace)]))
        marks[name] = _passed(model, tokenizer, rows)
    return marks


def exam_of_listing(model: Any, tokenizer: Any) -> float:
    """Greedy accuracy on listed values where the question says which one is meant."""
    rng = Random(f"exam {SEED} listing")
    rules = [replace(Rule.drawn(rng), told=True) for _ in range(ITEMS)]
    return _passed(model, tokenizer, [conversation([listing(rng, Hand(), rule, 3)]) for rule in rules])


def _passed(model: Any, tokenizer: Any, rows: list[list[Piece]]) -> float:
    import torch

    batch = pad(encode(tokenizer, rows), tokenizer.pad_token_id)
    ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
    with torch.no_grad():
        best = model(input_ids=ids, use_cache=False).logits[:, :-1].argmax(-1)
    right = (best == labels[:, 1:]) | (labels[:, 1:] == IGNORED)
    return float(right.all(1).float().mean())
