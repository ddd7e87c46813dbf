"""Which answers of a large run a page keeps whole."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openrft.bench.page.shorten import MARK, SHORTEST, pack, pack_into, share_room, shorten

LENGTHS = st.lists(st.integers(0, 3000), max_size=6)


def test_the_beginning_and_the_end_are_kept_with_the_line_that_the_end_begins_in() -> None:
    """300 characters in three lines: of 30, the first 10 and the last 20 stay, and 270 are left out."""
    text = "\n".join((99 * "a", 99 * "b", 100 * "c"))
    assert shorten(text, 30) == [10 * "a", 270, 20 * "c", 2]
    assert shorten(text, 300) == text
    assert shorten(text, 300 - MARK) == text  # it would save nothing


def test_the_first_are_whole_before_the_others_share_what_is_left() -> None:
    """Of 3,000 characters the first take 1,000; of the others one needs 400, and two share 1,600."""
    assert share_room([600, 400], [400, 2000, 900], 3000) == (600, 800)
    assert share_room([600, 400], [400, 2000, 900], 10_000) == (600, 2000)
    assert share_room([600, 400], [400, 2000, 900], 1000) == (275, SHORTEST)  # 1,000 less three times 150, for two


@given(LENGTHS, LENGTHS, st.integers(0, 100_000))
def test_the_limits_keep_to_the_room_unless_all_are_shortest(first: list[int], others: list[int], room: int) -> None:
    limits = share_room(first, others, room)
    used = sum(min(n, limits[0]) for n in first) + sum(min(n, limits[1]) for n in others)
    assert used <= max(room, sum(min(n, SHORTEST) for n in (*first, *others)))
    if sum(first) + sum(others) <= room:
        assert used == sum(first) + sum(others)


@given(st.text("ab\n", max_size=60), st.integers(1, 25))
def test_no_character_is_lost_uncounted(text: str, limit: int) -> None:
    match shorten(text, limit):
        case [begin, left_out, end, line]:
            assert len(begin) + left_out + len(end) == len(text)
            assert len(begin) + len(end) == limit
            assert (text.startswith(begin), text.endswith(end)) == (True, True)
            assert text.split("\n")[line].endswith(end.split("\n")[0])
        case whole:
            assert whole == text


def make_data() -> dict[str, Any]:
    """One question with an answer of each of three arms, of which the last is the best. No two lines are alike."""
    texts = [" ".join(str(arm * 7919 + n * n) for n in range(2000)) for arm in range(3)]
    jobs = [{"arm": f"arm-{n}", "task": "t", "seed": 0, "answers": [[0, 0, n, -1, 1, 3, 9]]} for n in range(3)]
    return {
        "arms": [f"arm-{n}" for n in range(3)],
        "best": "arm-2",
        "texts": [*texts, "why"],
        "items": [{"question": 3}],
        "prompts": [[3, 3]],
        "jobs": jobs,
        "measured": [],
    }


def test_what_has_room_is_whole_and_else_the_arms_that_the_page_opens_with() -> None:
    data = make_data()
    room = len(pack(data))
    assert pack_into(data, room).shortened == pack_into(data, None).shortened == 0
    found = pack_into(data, round(0.9 * room))
    assert len(found.text) <= 0.9 * room
    assert (found.answers, found.shortened, found.whole) == (3, 1, ("arm-0", "arm-2"))
    least = pack_into(data, 100)  # there is no room: the shortest
    assert (least.shortened, least.whole) == (3, ())
