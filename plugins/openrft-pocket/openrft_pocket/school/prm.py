"""The process reward model: from the policy, by solutions of a slipping hand and then by the policy's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrft_pocket.school.judge import Judge, Solution, batched, ship_skywork, ship_two_label, teach
from openrft_pocket.school.layout import read
from openrft_pocket.school.rollouts import Labelled, rolled, written

SIZE = 24  # solutions a batch


def make_prm(policy: Path, out: Path, seed: int, first: int = 800, then: int = 2000) -> None:
    """Train and write `out/prm` (Skywork v_head) and `out/prm-two-label`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(policy)
    judge = Judge(AutoModelForCausalLM.from_pretrained(policy), seed)
    general = solutions(tokenizer, written(12_000, seed))
    own = solutions(tokenizer, rolled(policy, 3000, 4, seed))
    for rows, steps in ((general, first), (own + general[: len(own) // 2], then)):
        losses = teach(judge, batched(rows, tokenizer.pad_token_id, SIZE, seed), steps)
        print(f"prm: {len(rows)} solutions, {steps} steps, loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    ship_skywork(judge, tokenizer, out / "prm")
    ship_two_label(judge, tokenizer, out / "prm-two-label")


def solutions(tokenizer: Any, labelled: Sequence[Labelled]) -> list[Solution]:
    """In the two layouts by turns, so that one model serves both formats."""
    return [read(tokenizer, row.problem, row.steps, row.sound, newline=i % 2 == 0) for i, row in enumerate(labelled)]
