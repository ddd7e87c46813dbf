"""Trees of tokens: every distinct prefix once, each node seeing its own completion and no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from openrft_prm.layout import Layout
from openrft_prm.tree import Tree, ancestry, packed, trees

LAYOUTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=8)


def test_by_hand() -> None:
    rows = [Layout([7, 8, 9], [2]), Layout([7, 8, 5, 6], [1, 3]), Layout([7, 8, 9], [0, 2])]
    (tree,) = trees(rows, range(3), 10)
    # Sorted: 7 8 5 6, then 7 8 9 twice.
    assert tree == Tree([7, 8, 5, 6, 9], [0, 1, 2, 3, 2], [(0, -1), (4, 1)], [[1, 3], [4], [0, 4]], [1, 0, 2])
    ids, positions = packed([tree], 6)
    assert ids.tolist() == [[7, 8, 5, 6, 9, 0]]
    assert positions.tolist() == [[0, 1, 2, 3, 2, 0]]
    assert ancestry([tree], 6)[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]


@given(LAYOUTS, st.integers(0, 20))
def test_each_layout_is_read_along_its_own_path(rows: list[list[int]], nodes: int) -> None:
    layouts = [Layout(ids, list(range(len(ids)))) for ids in rows]
    found = list(trees(layouts, range(len(rows)), nodes))
    assert sorted(i for tree in found for i in tree.members) == list(range(len(rows)))
    for tree in found:
        assert len(tree.ids) <= nodes or len(tree.members) == 1
        seen = ancestry([tree], len(tree.ids))[0, 0]
        for i, path in zip(tree.members, tree.ends, strict=True):
            assert [tree.ids[node] for node in path] == rows[i]
            assert [tree.depths[node] for node in path] == list(range(len(path)))
            for depth, node in enumerate(path):
                assert seen[node].nonzero()[:, 0].tolist() == sorted(path[: depth + 1])


@given(LAYOUTS)
def test_a_prefix_stands_once(rows: list[list[int]]) -> None:
    (tree,) = trees([Layout(ids, [len(ids) - 1]) for ids in rows], range(len(rows)), 10**6)
    assert len(tree.ids) == len({tuple(ids[:n]) for ids in rows for n in range(1, len(ids) + 1)})
