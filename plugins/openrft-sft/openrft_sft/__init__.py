"""Imitation (paper, section 3.2): supervised fine-tuning on verified reasoning, through TRL, as a LoRA adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import openrft
from openrft import Rollout
from openrft_sft.rows import rows_of

__version__ = "0.1.0"


class SFT:
    """The plugin `sft`: it trains for the objective "imitate" and for no other."""

    needs = ("teacher",)
    objectives = ("imitate",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `sft.epochs=2` on the command line, `[sft]` in a file."""

        rank: int = 4  # of the LoRA adapter, on every linear layer (paper, section 4)
        alpha: int = 8  # the adapter's scale is alpha / rank; the paper gives none, twice the rank is usual
        lr: float = 5e-5  # falls linearly to 0 (paper, section 4)
        batch: int = 8  # rollouts an optimizer step (paper, section 4)
        epochs: int = 8  # (paper, section 4)
        max_length: int = 2048  # tokens of prompt and completion together (paper, section 4)
        accumulate: int = 1  # forward passes that a batch is split into; more take less memory
        checkpointing: bool = False  # recompute activations: less memory, a third more time
        bf16: bool = False  # autocast to bfloat16; ten times slower on processors without bfloat16 instructions

    def __init__(self, options: Options) -> None:
        small = {name: getattr(options, name) for name in ("rank", "alpha", "batch", "epochs", "max_length")}
        if bad := [f"{name} is {value}" for name, value in small.items() if value < 1]:
            raise openrft.UsageError(f"sft: {', '.join(bad)}.", "Each must be at least 1.")
        if options.accumulate < 1 or options.batch % options.accumulate:
            raise openrft.UsageError(
                f"sft: a batch of {options.batch} cannot be split into {options.accumulate} equal parts.",
                "Choose an accumulate that divides batch.",
            )
        if options.lr <= 0:
            raise openrft.UsageError(f"sft: lr is {options.lr}.", "It must be positive.")
        self.options = options
        self.counts: Mapping[str, int] = {}  # what the last call did; the core reports it

    @openrft.hookimpl
    def train_step(
        self, policy: Any, rollouts: Sequence[Rollout], objective: str, seed: int, progress: Any
    ) -> Mapping[str, float] | None:
        """Train a fresh adapter on all `rollouts`; it stays attached to `policy.model`.

        Returns the mean loss of the first and of the last epoch, and how many steps there were.
        """
        if objective != "imitate":
            return None
        how = self.options
        rows = rows_of(policy, rollouts, how.max_length)
        self.counts = {
            "rollouts": len(rollouts),
            "truncated": rows.truncated,
            "dropped": rows.dropped,
            "tokens": rows.targets * how.epochs,
        }
        said = f"{rows.truncated} of {len(rollouts)} truncated, {rows.dropped} dropped"
        progress.update("imitate", 0, 1, said if rows.truncated or rows.dropped else "loading the trainer")
        from openrft_sft.training import Recipe, fit

        policy.attach_lora(how.rank, how.alpha, seed)
        pad = policy.tokenizer.pad_token_id
        losses = fit(
            policy.model,
            policy.tokenizer,
            policy.end_token if pad is None else pad,
            rows,
            Recipe(how.lr, how.batch, how.accumulate, how.epochs, how.bf16, how.checkpointing, seed),
            progress,
        )
        epoch = max(1, len(losses) // how.epochs)
        return {
            "loss.first": fmean(losses[:epoch]),
            "loss.last": fmean(losses[-epoch:]),
            "steps": float(len(losses)),
        }
