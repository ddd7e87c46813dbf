"""Train a policy with a Hugging Face or TRL trainer that changes nothing but its adapter.

This file imports transformers, so it is imported when training begins and not before.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from transformers import PrinterCallback

from openrft.errors import UsageError
from openrft.policies.base import TrainablePolicy
from openrft.runtime.ranks import RANK_VARIABLES, current_ranks

if TYPE_CHECKING:
    from peft import PeftModel

# The core saves, logs and shows progress itself. Every step is logged, and a loss that is not finite must be seen.
QUIET_ARGUMENTS: Mapping[str, Any] = {
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
    "logging_steps": 1,
    "logging_nan_inf_filter": False,
    "dataloader_pin_memory": False,
}


@contextmanager
def open_trainer(
    trainer_class: type[Any],
    config_class: type[Any],
    policy: TrainablePolicy,
    arguments: Mapping[str, Any],
    parts: Mapping[str, Any],
) -> Iterator[Any]:
    """A trainer over `policy.model` that saves, reports and prints nothing. Call `train()` on it inside this context.

    Afterwards only the adapter has changed: the model's forward methods, its configs, its eval mode and the tokenizer's
    padding token are put back.

    Args:
        trainer_class: such as `trl.SFTTrainer`.
        config_class: its arguments' class, such as `trl.SFTConfig`.
        arguments: fields of `config_class`. They come on top of `QUIET_ARGUMENTS`; `output_dir` is a temporary folder.
        parts: further arguments of `trainer_class`: the dataset, a collator, callbacks, reward functions.

    Raises UsageError for arguments that `config_class` refuses.
    """
    with (
        tempfile.TemporaryDirectory(prefix="openrft-trainer-") as folder,
        _hide_ranks(),
        _restore_policy(policy),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # TRL, transformers and PEFT warn of each other; no user can fix that
        _name_experts(policy)
        on_cpu = policy.model.device.type == "cpu"
        if policy.model.device.index:  # the trainer would move the model
            raise UsageError(
                f"the policy is on {policy.model.device}, and {trainer_class.__name__} trains on the first GPU.",
                f"Set CUDA_VISIBLE_DEVICES={policy.model.device.index} and policy.device=cuda.",
            )
        given = {"output_dir": folder, "use_cpu": on_cpu, **QUIET_ARGUMENTS, **arguments}
        config = _build_config(config_class, given)
        quiet = _without_telemetry(trainer_class)
        trainer = quiet(model=policy.model, args=config, processing_class=policy.tokenizer, **parts)
        trainer.remove_callback(PrinterCallback)
        yield trainer


@contextmanager
def _hide_ranks() -> Iterator[None]:
    """Let a trainer see one process. Several would share its batches in a way of their own, which fills up the last one
    of an epoch with rows of the first. A trainer that knows of ranks deals out its work itself (`current_ranks`).
    """
    if current_ranks().size == 1:
        yield
        return
    hidden = {name: os.environ.pop(name) for name in RANK_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _build_config(config_class: type[Any], arguments: Mapping[str, Any]) -> Any:
    try:
        config = config_class(**arguments)
    except (TypeError, ValueError) as fault:
        raise UsageError(
            f"{config_class.__name__} refuses its arguments: {fault}.", "See the options that are handed on to it."
        ) from fault
    # With several GPUs the trainer would wrap the model in DataParallel, which TRL refuses.
    config._n_gpu = min(1, config.n_gpu)
    return config


def _name_experts(policy: TrainablePolicy) -> None:
    """Give the config the number of experts under the name that TRL's loss over routers reads. Granite has another."""
    config: Any = cast("PeftModel", policy.model).get_base_model().config
    if not hasattr(config, "num_experts") and getattr(config, "num_local_experts", None):
        config.num_experts = config.num_local_experts


def _without_telemetry(trainer_class: type[Any]) -> type[Any]:
    """The trainer without TRL's usage statistics. The variable that turns them off is read before we could set it."""
    return type(trainer_class.__name__, (trainer_class,), {"_send_telemetry": lambda self: None})


@contextmanager
def _restore_policy(policy: TrainablePolicy) -> Iterator[None]:
    """Put back what a trainer changes besides the adapter, and leave the model in eval mode.

    TRL replaces `forward` by one with a fused loss and sets a missing padding token. The trainer rewrites special
    tokens in the configs. All of it would otherwise stay in the policy that RL trains and that is evaluated.
    """
    base, pad_token = cast("PeftModel", policy.model).get_base_model(), policy.tokenizer.pad_token
    modules, configs = [policy.model, base], [base.config, base.generation_config]
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
        policy.tokenizer.pad_token = pad_token
        policy.model.eval()
