"""Training loops of the language models: copying first, then phases whose learning rate warms up, holds and decays.

State is saved every minute and at SIGTERM. A restart goes on from there, with new batches. Small batches, many
steps, and loss on the answers alone brought skills soonest on a CPU.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from openrft_pocket.training.curriculum import Phase
from openrft_pocket.training.encoding import IGNORED, Batch, draw_batches
from openrft_pocket.training.evaluation import evaluate_skills, evaluate_tables

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAVE_EVERY_SECONDS = 60.0
COPYING_ROWS = 16  # a batch
COPYING_STEPS, COPYING_RATE = 700, 5e-4  # at four times this rate the induction heads are lost (seen 2026-11-22)


def train_on_copies(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, seed: int) -> float:
    """Make the induction heads reliable with random tokens and their copies. Returns the last 50 steps' mean loss."""
    import torch

    rng = Random(f"copying {seed}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=COPYING_RATE, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    first_token, size = len(tokenizer.all_special_ids), len(tokenizer)
    losses = []
    for step in range(COPYING_STEPS):
        batch = _draw_copies(rng, tokenizer.bos_token_id, first_token, size)
        losses.append(update_weights(model, optimizer, batch, COPYING_RATE * min(1, (step + 1) / 50)))
    return sum(losses[-50:]) / len(losses[-50:])


def _draw_copies(rng: Random, bos: int, first_token: int, size: int) -> Batch:
    """Random tokens of `first_token`..`size`, twice. Half of the rows keep to digits, letters and marks."""
    length = rng.randint(4, 16)
    ids, labels = [], []
    for _ in range(COPYING_ROWS):
        tokens = range(first_token + 256, size - 1) if rng.random() < 0.5 else range(first_token, first_token + 120)
        drawn = rng.sample(tokens, length)
        ids.append([bos, *drawn, *drawn])
        labels.append([IGNORED] * (length + 1) + drawn)
    return Batch(ids, labels)


def update_weights(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, batch: Batch, learning_rate: float
) -> float:
    """One step of AdamW. Returns the mean loss over the tokens of answers."""
    import torch

    ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)[:, 1:]
    kept = labels != IGNORED
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state[kept]
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden), labels[kept])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


class SharedState:
    """Weights and counters that all workers share, and the file that keeps them."""

    def __init__(self, model: PreTrainedModel, path: Path) -> None:
        import torch

        self.model, self.path = model, path
        self.counts = torch.zeros(3, dtype=torch.float64)  # steps, tokens, seconds before this start
        if path.exists():
            saved = torch.load(path, weights_only=True)
            model.load_state_dict(saved["model"])
            self.counts.copy_(saved["counts"])
        model.share_memory()
        self.counts.share_memory_()
        self.began = time.monotonic() - self.counts[2].item()

    @property
    def step(self) -> int:
        return int(self.counts[0])

    def save(self) -> None:
        counts = self.counts.clone()
        counts[2] = time.monotonic() - self.began
        _save_atomically(self.path, {"model": self.model.state_dict(), "counts": counts})


def _save_atomically(path: Path, content: dict) -> None:
    """Save with torch. Readers see the old file or the new one."""
    import torch

    part = path.with_suffix(path.suffix + ".part")
    torch.save(content, part)
    os.replace(part, path)


def pretrain(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    phase: Phase,
    state_path: Path,
    log: Path,
    workers: int = 2,
) -> int:
    """Train until the phase's `stop_step`, or until SIGTERM. Returns the steps done.

    Each worker is a process of one thread with an optimizer of its own. All write to the same weights without waiting
    for each other (Hogwild). On a shared machine that is twice as fast as two threads, which wait.
    """
    import torch.multiprocessing as mp

    state = SharedState(model, state_path)
    others = [
        mp.get_context("fork").Process(target=_run_worker, args=(state, tokenizer, phase, log, i))
        for i in range(1, workers)
    ]
    for other in others:
        other.start()
    try:
        _run_worker(state, tokenizer, phase, log, 0)
    finally:
        for other in others:
            other.terminate()
            other.join()
    return state.step


def _run_worker(state: SharedState, tokenizer: PreTrainedTokenizerBase, phase: Phase, log: Path, worker: int) -> None:
    """One worker's steps. Worker 0 also writes the log and saves the weights."""
    import torch

    torch.set_num_threads(1)
    if worker:
        os.setsid()  # its own process session: Linux shares the processor by session
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    optimizer = torch.optim.AdamW(
        state.model.parameters(), lr=phase.learning_rate, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    optimizer_path = state.path.with_suffix(f".{worker}")
    if optimizer_path.exists():
        optimizer.load_state_dict(torch.load(optimizer_path, weights_only=True))

    def save() -> None:
        _save_atomically(optimizer_path, optimizer.state_dict())
        if worker == 0:
            state.save()

    first, mean_loss, saved_at = state.step, 0.0, time.monotonic()
    next_eval = (first // phase.eval_every + 1) * phase.eval_every
    seed = f"{phase.seed} {worker} {first}"
    for batch in draw_batches(tokenizer, phase.draw_row, seed, 0, phase.batch_size, lambda: state.step):
        step = state.step
        if stopping or (phase.stop_step is not None and step >= phase.stop_step):
            break
        loss = update_weights(state.model, optimizer, batch, phase.compute_learning_rate(step))
        mean_loss = loss if not mean_loss else 0.99 * mean_loss + 0.01 * loss
        state.counts[0] += 1
        state.counts[1] += sum(map(len, batch.ids))
        if worker == 0 and step >= next_eval:
            next_eval = (step // phase.eval_every + 1) * phase.eval_every
            _log_progress(state, tokenizer, mean_loss, log)
        if time.monotonic() - saved_at > SAVE_EVERY_SECONDS:
            save()
            saved_at = time.monotonic()
    save()


def _log_progress(state: SharedState, tokenizer: PreTrainedTokenizerBase, loss: float, log: Path) -> None:
    """One point of the learning curve, to the log and to the screen."""
    taught = evaluate_skills(state.model, tokenizer)
    own = evaluate_skills(state.model, tokenizer, task_wordings=True)
    step, tokens = state.step, int(state.counts[1])
    seconds = round(time.monotonic() - state.began)
    tables = evaluate_tables(state.model, tokenizer)
    line: dict[str, object] = {"step": step, "tokens": tokens, "seconds": seconds, "loss": round(loss, 4)}
    line |= {"training_wordings": taught, "task_wordings": own, "tables": tables}
    with log.open("a") as file:
        file.write(json.dumps(line) + "\n")
    accuracies = " ".join(f"{name[:6]} {share:.2f}/{own[name]:.2f}" for name, share in taught.items())
    print(
        f"step {step} {tokens / 1e6:.1f}M tokens {seconds} s loss {loss:.3f} {accuracies} tables {tables:.2f}",
        flush=True,
    )
