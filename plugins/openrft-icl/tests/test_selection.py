"""Which hits are chosen, worked by hand."""

from __future__ import annotations

from openrft_icl.selection import is_final, select_hits, sort_hits

from openrft import Sample

ASKED = Sample("asked", "A", ("1", "2"))
POOL = [Sample(name, "A", ("1", "2")) for name in ("p", "q", "r")]
TEXTS = ["p", "q", "r"]


def test_hits_that_agree_to_five_digits_keep_the_pools_order() -> None:
    assert sort_hits([(2, 0.1), (0, 0.3000001), (1, 0.3)]) == [(2, 0.1), (0, 0.3), (1, 0.3)]


def test_the_nearest_that_are_similar_enough() -> None:
    hits = [(2, 0.1), (0, 0.2), (1, 0.6)]
    assert select_hits(ASKED, "asked", hits, POOL, TEXTS, 2, -1) == [(2, 0.1), (0, 0.2)]
    assert select_hits(ASKED, "asked", hits, POOL, TEXTS, 3, 0.5) == [(2, 0.1), (0, 0.2)]


def test_itself_its_text_and_its_relatives_are_left_out() -> None:
    hits = [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert select_hits(POOL[0], "p", hits, POOL, TEXTS, 3, -1) == [(1, 0.1), (2, 0.2)]
    assert select_hits(ASKED, "q", hits, POOL, TEXTS, 3, -1) == [(0, 0.0), (2, 0.2)]
    reworded = Sample("reworded", "A", ("1", "2"), parent=POOL[0].id, created_by="test")
    assert select_hits(reworded, "reworded", hits, POOL, TEXTS, 3, -1) == [(1, 0.1), (2, 0.2)]
    assert select_hits(ASKED, "asked", hits, [POOL[0], reworded, POOL[2]], TEXTS, 3, -1) == [(0, 0.0), (2, 0.2)]


def test_a_choice_is_final_when_further_rows_cannot_change_it() -> None:
    assert is_final([(0, 0.1)], [(0, 0.1), (1, 0.2)], 1, -1)
    assert not is_final([(0, 0.2)], [(0, 0.2), (1, 0.2)], 1, -1)  # a row beyond may tie and stand before it in the pool
    assert not is_final([(0, 0.1)], [(0, 0.1), (1, 0.2)], 2, -1)
    assert is_final([(0, 0.1)], [(0, 0.1), (1, 0.7)], 2, 0.5)
