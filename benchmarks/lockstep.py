"""Whether arms should decode in lockstep: all rows of several arms in one batch, each row with its arm's adapter.

    python benchmarks/lockstep.py                    # writes results/lockstep/
    python benchmarks/lockstep.py --only 135m        # repeats the rows that hold this text
    python benchmarks/gpu.py lockstep-1b             # the same on a GPU, eight arms of a 1B model

Arms share the base model, so its weights are read once for all of them. The A matrices of all arms are stacked, and so
are the B matrices. Between the two products a row keeps its own arm's part. Steps are those of `FixedDecoder`, on a GPU
replayed as CUDA graphs. Beside it stands one arm as a policy draws it by itself. docs/clusters.md says what came of it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from gpu import describe_machine
from gpu_parts import (
    ALPHA,
    PROMPT_TOKENS,
    RANK,
    SHAPES,
    Measures,
    Shape,
    build_policy,
    build_rl,
    draw,
    make_questions,
    score,
    synchronise,
)

from openrft.policies.base import Sampling
from openrft.policies.decode_loop import DecodeLoop
from openrft.policies.generation.decode import DecodeLimits
from openrft.policies.generation.fixed_decode import FixedDecoder
from openrft.policies.generation.replay import CUDACapture, StepReplay
from openrft.policies.generation.sampling import draw_uniforms
from openrft.runtime.seeds import derive_prompt_seeds

ARMS = (1, 2, 4, 8)
ON_CPU = {  # small enough for one core: few tokens, and of the 1B shape four of its layers and a quarter of its words
    "135m, 4 rows an arm": replace(SHAPES["135m"], prompts=1, group=4, tokens=17),
    "135m, 64 rows an arm": replace(SHAPES["135m"], prompts=8, group=8, tokens=9),
    "1b, 4 rows an arm": replace(SHAPES["1b"], layers=4, vocabulary=32_064, prompts=1, group=4, tokens=17),
}
CPU_PROMPT_TOKENS = 32
OUT = Path(__file__).parent / "results" / "lockstep"

Adapter = dict[str, tuple[torch.Tensor, torch.Tensor]]  # by layer: A (rank, in) and B (out, rank), scaled


class RowAdapters:
    """Which adapter each row of the current pass has."""

    def __init__(self, arms: int, rank: int, rows: int, vocabulary: int, like: torch.Tensor) -> None:
        self._vocabulary = vocabulary
        self._own = torch.eye(arms, device=like.device, dtype=like.dtype).repeat_interleave(rank, 1)
        self._lines = self._own.repeat_interleave(rows, 0)  # at one address, as a captured step needs it
        self.mask = self._lines
        """(rows, arms * rank): 1 in the columns of a row's own adapter, else 0."""

    def mark(self, prompts: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
        """The prompts of all arms, in order, with the number of their arm in their token ids."""
        return [[t + arm * self._vocabulary for t in prompt] for arm, own in enumerate(prompts) for prompt in own]

    def read(self, module: Any, arguments: tuple[torch.Tensor]) -> torch.Tensor:
        """Called before the embedding: take the arm out of the ids of prompts (B, width). Drawn tokens (lines,) are in
        the order of the arms."""
        (ids,) = arguments
        if ids.dim() == 1:
            self.mask = self._lines[: len(ids)]
            return ids
        # Padding on the left has no mark, but a prompt's last token has.
        self.mask = self._own[(ids[:, -1:] // self._vocabulary).expand_as(ids).flatten()]
        return ids % self._vocabulary


class StackedLoRA(torch.nn.Module):
    """A linear layer with the adapters of all arms. x (rows, in) -> (rows, out)."""

    def __init__(self, base: torch.nn.Linear, adapters: Sequence[tuple[torch.Tensor, torch.Tensor]], rows: RowAdapters):
        super().__init__()
        self.base, self.rows, self.out_features = base, rows, base.out_features
        self.down, self.up = torch.cat([a for a, _ in adapters]), torch.cat([b for _, b in adapters], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.base(x), F.linear(x, self.down) * self.rows.mask, self.up.T)


def make_adapters(policy: Any, count: int) -> list[Adapter]:
    """Adapters of random weights, another for each arm."""
    policy.attach_lora(RANK, ALPHA, 0)
    layers = {n: m for n, m in policy.model.base_model.model.named_modules() if hasattr(m, "lora_A")}
    found = []
    for arm in range(count):
        generator = torch.Generator().manual_seed(arm)
        adapter = {}
        for name, layer in layers.items():
            shapes = layer.lora_A["default"].weight.shape, layer.lora_B["default"].weight.shape
            a, b = (torch.randn(shape, generator=generator) * 0.02 for shape in shapes)
            dtype = layer.get_base_layer().weight.dtype
            device = layer.get_base_layer().weight.device
            adapter[name] = a.to(device, dtype), (b * layer.scaling["default"]).to(device, dtype)
        found.append(adapter)
    policy.drop_adapter()
    return found


def attach(policy: Any, adapter: Adapter) -> None:
    """Give the policy this adapter, as training does."""
    policy.attach_lora(RANK, ALPHA, 0)
    layers = dict(policy.model.base_model.model.named_modules())
    with torch.no_grad():
        for name, (a, b) in adapter.items():
            layers[name].lora_A["default"].weight.copy_(a)
            layers[name].lora_B["default"].weight.copy_(b / layers[name].scaling["default"])


@contextmanager
def stacked(model: Any, adapters: Sequence[Adapter], rows: int) -> Iterator[RowAdapters]:
    """In this context the model's layers have the adapters of all arms, of `rows` rows each."""
    found = RowAdapters(len(adapters), RANK, rows, model.config.vocab_size, model.lm_head.weight)
    hook = model.model.embed_tokens.register_forward_pre_hook(found.read)
    bases = {name: model.get_submodule(name) for name in adapters[0]}
    for name, base in bases.items():
        model.set_submodule(name, StackedLoRA(base, [adapter[name] for adapter in adapters], found))
    try:
        yield found
    finally:
        hook.remove()
        for name, base in bases.items():
            model.set_submodule(name, base)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Tokens and log-probabilities (arms, rows, tokens)."""

    tokens: torch.Tensor
    logprobs: torch.Tensor


@torch.inference_mode()
def decode_in_lockstep(
    decoder: FixedDecoder,
    policy: Any,
    rows: RowAdapters,
    prompts: Sequence[Sequence[Sequence[int]]],
    sampling: Sampling,
) -> Drawn:
    """`sampling.n` rows for each prompt of each arm, all of which have as many. A row's draws are those that it has
    when its arm is alone. No row ends before `sampling.max_tokens`."""
    keys = [key for own in prompts for key in derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in own])]
    uniform = draw_uniforms(keys, range(sampling.n), sampling.max_tokens)
    budgets = [sampling.max_tokens] * len(uniform)
    limits = DecodeLimits((policy.end_token,), policy.context, 0)
    tokens, logprobs = decoder.decode(policy.model, rows.mark(prompts), budgets, uniform, sampling, limits)
    shape = (len(prompts), -1, sampling.max_tokens)
    return Drawn(torch.tensor(tokens).view(shape), torch.tensor(logprobs).view(shape))


def measure(shape: Shape, arms: Sequence[int], length: int = PROMPT_TOKENS) -> Measures:
    """Milliseconds a token of one arm alone and of several in lockstep, the time of several beside that of one, and
    the share of the first arm's rows whose bits are the same with neighbours as without.

    With them stands a whole RL step of as many arms beside that of one. Each arm has an update of its own.
    """
    policy, measures = build_policy(shape), Measures()
    questions = make_questions(policy, shape.prompts, length)
    adapters = make_adapters(policy, max(arms))
    plugin = build_rl()
    attach(policy, adapters[0])
    policy.sampler = DecodeLoop("auto")
    groups, first, later = time_rollout(lambda tokens: draw(policy, replace(shape, tokens=tokens), questions), shape)
    measures["alone.ms_a_token"] = later * 1000
    alone = first + later * (shape.tokens - 1)
    rollouts = score(questions, groups)
    state = plugin.train_step(policy, rollouts, "explore", 0, 0, None).state
    began = read_clock()
    plugin.train_step(policy, rollouts, "explore", 1, 1, state)
    measures["update.s"] = read_clock() - began
    policy.release_sampling_memory()
    policy.drop_adapter()
    prompts, reference = [policy.encode(messages) for _, messages in questions], None
    for count in arms:
        drawn, first, later = roll_in_lockstep(policy, shape, adapters[:count], prompts)
        name = f"lockstep_{count}"
        measures[f"{name}.ms_a_token"] = later * 1000
        measures[f"{name}.over_alone"] = later * 1000 / measures["alone.ms_a_token"]
        together = first + later * (shape.tokens - 1) + count * measures["update.s"]
        measures[f"{name}.rl_step_over_alone"] = together / (alone + measures["update.s"])
        reference = reference or drawn
        same = (drawn.logprobs[0] == reference.logprobs[0]).all(-1)
        measures[f"{name}.same_bits_share"] = float(same.float().mean())
    return measures


def roll_in_lockstep(
    policy: Any, shape: Shape, adapters: Sequence[Adapter], prompts: Sequence[Sequence[int]]
) -> tuple[Drawn, float, float]:
    """`time_rollout` of an arm for each adapter, all of which have these prompts."""
    decoder, sampling = (
        build_decoder(policy.model.device),
        Sampling(n=shape.group, temperature=1.0, max_tokens=shape.tokens, seed=0),
    )

    def roll(tokens: int) -> Drawn:
        how = replace(sampling, max_tokens=tokens)
        return decode_in_lockstep(decoder, policy, rows, [prompts] * len(adapters), how)

    with stacked(policy.model, adapters, shape.prompts * shape.group) as rows:
        found = time_rollout(roll, shape)
    decoder.release()
    return found


def time_rollout(roll: Callable[[int], Any], shape: Shape) -> tuple[Any, float, float]:
    """What `roll` gives for all of the shape's tokens, the seconds of the prompts with the first token, and those of
    each later token. Everything runs once before the clock starts, which makes graphs too."""
    roll(shape.tokens)
    began = read_clock()
    roll(1)
    first = read_clock() - began
    began = read_clock()
    drawn = roll(shape.tokens)
    whole = read_clock() - began
    return drawn, first, (whole - first) / (shape.tokens - 1)


def read_clock() -> float:
    """Seconds: on a GPU by the wall, when it has done what it was given; on a CPU those of this process."""
    if not torch.cuda.is_available():
        return time.process_time()
    synchronise()
    return time.perf_counter()


def build_decoder(device: torch.device) -> FixedDecoder:
    """With CUDA graphs on a GPU."""
    return FixedDecoder(StepReplay(None if device.type == "cpu" else partial(CUDACapture, device)))


def format_table(results: dict[str, Measures], arms: Sequence[int]) -> str:
    """The results as Markdown."""
    lines = ["| shape | arms | ms a token | beside one arm alone | RL step beside that of one | same bits |"]
    lines.append("|---|---|---|---|---|---|")
    for shape, measures in results.items():
        lines.append(f"| {shape} | 1, alone | {measures['alone.ms_a_token']:.0f} | 1.00 | 1.00 | |")
        for count in arms:
            names = ("ms_a_token", "over_alone", "rl_step_over_alone", "same_bits_share")
            time_, decode, step, same = (measures[f"lockstep_{count}.{name}"] for name in names)
            lines.append(f"| {shape} | {count} | {time_:.0f} | {decode:.2f} | {step:.2f} | {same:.0%} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure arms in lockstep on a CPU, with one thread.")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for lockstep.json and lockstep.md")
    parser.add_argument("--only", default="", metavar="TEXT", help="repeat the rows that hold this text")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    file = arguments.out / "lockstep.json"
    results = json.loads(file.read_text("utf-8"))["results"] if file.exists() else {}
    for name in [name for name in ON_CPU if arguments.only in name]:
        results[name] = measure(ON_CPU[name], ARMS, CPU_PROMPT_TOKENS)
        print(f"{name}: {json.dumps(results[name])}", flush=True)
    results = {name: results[name] for name in ON_CPU if name in results}
    arguments.out.mkdir(parents=True, exist_ok=True)
    content = {"machine": describe_machine(), "prompt_tokens": CPU_PROMPT_TOKENS, "results": results}
    file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (arguments.out / "lockstep.md").write_text(format_table(results, ARMS), "utf-8")


if __name__ == "__main__":
    main()
