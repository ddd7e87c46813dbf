"""Attention over a prefix tree by FlexAttention (arXiv 2412.05496): one kernel that skips blocks which no query sees.

Nodes are in the order in which a tree is walked, so the nodes below a node follow it without a gap. A query q sees a
key k if k <= q <= last(k), where last(k) is the last node below k.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from openrft.errors import first_line
from openrft.prefix_tree.attention import plan_attention
from openrft.prefix_tree.tree import PrefixTree, build_prefix_tree

logger = logging.getLogger(__name__)

BLOCK = 128  # queries and keys of a block


@dataclass(frozen=True, slots=True)
class FlexPlan:
    """Which node attends to which, for the querying nodes, as blocks."""

    mask: BlockMask
    kernel: Any  # flex_attention, compiled or not

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
        """q (querying nodes, heads, D), k and v (nodes, key heads, D) -> (querying nodes, heads * D)."""
        queries, keys, values = (x.transpose(0, 1)[None] for x in (q, k, v))
        shared = q.shape[1] != k.shape[1]
        out = self.kernel(queries, keys, values, block_mask=self.mask, scale=scale, enable_gqa=shared)
        return out[0].transpose(0, 1).flatten(1)  # type: ignore[no-any-return]


@functools.cache
def compile_kernel() -> Callable[..., Any]:
    """FlexAttention as one kernel, for any number of nodes."""
    # Forward and backward, with few nodes and with many, take eight variants, at which PyTorch by default stops
    # compiling. A second model has as many.
    torch.compiler.config.recompile_limit = max(32, torch.compiler.config.recompile_limit)
    return torch.compile(flex_attention, dynamic=True)


@functools.cache
def works_on(device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, size: int) -> bool:
    """Whether the compiled kernel gives what rows of branches give, tried once on a small tree, gradient included.
    Tried in the same way whatever the caller computes: the first pass of a run may have no gradient."""
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device.type, enabled=False):
            _compare_kernels(device, dtype, heads, key_heads, size)
    except Exception as fault:  # noqa: BLE001  # a compiler may raise anything
        logger.warning("FlexAttention does not work on %s: %s. Attention goes by branches.", device, first_line(fault))
        return False
    return True


def _compare_kernels(device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, size: int) -> None:
    """Raises AssertionError if the two differ."""
    tree = build_prefix_tree([[[1, 2, 3], [1, 2, 4, 5], [1, 6]]])
    nodes = range(len(tree.ids))
    drawn = [torch.rand(len(nodes), n, size, device=device, dtype=dtype) for n in (heads, key_heads, key_heads)]
    q, k, v = (x.requires_grad_() for x in drawn)
    (rows,), (blocks,) = plan_attention(tree, [nodes], k), plan_flex(tree, [nodes], k, compiled=True)
    found = []
    for plan in (rows, blocks):
        out = plan.attend(q, k, v, size**-0.5)
        found.append([out.detach(), *torch.autograd.grad(out.float().square().sum(), (q, k, v))])
    torch.testing.assert_close(found[1], found[0], rtol=0.05, atol=0.05)


def plan_flex(tree: PrefixTree, askings: Sequence[Sequence[int]], like: torch.Tensor, compiled: bool) -> list[FlexPlan]:
    """A plan for each list of querying nodes (in rising order), on the device of `like`."""
    device, last = like.device, find_last_below(tree)
    kernel: Any = compile_kernel() if compiled else flex_attention
    return [FlexPlan(_mask(torch.tensor(list(asking)), last, device), kernel) for asking in askings]


def find_last_below(tree: PrefixTree) -> torch.Tensor:
    """For each node the last one of those that lie below it; itself for a leaf. (nodes,)"""
    last = torch.arange(len(tree.ids))
    for branch in tree.branches:  # a later branch lies further on, so the largest value stands in the end
        last[torch.tensor(branch.path)] = branch.path[-1]
    return last


def _mask(asked: torch.Tensor, last: torch.Tensor, device: torch.device) -> BlockMask:
    """Blocks of BLOCK x BLOCK in which some query may see some key. Within them every pair is asked for."""
    first_key = torch.arange(0, len(last), BLOCK)
    reach = torch.stack([part.max() for part in last.split(BLOCK)])  # the last node that a key of the block reaches
    low = torch.stack([part[0] for part in asked.split(BLOCK)])
    high = torch.stack([part[-1] for part in asked.split(BLOCK)])
    seen = (first_key <= high[:, None]) & (reach >= low[:, None])  # (blocks of queries, blocks of keys)
    count = seen.sum(-1).to(torch.int32)
    order = seen.to(torch.int8).argsort(dim=-1, descending=True, stable=True).to(torch.int32)
    queries, ends = asked.to(device), last.to(device)

    def sees(batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        node = queries[query]
        return (key <= node) & (node <= ends[key])

    return BlockMask.from_kv_blocks(
        count[None, None].to(device),
        order[None, None].to(device),
        BLOCK_SIZE=BLOCK,
        mask_mod=sees,
        seq_lengths=(len(asked), len(last)),
    )
