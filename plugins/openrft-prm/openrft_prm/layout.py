"""How a format lays out a problem and its steps as token ids, and where each step's judgement is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from openrft import CheckpointError
from openrft_prm.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Layout:
    """One model input."""

    ids: list[int]
    ends: list[int]  # for each step the index whose hidden state is read


class Format(Protocol):
    """A way to ask a causal trunk about steps. Built as `Format(tokenizer, checkpoint)`."""

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        """One input for each (problem, completion), with one end a step (`openrft.steps_of`)."""
        ...

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states after the final norm at the ends, (steps, hidden) float32 -> scores in [0, 1], (steps,)."""
        ...


def padded(layouts: Sequence[Layout], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(token ids padded on the right, (rows, width); where the steps end, (steps, 2): row and column)."""
    ids = torch.zeros((len(layouts), width), dtype=torch.long)
    for row, layout in enumerate(layouts):
        ids[row, : len(layout.ids)] = torch.tensor(layout.ids)
    at = [(row, end) for row, layout in enumerate(layouts) for end in layout.ends]
    return ids, torch.tensor(at, dtype=torch.long).reshape(-1, 2)


def refuse_unknown(layouts: Sequence[Layout], checkpoint: Checkpoint) -> None:
    """A token beyond the model's vocabulary would end in an index error that names nobody."""
    known = checkpoint.config.get("vocab_size") or 1 << 62
    top = max((max(layout.ids, default=0) for layout in layouts), default=0)
    if top >= known:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} writes token {top}, and the model knows {known}.",
            "Take the tokenizer published with the model.",
        )


def encode(tokenizer: Any, texts: Sequence[str], special: bool = True) -> dict[str, list[int]]:
    """Token ids of each distinct text, in one call: tokenising dominates for small models."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    ids = tokenizer(distinct, add_special_tokens=special, return_attention_mask=False)["input_ids"]
    return dict(zip(distinct, ids, strict=True))


def marked(tokenizer: Any, texts: Sequence[str], marks: Sequence[Sequence[int]], special: bool) -> list[Layout]:
    """Layouts of whole texts whose steps end at the tokens that hold the characters `marks` (indexes into a text)."""
    if not texts:
        return []
    if not tokenizer.is_fast:
        raise CheckpointError("the checkpoint's tokenizer gives no offsets.", "Add its tokenizer.json to the folder.")
    encoded = tokenizer(list(texts), add_special_tokens=special, return_offsets_mapping=True)
    found = []
    for ids, spans, places in zip(encoded["input_ids"], encoded["offset_mapping"], marks, strict=True):
        # A character split over several byte tokens ends with the last of them.
        holder = {place: i for i, (a, b) in enumerate(spans) for place in range(a, b)}
        found.append(Layout(list(ids), [holder[place] for place in places]))
    return found
