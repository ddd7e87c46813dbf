"""From conversations to batches of token ids: the chat template, labels, padding, and draws by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# openrft.prompt.INSTRUCTION, word for word; one token of its own, since every prompt begins with it
INSTRUCTION = (
    "Reason step by step, one step per line. Put the letter of the final answer in \\boxed{} on the last line."
)
BEGIN, SYSTEM, USER, ASSISTANT, END, PAD = "<|begin|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"
SPECIAL_TOKENS = (PAD, BEGIN, END, SYSTEM, USER, ASSISTANT)
CHAT_TEMPLATE = (
    "{{ '<|begin|>' }}{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}{{ '<|assistant|>' }}"
    "{% generation %}{{ m['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
IGNORED = -100  # torch's label for positions without loss
BATCHES_PER_DRAW = 40  # sorted by length together, so that the rows of a batch need little padding

Segment = tuple[str, bool]  # a text, and whether the loss covers it


@dataclass(frozen=True)
class Batch:
    """Right-padded ids and labels as nested lists, (rows, tokens). Labels are not shifted."""

    ids: list[list[int]]
    labels: list[list[int]]


def render_conversation(turns: Sequence[tuple[str, str]], system: bool = True) -> list[Segment]:
    """Turns of question and answer as the chat template renders them. The loss covers the answers only."""
    segments: list[Segment] = [(BEGIN + (SYSTEM + INSTRUCTION if system else ""), False)]
    for question, answer in turns:
        segments += [(USER + question + ASSISTANT, False), (answer + END, True)]
    return segments


def encode_rows(tokenizer: PreTrainedTokenizerBase, rows: list[list[Segment]]) -> list[tuple[list[int], list[int]]]:
    """Ids and labels of each row. Segments end where the tokenizer splits anyway, so each can be encoded alone."""
    encoded = tokenizer._tokenizer.encode_batch([text for row in rows for text, _ in row], add_special_tokens=False)
    result, start = [], 0
    for row in rows:
        ids: list[int] = []
        labels: list[int] = []
        for (_, learned), segment in zip(row, encoded[start : start + len(row)], strict=True):
            ids += segment.ids
            labels += segment.ids if learned else [IGNORED] * len(segment.ids)
        start += len(row)
        result.append((ids, labels))
    return result


def pad_rows(rows: list[tuple[list[int], list[int]]], pad_id: int) -> Batch:
    """Ids and labels of each row, padded on the right to the longest: ids with `pad_id`, labels with IGNORED."""
    width = max(len(ids) for ids, _ in rows)
    return Batch(
        [ids + [pad_id] * (width - len(ids)) for ids, _ in rows],
        [labels + [IGNORED] * (width - len(labels)) for _, labels in rows],
    )


def draw_batches(
    tokenizer: PreTrainedTokenizerBase,
    draw_row: Callable[[Random, int], list[Segment]],
    seed: str,
    first_chunk: int,
    batch_size: int,
    get_step: Callable[[], int],
) -> Iterator[Batch]:
    """Endless batches of rows of similar length. `draw_row(rng, step)` draws a row; `get_step()` gives the step that
    training has reached. Each chunk of BATCHES_PER_DRAW batches has a seed of its own."""
    chunk = first_chunk
    while True:
        rng, step = Random(f"{seed} {chunk}"), get_step()
        rows = encode_rows(tokenizer, [draw_row(rng, step) for _ in range(BATCHES_PER_DRAW * batch_size)])
        rows.sort(key=lambda row: len(row[0]))
        groups = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        rng.shuffle(groups)
        yield from (pad_rows(group, tokenizer.pad_token_id) for group in groups)
        chunk += 1
