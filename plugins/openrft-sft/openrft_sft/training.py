"""One run of TRL's SFTTrainer over ready rows, that leaves nothing behind but the trained adapter.

Imports torch, transformers and TRL: it is imported when training begins, not before.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from openrft import OpenRFTError
from openrft_sft.rows import Rows


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a run, as the trainer wants them."""

    lr: float
    batch: int
    accumulate: int
    epochs: int
    bf16: bool
    checkpointing: bool
    seed: int


def fit(model: Any, tokenizer: Any, pad: int, rows: Rows, recipe: Recipe, progress: Any) -> list[float]:
    """Train the adapter of `model` (a PeftModel) on `rows`; the loss of every step.

    Raises OpenRFTError when a loss is not finite.
    """
    watch = _Watch(progress)
    with tempfile.TemporaryDirectory(prefix="openrft-sft-") as folder, _undisturbed(model), warnings.catch_warnings():
        # TRL and transformers disagree about the name of activation checkpointing; no user of ours can settle that.
        warnings.filterwarnings("ignore", category=FutureWarning, message=".*_checkpointing` is deprecated")
        trainer = _QuietTrainer(
            model=model,
            args=_arguments(recipe, folder, on_cpu=model.device.type == "cpu"),
            train_dataset=Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels}),
            # A collator of our own: TRL would set the tokenizer's missing pad token, and the policy owns that.
            data_collator=DataCollatorForLanguageModeling(pad_token_id=pad),
            processing_class=tokenizer,
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return watch.losses


def _arguments(recipe: Recipe, folder: str, on_cpu: bool) -> SFTConfig:
    arguments = SFTConfig(
        output_dir=folder,
        learning_rate=recipe.lr,
        per_device_train_batch_size=recipe.batch // recipe.accumulate,
        gradient_accumulation_steps=recipe.accumulate,
        num_train_epochs=recipe.epochs,
        bf16=recipe.bf16,
        gradient_checkpointing=recipe.checkpointing,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=on_cpu,
        max_length=None,  # rows are cut, and counted, before they come here
        dataset_kwargs={"skip_prepare_dataset": True},  # rows bring their labels
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        logging_nan_inf_filter=False,  # the filter would hide exactly what `_Watch` looks for
        dataloader_pin_memory=False,
        dataloader_num_workers=0,
    )
    # With several GPUs in sight the trainer would wrap the model in DataParallel, which TRL refuses; the policy
    # lives on one device.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class _QuietTrainer(SFTTrainer):
    """TRL's trainer without its usage statistics: training on somebody's data is nobody else's business."""

    def _send_telemetry(self) -> None:
        """Nothing; the environment variable that turns it off is read before we could set it."""


class _Watch(TrainerCallback):
    """Hands each step's loss on, and stops at the first that is not finite."""

    def __init__(self, progress: Any) -> None:
        self.losses: list[float] = []
        self._progress = progress

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """The trainer logs once a step, and once more at the end without a loss."""
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


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """Put back what the trainer changes besides the adapter: the forward method and the configs; leave eval mode on.

    TRL replaces `forward` by one with a fused loss and the trainer rewrites special tokens in the configs; both
    would otherwise stay in the policy that RL trains and evaluation asks.
    """
    base = model.get_base_model()
    modules = [model, base]
    configs = [base.config, base.generation_config]
    forwards = [vars(module).get("forward") for module in modules]
    settings = [dict(vars(config)) for config in configs]
    try:
        yield
    finally:
        for module, forward in zip(modules, forwards, strict=True):
            vars(module).pop("forward", None)
            if forward is not None:
                module.forward = forward
        for config, before in zip(configs, settings, strict=True):
            vars(config).clear()
            vars(config).update(before)
        model.eval()
