"""Exploration by TRL's GRPOTrainer: TRL draws the rollouts and trains; questions, rewards and log stay the core's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openrft

__version__ = "0.1.0"

# Arguments of TRL's that are set elsewhere, and where. One update a step: more would be another number of steps.
ELSEWHERE = {
    "max_steps": "explore.steps",
    "num_generations": "explore.group",
    "temperature": "explore.temperature",
    "max_completion_length": "explore.max_tokens",
    "per_device_train_batch_size": "explore.prompts and trl-grpo.accumulate",
    "gradient_accumulation_steps": "trl-grpo.accumulate",
    "steps_per_generation": "explore.steps",
    "generation_batch_size": "explore.prompts",
    "num_iterations": "explore.steps",
    "reward_weights": "explore.alpha",
    "learning_rate": "trl-grpo.lr",
    **dict.fromkeys(
        ("lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "warmup_ratio"),
        "trl-grpo.lr, and is constant: a run that goes on would begin a schedule anew",
    ),
    **dict.fromkeys(
        ("weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "optim"),
        "the policy, whose optimizer is saved with it: TRL would not heed it",
    ),
    "beta": "trl-grpo.kl",
    "epsilon": "trl-grpo.clip",
    "loss_type": "trl-grpo.loss",
    "seed": "--seeds",
    "output_dir": "--out",
    "report_to": "--track",
    "logging_steps": "the stage: it logs every step",
    "disable_tqdm": "the stage: it tells its own progress",
    "logging_nan_inf_filter": "the stage: a loss that is not finite must be seen",
    "save_strategy": "the stage: it saves every step, and never as a pickle",
    "shuffle_dataset": "the stage: it decides which questions are asked when",
}


class TRLGRPO:
    """The plugin `trl-grpo`: it runs the whole explore stage, in the place of `rl`."""

    provides = ("rl",)
    objectives = ("explore-run",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `trl-grpo.lr=1e-4` on the command line, `[trl-grpo]` in a file."""

        lr: float = 3e-5  # learning rate, constant (paper, section 3: actor)
        rank: int = 4  # of the LoRA adapter, on every linear layer (paper, section 3)
        lora_alpha: int = 8  # the adapter's scale is lora_alpha / rank, as for the plugin `rl`
        kl: float = 0.01  # weight of the KL to the policy before RL (paper, section 3); TRL's beta
        clip: float = 0.2  # of the probability ratio; TRL's epsilon
        loss: str = "grpo"  # TRL's loss_type
        accumulate: int = 1  # forward passes that a step's completions are split into; more take less memory
        arguments: str = "{}"  # further arguments of TRL's GRPOConfig, a JSON object: '{"use_vllm": true}'

    def __init__(self, options: Options) -> None:
        if options.lr <= 0 or options.kl < 0 or not 0 < options.clip < 1:
            raise openrft.UsageError("trl-grpo: lr must be above 0, kl at least 0, clip between 0 and 1.")
        if min(options.rank, options.lora_alpha, options.accumulate) < 1:
            raise openrft.UsageError("trl-grpo: rank, lora_alpha and accumulate must be at least 1.")
        self.options = options
        self.arguments = _further(options.arguments)

    @openrft.hookimpl
    def train_step(self, objective: str, seed: int, run: Any) -> Mapping[str, float] | None:
        """Every step from `run.first` on. The metrics are logged step by step, so none are left to return."""
        if objective != "explore-run":
            return None
        from openrft_trl.training import explore

        if not run.policy.adapted:
            run.policy.attach_lora(self.options.rank, self.options.lora_alpha, seed)
        explore(run, self.options, self.arguments, seed)
        return {}


def _further(text: str) -> dict[str, Any]:
    """The arguments as an object. Raises UsageError for anything else, and for what the stage decides."""
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as fault:
        raise openrft.UsageError(f"trl-grpo.arguments is not JSON: {fault}.") from fault
    if not isinstance(arguments, dict):
        raise openrft.UsageError("trl-grpo.arguments is not a JSON object.", 'Write {"use_vllm": true}.')
    for name in arguments:
        if name in ELSEWHERE:
            raise openrft.UsageError(f"trl-grpo.arguments: {name} is set by {ELSEWHERE[name]}.", "Leave it out here.")
    return arguments
