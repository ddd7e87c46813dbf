"""One whole RL step of 64 completions, ours and TRL's: rollouts, rewards, loss, optimiser. Same model, same prompts,
same LoRA, same longest completion, temperature 1, GRPO without KL term. The reward is a completion's length, so that
no group has zero variance and nothing may be left out.

    python benchmarks/rl_step.py SIDE CHECKPOINT [THREADS]    # the bytes by which memory grows at most in three steps
"""

from __future__ import annotations

import argparse
import itertools
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch

PROMPTS, GROUP, TOKENS = 8, 8, 48
LR, RANK, ALPHA = 3e-5, 4, 8
Step = Callable[[], None]


def questions() -> list[Any]:
    """Samples and their chat messages, of which each step takes 8."""
    from openrft.plugins.task_registry import load_task
    from openrft.tasks.prompt import build_messages
    from openrft.tasks.task import DataRequest

    task = load_task("pocket/L3", DataRequest())
    return [(sample, build_messages(sample, (), task.instruction)) for sample in task.train]


def ours(checkpoint: str, prompts: int = PROMPTS) -> Step:
    from openrft_rl import RL
    from openrft_rl.options import RLOptions

    from openrft.policies.base import Sampling
    from openrft.policies.hf import HFPolicy
    from openrft.types import Rollout

    policy, plugin = HFPolicy(checkpoint), RL(RLOptions(lr=LR, lora_rank=RANK, lora_alpha=ALPHA, kl_coef=0.0))
    asked, count = questions(), itertools.count()

    def step() -> None:
        number = next(count)
        batch = [asked[(number * prompts + i) % len(asked)] for i in range(prompts)]
        sampling = Sampling(n=GROUP, temperature=1.0, max_tokens=TOKENS, seed=number)
        groups = policy.generate([messages for _, messages in batch], sampling)
        rollouts = [
            replace(Rollout(sample, messages, completion), reward=float(len(completion.tokens)))
            for (sample, messages), group in zip(batch, groups, strict=True)
            for completion in group
        ]
        ask = {"objective": "explore", "step": number, "seed": number, "state": None}
        plugin.train_step(policy=policy, rollouts=rollouts, **ask)

    return step


def trl(checkpoint: str, prompts: int = PROMPTS, part: int | None = None) -> Step:
    """GRPOTrainer's own `training_step` on a batch of its own data loader, then its optimiser.

    `part` is how many completions it trains on at once; their gradients are accumulated. None: all. They are generated
    together in either case.
    """
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    parts, rest = divmod(prompts * GROUP, part or prompts * GROUP)
    if rest:
        raise ValueError(f"--trl-part {part} does not divide the {prompts * GROUP} completions of a step")
    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu else torch.float32
    arguments = GRPOConfig(
        output_dir=mkdtemp(),
        per_device_train_batch_size=prompts * GROUP // parts,
        gradient_accumulation_steps=parts,
        num_generations=GROUP,
        max_completion_length=TOKENS,
        temperature=1.0,
        beta=0.0,
        loss_type="grpo",
        learning_rate=LR,
        lr_scheduler_type="constant",
        gradient_checkpointing=False,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        report_to=[],
        max_steps=1000,
    )
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(checkpoint, dtype=dtype),
        processing_class=AutoTokenizer.from_pretrained(checkpoint),
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": list(messages)} for _, messages in questions()]),
        reward_funcs=lambda completion_ids, **_: [float(len(ids)) for ids in completion_ids],
        peft_config=LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    optimizer = trainer.create_optimizer()
    batches = itertools.cycle(trainer.get_train_dataloader())
    trained = [p for p in trainer.model.parameters() if p.requires_grad]

    def step() -> None:
        trainer.current_gradient_accumulation_steps = parts
        for _ in range(parts):
            trainer.training_step(trainer.model, next(batches), None)
        torch.nn.utils.clip_grad_norm_(trained, arguments.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()

    return step


def waited(step: Step) -> Step:
    """Run the step and wait until a GPU has finished it."""

    def whole() -> None:
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return whole


SIDES = {"ours": lambda *asked: waited(ours(*asked)), "trl": lambda *asked: waited(trl(*asked))}


def peak_growth(side: str, checkpoint: str) -> int:
    """Bytes by which this process's memory (the GPU's, where there is one) grows at most in three steps."""
    step = SIDES[side](checkpoint)
    if torch.cuda.is_available():
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()  # forgets what building the model took
        for _ in range(3):
            step()
        return torch.cuda.max_memory_allocated() - before
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, which building the model made
    for _ in range(3):
        step()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 - before


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the bytes by which memory grows at most in three RL steps.")
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("checkpoint", help="a checkpoint folder or hub id")
    parser.add_argument("threads", nargs="?", type=int, default=1, help="of torch (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(peak_growth(arguments.side, arguments.checkpoint))


if __name__ == "__main__":
    main()
