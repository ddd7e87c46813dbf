"""Train a process reward model from step labels: any causal checkpoint with a two-label or a value head on top.

Knows the loss, what is kept between epochs, and how well the model scores questions that were held out. Steps are
written for the model by its format (formats/), the same code that reads the trained model later.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from openrft import ModelSettings, OpenRFTError, UsageError, compute_auroc, fingerprint_policy
from openrft_prm.checkpoint import Checkpoint, load_trunk, write_checkpoint
from openrft_prm.formats.with_head import build_skywork_inputs, build_two_label_inputs
from openrft_prm.groups import flatten_scores, group_pairs
from openrft_prm.inputs import ModelInput, batch_by_width, check_token_ids, pad_inputs
from openrft_prm.labelling import LabelledSolution, read_labels
from openrft_prm.scorer import CheckpointScorer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Head = Literal["two-label", "skywork"]
OnStep = Callable[[int, int, float], None]  # after an optimiser step: (step, of how many, loss)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How to train."""

    head: Head = "two-label"
    epochs: int = 2
    lr: float = 1e-4
    batch_tokens: int = 4096  # padding included
    hold_out: float = 0.1  # of the questions, to measure on; 0 = none
    seed: int = 0


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """How well the trained model scores steps of questions that it was not trained on."""

    questions: int
    steps: int
    right: int  # steps with a label of at least one half
    auroc: float | None  # of scores against labels, steps of all questions together; None without both kinds


def train(
    base: str, data: Path, out: Path, config: TrainingConfig, on_step: OnStep | None = None
) -> HeldOutResult | None:
    """Train all weights of `base` and write a checkpoint folder that `prm.model` takes. Returns how well it does on
    what was held out.

    The loss is cross-entropy over the steps of a batch, against soft labels where they are soft (a value head: binary,
    on its logit). A stopped training goes on from its last whole epoch and ends with the same weights. Raises
    DataError, UsageError or CheckpointError.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty.", "Name a new folder.")
    rows, held_out = split_held_out(list(read_labels(data)), config.hold_out, config.seed)
    checkpoint = Checkpoint.open(base)
    tokenizer, trunk = load_trunk(checkpoint, ModelSettings(device="cpu", dtype="float32"))
    build_inputs = build_two_label_inputs if config.head == "two-label" else build_skywork_inputs
    inputs = build_inputs(tokenizer, [(row.prompt, "\n".join(row.steps)) for row in rows])
    check_token_ids(inputs, checkpoint)
    _check_lengths(inputs, rows, trunk)
    settings = {"base": fingerprint_policy(str(checkpoint.folder)), "data": data.read_text("utf-8"), **asdict(config)}
    state = TrainingState(out, settings)
    head = _fit(trunk, inputs, [row.labels for row in rows], config, state, on_step)
    write_checkpoint(state.draft, trunk, head, tokenizer, config.head, checkpoint)
    result = evaluate_checkpoint(str(state.draft), held_out) if held_out else None
    if out.exists():
        out.rmdir()  # an empty folder was named
    state.draft.rename(out)
    shutil.rmtree(state.folder)
    return result


def split_held_out(
    rows: Sequence[LabelledSolution], share: float, seed: int
) -> tuple[list[LabelledSolution], list[LabelledSolution]]:
    """(rows to train on, rows to evaluate on); no question stands on both sides, and at least one is trained on."""
    questions = list(dict.fromkeys(row.prompt for row in rows))
    count = min(round(share * len(questions)), len(questions) - 1)
    chosen = set(random.Random(seed).sample(questions, count))
    return [r for r in rows if r.prompt not in chosen], [r for r in rows if r.prompt in chosen]


def evaluate_checkpoint(model: str, rows: Sequence[LabelledSolution]) -> HeldOutResult:
    """Score the rows with the checkpoint as a run would, and compare with their labels."""
    pairs = [(row.prompt, "\n".join(row.steps)) for row in rows]
    groups = group_pairs(pairs, together=True)
    scores = flatten_scores(groups, CheckpointScorer(model, "auto", 8192).score(groups))
    scored = [
        (score, label >= 0.5)
        for pair, row in zip(pairs, rows, strict=True)
        for score, label in zip(scores[pair], row.labels, strict=True)
    ]
    right = sum(good for _, good in scored)
    auroc = compute_auroc([s for s, _ in scored], [good for _, good in scored]) if 0 < right < len(scored) else None
    return HeldOutResult(len({row.prompt for row in rows}), len(scored), right, auroc)


class TrainingState:
    """`OUT.part`, the folder of a training that goes on: its state after each epoch, whole or absent. `draft` is where
    the result is put together."""

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        self.folder = out.with_name(out.name + ".part")
        self.draft = self.folder / "draft"
        self._file = self.folder / "state.safetensors"
        self._key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise UsageError(f"{self.folder} cannot be written ({fault.strerror}).", "Give another --out.") from fault
        shutil.rmtree(self.draft, ignore_errors=True)

    def save(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, epochs: int) -> None:
        """Keep the state after so many epochs, in place of an earlier one."""
        tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        for i, entry in optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{name}": tensor for name, tensor in entry.items()}
        # The weights of a tied matrix stand there once for each of its names.
        kept = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        draft = self._file.with_suffix(".tmp")
        save_file(kept, draft, metadata={"key": self._key, "epochs": str(epochs)})
        draft.replace(self._file)

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Set model and optimiser to the kept state and return how many epochs it has seen; 0 without one.

        Raises UsageError if the state is of another training.
        """
        if not self._file.exists():
            return 0
        with safe_open(self._file, "pt") as file:
            metadata = file.metadata()
        if metadata["key"] != self._key:
            raise UsageError(
                f"{self.folder} holds a training run with other data or settings.", "Remove it, or give another --out."
            )
        tensors = load_file(self._file)
        model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, index, part = name.split(".")
                state.setdefault(int(index), {})[part] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return int(metadata["epochs"])


def _fit(
    trunk: PreTrainedModel,
    inputs: Sequence[ModelInput],
    labels: Sequence[tuple[float, ...]],
    config: TrainingConfig,
    state: TrainingState,
    on_step: OnStep | None,
) -> torch.nn.Linear:
    """Train the trunk in place; returns the head."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(config.seed)
    head = torch.nn.Linear(trunk.config.hidden_size, 2 if config.head == "two-label" else 1)
    torch.nn.init.normal_(head.weight, std=0.02)
    torch.nn.init.zeros_(head.bias)
    model = torch.nn.ModuleDict({"trunk": trunk, "head": head}).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=0.0)
    epochs = [list(_make_batches(inputs, config, number)) for number in range(config.epochs)]
    steps = sum(map(len, epochs))
    first = state.restore(model, optimizer)
    done = sum(map(len, epochs[:first]))
    for number in range(first, config.epochs):
        torch.manual_seed(hash((config.seed, number)))  # of dropout: a resumed training draws the same
        for width, chosen in epochs[number]:
            for group in optimizer.param_groups:
                group["lr"] = config.lr * (1 - done / steps)
            loss = _compute_loss(trunk, head, [inputs[i] for i in chosen], [labels[i] for i in chosen], width, device)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done += 1
            if not math.isfinite(loss.item()):
                raise OpenRFTError(f"the loss is {loss.item()} at step {done}.", "Lower --lr.")
            if on_step:
                on_step(done, steps, loss.item())
        if number + 1 < config.epochs:
            state.save(model, optimizer, number + 1)
    return head


def _make_batches(inputs: Sequence[ModelInput], config: TrainingConfig, epoch: int) -> Iterator[tuple[int, list[int]]]:
    """(width, indexes of the inputs): batches of similar length, in another random order each epoch."""
    rng = random.Random(f"{config.seed}/{epoch}")
    order = rng.sample(range(len(inputs)), len(inputs))
    batches = batch_by_width([len(inputs[i].ids) for i in order], config.batch_tokens)
    for width, rows in rng.sample(batches, len(batches)):
        yield width, [order[row] for row in rows]


def _compute_loss(
    trunk: PreTrainedModel,
    head: torch.nn.Linear,
    inputs: Sequence[ModelInput],
    labels: Sequence[tuple[float, ...]],
    width: int,
    device: torch.device,
) -> torch.Tensor:
    """Mean cross-entropy of the steps' labels at the steps' ends."""
    ids, ends = (tensor.to(device) for tensor in pad_inputs(inputs, width))
    hidden = trunk(input_ids=ids, use_cache=False).last_hidden_state
    logits = head(hidden[ends[:, 0], ends[:, 1]])
    right = torch.tensor([label for row in labels for label in row], device=device)
    if head.out_features == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], right)
    return torch.nn.functional.cross_entropy(logits, torch.stack([1 - right, right], 1))


def _check_lengths(inputs: Sequence[ModelInput], rows: Sequence[LabelledSolution], trunk: PreTrainedModel) -> None:
    context = getattr(trunk.config, "max_position_embeddings", None) or 1 << 30
    for item, row in zip(inputs, rows, strict=True):
        if len(item.ids) > context:
            raise UsageError(
                f"a solution has {len(item.ids)} tokens and the model reads {context} ({row.prompt[:60]!r}).",
                "Leave it out, or take a base with a longer context.",
            )
