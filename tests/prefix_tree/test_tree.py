"""Trees of tokens: every distinct prefix once, and each token on the path of its own sequence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openrft.prefix_tree.attention import round_up, round_up_a_little
from openrft.prefix_tree.tree import Branch, PrefixTree, build_prefix_tree

GROUPS = st.lists(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=6), min_size=1, max_size=4
)


def test_by_hand():
    tree = build_prefix_tree([[[7, 8, 9], [7, 8, 5, 6], [7, 8, 9]], [[7]]], multiple=4)
    assert tree == PrefixTree(
        # Sorted: 7 8 5 6, then 7 8 9 twice; filled up to eight, and the second tree to twelve.
        ids=[7, 8, 5, 6, 9, 0, 0, 0, 7, 0, 0, 0],
        depths=[0, 1, 2, 3, 2, 0, 0, 0, 0, 0, 0, 0],
        branches=[Branch(0, [0, 1, 2, 3]), Branch(4, [0, 1, 4]), Branch(8, [8])],
        paths=[[0, 1, 4], [0, 1, 2, 3], [0, 1, 4], [8]],
    )


@given(GROUPS, st.integers(1, 5))
def test_each_sequence_has_its_path_and_each_prefix_of_a_group_one_node(groups, multiple):
    tree = build_prefix_tree(groups, multiple)
    assert len(tree.ids) == len(tree.depths)
    assert len(tree.ids) % multiple == 0
    paths, nodes = iter(tree.paths), set()
    for group in groups:
        found = {}
        for sequence in group:
            path = next(paths)
            assert [tree.ids[node] for node in path] == sequence
            assert [tree.depths[node] for node in path] == list(range(len(sequence)))
            found |= {tuple(sequence[: d + 1]): node for d, node in enumerate(path)}
            assert all(found[tuple(sequence[: d + 1])] == node for d, node in enumerate(path))
        assert len(set(found.values())) == len(found)
        assert not nodes & set(found.values())
        nodes |= set(found.values())
    own = [range(b.start, b.path[-1] + 1) for b in tree.branches]
    assert sorted(node for nodes in own for node in nodes) == sorted(nodes)  # each node in one branch, filling in none
    assert all(b.path[-len(run) :] == list(run) for b, run in zip(tree.branches, own, strict=True))


@given(st.integers(1, 10**6))
def test_padding_adds_a_quarter_at_most_and_few_sizes(count):
    assert 0 <= round_up(count) - count < max(16, count / 4 + 1)
    assert len({round_up(n) for n in range(2**12, 2**13)}) <= 9


@given(st.integers(1, 10**6))
def test_on_a_cpu_padding_is_less_than_sixteen(count):
    assert 0 <= round_up_a_little(count) - count < 16
    assert round_up_a_little(count) <= round_up(count)
    assert count > 127 or round_up_a_little(count) == round_up(count)  # one size for short rows, on every device
