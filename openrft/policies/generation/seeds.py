"""Seeds by prompt: the completions of a prompt do not depend on the other prompts of the same call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from openrft.types import content_id


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
