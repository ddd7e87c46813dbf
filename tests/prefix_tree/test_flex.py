"""FlexAttention's blocks against the rows of branches: the same attention."""

from __future__ import annotations

import random

import pytest
import torch

from openrft.prefix_tree import build_prefix_tree, flex
from openrft.prefix_tree.attention import plan_attention
from openrft.prefix_tree.flex import BLOCK, find_last_below, plan_flex, works_on


def draw_groups(seed: int, longest: int) -> list[list[list[int]]]:
    drawn = random.Random(seed)
    return [
        [[drawn.randrange(2) for _ in range(drawn.randint(1, longest))] for _ in range(drawn.randint(1, 5))]
        for _ in range(drawn.randint(1, 3))
    ]


def test_the_last_node_below_by_hand() -> None:
    tree = build_prefix_tree([[[1, 2, 3], [1, 2, 4], [1, 5]], [[6]]], multiple=4)
    assert tree.ids == [1, 2, 3, 4, 5, 0, 0, 0, 6, 0, 0, 0]
    assert find_last_below(tree).tolist() == [4, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(("seed", "longest", "key_heads"), [(0, 8, 2), (1, 150, 2), (2, 300, 4), (3, 40, 1)])
@torch.no_grad()  # on a CPU FlexAttention has no backward pass
def test_blocks_see_what_branches_see(seed: int, longest: int, key_heads: int) -> None:
    tree = build_prefix_tree(draw_groups(seed, longest))
    torch.manual_seed(seed)
    nodes = len(tree.ids)
    some = sorted(random.Random(seed).sample(range(nodes), max(1, nodes // 3)))
    k, v = torch.randn(2, nodes, key_heads, 16)
    asked = (range(nodes), some)
    plans = zip(asked, plan_attention(tree, asked, k), plan_flex(tree, asked, k, compiled=False), strict=True)
    ancestors = {node: {*branch.path[: i + 1]} for branch in tree.branches for i, node in enumerate(branch.path)}
    for asking, rows, blocks in plans:
        q = torch.randn(len(asking), 4, 16)
        torch.testing.assert_close(blocks.attend(q, k, v, 0.25), rows.attend(q, k, v, 0.25), rtol=1e-4, atol=1e-5)
        pairs = {(i // BLOCK, key // BLOCK) for i, node in enumerate(asking) for key in ancestors[node]}
        seen = {(i, j) for i, j in blocks.mask.to_dense()[0, 0].nonzero().tolist()}
        assert pairs <= seen  # the kernel skips all other blocks


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_a_kernel_that_does_not_work_is_not_used(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flex, "compile_kernel", lambda: flex.flex_attention)  # compiling it takes seconds
    works_on.cache_clear()
    assert not works_on(torch.device("cpu"), torch.float32, 4, 2, 16)  # its backward pass is missing there
    assert "FlexAttention does not work on cpu" in caplog.text


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_a_kernel_that_works_is_used_whatever_asked_first(mode: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-probabilities are computed before the first update, without a gradient. The answer is kept."""

    def attend(q, k, v, block_mask, scale, enable_gqa):  # type: ignore[no-untyped-def]  # what the kernel computes
        nodes = torch.arange(q.shape[2])
        seen = block_mask.mask_mod(0, 0, nodes[:, None], nodes)
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, seen, scale=scale, enable_gqa=enable_gqa)

    monkeypatch.setattr(flex, "compile_kernel", lambda: attend)
    works_on.cache_clear()
    with mode():
        assert works_on(torch.device("cpu"), torch.float32, 4, 2, 16)
    works_on.cache_clear()
