"""One run of TRL's SFTTrainer over tokenised rows.

Imports torch, transformers and TRL: it is imported when training begins, not before.
"""

from __future__ import annotations

import logging
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from openrft import (
    OpenRFTError,
    Progress,
    TrainablePolicy,
    bfloat16_products,
    current_ranks,
    is_float32_on_cpu,
    open_trainer,
    plan_memory,
    use_bfloat16_products,
)
from openrft.prefix_tree import supports
from openrft_sft.micro_batches import CPU_BYTES, in_parts
from openrft_sft.rows import Rows

if TYPE_CHECKING:
    from openrft_sft import SFT


logger = logging.getLogger(__name__)


def train_adapter(
    policy: TrainablePolicy, rows: Rows, options: SFT.Options, seed: int, progress: Progress
) -> list[float]:
    """Train the policy's adapter on `rows`; the loss of every step. Raises OpenRFTError when a loss is not finite."""
    pad = policy.tokenizer.pad_token_id
    fast = bool(options.bf16) and use_bfloat16_products(policy, "sft.bf16")
    wanted = policy.model.dtype == torch.bfloat16 if options.bf16 is None else options.bf16
    monitor = LossMonitor(progress)
    parts = {
        "train_dataset": Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels}),
        # Our own collator, because TRL's would set the tokenizer's missing pad token, which belongs to the policy.
        "data_collator": DataCollatorForLanguageModeling(pad_token_id=policy.end_token if pad is None else pad),
        "callbacks": [monitor],
    }
    arguments = {
        "learning_rate": options.lr,
        "per_device_train_batch_size": options.batch_size // options.gradient_accumulation_steps,
        "gradient_accumulation_steps": options.gradient_accumulation_steps,
        "num_train_epochs": options.epochs,
        "bf16": fast or (wanted and not is_float32_on_cpu(policy)),
        "gradient_checkpointing": options.gradient_checkpointing and not supports(policy.model.config),
        "seed": seed,
        "data_seed": seed,
        "max_length": None,  # rows are cut, and counted, before they come here
        "dataset_kwargs": {"skip_prepare_dataset": True},  # rows bring their labels
    }
    products = bfloat16_products(policy.model) if fast else nullcontext()
    trainer_class = _choose_trainer(policy, rows, options, fast)
    with products, open_trainer(trainer_class, SFTConfig, policy, arguments, parts) as trainer:
        trainer.train()
    return monitor.losses


def _choose_trainer(policy: TrainablePolicy, rows: Rows, options: SFT.Options, fast: bool) -> type[SFTTrainer]:
    """TRL's own, or the one that takes a step in parts: where a batch of the longest rows would not fit in one, where
    activations are computed again, and where a CPU computes in bfloat16 (`fast`). TRL's own also trains models that the
    policy's forward pass does not know. Several ranks always take the other, which deals out the rows of a batch."""
    alone = current_ranks().size == 1
    if alone and not supports(policy.model.config):
        return SFTTrainer
    size = options.batch_size // options.gradient_accumulation_steps
    longest = sorted(map(len, rows.input_ids))[-size:]
    plan = plan_memory(policy, longest[-1], CPU_BYTES)
    plan.recompute |= options.gradient_checkpointing
    whole = alone and sum(longest) <= plan.tokens and not plan.recompute and not fast
    return SFTTrainer if whole else in_parts(policy, plan)


class LossMonitor(TrainerCallback):
    """Keeps each step's loss, reports it as progress, and stops at the first that is not finite."""

    def __init__(self, progress: Progress) -> None:
        self.losses: list[float] = []
        self._progress = progress

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """The trainer logs once per step, and once more at the end without a loss."""
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise OpenRFTError(
                f"sft: the loss is {loss} at step {state.global_step} of {state.max_steps}.",
                "Lower sft.lr; with bf16, try without.",
            )
        self.losses.append(loss)
        self._progress.update("imitate", state.global_step, state.max_steps, f"loss {loss:.3f}")
