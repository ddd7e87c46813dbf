"""Train a process reward model from step labels: any causal checkpoint, a two-label or a value head on top.

Knows the data, the loss and when it stops. How steps are laid out for the model is the format's (formats/), the same
code that reads the trained model later; what is written is saving.py's, how good it became exam.py's.
"""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from openrft import OpenRFTError, UsageError
from openrft_prm.batches import by_width
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.exam import Exam, examine, held_out
from openrft_prm.formats import skywork, two_label
from openrft_prm.labels import Labelled, read
from openrft_prm.layout import Layout, padded, refuse_unknown
from openrft_prm.saving import Unfinished, write
from openrft_prm.trunk import load

Head = Literal["two-label", "skywork"]
Tick = Callable[[int, int, float], None]  # after an optimiser step: (step, of how many, loss)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    head: Head = "two-label"
    epochs: int = 2
    lr: float = 1e-4
    batch_tokens: int = 4096  # padding included
    hold_out: float = 0.1  # of the questions, to measure on; 0 = none
    seed: int = 0


def train(base: str, data: Path, out: Path, recipe: Recipe, tick: Tick | None = None) -> Exam | None:
    """Train all weights of `base` and write a checkpoint folder that `prm.model` takes; how well it does on what was
    held out.

    The loss is cross-entropy over the steps of a batch, against soft labels where they are soft (a value head: binary,
    on its logit). A training that was stopped goes on from its last whole epoch and ends with the same weights.
    Raises DataError, UsageError or CheckpointError.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty.", "Name a new folder.")
    learnt, kept = held_out(list(read(data)), recipe.hold_out, recipe.seed)
    checkpoint = Checkpoint.open(base)
    tokenizer, trunk = load(checkpoint, torch.float32)
    lay_out = two_label.lay_out if recipe.head == "two-label" else skywork.lay_out
    layouts = lay_out(tokenizer, [(row.prompt, "\n".join(row.steps)) for row in learnt])
    refuse_unknown(layouts, checkpoint)
    _refuse_long(layouts, learnt, trunk)
    unfinished = Unfinished(out, {"base": checkpoint.fingerprint(), "data": data.read_text("utf-8"), **asdict(recipe)})
    head = _fit(trunk, layouts, [row.labels for row in learnt], recipe, unfinished, tick)
    write(unfinished.draft, trunk, head, tokenizer, recipe.head, checkpoint)
    found = examine(str(unfinished.draft), kept) if kept else None
    if out.exists():
        out.rmdir()  # an empty folder was named
    unfinished.draft.rename(out)
    shutil.rmtree(unfinished.folder)
    return found


def _fit(
    trunk: Any,
    layouts: Sequence[Layout],
    labels: Sequence[tuple[float, ...]],
    recipe: Recipe,
    unfinished: Unfinished,
    tick: Tick | None,
) -> torch.nn.Linear:
    """Train the trunk in place; returns the head."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    head = torch.nn.Linear(trunk.config.hidden_size, 2 if recipe.head == "two-label" else 1)
    torch.nn.init.normal_(head.weight, std=0.02)
    torch.nn.init.zeros_(head.bias)
    model = torch.nn.ModuleDict({"trunk": trunk, "head": head}).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=0.0)
    epochs = [list(_epoch(layouts, recipe, number)) for number in range(recipe.epochs)]
    steps = sum(map(len, epochs))
    first = unfinished.restore(model, optimizer)
    done = sum(map(len, epochs[:first]))
    for number in range(first, recipe.epochs):
        torch.manual_seed(hash((recipe.seed, number)))  # of dropout: a resumed training draws the same
        for width, chosen in epochs[number]:
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * (1 - done / steps)
            loss = _loss(trunk, head, [layouts[i] for i in chosen], [labels[i] for i in chosen], width, device)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done += 1
            if not math.isfinite(loss.item()):
                raise OpenRFTError(f"the loss is {loss.item()} at step {done}.", "Lower --lr.")
            if tick:
                tick(done, steps, loss.item())
        if number + 1 < recipe.epochs:
            unfinished.save(model, optimizer, number + 1)
    return head


def _epoch(layouts: Sequence[Layout], recipe: Recipe, number: int) -> Iterator[tuple[int, list[int]]]:
    """Batches of similar length, in another random order each epoch."""
    rng = random.Random(f"{recipe.seed}/{number}")
    order = rng.sample(range(len(layouts)), len(layouts))
    found = by_width([len(layouts[i].ids) for i in order], recipe.batch_tokens)
    for width, rows in rng.sample(found, len(found)):
        yield width, [order[row] for row in rows]


def _loss(
    trunk: Any,
    head: torch.nn.Linear,
    layouts: Sequence[Layout],
    labels: Sequence[tuple[float, ...]],
    width: int,
    device: torch.device,
) -> torch.Tensor:
    """Mean cross-entropy of the steps' labels at the steps' ends."""
    ids, at = (tensor.to(device) for tensor in padded(layouts, width))
    hidden = trunk(input_ids=ids, use_cache=False).last_hidden_state
    logits = head(hidden[at[:, 0], at[:, 1]])
    right = torch.tensor([label for row in labels for label in row], device=device)
    if head.out_features == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], right)
    return torch.nn.functional.cross_entropy(logits, torch.stack([1 - right, right], 1))


def _refuse_long(layouts: Sequence[Layout], rows: Sequence[Labelled], trunk: Any) -> None:
    context = getattr(trunk.config, "max_position_embeddings", None) or 1 << 30
    for layout, row in zip(layouts, rows, strict=True):
        if len(layout.ids) > context:
            raise UsageError(
                f"a solution has {len(layout.ids)} tokens and the model reads {context} ({row.prompt[:60]!r}).",
                "Leave it out, or take a base with a longer context.",
            )
