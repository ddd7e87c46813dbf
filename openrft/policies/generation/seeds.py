"""Which random numbers a prompt's completions are drawn with: its own, whatever else is asked in the same call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from openrft.types import content_id


def derive_prompt_seeds(seed: int, prompts: Sequence[Any]) -> list[str]:
    """16 hex digits for each prompt (token ids or messages; plain JSON), from the seed, what the prompt says, and how
    many equal ones stand before it. Prompts left out, added or put in another order change no other prompt's draws."""
    seen: Counter[str] = Counter()
    keys = []
    for prompt in prompts:
        notices = content_id(prompt)
        keys.append(content_id(seed, notices, seen[notices]))
        seen[notices] += 1
    return keys
