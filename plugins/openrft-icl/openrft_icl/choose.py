"""Which of the nearest shots may stand before a question. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from openrft import Sample

Hit = tuple[int, float]  # (row of the pool, cosine distance)
DIGITS = 5  # distances that agree this far are ties: a vector's last bits depend on what was embedded beside it


def ordered(hits: Sequence[Hit]) -> list[Hit]:
    """By distance, ties by the pool's order."""
    return sorted(((row, round(distance, DIGITS)) for row, distance in hits), key=lambda hit: (hit[1], hit[0]))


def choose(
    sample: Sample, text: str, hits: Sequence[Hit], pool: Sequence[Sample], texts: Sequence[str], k: int, least: float
) -> list[Hit]:
    """The first `k` of the ordered hits that are at least `least` similar and tell nothing of the answer: not the
    sample, its kin, or a copy of its text under another id; and no two that are kin of each other."""
    found: list[Hit] = []
    roots = {sample.root}
    for row, distance in hits:
        if 1 - distance < least or len(found) == k:
            break
        shot = pool[row]
        if shot.root in roots or shot.id == sample.id or texts[row] == text:
            continue
        roots.add(shot.root)
        found.append((row, distance))
    return found


def settled(chosen: Sequence[Hit], hits: Sequence[Hit], k: int, least: float) -> bool:
    """Whether rows beyond the ordered hits could not change the choice: it is full without a tie at the edge, or
    the hits already reach below the similarity asked for."""
    edge = hits[-1][1]
    return 1 - edge < least or (len(chosen) == k and chosen[-1][1] < edge)
