"""The plugin `trl-grpo`: exploration by TRL's GRPOTrainer. TRL samples and trains; questions, rewards and log stay the
core's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openrft import Exploration, Plugin, Settings, UsageError, hookimpl, option

__version__ = "0.1.0"

# Fields of GRPOConfig that are set elsewhere, and where. One update per step: more would be another number of steps.
SET_ELSEWHERE = {
    "max_steps": "explore.steps",
    "num_generations": "explore.group_size",
    "temperature": "explore.temperature",
    "max_completion_length": "explore.max_tokens",
    "per_device_train_batch_size": "explore.prompts_per_step and trl-grpo.gradient_accumulation_steps",
    "gradient_accumulation_steps": "trl-grpo.gradient_accumulation_steps",
    "steps_per_generation": "explore.steps",
    "generation_batch_size": "explore.prompts_per_step",
    "num_iterations": "explore.steps",
    "reward_weights": "explore.alpha",
    "learning_rate": "trl-grpo.lr",
    **dict.fromkeys(
        ("lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "warmup_ratio"),
        "trl-grpo.lr, which is constant: a resumed run would begin a schedule again",
    ),
    **dict.fromkeys(
        ("weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "optim"),
        "the policy, whose optimizer is saved with it: TRL would ignore it",
    ),
    "beta": "trl-grpo.beta",
    "epsilon": "trl-grpo.epsilon",
    "loss_type": "trl-grpo.loss_type",
    "seed": "--seeds",
    "output_dir": "--out",
    "report_to": "--track",
    "logging_steps": "the stage: it logs every step",
    "disable_tqdm": "the stage: it shows its own progress",
    "logging_nan_inf_filter": "the stage: a loss that is not finite must be seen",
    "save_strategy": "the stage: it saves every step, and never as a pickle",
    "shuffle_dataset": "the stage: it decides which questions are asked when",
}


class TRLGRPO(Plugin):
    """It runs the whole explore stage, in the place of the plugin `rl`."""

    replaces = ("rl",)
    trains = ("explore_stage",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `trl-grpo.lr=1e-4` on the command line, `[trl-grpo]` in a file. Names are TRL's, but for the
        learning rate and LoRA, which are named as in `rl` and `sft`."""

        lr: float = option(3e-5, help="Learning rate, constant.", source="paper, section 3 (actor)", gt=0)
        lora_rank: int = option(
            4,
            help="Rank of the LoRA adapter, on every linear layer.",
            source="paper, section 3",
            ge=1,
            renamed_from="rank",
        )
        lora_alpha: int = option(
            8, help="Scale of the adapter (alpha / rank).", source="twice the rank, PEFT's usual choice", ge=1
        )
        beta: float = option(
            0.01, help="Weight of the KL to the policy before RL.", source="paper, section 3", ge=0, renamed_from="kl"
        )
        epsilon: float = option(
            0.2,
            help="How far the probability ratio may go from 1.",
            source="TRL's default",
            gt=0,
            lt=1,
            renamed_from="clip",
        )
        loss_type: str = option("grpo", help="TRL's loss: grpo, dr_grpo, dapo, bnpo, cispo, ...", renamed_from="loss")
        gradient_accumulation_steps: int = option(
            1,
            help="Forward passes that a step's completions are split into.",
            ge=1,
            renamed_from="accumulate",
        )
        grpo_config: str = option(
            "{}",
            help="""Further fields of TRL's GRPOConfig, a JSON object: '{"use_vllm": true}'.""",
            renamed_from="arguments",
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self.further_arguments = parse_grpo_config(options.grpo_config)

    @hookimpl
    def check_job(self, settings: Settings) -> list[str]:
        """GRPO compares a question's answers, and TRL draws them."""
        faults = []
        if settings.explore.group_size == 1:
            faults.append("trl-grpo compares a question's answers, and explore.group_size is 1. Set it to 2 or more.")
        if settings.policy.thinking_budget is not None:
            faults.append("trl-grpo draws answers without a budget for thinking: leave out policy.thinking_budget.")
        return faults

    @hookimpl
    def train_step(self, objective: str, seed: int, run: Exploration | None) -> Mapping[str, float] | None:
        """Every step from `run.first` on. The metrics are logged step by step, so none are left to return."""
        if objective != "explore_stage" or run is None:
            return None
        from openrft_trl.training import run_grpo

        if not run.policy.has_adapter:
            run.policy.attach_lora(self.options.lora_rank, self.options.lora_alpha, seed)
        run_grpo(run, self.options, self.further_arguments, seed)
        return {}


def parse_grpo_config(text: str) -> dict[str, Any]:
    """The fields as an object. Raises UsageError for anything else, and for fields that are set elsewhere."""
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as fault:
        raise UsageError(f"trl-grpo.grpo_config is not JSON: {fault}.") from fault
    if not isinstance(arguments, dict):
        raise UsageError("trl-grpo.grpo_config is not a JSON object.", 'Write {"use_vllm": true}.')
    for name in arguments:
        if name in SET_ELSEWHERE:
            raise UsageError(f"trl-grpo.grpo_config: {name} is set by {SET_ELSEWHERE[name]}.", "Leave it out here.")
    return arguments
