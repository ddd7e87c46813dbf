"""Explore: reinforcement learning. Each step: draw questions, put demonstrations before them, sample, reward, train.

Every draw is keyed by (seed, step), so a run that resumes from a checkpoint ends with the same bits.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from openrft.arm import derived_seed
from openrft.errors import OpenRFTError, PluginError
from openrft.policies.base import Sampling, TrainablePolicy
from openrft.prompt import messages_for
from openrft.sample import Rollout, Sample, Shot
from openrft.stages.retrieve import demonstrations
from openrft.stages.reward import rewarded
from openrft.work import Tally, Work

VERSION = 1


def explore(work: Work, train: Sequence[Sample], pool: Sequence[Shot]) -> None:
    """Train the student by RL on `train` (paper, section 3.4)."""
    names = work.trainers("explore")
    if not names:
        return

    def make(folder: Path, tally: Tally) -> None:
        policy = work.student.trainable("reinforcement learning")
        steps = work.job.settings.explore.steps
        done = _restore(folder, policy, tally)
        with (folder / "metrics.jsonl").open("a", encoding="utf-8") as log:
            for step in range(done, steps):
                began = time.perf_counter()
                row = _step(work, policy, train, pool, step, tally)
                log.write(json.dumps({"step": step, **row}) + "\n")
                log.flush()
                note = f"reward {row['reward']:.2f}, correct {row['correct']:.2f}, {time.perf_counter() - began:.1f} s"
                work.progress.update("explore", step + 1, steps, note)
                if (step + 1) % work.job.settings.explore.checkpoint == 0 and step + 1 < steps:
                    _save(folder, policy, step + 1, tally)
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
        tail = rows[-max(1, steps // 5) :]
        tally.metrics.update({f"last.{k}": sum(r[k] for r in tail) / len(tail) for k in ("reward", "correct")})
        policy.save_adapter(folder / "adapter")
        for old in folder.glob("checkpoint-*"):
            shutil.rmtree(old)

    hooks = [*work.plugins.having("retrieve"), *work.plugins.having("reward"), *names]
    inputs = {
        "samples": [s.id for s in train],
        "pool": [[shot.sample.id, shot.trace] for shot in pool] if work.plugins.having("retrieve") else [],
        "instruction": work.task.instruction,
        "settings": _settings_json(work),
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(dict.fromkeys(hooks)),
    }
    result = work.stage("explore", VERSION, inputs, make)
    work.student.advance(result.folder / "adapter", result.key)


def _step(
    work: Work, policy: TrainablePolicy, train: Sequence[Sample], pool: Sequence[Shot], step: int, tally: Tally
) -> dict[str, float]:
    """One step of RL; its metrics."""
    how = work.job.settings.explore
    clock = [time.perf_counter()]
    batch = batch_of(train, how.prompts, step, work.job.seed)
    shots = demonstrations(work, batch, pool)
    prompts = [messages_for(s, d, work.task.instruction) for s, d in zip(batch, shots, strict=True)]
    seed = derived_seed(work.job.seed, "explore", step)
    groups = policy.generate(
        prompts, Sampling(n=how.group, temperature=how.temperature, max_tokens=how.max_tokens, seed=seed)
    )
    clock.append(time.perf_counter())
    rollouts = [
        _graded(work, Rollout(sample, prompt, completion, tuple(d.sample.id for d in demos)))
        for sample, prompt, demos, group in zip(batch, prompts, shots, groups, strict=True)
        for completion in group
        if completion.finish != "context"
    ]
    if not rollouts:
        raise OpenRFTError(
            f"step {step}: every prompt is longer than the policy's context.",
            "Use fewer demonstrations, or a policy with a longer context.",
        )
    rollouts = rewarded(work, rollouts, step)
    clock.append(time.perf_counter())
    trained = work.plugins.first(
        "train_step",
        policy=policy,
        rollouts=rollouts,
        objective="explore",
        step=step,
        seed=derived_seed(work.job.seed, "train", step),
        progress=work.progress,
    )
    if trained is None:
        raise PluginError(f"none of {', '.join(work.trainers('explore'))} trained for the objective 'explore'.")
    clock.append(time.perf_counter())
    tokens = sum(len(r.completion.tokens) for r in rollouts)
    tally.tokens += tokens
    tally.counts["over_context"] = tally.counts.get("over_context", 0) + len(batch) * how.group - len(rollouts)
    seconds = dict(zip(("seconds.rollout", "seconds.reward", "seconds.train"), _gaps(clock), strict=True))
    return {**_summary(rollouts), "tokens": tokens, **seconds, **trained[1]}


def batch_of(train: Sequence[Sample], size: int, step: int, seed: int) -> list[Sample]:
    """The step's questions: the train split shuffled anew each epoch, cut into batches; the last one wraps around."""
    size = min(size, len(train))
    batch: list[Sample] = []
    at = step * size
    while len(batch) < size:
        epoch, offset = divmod(at, len(train))
        order = list(range(len(train)))
        random.Random(derived_seed(seed, "order", epoch)).shuffle(order)
        take = order[offset : offset + size - len(batch)]
        batch += [train[i] for i in take]
        at += len(take)
    return batch


def _graded(work: Work, rollout: Rollout) -> Rollout:
    verdict = work.task.grade(rollout.sample, rollout.completion.text)
    return replace(rollout, answer=verdict.answer, correct=verdict.correct)


def _summary(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Means over the step's rollouts: R, correctness, unparsed, length, and each source's score."""
    n = len(rollouts)
    row = {
        "reward": sum(r.reward or 0.0 for r in rollouts) / n,
        "correct": sum(bool(r.correct) for r in rollouts) / n,
        "unparsed": sum(r.answer is None for r in rollouts) / n,
        "length": sum(len(r.completion.tokens) for r in rollouts) / n,
    }
    for r in rollouts:
        for reward in r.rewards:
            name = f"reward.{reward.name}"
            row[name] = row.get(name, 0.0) + (reward.score or 0.0) / n
    return row


def _gaps(clock: Sequence[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(clock)]


def _settings_json(work: Work) -> dict[str, Any]:
    settings = asdict(work.job.settings.explore)
    settings.pop("checkpoint")  # how often a run saves itself does not change where it ends
    return settings


def _save(folder: Path, policy: TrainablePolicy, step: int, tally: Tally) -> None:
    """A checkpoint that is whole or absent: written aside, renamed, and only then the older one removed."""
    aside = folder / "aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    policy.save_training(aside)
    (aside / "tally.json").write_text(json.dumps({"tokens": tally.tokens, "counts": tally.counts}), encoding="utf-8")
    aside.rename(folder / f"checkpoint-{step}")
    for old in folder.glob("checkpoint-*"):
        if old.name != f"checkpoint-{step}":
            shutil.rmtree(old)


def _restore(folder: Path, policy: TrainablePolicy, tally: Tally) -> int:
    """Load the newest checkpoint, cut the log back to it, and say at which step to go on; 0 if there is none."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    log = folder / "metrics.jsonl"
    if not found:
        log.unlink(missing_ok=True)
        return 0
    step = int(found[-1].name.split("-")[1])
    policy.load_training(found[-1])
    saved = json.loads((found[-1] / "tally.json").read_text("utf-8"))
    tally.tokens, tally.counts = saved["tokens"], saved["counts"]
    lines = log.read_text("utf-8").splitlines(keepends=True)[:step]
    log.write_text("".join(lines), encoding="utf-8")
    rows = [json.loads(line) for line in lines]
    tally.earlier_seconds = sum(v for r in rows for k, v in r.items() if k.startswith("seconds."))
    return step
