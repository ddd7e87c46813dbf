"""The text that is compared, and which of the nearest demonstrations may be shown before a question. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from openrft import Sample, build_messages

Hit = tuple[int, float]  # (row of the pool, cosine distance in [0, 2])
DIGITS = 5  # distances that agree this far are ties: a vector's last bits depend on what was embedded beside it


def question_text(sample: Sample) -> str:
    """The text that is compared: the question and its options as the policy reads them, without the answer."""
    return build_messages(sample)[-1]["content"]


def sort_hits(hits: Sequence[Hit]) -> list[Hit]:
    """The hits by distance; ties keep the pool's order."""
    return sorted(((row, round(distance, DIGITS)) for row, distance in hits), key=lambda hit: (hit[1], hit[0]))


def select_hits(
    sample: Sample,
    text: str,
    hits: Sequence[Hit],
    pool: Sequence[Sample],
    texts: Sequence[str],
    count: int,
    min_similarity: float,
) -> list[Hit]:
    """The first `count` of the sorted hits that are similar enough and do not give away the answer.

    Left out: the sample itself, samples made from the same original (`Sample.root_id`), and a copy of its text under
    another id. No two of the chosen come from the same original either.
    """
    chosen: list[Hit] = []
    roots = {sample.root_id}
    for row, distance in hits:
        if 1 - distance < min_similarity or len(chosen) == count:
            break
        candidate = pool[row]
        if candidate.root_id in roots or candidate.id == sample.id or texts[row] == text:
            continue
        roots.add(candidate.root_id)
        chosen.append((row, distance))
    return chosen


def is_final(chosen: Sequence[Hit], hits: Sequence[Hit], count: int, min_similarity: float) -> bool:
    """Whether rows beyond the sorted hits could not change the choice.

    True when the choice is full without a tie at the edge, or when the hits already reach below `min_similarity`.
    """
    edge = hits[-1][1]
    return 1 - edge < min_similarity or (len(chosen) == count and chosen[-1][1] < edge)
