"""One run of TRL's GRPOTrainer over the stage's questions, judged by the stage, saved by the stage.

Imports torch, transformers and TRL: it is imported when training begins, not before.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from openrft import Completion, OpenRFTError, UsageError
from openrft_trl.prompts import for_trl, room

# TRL's names of what every arm's log holds, and the house's.
LOGGED = {
    "loss": "loss",
    "kl": "kl",
    "entropy": "entropy",
    "clip_ratio/region_mean": "clip_fraction",
    "grad_norm": "grad_norm",
}


def explore(run: Any, options: Any, further: Mapping[str, Any], seed: int) -> None:
    """Every step from `run.first` to `run.steps`, on the adapter and with the optimizer of `run.policy`."""
    policy = run.policy
    steps = [run.asked(step) for step in range(run.first, run.steps)]
    prompts = [prompt for step in steps for prompt in step]
    conversations = [prompt.messages for prompt in prompts]
    every = [prompt.messages for step in range(run.steps) for prompt in run.asked(step)]  # also those before a resume
    tokens = room(policy, every, run.sampling(run.first).max_tokens)
    optimizer = policy.optimizer(options.lr)
    for group in optimizer.param_groups:
        group["lr"] = options.lr
    with tempfile.TemporaryDirectory(prefix="openrft-trl-") as folder, _undisturbed(policy), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # between TRL, transformers and PEFT, not ours to fix
        bridge = _Bridge(run, prompts)
        trainer = _QuietTrainer(
            model=policy.model,
            reward_funcs=[bridge.reward],
            args=_arguments(run, len(steps[0]), tokens, options, further, seed, folder),
            train_dataset=Dataset.from_dict(
                {"prompt": for_trl(policy, conversations), "row": list(range(len(prompts)))}
            ),
            processing_class=policy.tokenizer,
            callbacks=[bridge],
            optimizers=(optimizer, None),
        )
        # Not as an argument: TRL would then take a copy of the adapter as the reference, which after a resume is not
        # the policy before RL. Set here, the reference is the adapter switched off.
        trainer.beta = options.kl
        trainer.remove_callback(PrinterCallback)
        bridge.ends = set(trainer.eos_token_ids)
        try:
            trainer.train()
        except RuntimeError as fault:
            if "probability tensor" not in str(fault):
                raise
            raise OpenRFTError(
                f"trl-grpo: at step {run.first + trainer.state.global_step} the policy's probabilities are no longer"
                " finite.",
                "An earlier step broke its weights: lower trl-grpo.lr.",
            ) from fault


def _arguments(
    run: Any, size: int, tokens: int, options: Any, further: Mapping[str, Any], seed: int, folder: str
) -> GRPOConfig:
    """TRL's arguments. Raises OpenRFTError for what it refuses."""
    how = run.sampling(run.first)
    if size * how.n % options.accumulate:
        raise OpenRFTError(
            f"trl-grpo: {size * how.n} completions a step cannot be split into {options.accumulate} equal parts.",
            "Choose a trl-grpo.accumulate that divides explore.prompts * explore.group.",
        )
    device, dtype = run.policy.model.device.type, run.policy.model.dtype
    given = {
        "gradient_checkpointing": False,
        "bf16": dtype == torch.bfloat16,
        "use_cpu": device == "cpu",
        "lr_scheduler_type": "constant",
        "dataloader_pin_memory": False,
        **further,
    }
    try:
        arguments = GRPOConfig(
            output_dir=folder,
            max_steps=run.steps - run.first,
            per_device_train_batch_size=size * how.n // options.accumulate,
            gradient_accumulation_steps=options.accumulate,
            num_generations=how.n,
            temperature=how.temperature,
            max_completion_length=tokens,
            shuffle_dataset=False,  # the stage decides which questions are asked when
            learning_rate=options.lr,
            epsilon=options.clip,
            loss_type=options.loss,
            seed=seed,
            save_strategy="no",  # the stage saves, in safetensors; TRL's own checkpoints are pickles
            report_to="none",  # the stage logs
            disable_tqdm=True,
            logging_steps=1,
            logging_nan_inf_filter=False,  # the filter would hide a loss that is not finite
            **given,
        )
    except (TypeError, ValueError) as fault:
        raise OpenRFTError(f"trl-grpo: TRL refuses its arguments: {fault}", "See trl-grpo.arguments.") from fault
    # With several GPUs in sight the trainer would wrap the model in DataParallel, which TRL refuses; the policy
    # lives on one device.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class _QuietTrainer(GRPOTrainer):
    """TRL's trainer without its usage statistics: training on somebody's data is nobody else's business."""

    def _send_telemetry(self) -> None:
        """Nothing; the environment variable that turns it off is read before we could set it."""


class _Bridge(TrainerCallback):
    """TRL's reward function and callback on one side, the stage's run on the other."""

    def __init__(self, run: Any, prompts: Sequence[Any]) -> None:
        self.ends: set[int] = set()
        self._run, self._prompts = run, prompts
        self._judged: list[Any] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Before TRL generates: the step's own random stream, so that a resumed run needs no generator's state."""
        torch.manual_seed(self._run.sampling(self._run.first + state.global_step).seed)

    def reward(self, completion_ids: list[list[int]], row: list[int], trainer_state: Any, **_: Any) -> list[float]:
        """R of each completion, from the stage's grader and the arm's plugins."""
        answered = [
            self._prompts[r].answered(self._completion(ids)) for r, ids in zip(row, completion_ids, strict=True)
        ]
        self._judged = self._run.judged(self._run.first + trainer_state.global_step, answered)
        if any(rollout.earned for rollout in self._judged):
            raise UsageError(
                "trl-grpo gives TRL one reward a completion, and steps were to earn theirs apart.",
                "Use the plugin rl, or explore.credit=sequence.",
            )
        return [rollout.reward for rollout in self._judged]

    def _completion(self, ids: list[int]) -> Completion:
        stopped = bool(ids) and ids[-1] in self.ends
        text = self._run.policy.tokenizer.decode(ids[:-1] if stopped else ids, skip_special_tokens=True)
        finish = "stop" if stopped else "length"
        return Completion(text, tuple(ids), finish=finish, temperature=self._run.sampling(self._run.first).temperature)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """TRL logs once a step, after the update, and once more at the end without a loss."""
        if logs and "loss" in logs:
            metrics = {ours: float(logs[theirs]) for theirs, ours in LOGGED.items() if logs.get(theirs) is not None}
            self._run.finished(self._run.first + state.global_step - 1, self._judged, metrics)


@contextmanager
def _undisturbed(policy: Any) -> Iterator[None]:
    """Put back what the trainer changes besides the adapter: forward methods, configs, the padding token, the mode."""
    base, pad = policy.model.get_base_model(), policy.tokenizer.pad_token
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
        policy.tokenizer.pad_token = pad
        policy.model.eval()
