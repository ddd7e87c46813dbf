"""Train a process reward model from step labels: any causal checkpoint, a two-label or a value head on top.

Knows the data, the loss and what is written. How steps are laid out for the model is the format's (formats/), the
same code that reads the trained model later.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file

from openrft import UsageError
from openrft_prm.batches import batches
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats import skywork, two_label
from openrft_prm.labels import read
from openrft_prm.layout import Layout, padded
from openrft_prm.scorer import load

Head = Literal["two-label", "skywork"]


def train(
    base: str,
    data: str | Path,
    out: str | Path,
    head: Head = "two-label",
    epochs: int = 2,
    lr: float = 1e-4,
    batch_tokens: int = 4096,
    seed: int = 0,
    tick: Callable[[int, int, float], None] | None = None,
) -> Path:
    """Train all weights of `base` and write a checkpoint folder that `prm.model` takes. Returns `out`.

    The loss is cross-entropy over the steps of a batch (a value head: binary, on its logit). `tick(step, steps,
    loss)` is called after each optimiser step. Raises DataError, UsageError or CheckpointError.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Name a new folder.")
    rows = list(read(Path(data)))
    torch.manual_seed(seed)
    checkpoint = Checkpoint.open(base)
    tokenizer, trunk = load(checkpoint, torch.float32)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    outputs = 2 if head == "two-label" else 1
    linear = torch.nn.Linear(trunk.config.hidden_size, outputs)
    torch.nn.init.normal_(linear.weight, std=0.02)
    torch.nn.init.zeros_(linear.bias)
    trunk.to(device).train()
    linear.to(device)
    lay_out = two_label.lay_out if head == "two-label" else skywork.lay_out
    layouts = lay_out(tokenizer, [(row.prompt, "\n".join(row.steps)) for row in rows])
    optimizer = torch.optim.AdamW([*trunk.parameters(), *linear.parameters()], lr=lr, weight_decay=0.0)
    plan = list(_plan(layouts, batch_tokens, epochs, seed))
    for step, (width, chosen) in enumerate(plan):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / len(plan))
        loss = _loss(trunk, linear, [layouts[i] for i in chosen], [rows[i].labels for i in chosen], width, device)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*trunk.parameters(), *linear.parameters()], 1.0)
        optimizer.step()
        if tick:
            tick(step + 1, len(plan), loss.item())
    _write(out, trunk, linear, tokenizer, head, checkpoint)
    return out


def _plan(layouts: Sequence[Layout], tokens: int, epochs: int, seed: int) -> Iterator[tuple[int, list[int]]]:
    """Batches of similar length, in another random order each epoch."""
    rng = random.Random(seed)
    for _ in range(epochs):
        order = rng.sample(range(len(layouts)), len(layouts))
        found = batches([len(layouts[i].ids) for i in order], tokens)
        for width, rows in rng.sample(found, len(found)):
            yield width, [order[row] for row in rows]


def _loss(
    trunk: Any,
    linear: torch.nn.Linear,
    layouts: Sequence[Layout],
    labels: Sequence[tuple[bool, ...]],
    width: int,
    device: torch.device,
) -> torch.Tensor:
    """Mean cross-entropy of the steps' labels at the steps' ends."""
    ids, at = (tensor.to(device) for tensor in padded(layouts, width))
    hidden = trunk(input_ids=ids, use_cache=False).last_hidden_state
    logits = linear(hidden[at[:, 0], at[:, 1]])
    target = torch.tensor([label for row in labels for label in row], device=device)
    if linear.out_features == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], target.float())
    return torch.nn.functional.cross_entropy(logits, target.long())


def _write(out: Path, trunk: Any, linear: torch.nn.Linear, tokenizer: Any, head: Head, base: Checkpoint) -> None:
    """The trunk under `model.` and the head under the name its format expects, config and tokenizer beside them."""
    name = "score" if head == "two-label" else "v_head.summary"
    weights = {f"model.{key}": value for key, value in trunk.state_dict().items()}
    weights |= {f"{name}.weight": linear.weight, f"{name}.bias": linear.bias}
    if head == "skywork" and "lm_head.weight" in base.shapes:  # that layout is a whole causal model and its head
        weights["lm_head.weight"] = base.tensor("lm_head.weight")
    out.mkdir(parents=True, exist_ok=True)
    kept = {key: value.detach().cpu().contiguous().clone() for key, value in weights.items()}
    save_file(kept, out / "model.safetensors", metadata={"format": "pt"})
    config = trunk.config.to_dict()
    family = type(trunk).__name__.removesuffix("Model")
    config["architectures"] = [f"{family}ForTokenClassification" if head == "two-label" else f"{family}ForCausalLM"]
    if head == "two-label":
        config |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    (out / "config.json").write_text(json.dumps(config, indent=1, default=str), encoding="utf-8")
    tokenizer.save_pretrained(out)
