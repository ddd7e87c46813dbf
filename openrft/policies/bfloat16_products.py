"""Training on a CPU with bfloat16 instructions (AVX512-BF16, AMX): matrix products in bfloat16, sums in float32.

The frozen weights are held in bfloat16 meanwhile, as a cast in every pass would cost most of what the products save.
Norms, the residual stream, the adapter and its optimizer stay in float32.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

from openrft.policies.base import TrainablePolicy
from openrft.prefix_tree import supports
from openrft.runtime.ranks import current_ranks

LEAST_GAIN = 1.3  # how much faster a product in bfloat16 must be, as the casts of its inputs come on top
SIZES = (512, 576, 1536)  # of the product that is measured: tokens, inputs, outputs

logger = logging.getLogger(__name__)


def is_float32_on_cpu(policy: TrainablePolicy) -> bool:
    """Whether the policy is of the kind that `bfloat16_products` is for."""
    model = policy.model
    return model.device.type == "cpu" and model.dtype == torch.float32 and supports(model.config)


def use_bfloat16_products(policy: TrainablePolicy, option: str) -> bool:
    """Whether to train this policy in `bfloat16_products`, where `option` (such as "sft.bf16") asks for it: if it is on
    a CPU in float32, and this CPU measures faster with them. Else a warning names the option. Ranks agree."""
    if not is_float32_on_cpu(policy):
        return False
    gain = current_ranks().share(measure_bfloat16_gain())
    if gain < LEAST_GAIN:
        logger.warning("%s: products in bfloat16 take %.1f times as long here: float32 is used.", option, 1 / gain)
    return gain >= LEAST_GAIN


@functools.cache
def measure_bfloat16_gain() -> float:
    """How many times faster a matrix product in bfloat16 is than in float32 on this CPU. Below 1 without instructions
    for it. It takes some milliseconds."""
    tokens, inputs, outputs = SIZES
    x, weight = torch.ones(tokens, inputs), torch.ones(outputs, inputs)
    return _time(x, weight) / _time(x.bfloat16(), weight.bfloat16())


def _time(x: torch.Tensor, weight: torch.Tensor) -> float:
    """The least processor seconds of several products, after one to warm up."""
    found = []
    for _ in range(4):
        began = time.thread_time()
        F.linear(x, weight)
        found.append(time.thread_time() - began)
    return max(min(found[1:]), 1e-9)


@contextmanager
def bfloat16_products(model: Any) -> Iterator[None]:
    """In this context the products of `model`, which is on a CPU in float32, are computed in bfloat16. Afterwards its
    frozen weights are the very ones that they were before."""
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and not m.weight.requires_grad]
    kept = [layer.weight for layer in layers]
    # To a layer's output in bfloat16 a young adapter would add nothing: its part is below half of the last bit.
    adapted = [m.base_layer for m in model.modules() if isinstance(getattr(m, "base_layer", None), torch.nn.Linear)]
    hooks = [layer.register_forward_hook(lambda layer, given, output: output.float()) for layer in adapted]
    try:
        for layer, weight in zip(layers, kept, strict=True):
            # A parameter of its own: the head's may be tied to the embeddings, in which the residual stream begins.
            layer.weight = torch.nn.Parameter(weight.bfloat16(), requires_grad=False)
        # The cache of autocast lives as long as its outermost context: it would keep the adapter's first weights.
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            yield
    finally:
        for hook in hooks:
            hook.remove()
        for layer, weight in zip(layers, kept, strict=True):
            layer.weight = weight
