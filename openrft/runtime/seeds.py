"""Seeds: every random draw is keyed by the job's seed and its purpose."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: object) -> int:
    """A seed for one draw, from the job's seed and names for its purpose.

    So a resumed run needs no generator state, and arms with the same seed have the same draws.
    """
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
