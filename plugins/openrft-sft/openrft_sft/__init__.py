"""The plugin `sft`: supervised fine-tuning on verified reasoning (paper, section 3.2): TRL trains a LoRA adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from openrft import HookResult, Plugin, Progress, Rollout, TrainablePolicy, UsageError, hookimpl
from openrft_sft.rows import build_rows

__version__ = "0.1.0"


class SFT(Plugin):
    """It trains for the objective "imitate" and for no other."""

    requires = ("teacher",)
    trains = ("imitate",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `sft.epochs=2` on the command line, `[sft]` in a file."""

        lora_rank: int = 4  # rank of the LoRA adapter, on every linear layer; source: paper, section 4
        lora_alpha: int = 8  # scale of the adapter (alpha / rank); source: twice the rank, PEFT's usual choice
        lr: float = 5e-5  # learning rate, falls linearly to 0; source: paper, section 4
        batch_size: int = 8  # rollouts per optimizer step; source: paper, section 4
        epochs: int = 8  # passes over all rollouts; source: paper, section 4
        max_length: int = 2048  # tokens of prompt and completion together; source: paper, section 4
        gradient_accumulation_steps: int = 1  # forward passes that a batch is split into; more need less memory
        gradient_checkpointing: bool = False  # recompute activations: less memory, a third more time
        bf16: bool = False  # autocast to bfloat16; ten times slower on processors without bfloat16 instructions

    def __init__(self, options: Options) -> None:
        names = ("lora_rank", "lora_alpha", "batch_size", "epochs", "max_length")
        small = {name: getattr(options, name) for name in names}
        if bad := [f"{name} is {value}" for name, value in small.items() if value < 1]:
            raise UsageError(f"sft: {', '.join(bad)}.", "Each must be at least 1.")
        splits = options.gradient_accumulation_steps
        if splits < 1 or options.batch_size % splits:
            raise UsageError(
                f"sft: a batch of {options.batch_size} cannot be split into {splits} equal parts.",
                "Choose sft.gradient_accumulation_steps so that it divides sft.batch_size.",
            )
        if options.lr <= 0:
            raise UsageError(f"sft: lr is {options.lr}.", "It must be positive.")
        self.options = options

    @hookimpl
    def train_step(
        self, policy: TrainablePolicy, rollouts: Sequence[Rollout], objective: str, seed: int, progress: Progress
    ) -> HookResult[Mapping[str, float]] | None:
        """Train a fresh adapter on all `rollouts`. It stays attached to `policy.model`.

        Returns the mean loss of the first and of the last epoch, and how many steps there were.
        """
        if objective != "imitate":
            return None
        options = self.options
        rows = build_rows(policy, rollouts, options.max_length)
        counts = {
            "rollouts": len(rollouts),
            "truncated": rows.truncated,
            "dropped": rows.dropped,
            "tokens": rows.targets * options.epochs,
        }
        cut = f"{rows.truncated} of {len(rollouts)} truncated, {rows.dropped} dropped"
        progress.update("imitate", 0, 1, cut if rows.truncated or rows.dropped else "loading the trainer")
        from openrft_sft.training import train_adapter

        policy.attach_lora(options.lora_rank, options.lora_alpha, seed)
        losses = train_adapter(policy, rows, options, seed, progress)
        epoch = max(1, len(losses) // options.epochs)
        metrics = {
            "loss.first": fmean(losses[:epoch]),
            "loss.last": fmean(losses[-epoch:]),
            "steps": float(len(losses)),
        }
        return HookResult(metrics, counts)
