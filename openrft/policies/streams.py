"""Which random numbers a prompt's completions are drawn with: its own, whatever else is asked in the same call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from openrft.sample import content_id


def streams(seed: int, prompts: Sequence[Any]) -> list[str]:
    """16 hex digits for each prompt (token ids or messages; plain JSON), from the seed, what the prompt says, and how
    many equal ones stand before it. Prompts left out, added or put in another order change no other prompt's draws."""
    seen: Counter[str] = Counter()
    keys = []
    for prompt in prompts:
        said = content_id(prompt)
        keys.append(content_id(seed, said, seen[said]))
        seen[said] += 1
    return keys
