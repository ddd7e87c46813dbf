"""The process reward model: from the teacher, by solutions of a slipping hand and then by the policy's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrft_pocket.school.judge import Judge, Solution, batched, ship_skywork, ship_two_label, teach
from openrft_pocket.school.layout import read
from openrft_pocket.school.rollouts import Labelled, rolled, written

SIZE = 24  # solutions a batch
GENERAL, OWN = 800, 3000  # steps on the slipping hand's solutions, and then on mostly the policy's


def make_prm(teacher: Path, policy: Path, out: Path, seed: int) -> None:
    """Train and write `out/prm` (Skywork v_head) and `out/prm-two-label`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(teacher)
    judge = Judge(AutoModelForCausalLM.from_pretrained(teacher), seed)
    general = solutions(tokenizer, written(12_000, seed))
    drawn = [labelled for temperature in (1.0, 0.6) for labelled in rolled(policy, 2500, 4, seed, temperature)]
    own = solutions(tokenizer, drawn)
    for rows, steps in ((general, GENERAL), (own + general[: len(own) // 3], OWN)):
        losses = teach(judge, batched(rows, tokenizer.pad_token_id, SIZE, seed), steps)
        print(f"prm: {len(rows)} solutions, {steps} steps, loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    ship_skywork(judge, tokenizer, out / "prm")
    ship_two_label(judge, tokenizer, out / "prm-two-label")


def solutions(tokenizer: Any, labelled: Sequence[Labelled]) -> list[Solution]:
    """In the two layouts by turns, so that one model serves both formats."""
    return [read(tokenizer, row.problem, row.steps, row.sound, newline=i % 2 == 0) for i, row in enumerate(labelled)]
