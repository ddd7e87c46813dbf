"""One run of TRL's GRPOTrainer over the stage's questions. The stage computes the rewards, logs and saves.

Imports torch, transformers and TRL: it is imported when training begins, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from openrft import Completion, Exploration, OpenRFTError, Prompt, Rollout, TrainablePolicy, UsageError, open_trainer
from openrft_trl.prompts import format_prompts, limit_completions

if TYPE_CHECKING:
    from openrft_trl import TRLGRPO

# TRL's names of the metrics that every arm logs, and the core's.
METRIC_NAMES = {
    "loss": "loss",
    "kl": "kl",
    "entropy": "entropy",
    "clip_ratio/region_mean": "clip_fraction",
    "grad_norm": "grad_norm",
}


def run_grpo(run: Exploration, options: TRLGRPO.Options, further: Mapping[str, Any], seed: int) -> None:
    """Every step from `run.first` to `run.steps`, on the adapter and with the optimizer of `run.policy`."""
    policy = run.policy
    steps = [run.draw_prompts(step) for step in range(run.first, run.steps)]
    prompts = [prompt for step in steps for prompt in step]
    every_step = [run.draw_prompts(step) for step in range(run.steps)]  # also those before a resume
    every = [prompt.messages for step in every_step for prompt in step]
    max_tokens = limit_completions(policy, every, run.sampling(run.first).max_tokens)
    bridge = StageBridge(run, prompts)
    conversations = format_prompts(policy, [prompt.messages for prompt in prompts])
    parts = {
        "reward_funcs": [bridge.reward_rollouts],
        "train_dataset": Dataset.from_dict({"prompt": conversations, "row": list(range(len(prompts)))}),
        "callbacks": [bridge],
        "optimizers": (_open_optimizer(policy, options.lr), None),
    }
    arguments = _build_arguments(run, len(steps[0]), max_tokens, options, further, seed)
    with open_trainer(GRPOTrainer, GRPOConfig, policy, arguments, parts) as trainer:
        # Not as an argument: TRL would then take a copy of the adapter as the reference, which after a resume is not
        # the policy before RL. Set here, the reference is the adapter switched off.
        trainer.beta = options.beta
        bridge.end_tokens = set(trainer.eos_token_ids)
        with refuse_infinite_logits(policy, lambda: run.first + trainer.state.global_step):
            trainer.train()


@contextmanager
def refuse_infinite_logits(policy: TrainablePolicy, get_step: Callable[[], int]) -> Iterator[None]:
    """In this context logits that are not finite raise OpenRFTError before a token is drawn from them.

    torch's own drawing raises an error on a CPU. On a GPU it ends in an assertion of the device, after which the
    process cannot use the GPU.
    """

    def check(module: Any, inputs: Any, logits: torch.Tensor) -> None:
        # The last of each row: what a token is drawn from. All of a whole batch would take gigabytes.
        if not torch.is_grad_enabled() and not bool(logits[:, -1].isfinite().all()):
            raise OpenRFTError(
                f"trl-grpo: at step {get_step()} the policy's probabilities are no longer finite.",
                "An earlier step broke its weights: lower trl-grpo.lr.",
            )

    head: Any = policy.model.get_output_embeddings()
    handle = head.register_forward_hook(check)
    try:
        yield
    finally:
        handle.remove()


def _open_optimizer(policy: TrainablePolicy, lr: float) -> Any:
    """The policy's optimizer at this learning rate: one that was read from a checkpoint has none."""
    optimizer = policy.get_optimizer(lr)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return optimizer


def _build_arguments(
    run: Exploration, prompts: int, max_tokens: int, options: TRLGRPO.Options, further: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """The fields of GRPOConfig for steps of this many prompts. Raises OpenRFTError for a batch that cannot be split."""
    sampling, splits = run.sampling(run.first), options.gradient_accumulation_steps
    completions = prompts * sampling.n
    if completions % splits:
        raise OpenRFTError(
            f"trl-grpo: {completions} completions per step cannot be split into {splits} equal parts.",
            "Choose trl-grpo.gradient_accumulation_steps so that it divides"
            " explore.prompts_per_step * explore.group_size.",
        )
    return {
        "gradient_checkpointing": False,
        "bf16": run.policy.model.dtype == torch.bfloat16,
        "lr_scheduler_type": "constant",
        **further,
        "max_steps": run.steps - run.first,
        "per_device_train_batch_size": completions // splits,
        "gradient_accumulation_steps": splits,
        "num_generations": sampling.n,
        "temperature": sampling.temperature,
        "max_completion_length": max_tokens,
        "shuffle_dataset": False,  # the stage decides which questions are asked when
        "learning_rate": options.lr,
        "epsilon": options.epsilon,
        "loss_type": options.loss_type,
        "seed": seed,
    }


class StageBridge(TrainerCallback):
    """TRL's reward function and callback on one side, the stage's run on the other."""

    def __init__(self, run: Exploration, prompts: Sequence[Prompt]) -> None:
        self.end_tokens: set[int] = set()
        self._run, self._prompts = run, prompts
        self._rollouts: list[Rollout] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Seed the step's own random stream before TRL generates, so that a resumed run needs no generator state."""
        torch.manual_seed(self._run.sampling(self._run.first + state.global_step).seed)

    def reward_rollouts(
        self, completion_ids: list[list[int]], row: list[int], trainer_state: Any, **_: Any
    ) -> list[float]:
        """R of each completion, from the stage's grader and the arm's plugins."""
        asked = [self._prompts[r] for r in row]
        rollouts = [p.to_rollout(self._decode(p, ids)) for p, ids in zip(asked, completion_ids, strict=True)]
        self._rollouts = self._run.score_rollouts(self._run.first + trainer_state.global_step, rollouts)
        if len(self._rollouts) < len(rollouts):
            lost = len(rollouts) - len(self._rollouts)
            raise OpenRFTError(
                f"{lost} of {len(rollouts)} answers of a step have no reward, and TRL needs all.",
                "Fix the grader or its server, or use the plugin rl, which leaves such answers out.",
            )
        if any(rollout.step_rewards for rollout in self._rollouts):
            raise UsageError(
                "trl-grpo gives TRL one reward per completion, but explore.credit asks for rewards step by step.",
                "Use the plugin rl, or explore.credit=sequence.",
            )
        return [_get_reward(rollout) for rollout in self._rollouts]

    def _decode(self, prompt: Prompt, ids: list[int]) -> Completion:
        stopped = bool(ids) and ids[-1] in self.end_tokens
        text = self._run.policy.decode_completion(prompt.messages, ids[:-1] if stopped else ids)
        temperature = self._run.sampling(self._run.first).temperature
        return Completion(text, tuple(ids), finish_reason="stop" if stopped else "length", temperature=temperature)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """TRL logs once per step, after the update, and once more at the end without a loss."""
        if logs and "loss" in logs:
            metrics = {ours: float(logs[trl]) for trl, ours in METRIC_NAMES.items() if logs.get(trl) is not None}
            self._run.log_step(self._run.first + state.global_step - 1, self._rollouts, metrics)


def _get_reward(rollout: Rollout) -> float:
    if rollout.reward is None:
        raise OpenRFTError(f"a rollout of sample {rollout.sample.id} reached training without a reward.")
    return rollout.reward
