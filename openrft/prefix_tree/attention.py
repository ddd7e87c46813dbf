"""Attention over a forest: a branch is a row whose queries are nodes of its own and whose keys are its path.

Keys stand in the order of the path, so that a key's column is its depth, and a query at depth d sees columns 0 to d:
its ancestors and itself. Rows of like size are attended together, padded; all else in a layer is computed for the nodes
alone, without padding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain

import torch
import torch.nn.functional as F

from openrft.prefix_tree.tree import PrefixTree

LEAST = 16  # rows are padded to a multiple of this


@dataclass(frozen=True, slots=True)
class Bucket:
    """Branches of like size: R rows of Q queries and K keys."""

    queries: torch.Tensor  # (R * Q,) which of the asking nodes
    keys: torch.Tensor  # (R * K,) which nodes
    rows: int
    bias: torch.Tensor | None  # (R, 1, Q, K): 0 where a query sees a key, else the least number; None: a causal square


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """Which node attends to which, for the nodes that ask."""

    buckets: list[Bucket]
    place: torch.Tensor  # (asking nodes,) where each stands among the buckets' queries

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
        """q (asking nodes, heads, D), k and v (nodes, key heads, D) -> (asking nodes, heads * D)."""
        shared = q.shape[1] != k.shape[1]
        outs = []
        for bucket in self.buckets:
            queries, keys, values = (
                x.index_select(0, nodes).unflatten(0, (bucket.rows, -1)).transpose(1, 2)
                for x, nodes in ((q, bucket.queries), (k, bucket.keys), (v, bucket.keys))
            )
            out = F.scaled_dot_product_attention(
                queries, keys, values, bucket.bias, is_causal=bucket.bias is None, scale=scale, enable_gqa=shared
            )
            outs.append(out.transpose(1, 2).flatten(2).flatten(0, 1))
        return torch.cat(outs).index_select(0, self.place)


def plan_attention(forest: PrefixTree, askings: Sequence[Sequence[int]], like: torch.Tensor) -> list[AttentionPlan]:
    """For each of the `askings` (rising nodes) how they attend to themselves and their ancestors, for states on the
    device and of the dtype of `like`. Nodes that are in no branch, the filling, get what another node gets."""
    as_tensor = partial(torch.tensor, device=like.device)
    lengths = [len(branch.path) for branch in forest.branches]
    starts = as_tensor([0, *accumulate(lengths)])
    paths = as_tensor([*chain.from_iterable(branch.path for branch in forest.branches)])
    depths = as_tensor(forest.depths)
    found = []
    for asking in askings:
        place, buckets, at = torch.zeros(len(asking), dtype=torch.long, device=like.device), list[Bucket](), 0
        depth = depths[as_tensor(asking)]
        for (most, long, whole), rows in _sized(forest, asking).items():
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
        found.append(AttentionPlan(buckets, place))
    return found


def _sized(forest: PrefixTree, asking: Sequence[int]) -> dict[tuple[int, int, bool], list[tuple[int, int, int]]]:
    """For each branch with nodes that ask: (its number, the first of them among those that ask, how many), by the sizes
    that queries and keys are padded to, and by whether all of its path asks, as in a tree's trunk."""
    found: dict[tuple[int, int, bool], list[tuple[int, int, int]]] = {}
    for number, branch in enumerate(forest.branches):
        first = bisect_left(asking, branch.start)
        count = bisect_left(asking, branch.path[-1] + 1, first) - first
        if count:
            size = (round_up(count), round_up(len(branch.path)), count == len(branch.path))
            found.setdefault(size, []).append((number, first, count))
    return found


def round_up(count: int) -> int:
    """`count` made larger by a quarter or by LEAST at most: sizes come in few steps, so that buckets are few. What a
    branch is padded to depends on the branch alone, and so do, on a CPU, the bits of what comes out."""
    step = max(LEAST, (1 << count.bit_length()) >> 3)
    return -(-count // step) * step
