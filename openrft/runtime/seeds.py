"""Seeds: every random draw is keyed by the job's seed and its purpose, or by the prompt that it is drawn for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from openrft.types import content_id


def derive_seed(seed: int, *names: object) -> int:
    """A seed for one draw, from the job's seed and names for its purpose.

    So a resumed run needs no generator state, and arms with the same seed have the same draws.
    """
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def derive_prompt_seeds(seed: int, prompts: Sequence[Any]) -> list[str]:
    """16 hex digits for each prompt (token ids or messages; plain JSON), from the seed, the prompt's content, and the
    number of equal prompts before it. Leaving out, adding or reordering prompts changes no other prompt's draws."""
    seen: Counter[str] = Counter()
    keys = []
    for prompt in prompts:
        digest = content_id(prompt)
        keys.append(content_id(seed, digest, seen[digest]))
        seen[digest] += 1
    return keys
