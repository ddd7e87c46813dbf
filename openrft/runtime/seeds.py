"""Seeds: every random draw is keyed by the job's seed and what the draw is for."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: object) -> int:
    """A seed for one draw, from the job's seed and what the draw is for.

    Every draw is keyed, so a resumed run needs no generator's state and arms that share a seed share their luck.
    """
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
