"""Pre-training with a schedule that can end at any time: warm up, hold, and decay when told to.

State is saved every few minutes and at SIGTERM; a restart goes on with the same batches. Small batches and many
steps, loss on the answers alone: what was found to bring skills soonest on a CPU.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from openrft_pocket.school.chat import Piece
from openrft_pocket.school.exam import exam
from openrft_pocket.school.rows import IGNORED, Batch, batches


@dataclass(frozen=True)
class Course:
    """One run over generated rows."""

    make: Callable[[Random, int], list[Piece]]  # (rng, batch number) -> a row
    seed: str
    rate: float = 2e-3
    size: int = 16  # rows a batch
    warmup: int = 50
    stop: int | None = None  # decay linearly to nothing at this step; None = hold until told
    decay: int = 0  # over this many steps before `stop`
    examine: int = 600  # steps between exams


def rate_at(course: Course, step: int) -> float:
    rise = min(1.0, (step + 1) / course.warmup)
    fall = 1.0 if not course.decay else min(1.0, max(0.0, (course.stop - step) / course.decay))
    return course.rate * rise * fall


def update(model, optimizer, batch: Batch, rate: float) -> float:
    """One step of AdamW on the answers' tokens; the mean loss a token."""
    import torch

    ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)[:, 1:]
    kept = labels != IGNORED
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state[kept]
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden), labels[kept])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


class Threads:
    """One thread or two, whichever is faster just now: on a busy machine two threads wait for each other."""

    def __init__(self, every: int = 250, trial: int = 3) -> None:
        self.every, self.trial, self.times = every, trial, {1: 0.0, 2: 0.0}

    def before(self, step: int) -> None:
        import torch

        self.began, self.phase = time.monotonic(), step % self.every
        if self.phase == 0:
            self.times = {1: 0.0, 2: 0.0}
        tried = self.phase // self.trial
        self.count = tried + 1 if tried < 2 else min(self.times, key=lambda n: self.times[n])
        torch.set_num_threads(self.count)

    def after(self, tokens: int) -> None:
        if self.phase < 2 * self.trial:
            self.times[self.count] += (time.monotonic() - self.began) / tokens


def pretrain(model, tokenizer, course: Course, state: Path, log: Path, save_every: float = 120.0) -> None:
    """Train until `course.stop`, or until SIGTERM; `state` holds weights, optimizer and step."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=course.rate, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    step = tokens = 0
    seconds = 0.0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, tokens, seconds = saved["step"], saved["tokens"], saved["seconds"]

    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    threads = Threads()
    began, saved_at, running = time.monotonic() - seconds, time.monotonic(), 0.0

    def save() -> None:
        half = state.with_suffix(".part")
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "tokens": tokens,
             "seconds": time.monotonic() - began}, half)  # fmt: skip
        os.replace(half, state)

    for batch in batches(tokenizer, course.make, course.seed, step, course.size):
        if stopping or (course.stop is not None and step >= course.stop):
            break
        threads.before(step)
        loss = update(model, optimizer, batch, rate_at(course, step))
        threads.after(sum(map(len, batch.ids)))
        running = loss if not running else 0.99 * running + 0.01 * loss
        step += 1
        tokens += sum(map(len, batch.ids))
        if step % course.examine == 0:
            line = {"step": step, "tokens": tokens, "seconds": round(time.monotonic() - began), "loss": round(running, 4)}
            line |= {"lessons": exam(model, tokenizer), "own": exam(model, tokenizer, own=True)}
            with log.open("a") as out:
                out.write(json.dumps(line) + "\n")
            marks = " ".join(f"{n[:6]} {a:.2f}/{line['own'][n]:.2f}" for n, a in line["lessons"].items())
            print(f"step {step} {tokens / 1e6:.1f}M tokens {line['seconds']} s x{threads.count} loss {running:.3f} {marks}", flush=True)
        if time.monotonic() - saved_at > save_every:
            save()
            saved_at = time.monotonic()
    save()
