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
from typing import Any

from openrft_pocket.school.chat import Piece
from openrft_pocket.school.exam import exam, exam_of_listing
from openrft_pocket.school.rows import IGNORED, Batch, batches

SAVE_EVERY = 60.0  # seconds


@dataclass(frozen=True)
class Course:
    """One run over generated rows."""

    make: Callable[[Random, int], list[Piece]]  # (rng, batch number) -> a row
    seed: str
    rate: float = 1.5e-3
    size: int = 12  # rows a batch
    warmup: int = 1200  # steps from a quarter of the rate to the whole: a fast start would undo the given heads
    stop: int | None = None  # decay linearly to nothing at this step; None = hold until told
    decay: int = 0  # over this many steps before `stop`
    examine: int = 600  # steps between exams


def rate_at(course: Course, step: int) -> float:
    """The learning rate of a step: it rises over `warmup`, holds, and falls over the `decay` steps before `stop`."""
    rise = 0.25 + 0.75 * min(1.0, step / course.warmup)
    fall = 1.0 if course.stop is None or not course.decay else min(1.0, max(0.0, (course.stop - step) / course.decay))
    return course.rate * rise * fall


def update(model: Any, optimizer: Any, batch: Batch, rate: float) -> float:
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


class Run:
    """Weights and counters that the workers share, and the file they are kept in."""

    def __init__(self, model: Any, state: Path) -> None:
        import torch

        self.model, self.state = model, state
        self.counts = torch.zeros(3, dtype=torch.float64)  # steps, tokens, seconds before this start
        if state.exists():
            saved = torch.load(state, weights_only=True)
            model.load_state_dict(saved["model"])
            self.counts.copy_(saved["counts"])
        model.share_memory()
        self.counts.share_memory_()
        self.began = time.monotonic() - self.counts[2].item()

    def save(self) -> None:
        """Write weights and counters, whole or not at all."""
        counts = self.counts.clone()
        counts[2] = time.monotonic() - self.began
        write(self.state, {"model": self.model.state_dict(), "counts": counts})


def write(path: Path, content: dict) -> None:
    """Save with torch, so that readers see the old file or the new one."""
    import torch

    part = path.with_suffix(path.suffix + ".part")
    torch.save(content, part)
    os.replace(part, path)


def pretrain(model: Any, tokenizer: Any, course: Course, state: Path, log: Path, workers: int = 2) -> int:
    """Train until `course.stop`, or until SIGTERM; the steps done.

    Each worker is a process of one thread with an optimizer of its own; all write to the same weights without
    waiting for each other (Hogwild). On a shared machine that is twice as fast as two threads, which wait.
    """
    import torch.multiprocessing as mp

    run = Run(model, state)
    others = [
        mp.get_context("fork").Process(target=work, args=(run, tokenizer, course, log, i)) for i in range(1, workers)
    ]
    for other in others:
        other.start()
    try:
        work(run, tokenizer, course, log, 0)
    finally:
        for other in others:
            other.terminate()
            other.join()
    return int(run.counts[0])


def work(run: Run, tokenizer: Any, course: Course, log: Path, worker: int) -> None:
    """One worker's share; worker 0 keeps the log and saves."""
    import torch

    torch.set_num_threads(1)
    if worker:
        os.setsid()  # a session of its own: Linux shares the processor by session
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    optimizer = torch.optim.AdamW(
        run.model.parameters(), lr=course.rate, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    kept = run.state.with_suffix(f".{worker}")
    if kept.exists():
        optimizer.load_state_dict(torch.load(kept, weights_only=True))
    first, running, saved_at = int(run.counts[0]), 0.0, time.monotonic()
    due = first // course.examine + 1

    def save() -> None:
        write(kept, optimizer.state_dict())
        if worker == 0:
            run.save()

    for batch in batches(
        tokenizer, course.make, f"{course.seed} {worker} {first}", 0, course.size, lambda: int(run.counts[0])
    ):
        step = int(run.counts[0])
        if stopping or (course.stop is not None and step >= course.stop):
            break
        loss = update(run.model, optimizer, batch, rate_at(course, step))
        running = loss if not running else 0.99 * running + 0.01 * loss
        run.counts[0] += 1
        run.counts[1] += sum(map(len, batch.ids))
        if worker == 0 and step >= due * course.examine:
            due = step // course.examine + 1
            report(run, tokenizer, running, log)
        if time.monotonic() - saved_at > SAVE_EVERY:
            save()
            saved_at = time.monotonic()
    save()


def report(run: Run, tokenizer: Any, loss: float, log: Path) -> None:
    """One line of the learning curve, to the log and to the screen."""
    lessons, own = exam(run.model, tokenizer), exam(run.model, tokenizer, own=True)
    step, tokens = int(run.counts[0]), int(run.counts[1])
    seconds = round(time.monotonic() - run.began)
    listed = exam_of_listing(run.model, tokenizer)
    line = {"step": step, "tokens": tokens, "seconds": seconds, "loss": round(loss, 4)}
    line |= {"lessons": lessons, "own": own, "listing": listed}
    with log.open("a") as out:
        out.write(json.dumps(line) + "\n")
    marks = " ".join(f"{name[:6]} {share:.2f}/{own[name]:.2f}" for name, share in lessons.items())
    print(
        f"step {step} {tokens / 1e6:.1f}M tokens {seconds} s loss {loss:.3f} {marks} listing {listed:.2f}", flush=True
    )
