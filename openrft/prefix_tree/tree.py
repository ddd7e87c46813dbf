"""Sequences of tokens as trees in which every distinct prefix stands once. Pure.

Completions of a group share their question, and often their first lines. With positions by depth, and attention to
ancestors alone, each token has the context that it has in its own sequence, computed once for all that share it (the
tree attention of SpecInfer, arXiv 2305.09781, here for reading instead of drafting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Branch:
    """A run of nodes without forks before its last."""

    start: int  # its first node
    path: list[int]  # the nodes from the root to its last node


@dataclass(frozen=True, slots=True)
class PrefixTree:
    """Nodes in an order in which parents come first and each branch is a run of neighbours."""

    ids: list[int] = field(default_factory=list)  # the token of each node
    depths: list[int] = field(default_factory=list)  # its position in the sequences that hold it
    branches: list[Branch] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)  # for each sequence, as given, the node of each token


def build_prefix_tree(groups: Sequence[Sequence[Sequence[int]]], multiple: int = 1) -> PrefixTree:
    """A tree for each group of sequences (token ids, at least one in each), filled up with nodes that nobody sees to a
    multiple of so many nodes."""
    forest = PrefixTree()
    for group in groups:
        _add(forest, group)
        filling = -len(forest.ids) % multiple
        forest.ids.extend([0] * filling)
        forest.depths.extend([0] * filling)
    return forest


def _add(forest: PrefixTree, group: Sequence[Sequence[int]]) -> None:
    paths: dict[int, list[int]] = {}
    ids, path = list[int](), list[int]()
    # In sorted order what a sequence shares with all before it, it shares with the one before it.
    for i in sorted(range(len(group)), key=lambda i: list(group[i])):
        shared, ids, start = _shared(ids, group[i]), list(group[i]), len(forest.ids)
        if shared < len(ids):
            path = [*path[:shared], *range(start, start + len(ids) - shared)]
            forest.branches.append(Branch(start, path))
            forest.ids.extend(ids[shared:])
            forest.depths.extend(range(shared, len(ids)))
        paths[i] = path
    forest.paths.extend(paths[i] for i in range(len(group)))


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
