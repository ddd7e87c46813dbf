"""How a process reward model reads a solution: Skywork's layout, and the two-label one.

Skywork: bos + problem + newline, then each line and its newline. Two-label (TRL's): bos, problem, then each line
and its newline; without one after the problem. Scores are read at the newline that ends a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openrft_pocket.school.rows import IGNORED


def read(
    tokenizer: Any, problem: str, steps: Sequence[str], sound: Sequence[bool], newline: bool
) -> tuple[list[int], list[int]]:
    """Ids, and at each step's end 1 (sound) or 0; elsewhere IGNORED."""
    head = f"{problem}\n" if newline else problem
    ids = [tokenizer.bos_token_id, *tokenizer.encode(head, add_special_tokens=False)]
    labels = [IGNORED] * len(ids)
    end = tokenizer.encode("\n", add_special_tokens=False)[-1]
    for step, good in zip(steps, sound, strict=True):
        piece = tokenizer.encode(step, add_special_tokens=False)
        ids += [*piece, end]
        labels += [IGNORED] * len(piece) + [int(good)]
    return ids, labels
