"""Attention over a prefix tree. Each branch is one row: its queries are the branch's own nodes, its keys are its path.

Keys are in the order of the path, so a key's column is its depth. A query at depth d sees columns 0 to d: its ancestors
and itself. Rows of similar size are padded and attended to together. The rest of a layer is computed on the nodes
without padding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain
from typing import Protocol

import torch

from openrft.prefix_tree.scaled_attention import compute_attention, use_repeatable_kernels
from openrft.prefix_tree.tree import PrefixTree

LEAST = 16  # rows are padded to a multiple of this


@dataclass(frozen=True, slots=True)
class Bucket:
    """Branches of similar size: R rows of Q queries and K keys."""

    queries: torch.Tensor  # (R * Q,) indices among the querying nodes
    keys: torch.Tensor  # (R * K,) indices of nodes
    rows: int
    bias: torch.Tensor | None  # (R, 1, Q, K): 0 where a query sees a key, else the dtype's minimum; None: causal


class AttentionPlan(Protocol):
    """Which node attends to which, for the querying nodes."""

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
        """q (querying nodes, heads, D), k and v (nodes, key heads, D) -> (querying nodes, heads * D)."""
        ...


@dataclass(frozen=True, slots=True)
class BranchPlan:
    """An `AttentionPlan` in which each branch is a row."""

    buckets: list[Bucket]
    place: torch.Tensor  # (querying nodes,) position of each among the queries of all buckets

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
        """q (querying nodes, heads, D), k and v (nodes, key heads, D) -> (querying nodes, heads * D)."""
        outs = []
        for bucket in self.buckets:
            queries, keys, values = (
                x.index_select(0, nodes).unflatten(0, (bucket.rows, -1)).transpose(1, 2)
                for x, nodes in ((q, bucket.queries), (k, bucket.keys), (v, bucket.keys))
            )
            with use_repeatable_kernels(q.device):
                out = compute_attention(queries, keys, values, bucket.bias, scale)
            outs.append(out.transpose(1, 2).flatten(2).flatten(0, 1))
        return torch.cat(outs).index_select(0, self.place)


def plan_attention(tree: PrefixTree, askings: Sequence[Sequence[int]], like: torch.Tensor) -> list[BranchPlan]:
    """A plan for each list of querying nodes (in rising order), which attend to themselves and their ancestors. Tensors
    are on the device and of the dtype of `like`. Padding nodes, which are in no branch, get another node's output."""
    as_tensor = partial(torch.tensor, device=like.device)
    lengths = [len(branch.path) for branch in tree.branches]
    starts = as_tensor([0, *accumulate(lengths)])
    paths = as_tensor([*chain.from_iterable(branch.path for branch in tree.branches)])
    depths = as_tensor(tree.depths)
    found, pad = [], round_up if like.is_cuda else round_up_a_little
    for asking in askings:
        place, buckets, at = torch.zeros(len(asking), dtype=torch.long, device=like.device), list[Bucket](), 0
        depth = depths[as_tensor(asking)]
        for (most, long, whole), rows in _group_by_size(tree, asking, pad).items():
            branch, first, count = (as_tensor(numbers)[:, None] for numbers in zip(*rows, strict=True))
            column = torch.arange(most, device=like.device)
            inside = column < count
            queries = torch.where(inside, first + column, first)
            place[queries[inside]] = (at + torch.arange(inside.numel(), device=like.device).view_as(inside))[inside]
            at += inside.numel()
            slot = torch.arange(long, device=like.device)
            length = starts[branch + 1] - starts[branch]
            keys = paths[starts[branch] + torch.minimum(slot, length - 1)]
            bias = None
            if not whole:
                unseen = (slot > depth[queries][:, :, None])[:, None]
                bias = like.new_zeros(unseen.shape).masked_fill_(unseen, torch.finfo(like.dtype).min)
            buckets.append(Bucket(queries.flatten(), keys.flatten(), len(rows), bias))
        found.append(BranchPlan(buckets, place))
    return found


def _group_by_size(
    tree: PrefixTree, asking: Sequence[int], pad: Callable[[int], int]
) -> dict[tuple[int, int, bool], list[tuple[int, int, int]]]:
    """Branches with querying nodes, as (branch number, index of its first querying node, how many). They are grouped by
    the padded numbers of queries and keys, and by whether the whole path is queried, as in a tree's trunk."""
    found: dict[tuple[int, int, bool], list[tuple[int, int, int]]] = {}
    for number, branch in enumerate(tree.branches):
        first = bisect_left(asking, branch.start)
        count = bisect_left(asking, branch.path[-1] + 1, first) - first
        if count:
            size = (pad(count), pad(len(branch.path)), count == len(branch.path))
            found.setdefault(size, []).append((number, first, count))
    return found


def round_up(count: int) -> int:
    """`count` rounded up by at most a quarter or LEAST. So there are few sizes, and few kernels to launch."""
    step = max(LEAST, (1 << count.bit_length()) >> 3)
    return -(-count // step) * step


def round_up_a_little(count: int) -> int:
    """`count` rounded up to a multiple of LEAST, for CPUs, where padding costs what it computes: a row of 330 nodes
    padded to 384 takes a third longer. The padding of a branch depends on that branch alone. So there the bits of its
    output do too."""
    return -(-count // LEAST) * LEAST
