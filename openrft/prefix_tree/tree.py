"""Token sequences as trees in which every distinct prefix occurs once. Pure functions.

Completions of a group share their question, and often their first lines. Positions are depths, and a token attends only
to its ancestors. So each token has the context of its own sequence, computed once for all sequences that share it. This
is the tree attention of SpecInfer (arXiv 2305.09781), used here for scoring instead of drafting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Branch:
    """A run of consecutive nodes with no fork before the last one."""

    start: int  # its first node
    path: list[int]  # the nodes from the root to its last node


@dataclass(frozen=True, slots=True)
class PrefixTree:
    """Nodes in an order in which parents come first and each branch is contiguous. It may hold several trees."""

    ids: list[int] = field(default_factory=list)  # the token of each node
    depths: list[int] = field(default_factory=list)  # its position in the sequences that contain it
    branches: list[Branch] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)  # for each sequence, as given, the node of each token


def build_prefix_tree(groups: Sequence[Sequence[Sequence[int]]], multiple: int = 1) -> PrefixTree:
    """One tree per group of sequences (token ids, at least one in each). After each tree the nodes are padded to a
    multiple of `multiple` with nodes that no other node sees."""
    tree = PrefixTree()
    for group in groups:
        _add(tree, group)
        filling = -len(tree.ids) % multiple
        tree.ids.extend([0] * filling)
        tree.depths.extend([0] * filling)
    return tree


def _add(tree: PrefixTree, group: Sequence[Sequence[int]]) -> None:
    paths: dict[int, list[int]] = {}
    ids, path = list[int](), list[int]()
    # In sorted order, the prefix a sequence shares with any earlier one is shared with the one just before it.
    for i in sorted(range(len(group)), key=lambda i: list(group[i])):
        shared, ids, start = _count_shared(ids, group[i]), list(group[i]), len(tree.ids)
        if shared < len(ids):
            path = [*path[:shared], *range(start, start + len(ids) - shared)]
            tree.branches.append(Branch(start, path))
            tree.ids.extend(ids[shared:])
            tree.depths.extend(range(shared, len(ids)))
        paths[i] = path
    tree.paths.extend(paths[i] for i in range(len(group)))


def _count_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
