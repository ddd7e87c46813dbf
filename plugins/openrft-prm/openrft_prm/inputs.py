"""What a process reward model reads: token ids, the positions where steps are scored, and batches of such inputs.

Knows tokenizers and batch shapes. Does not know how a published format writes a problem and its steps (formats/).

What is read together must not change the bits of a score. On a CPU, kernels treat a row alike in every batch as long as
rows come in blocks of BLOCK. So a cached score equals one that is computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from openrft import CheckpointError
from openrft_prm.checkpoint import Checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BLOCK = 16


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A problem and one completion as a format writes them."""

    ids: list[int]
    step_ends: list[int]  # for each step the index whose hidden state is scored


def tokenize_texts(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], special: bool = True
) -> dict[str, list[int]]:
    """Token ids of each distinct text, in one call: tokenising dominates for small models."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    ids = tokenizer(distinct, add_special_tokens=special, return_attention_mask=False)["input_ids"]
    return dict(zip(distinct, ids, strict=True))


def tokenize_marked(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], marks: Sequence[Sequence[int]], special: bool
) -> list[ModelInput]:
    """Inputs from whole texts; a step ends at the token that holds the character at each of `marks`."""
    if not texts:
        return []
    if not tokenizer.is_fast:
        raise CheckpointError("the checkpoint's tokenizer gives no offsets.", "Add its tokenizer.json to the folder.")
    encoded = tokenizer(list(texts), add_special_tokens=special, return_offsets_mapping=True)
    inputs = []
    for ids, spans, places in zip(encoded["input_ids"], encoded["offset_mapping"], marks, strict=True):
        # A character split over several byte tokens ends with the last of them.
        token_at = {place: i for i, (start, end) in enumerate(spans) for place in range(start, end)}
        inputs.append(ModelInput(list(ids), [token_at[place] for place in places]))
    return inputs


def check_token_ids(inputs: Sequence[ModelInput], checkpoint: Checkpoint) -> None:
    """Raise CheckpointError for a token beyond the model's vocabulary, which would end in an index error."""
    known = checkpoint.config.get("vocab_size") or 1 << 62
    top = max((max(item.ids, default=0) for item in inputs), default=0)
    if top >= known:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} writes token {top}, and the model knows {known}.",
            "Take the tokenizer published with the model.",
        )


def truncate_input(item: ModelInput, context: int) -> ModelInput:
    """The part of an input that fits into the model's context of `context` tokens."""
    if len(item.ids) <= context:
        return item
    return ModelInput(item.ids[:context], [end for end in item.step_ends if end < context])


def pad_inputs(inputs: Sequence[ModelInput], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(token ids padded on the right, (rows, width); where steps end, (steps, 2): row and column)."""
    ids = torch.zeros((len(inputs), width), dtype=torch.long)
    for row, item in enumerate(inputs):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
    ends = [(row, end) for row, item in enumerate(inputs) for end in item.step_ends]
    return ids, torch.tensor(ends, dtype=torch.long).reshape(-1, 2)


def round_up_to_block(count: int) -> int:
    """`count` rounded up to whole blocks."""
    return -(-count // BLOCK) * BLOCK


def batch_by_width(lengths: Sequence[int], tokens: int) -> list[tuple[int, list[int]]]:
    """(padded width, indexes of the inputs) for each forward, widest first.

    No forward exceeds `tokens` unless one input alone does. An input's width depends on its own length alone.
    """
    by_width: dict[int, list[int]] = {}
    for i, length in enumerate(lengths):
        by_width.setdefault(round_up_to_block(length), []).append(i)
    batches = []
    for width in sorted(by_width, reverse=True):
        rows, count = by_width[width], max(1, tokens // width)
        batches += [(width, rows[at : at + count]) for at in range(0, len(rows), count)]
    return batches


def batch_in_order(sizes: Sequence[int], tokens: int) -> list[list[int]]:
    """Indexes of the inputs, in order, in batches of at most `tokens`, unless one input alone has more."""
    batches, room = list[list[int]](), 0
    for i, size in enumerate(sizes):
        if not batches or size > room:
            batches.append([])
            room = tokens
        batches[-1].append(i)
        room -= size
    return batches
