"""The parts of the GPU table. Each builds its model of random weights on the device and gives its measures by name.

One part runs in a process of its own: `python benchmarks/gpu_parts.py NAME` prints its measures as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import mkdtemp
from typing import Any

import torch

from openrft.policies.decode_loop import DecodeLoop
from openrft.policies.generation.fixed_decode import FixedDecoder
from openrft.policies.generation.replay import StepReplay
from openrft.prefix_tree.scaled_attention import leave_out_cudnn

PROMPT_TOKENS = 310
RANK, ALPHA, LR = 16, 32, 3e-5


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama's sizes, and the rows it is measured on."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    intermediate: int
    vocabulary: int
    prompts: int
    group: int
    tokens: int  # of a completion, all of which are drawn


SHAPES = {  # those of SmolLM2-135M, Llama 3.2 1B and Llama 3.1 8B
    "135m": Shape(576, 30, 9, 3, 1536, 49_152, 16, 16, 256),
    "1b": Shape(2048, 16, 32, 8, 8192, 128_256, 16, 8, 256),
    "8b": Shape(4096, 32, 32, 8, 14_336, 128_256, 8, 8, 256),
    "tiny": Shape(32, 2, 2, 2, 64, 1024, 2, 4, 8),
}

Measures = dict[str, float]


def choose_device() -> torch.device:
    """The GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_config(shape: Shape, **more: Any) -> Any:
    """The config of a Llama of this shape."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=4096,
        **more,
    )


def forecast_update(shape: Shape) -> float:
    """The GB that an update is forecast to hold on the device, whose memory must still be free."""
    from openrft.config.settings import PolicySettings
    from openrft.policies.memory_forecast import Workload, forecast_policy

    folder = mkdtemp()
    make_config(shape, architectures=["LlamaForCausalLM"]).save_pretrained(folder)
    work = Workload(PROMPT_TOKENS, shape.tokens, shape.prompts, shape.group, RANK)
    found = forecast_policy(folder, PolicySettings(device=choose_device().type), work)
    return (found.fixed + (found.recomputed_update if found.recompute else found.update)) / 1e9


def build_policy(shape: Shape) -> Any:
    """A policy with the pocket policy's tokenizer and a model of random weights, in bfloat16 on a GPU."""
    from transformers import LlamaForCausalLM

    from openrft.config.settings import PolicySettings
    from openrft.plugins.policy_registry import open_policy

    policy: Any = open_policy("pocket", settings=PolicySettings(device="cpu"))
    config = make_config(shape, eos_token_id=policy.end_token, pad_token_id=policy.tokenizer.pad_token_id)
    device = choose_device()
    if device.type == "cuda":
        leave_out_cudnn()
    torch.manual_seed(0)
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16 if device.type == "cuda" else torch.float32)
        policy.model = LlamaForCausalLM(config).eval()
        torch.set_default_dtype(torch.float32)
    return policy


def make_questions(policy: Any, count: int, length: int = PROMPT_TOKENS) -> list[Any]:
    """Samples and their chat messages, of about `length` tokens each."""
    from openrft.types import Sample

    found = []
    for i in range(count):
        text = f"Question {i}: "
        while len(policy.encode([{"role": "user", "content": text}])) < length:
            text += f"the value of item {len(text)} is {len(text) % 97}. "
        found.append((Sample(text, "A", ("1", "2"), task="made"), [{"role": "user", "content": text}]))
    return found


def synchronise() -> None:
    """Wait until a GPU has finished what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@contextmanager
def timed(measures: Measures, name: str, share: float = 1.0) -> Iterator[None]:
    """Add the seconds that the block takes, times `share`, and on a GPU the peak of its memory in GB."""
    synchronise()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    yield
    synchronise()
    measures[name] = (time.perf_counter() - began) * share
    if torch.cuda.is_available():
        measures[f"{name}.peak_gb"] = torch.cuda.max_memory_allocated() / 1e9


def draw(policy: Any, shape: Shape, questions: list[Any], seed: int = 0) -> list[list[Any]]:
    """`shape.group` completions of each question."""
    from openrft.policies.base import Sampling

    sampling = Sampling(n=shape.group, temperature=1.0, max_tokens=shape.tokens, seed=seed)
    groups: list[list[Any]] = policy.generate([messages for _, messages in questions], sampling)
    return groups


def decode(shape: Shape) -> Measures:
    """Milliseconds a token of all rows together: ours with steps of fixed shape (graphs on a GPU) and eagerly, without
    and with an adapter, and transformers' `generate`. Graphs are made before the clock starts. The slow ones draw a
    quarter of the tokens."""
    policy, measures = build_policy(shape), Measures()
    questions = make_questions(policy, shape.prompts)
    few = replace(shape, tokens=max(2, shape.tokens // 4))
    for adapter in ("", "_with_adapter"):
        if adapter:
            policy.attach_lora(RANK, ALPHA, 0)
        for name, sampler, drawn in (("ours", build_sampler(), shape), ("eager", DecodeLoop("off"), few)):
            policy.sampler = sampler
            draw(policy, drawn if name == "ours" else replace(shape, tokens=4), questions)
            with timed(measures, f"{name}{adapter}.ms_a_token", 1000 / drawn.tokens):
                draw(policy, drawn, questions)
            if name == "ours":
                measures[f"ours{adapter}.graph_share"] = policy.sampling_metrics["cuda_graphs.share"]
    policy.drop_adapter()
    measures["transformers.ms_a_token"] = time_transformers(policy, few, questions)
    return measures


def build_sampler() -> DecodeLoop:
    """What a policy has by itself on a GPU; on a CPU the same steps of fixed shape, but run and not replayed."""
    if choose_device().type == "cuda":
        return DecodeLoop("auto")
    return DecodeLoop(decoder=FixedDecoder(StepReplay(None)))


def time_transformers(policy: Any, shape: Shape, questions: list[Any]) -> float:
    """Milliseconds a token of transformers' `generate` on the same rows."""
    encoded = [policy.encode(messages) for _, messages in questions]
    width = max(map(len, encoded))
    ids = torch.tensor([[0] * (width - len(e)) + e for e in encoded], device=policy.model.device)
    mask = torch.tensor([[0] * (width - len(e)) + [1] * len(e) for e in encoded], device=policy.model.device)
    rows = {
        "input_ids": ids.repeat_interleave(shape.group, 0),
        "attention_mask": mask.repeat_interleave(shape.group, 0),
    }
    exactly = {"min_new_tokens": shape.tokens, "max_new_tokens": shape.tokens, "do_sample": True, "top_k": 0}
    measures = Measures()
    policy.model.generate(**rows, **exactly | {"min_new_tokens": 2, "max_new_tokens": 2})
    with timed(measures, "ms", 1000 / shape.tokens):
        policy.model.generate(**rows, **exactly)
    return measures["ms"]


def score(questions: list[Any], groups: list[list[Any]]) -> list[Any]:
    """Rollouts whose reward is even or odd by their first token: no group is left out."""
    from openrft.types import Rollout

    return [
        replace(Rollout(sample, messages, completion), reward=float(i % 2))
        for (sample, messages), group in zip(questions, groups, strict=True)
        for i, completion in enumerate(group)
    ]


def build_rl() -> Any:
    """The plugin `rl` with GRPO and without KL."""
    from openrft_rl import RL
    from openrft_rl.options import RLOptions

    return RL(RLOptions(algorithm="grpo", lr=LR, lora_rank=RANK, lora_alpha=ALPHA, kl_coef=0.0))


def update(shape: Shape) -> Measures:
    """Seconds of one update, after one to warm up, and its memory, with the forecast of it."""
    measures = {"forecast.peak_gb": forecast_update(shape)}
    policy, plugin = build_policy(shape), build_rl()
    questions = make_questions(policy, shape.prompts)
    rollouts = score(questions, draw(policy, shape, questions))
    state = None
    for name in ("first_update.s", "update.s"):
        with timed(measures, name):
            done = plugin.train_step(policy, rollouts, "explore", 0, 0, state)
        state = done.state
    measures["micro_batch_tokens"] = done.value["micro_batch_tokens"]
    return measures


def step(shape: Shape) -> Measures:
    """Seconds of a whole RL step: rollouts and update, ours. The first has no adapter when it samples, and the second
    captures its graphs anew; every later one is like the third."""
    policy, measures, plugin, state = build_policy(shape), Measures(), build_rl(), None
    questions = make_questions(policy, shape.prompts)
    for number, name in enumerate(("first_step.s", "second_step.s", "step.s")):
        with timed(measures, name):
            rollouts = score(questions, draw(policy, shape, questions, number))
            state = plugin.train_step(policy, rollouts, "explore", number, number, state).state
    return measures


def step_trl(shape: Shape) -> Measures:
    """Seconds of a whole RL step of TRL's GRPOTrainer with activation checkpointing, which it needs to fit."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    policy, measures = build_policy(shape), Measures()
    on_gpu = torch.cuda.is_available()
    arguments = GRPOConfig(
        output_dir=mkdtemp(),
        per_device_train_batch_size=shape.prompts * shape.group,
        num_generations=shape.group,
        max_completion_length=shape.tokens,
        temperature=1.0,
        beta=0.0,
        loss_type="grpo",
        learning_rate=LR,
        lr_scheduler_type="constant",
        gradient_checkpointing=True,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        report_to=[],
        max_steps=1000,
    )
    trainer = GRPOTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": m} for _, m in make_questions(policy, shape.prompts)]),
        reward_funcs=lambda completion_ids, **_: [float(i % 2) for i, _ in enumerate(completion_ids)],
        peft_config=LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    optimizer, loader = trainer.create_optimizer(), trainer.get_train_dataloader()
    trainer.current_gradient_accumulation_steps = 1
    for name in ("trl_first_step.s", "trl_second_step.s", "trl_step.s"):
        with timed(measures, name):
            trainer.training_step(trainer.model, next(iter(loader)), None)
            optimizer.step()
            optimizer.zero_grad()
    return measures


def small(shape: Shape) -> Measures:
    """Seconds of an RL step of the pocket policy on the CPU and on the GPU: where small models should run."""
    from openrft.config.settings import PolicySettings
    from openrft.plugins.policy_registry import open_policy

    measures = Measures()
    for device in dict.fromkeys(("cpu", choose_device().type)):
        policy: Any = open_policy("pocket", settings=PolicySettings(device=device))
        plugin, state = build_rl(), None
        questions = make_questions(policy, shape.prompts)
        for number, name in enumerate((f"first_step_{device}.s", f"step_{device}.s")):
            with timed(measures, name):
                rollouts = score(questions, draw(policy, shape, questions, number))
                state = plugin.train_step(policy, rollouts, "explore", number, number, state).state
    return measures


def lockstep(shape: Shape) -> Measures:
    """Eight arms that decode in one batch beside one arm, and what a whole RL step would then take."""
    from lockstep import measure

    return measure(shape, (1, 8))


KINDS: dict[str, Callable[[Shape], Measures]] = {
    "decode": decode,
    "update": update,
    "step": step,
    "step_trl": step_trl,
    "small": small,
    "lockstep": lockstep,
}


def run_part(name: str) -> Measures:
    """The measures of a part such as "decode-8b": a kind and a shape."""
    kind, shape = name.rsplit("-", 1)
    return KINDS[kind](SHAPES[shape])


if __name__ == "__main__":
    print(json.dumps(run_part(sys.argv[1])))
