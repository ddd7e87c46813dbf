"""A forecast of the memory that models need, from their configs alone: no weights are read.

`forecast_policy` is for a policy that is trained, `forecast_sampling` for one that only answers (a teacher), and
`forecast_reader` for one that only reads (a process reward model). On a CPU a process holds PROCESS_BYTES besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModel

from openrft.config.settings import ModelSettings
from openrft.errors import CheckpointError, first_line
from openrft.policies.fit import FOUR_BITS
from openrft.policies.generation.decode import KV_BYTES, KV_SHARE
from openrft.policies.generation.own_cache import get_text_config
from openrft.policies.generation.prefill import PREFILL
from openrft.policies.logprobs import LOGITS_BYTES
from openrft.policies.lora_merge import MAX_COPIED_PARAMETERS
from openrft.policies.memory import CPU_BYTES, MAX_TOKENS, count_activation_bytes, plan_for
from openrft.policies.model_families import choose_model_class, find_layers_without_adapter
from openrft.policies.placement import choose_placement, read_free_bytes
from openrft.prefix_tree import supports

# What a worker holds on a CPU before it loads a model. Measured: 417 MB, and 527 with TRL.
PROCESS_BYTES = 480_000_000
# Of what `count_activation_bytes` gives, which leaves room. Measured on a CPU, 6 to 30 layers: 0.88 to 0.99.
ACTIVATIONS_SHARE = 0.9
# Bytes for each logit of the rows that are sampled together, and of a loss's backward pass: its copies at once.
SAMPLING_LOGIT = 24  # the logits, scaled, as probabilities, and their sums in float64
LOSS_LOGIT = 16  # the logits, scaled, their logarithms, and the gradient
# An adapter's weights, their gradient and AdamW's two moments, all in float32.
TRAINED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Workload:
    """What a policy is asked for in a training step."""

    prompt: int  # tokens of the longest prompt
    completion: int  # most tokens of a completion
    prompts: int  # of a step
    group_size: int  # completions per prompt
    lora_rank: int
    micro_batch_tokens: int | None = None  # of a pass; None: what the memory plan allows


@dataclass(frozen=True, slots=True)
class PolicyMemory:
    """Bytes that a policy needs, by part. Rollouts and updates take turns."""

    device: str  # such as "cpu" or "cuda:0"
    dtype: str  # such as "float32"
    parameters: int  # how many
    weights: int
    adapter: int  # with its gradient and its optimizer
    rollouts: int  # keys and values, logits, on a CPU also the merged copy of the weights
    update: int  # activations and logits
    recomputed_update: int  # the same update with activation checkpointing
    recompute: bool  # which of the two the memory plan chooses

    @property
    def fixed(self) -> int:
        """What is held all the time."""
        return self.weights + self.adapter

    @property
    def working(self) -> int:
        """What the larger of rollouts and update takes besides."""
        return max(self.rollouts, self.recomputed_update if self.recompute else self.update)

    @property
    def peak(self) -> int:
        """The most at any time, without the process itself."""
        return self.fixed + self.working


@dataclass(frozen=True, slots=True)
class ReaderMemory:
    """Bytes that a model needs that only reads, such as a process reward model."""

    device: str
    dtype: str
    parameters: int
    weights: int
    reading: int  # of one forward pass

    @property
    def peak(self) -> int:
        """The most at any time, without the process itself."""
        return self.weights + self.reading


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What the config tells of a model."""

    config: Any  # of its text part
    parameters: int
    linear: int  # parameters of the linear layers that get an adapter
    adapter: int  # parameters of an adapter of rank 1
    shared_prompts: bool  # whether the passes over trees fit, which compute a shared prompt once

    @property
    def cache_width(self) -> int:
        """Numbers of keys and values for each token, over all layers."""
        heads = getattr(self.config, "num_attention_heads", None) or 1
        own = getattr(self.config, "num_key_value_heads", None) or heads
        size = getattr(self.config, "head_dim", None) or self.config.hidden_size // heads
        return int(2 * self.config.num_hidden_layers * own * size)

    def count_weight_bytes(self, itemsize: int, load: str = "full") -> int:
        """Bytes of the weights. 4-bit: the linear layers alone are packed."""
        packed = self.linear if load == "4bit" else 0
        return int((self.parameters - packed) * itemsize + packed * FOUR_BITS)


def read_model_size(path: str, trunk_only: bool = False) -> ModelSize:
    """The size of the model in `path` (a folder or hub id), of which the weights are not read.

    trunk_only: without its head over the vocabulary. Raises CheckpointError for a config that transformers cannot read.
    """
    try:
        config = AutoConfig.from_pretrained(path)
        kind = AutoModel if trunk_only else choose_model_class(path)
        with torch.device("meta"):
            model: Any = kind.from_config(config)
    except Exception as fault:  # transformers raises errors of many kinds
        raise CheckpointError(
            f"the config of {path!r} cannot be read: {first_line(fault)}", "Give a transformers checkpoint folder."
        ) from fault
    head = model.get_output_embeddings()
    without = set() if trunk_only else set(find_layers_without_adapter(model))
    layers = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head and name not in without
    ]
    return ModelSize(
        get_text_config(config),
        sum(p.numel() for p in model.parameters()),
        sum(layer.weight.numel() for layer in layers),
        sum(sum(layer.weight.shape) for layer in layers),
        supports(config),
    )


def forecast_policy(path: str, settings: ModelSettings, work: Workload) -> PolicyMemory:
    """The memory of training the policy in `path`, if every completion runs to its last token.

    Raises UsageError for a device or package that is not there and for weights that do not fit, and CheckpointError for
    a config that cannot be read.
    """
    size, place = read_model_size(path), choose_placement(path, settings)
    itemsize, on_gpu = place.dtype.itemsize, place.device.type == "cuda"
    weights = size.count_weight_bytes(itemsize, settings.load)
    adapter = TRAINED_BYTES * size.adapter * work.lora_rank
    free = read_free_bytes(place.device) - weights - adapter if on_gpu else 0
    longest, rows = work.prompt + work.completion, work.prompts * work.group_size
    asked = work.prompts * work.prompt + rows * work.completion if size.shared_prompts else rows * longest
    plan = plan_for(size.config, itemsize, max(free, 0), longest) if on_gpu and size.shared_prompts else None
    fitting = CPU_BYTES // count_activation_bytes(size.config, itemsize)
    tokens = min(asked, work.micro_batch_tokens or (plan.tokens if plan else min(MAX_TOKENS, fitting)))
    tokens = max(tokens, longest)  # one sequence at the least
    update, recomputed = (_count_update_bytes(size, itemsize, tokens, recompute) for recompute in (False, True))
    rollouts = _count_sampling_bytes(size, place.device, itemsize, work, weights)
    exact = settings.load == "full" and place.dtype == torch.float32
    if exact and size.parameters <= MAX_COPIED_PARAMETERS:
        rollouts += size.linear * itemsize  # weights with the adapter merged, for the length of a rollout
    dtype = str(place.dtype).removeprefix("torch.")
    recompute = bool(plan and plan.recompute)
    return PolicyMemory(
        str(place.device), dtype, size.parameters, weights, adapter, rollouts, update, recomputed, recompute
    )


def forecast_sampling(path: str, settings: ModelSettings, work: Workload) -> PolicyMemory:
    """The memory of a policy that answers and is not trained, such as a teacher. `work.lora_rank` is not read."""
    size, place = read_model_size(path), choose_placement(path, settings)
    weights = size.count_weight_bytes(place.dtype.itemsize, settings.load)
    rollouts = _count_sampling_bytes(size, place.device, place.dtype.itemsize, work, weights)
    dtype = str(place.dtype).removeprefix("torch.")
    return PolicyMemory(str(place.device), dtype, size.parameters, weights, 0, rollouts, 0, 0, False)


def forecast_reader(path: str, settings: ModelSettings, tokens: int) -> ReaderMemory:
    """The memory of a model without a head over the vocabulary that reads `tokens` tokens a pass."""
    size, place = read_model_size(path, trunk_only=True), choose_placement(path, settings)
    itemsize = place.dtype.itemsize
    reading = tokens * count_layer_bytes(size.config, itemsize)
    dtype = str(place.dtype).removeprefix("torch.")
    weights = size.count_weight_bytes(itemsize, settings.load)
    return ReaderMemory(str(place.device), dtype, size.parameters, weights, reading)


def sum_peak(policy: PolicyMemory, readers: Sequence[ReaderMemory] = ()) -> int:
    """The most that a process holds on the policy's device: the policy, the readers beside it, and on a CPU itself."""
    own = PROCESS_BYTES if policy.device == "cpu" else 0
    beside = [reader for reader in readers if reader.device == policy.device]
    working = max([policy.working, *(reader.reading for reader in beside)])
    return own + policy.fixed + sum(reader.weights for reader in beside) + working


def count_layer_bytes(config: Any, itemsize: int) -> int:
    """Bytes that a token takes while a layer computes it without a gradient."""
    wide = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return int(itemsize * (6 * config.hidden_size + 3 * wide))


def _count_update_bytes(size: ModelSize, itemsize: int, tokens: int, recompute: bool) -> int:
    """Bytes of a forward and backward pass over `tokens` tokens."""
    kept = int(ACTIVATIONS_SHARE * tokens * count_activation_bytes(size.config, itemsize, recompute))
    logits = tokens * size.config.vocab_size
    return kept + LOSS_LOGIT * (min(logits, LOGITS_BYTES // 4) if size.shared_prompts else logits)


def _count_sampling_bytes(size: ModelSize, device: torch.device, itemsize: int, work: Workload, weights: int) -> int:
    """Bytes of keys, values and logits of the rows that are drawn together."""
    each = size.cache_width * itemsize
    if device.type == "cuda":
        budget = KV_SHARE * max(torch.cuda.get_device_properties(device).total_memory - weights, 0)
    else:
        budget = KV_BYTES
    rows = work.group_size * (work.completion if size.shared_prompts else work.prompt + work.completion)
    group = each * (rows + (work.prompt if size.shared_prompts else 0))
    together = max(1, min(work.prompts, int(budget // max(group, 1))))
    cache = min(together * group, max(int(budget), each * (work.prompt + work.completion)))
    prompts = together * work.prompt
    prefill = min(prompts, max(PREFILL, work.prompt)) * count_layer_bytes(size.config, itemsize)
    logits = SAMPLING_LOGIT * together * work.group_size * size.config.vocab_size
    return int(cache + max(prefill + each * prompts, logits))
