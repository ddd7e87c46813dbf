"""The completions of one question as one input in which every distinct prefix stands once.

Completions of a group share their question, and often their first lines. A tree of tokens with positions by depth and
attention to ancestors alone gives each token the context it has in its own completion, computed once for all that
share it (the tree attention of SpecInfer, arXiv 2305.09781, here for reading instead of drafting). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from openrft_prm.layout import Layout


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in an order in which parents come first, and each branch is a run of neighbours."""

    ids: list[int] = field(default_factory=list)  # the token of each node
    depths: list[int] = field(default_factory=list)  # its position in the layouts that hold it
    branches: list[tuple[int, int]] = field(default_factory=list)  # first node, and the node it grows from (-1: none)
    ends: list[list[int]] = field(default_factory=list)  # for each layout the nodes where its steps end
    members: list[int] = field(default_factory=list)  # indexes of the layouts


def trees(layouts: Sequence[Layout], chosen: Sequence[int], nodes: int) -> Iterator[Tree]:
    """Trees over the chosen layouts (indexes), as few as have at most `nodes` nodes each, unless one layout alone has
    more."""
    tree, path, ids = Tree(), list[int](), list[int]()
    # In sorted order what a layout shares with all before it, it shares with the one before it.
    for i in sorted(chosen, key=lambda i: layouts[i].ids):
        layout = layouts[i]
        shared = _shared(ids, layout.ids)
        if tree.members and len(tree.ids) + len(layout.ids) - shared > nodes:
            yield tree
            tree, path, shared = Tree(), [], 0
        ids, start = layout.ids, len(tree.ids)
        if shared < len(ids):
            tree.branches.append((start, path[shared - 1] if shared else -1))
        path = [*path[:shared], *range(start, start + len(ids) - shared)]
        tree.ids.extend(ids[shared:])
        tree.depths.extend(range(shared, len(ids)))
        tree.ends.append([path[end] for end in layout.ends])
        tree.members.append(i)
    if tree.members:
        yield tree


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def packed(found: Sequence[Tree], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, positions) of trees padded on the right: (rows, width) twice."""
    ids, positions = torch.zeros((2, len(found), width), dtype=torch.long)
    for row, tree in enumerate(found):
        ids[row, : len(tree.ids)] = torch.tensor(tree.ids)
        positions[row, : len(tree.ids)] = torch.tensor(tree.depths)
    return ids, positions


def ancestry(found: Sequence[Tree], width: int) -> torch.Tensor:
    """Who attends to whom, (rows, 1, width, width): each node to itself and its ancestors.

    Padding attends to itself: a query without any key would become nan, and nan spreads.
    """
    seen = torch.eye(width, dtype=torch.bool).repeat(len(found), 1, 1, 1)
    causal = torch.ones((width, width), dtype=torch.bool).tril()
    for row, tree in zip(seen[:, 0], found, strict=True):
        ends = [start for start, _ in tree.branches[1:]] + [len(tree.ids)]
        for (start, parent), end in zip(tree.branches, ends, strict=True):
            row[start:end, start:end] = causal[: end - start, : end - start]
            if parent >= 0:
                row[start:end, :start] = row[parent, :start]
    return seen
