"""How many tokens go through a model at once when it is trained: what fits in memory, and what to do when it does not.

A plan is made once, before the first update, and kept for the run: another split of a batch rounds otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from openrft.errors import PolicyError
from openrft.policies.base import TrainablePolicy
from openrft.policies.placement import read_free_bytes
from openrft.prefix_tree import supports

# On a CPU fixed numbers: the plan must not depend on what other processes do, or results would.
CPU_BYTES = 9 << 28  # of activations, 2.25 GiB
MAX_TOKENS = 32_768
LOGITS_BYTES = 2 << 30  # of float32 logits in a pass of transformers' own
# On a GPU more activations than these bring little speed: products of a thousand rows already fill it.
GPU_BYTES = 7 << 29  # 3.5 GiB
GPU_TOKENS = 1024
FREE_SHARE = 0.6  # of the memory that is free; the rest is for logits, workspaces and fragmentation

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class MemoryPlan:
    """What one forward and backward pass may take. `run_within_memory` lowers it."""

    tokens: int  # of a pass, shared ones counted once
    recompute: bool = False  # whether most activations are computed again for the gradient
    longest: int = 1  # tokens of the longest sequence, which is never split

    def shrink(self) -> bool:
        """Ask for less: half the tokens; where one sequence may be too much, activations computed again; then half the
        tokens again. False if nothing is left."""
        if self.tokens <= self.longest and not self.recompute:
            self.recompute = True
        elif self.tokens > 1:
            self.tokens //= 2
        else:
            return False
        return True


def count_activation_bytes(config: Any, itemsize: int = 4, recompute: bool = False) -> int:
    """Bytes of activations that a token leaves for the backward pass, with LoRA on every linear layer.

    Of each layer about 16 vectors of the hidden size and 6 of the feed-forward size are kept, with `recompute` one of
    the hidden size and one whole layer. Measured: a Llama of 30 layers (576 and 1,536) in float32 2.0 MB a token, this
    gives 2.2. One of 32 layers (4,096 and 14,336) in bfloat16 took 10.0 MB, silu(gate) included, which is not kept any
    more and was 0.9 of it; this gives 9.7.
    """
    layer = 16 * config.hidden_size + 6 * config.intermediate_size
    layers: int = config.num_hidden_layers
    return int(itemsize * (layers * config.hidden_size + layer if recompute else layers * layer))


def plan_memory(policy: TrainablePolicy, longest: int, cpu_bytes: int = CPU_BYTES) -> MemoryPlan:
    """The plan for training a policy with an adapter.

    longest: tokens of the longest sequence, prompt included. cpu_bytes: activations that a policy on a CPU may keep.
    """
    model: Any = policy.model
    if not supports(model.config):
        # The sizes of its layers are not known, and its logits are held whole. Running out of memory lowers the plan.
        fitting = LOGITS_BYTES // (4 * model.get_output_embeddings().weight.shape[0])
        return MemoryPlan(max(1, min(MAX_TOKENS, fitting)), longest=longest)
    if model.device.type != "cuda":
        fitting = cpu_bytes // count_activation_bytes(model.config, model.dtype.itemsize)
        return MemoryPlan(max(1, min(MAX_TOKENS, fitting)))
    return plan_for(model.config, model.dtype.itemsize, read_free_bytes(model.device), longest)


def plan_for(config: Any, itemsize: int, free: int, longest: int) -> MemoryPlan:
    """The plan on a GPU with `free` bytes: activations are computed again only where the longest sequence needs it."""
    recompute = FREE_SHARE * free < longest * count_activation_bytes(config, itemsize)
    each = count_activation_bytes(config, itemsize, recompute)
    fitting, enough = int(FREE_SHARE * free / each), max(GPU_TOKENS, GPU_BYTES // each)
    return MemoryPlan(max(1, min(fitting, enough, MAX_TOKENS)), recompute, longest)


def run_within_memory(policy: TrainablePolicy, plan: MemoryPlan, work: Callable[[], T]) -> T:
    """`work()`, which reads `plan`. If memory runs out, the plan is lowered, which is logged, and it is called again.

    `work` must start over each time, without gradients of an earlier call. Raises PolicyError if the smallest plan does
    not fit.
    """
    while True:
        policy.recompute_activations = plan.recompute
        try:
            return work()
        except torch.OutOfMemoryError as fault:
            before = plan.tokens
            if not plan.shrink():
                raise PolicyError(
                    f"the GPU ran out of memory with one sequence at a time: {str(fault).splitlines()[0]}",
                    "Lower explore.max_tokens or the LoRA rank, take a smaller model, or set policy.load=4bit.",
                ) from fault
        # Outside the handler: the fault holds the frames, and so the tensors, of the pass that failed.
        if release := getattr(policy, "release_sampling_memory", None):  # not every policy holds some
            release()
        torch.cuda.empty_cache()
        again = ", activations computed again" if plan.recompute else ""
        logger.warning("out of GPU memory at %d tokens a pass: going on with %d%s", before, plan.tokens, again)
