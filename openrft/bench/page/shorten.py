"""Keep report.html small: of long answers only the beginning and the end, if all of them are too much for one page.

The two arms that the page opens with keep their answers of the first seed whole as long as there is room. All other
answers share what is left: each has the same number of characters at most.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Data = dict[str, Any]
SHORTEST = 150  # characters of an answer that are always kept
MARK = 30  # characters that shortening costs: it must leave out more than that
TRIES = 6


@dataclass(frozen=True, slots=True)
class Packed:
    """A page's data as text, and how many of its answers to test questions are shortened."""

    text: str
    answers: int
    shortened: int = 0
    whole: tuple[str, ...] = ()  # the arms whose first seed has no shortened answer


def pack(data: Data) -> str:
    """The data as characters that HTML does not know. page.js unpacks it."""
    document = json.dumps(data, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(document, 9, mtime=0)).decode()


def pack_into(data: Data, room: int | None) -> Packed:
    """The data in at most `room` characters, if shortened answers suffice for that. None: with every answer whole.

    A shortened text is [beginning, number of characters left out, end, the line that the end begins in] in `texts`.
    """
    answers = sum(len(job["answers"]) for job in data["jobs"])
    packed = pack(data)
    if room is None or len(packed) <= room:
        return Packed(packed, answers)
    opened = _find_opened(data)
    first, others = _find_texts(data, opened)
    texts: list[str] = data["texts"]
    long = sum(len(texts[n]) for n in (*first, *others))
    fixed = len(packed) * (1 - long / max(sum(map(len, texts)), 1)) * 0.5  # a guess, which the next tries correct
    kept = long * max(room - fixed, 0) / len(packed)
    for _ in range(TRIES):
        limits = share_room([len(texts[n]) for n in first], [len(texts[n]) for n in others], int(kept))
        short = list[Any](texts)
        for numbers, limit in zip((first, others), limits, strict=True):
            for n in numbers:
                short[n] = shorten(texts[n], limit)
        packed = pack({**data, "texts": short})
        if len(packed) <= room or limits == (SHORTEST, SHORTEST):
            break
        kept *= 0.97 * room / len(packed)
    cut = {n for n, text in enumerate(short) if not isinstance(text, str)}
    shortened = sum(answer[2] in cut for job in data["jobs"] for answer in job["answers"])
    return Packed(packed, answers, shortened, () if cut.intersection(first) else opened)


def shorten(text: str, limit: int) -> str | list[Any]:
    """The text, or if it is longer than `limit` characters its first third of them and its last two, as `texts` has
    it."""
    if len(text) <= limit + MARK:
        return text
    begin, end = limit // 3, len(text) - (limit - limit // 3)
    return [text[:begin], end - begin, text[end:], text.count("\n", 0, end)]


def share_room(first: Sequence[int], others: Sequence[int], room: int) -> tuple[int, int]:
    """The longest lengths that `first` and `others` may have. Each keeps SHORTEST; `first` are kept whole before
    `others` have more; what is then left is shared."""
    least = sum(min(length, SHORTEST) for length in others)
    whole = _fill(first, room - least)
    left = room - sum(min(length, whole) for length in first)
    return whole, _fill(others, left)


def _fill(lengths: Iterable[int], room: int) -> int:
    """The largest limit under which the lengths are no more than `room` in all; at least SHORTEST."""
    ordered = sorted(lengths)
    for at, length in enumerate(ordered):
        if length * (len(ordered) - at) > room:
            return max(SHORTEST, room // (len(ordered) - at))
        room -= length
    return max([SHORTEST, *ordered[-1:]])


def _find_opened(data: Data) -> tuple[str, ...]:
    """The arms that the page opens with, as page.js chooses them."""
    arms = [arm for arm in data["arms"] if any(job["arm"] == arm for job in data["jobs"])]
    return tuple(dict.fromkeys((arms[0], data["best"] if data["best"] in arms else arms[-1]))) if arms else ()


def _find_texts(data: Data, opened: Sequence[str]) -> tuple[list[int], list[int]]:
    """The numbers of texts that are answers: those of the opened arms with the first seed, and the others."""
    seed = min((job["seed"] for job in data["jobs"]), default=0)
    first, others = set[int](), set[int]()
    for job in data["jobs"]:
        numbers = first if job["arm"] in opened and job["seed"] == seed else others
        numbers.update(answer[2] for answer in job["answers"])
    for measurement in data["measured"]:
        others.update(answer[0] for question in measurement["questions"] for answer in question["answers"])
    asked = {item["question"] for item in data["items"]} | {part for prompt in data["prompts"] for part in prompt}
    return sorted(first - asked), sorted(others - first - asked)
