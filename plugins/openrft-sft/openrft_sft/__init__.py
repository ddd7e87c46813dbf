"""The plugin `sft`: supervised fine-tuning on verified reasoning (paper, section 3.2): TRL trains a LoRA adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from openrft import HookResult, Plugin, Progress, Rollout, TrainablePolicy, UsageError, hookimpl, option
from openrft_sft.rows import build_rows

__version__ = "0.1.0"


class SFT(Plugin):
    """It trains for the objective "imitate" and for no other."""

    requires = ("teacher",)
    trains = ("imitate",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `sft.epochs=2` on the command line, `[sft]` in a file."""

        lora_rank: int = option(
            4,
            help="Rank of the LoRA adapter, on every linear layer.",
            source="paper, section 4",
            ge=1,
            renamed_from="rank",
        )
        lora_alpha: int = option(
            8,
            help="Scale of the adapter (alpha / rank).",
            source="twice the rank, PEFT's usual choice",
            ge=1,
            renamed_from="alpha",
        )
        lr: float = option(5e-5, help="Learning rate; it falls linearly to 0.", source="paper, section 4", gt=0)
        batch_size: int = option(
            8, help="Rollouts per optimizer step.", source="paper, section 4", ge=1, renamed_from="batch"
        )
        epochs: int = option(8, help="Passes over all rollouts.", source="paper, section 4", ge=1)
        max_length: int = option(
            2048, help="Tokens of prompt and completion together.", source="paper, section 4", ge=1
        )
        gradient_accumulation_steps: int = option(
            1,
            help="Forward passes that a batch is split into; more need less memory.",
            ge=1,
            renamed_from="accumulate",
        )
        gradient_checkpointing: bool = option(
            False,
            help="Whether activations are computed again: less memory, a third more time. Without it they are where the"
            " longest row would not fit on the GPU.",
            renamed_from="checkpointing",
        )
        bf16: bool | None = option(
            None,
            help="Autocast to bfloat16; none: if the weights are bfloat16, as on a GPU. On a CPU only where products in"
            " bfloat16 measure faster, so on one with instructions for them (AVX512-BF16, AMX).",
        )

        def __post_init__(self) -> None:
            if self.batch_size % self.gradient_accumulation_steps:
                raise UsageError(
                    f"{self.batch_size} rollouts cannot be split into {self.gradient_accumulation_steps} equal parts.",
                    "Choose sft.gradient_accumulation_steps so that it divides sft.batch_size.",
                )

    def __init__(self, options: Options) -> None:
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
