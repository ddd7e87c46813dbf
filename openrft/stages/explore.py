"""Explore: reinforcement learning. Each step: draw questions, put demonstrations before them, sample, reward, train.

Every draw is keyed by (seed, step), so a run that resumes from a checkpoint ends with the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from openrft.arm import derived_seed, label
from openrft.blame import numbers
from openrft.errors import PluginError, PolicyError, UsageError
from openrft.installed import about
from openrft.sample import Rollout, Sample, Shot, content_of
from openrft.stages.figures import informative
from openrft.stages.journal import METRICS, Journal
from openrft.stages.questions import further
from openrft.stages.run import Run
from openrft.tracking import tracked
from openrft.work import Tally, Work

VERSION = 2


def explore(work: Work, train: Sequence[Sample], pool: Sequence[Shot]) -> Path | None:
    """Train the student by RL on `train` (paper, section 3.4); the file of its metrics, a row a step.

    None where no plugin trains for it.
    """
    names = [*work.plugins.training("explore"), *work.plugins.training("explore-run")]
    if not names:
        return None
    if len(names) > 1 and work.plugins.training("explore-run"):
        raise UsageError(f"{' and '.join(names)} cannot both explore in one arm.", "Leave one out.")
    hooks = [*work.plugins.having("retrieve"), *work.plugins.having("reward"), *names]
    inputs = {
        "samples": content_of(train),
        "pool": [[shot.sample.id, shot.trace] for shot in pool] if work.plugins.having("retrieve") else [],
        "instruction": work.task.instruction,
        "settings": _settings_json(work),
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(dict.fromkeys(hooks)),
    }
    title = label(work.job.arm.name, work.job.task, work.job.seed)

    def make(folder: Path, tally: Tally) -> None:
        policy = work.student.trainable("reinforcement learning")
        run = Run(work, policy, train, pool, Journal(folder), tally, names)
        run.restore()
        with tracked(work.track, title, work.student.id, run.first) as run.log:
            _through(run)
        rows = run.journal.rows()
        tail = rows[-max(1, run.steps // 5) :]
        tally.metrics.update({f"last.{k}": sum(r[k] for r in tail) / len(tail) for k in ("reward", "correct")})
        policy.save_adapter(folder / "adapter")

    result = work.stage("explore", VERSION, inputs, make)
    metrics = result.folder / METRICS
    if result.reused:  # whoever asked to see it sees it, though another run computed it
        with tracked(work.track, title, work.student.id, 0) as log:
            for line in metrics.read_text("utf-8").splitlines():
                log(json.loads(line))
    work.student.advance(result.folder / "adapter", result.key)
    return metrics


def _through(run: Run) -> None:
    """Every step that is left; in a plugin's own way, if one of the arm's plugins runs the whole stage."""
    if run.work.plugins.training("explore-run"):
        if run.first < run.steps:
            _trained(run, "explore-run", (), 0)
        return
    for step in range(run.first, run.steps):
        drawn, telling = _drawn(run, step)
        metrics = _trained(run, "explore", telling, step)
        run.finished(step, drawn, metrics)


def _drawn(run: Run, step: int) -> tuple[list[Rollout], list[Rollout]]:
    """The step's rollouts with their rewards: all of them, and those to train on.

    They are the same, unless the plugin that trains asks for `redraws`: then questions whose rollouts all earned the
    same, which teach nothing, are left out and others drawn instead (dynamic sampling, DAPO, arXiv 2503.14476, 3.2).
    """
    prompts, redraws, drawn, asked = run.asked(step), run.redraws, list[Rollout](), set[str]()
    size = len({p.sample.id for p in prompts})  # a batch across two epochs may ask a question twice
    for turn in range(redraws + 1):
        again = ("again", turn) if turn else ()
        try:
            groups = run.policy.generate([p.messages for p in prompts], run.sampling(step, *again), run.within(step))
        except PolicyError as fault:
            fault.message = f"step {step}: {fault.message}"
            raise
        answered = [p.answered(c) for p, group in zip(prompts, groups, strict=True) for c in group]
        drawn += run.judged(step, answered, *again)
        asked.update(p.sample.id for p in prompts)
        telling = informative(drawn)
        more = further(run.train, size - len(telling), asked, step, turn, run.work.job.seed) if turn < redraws else []
        if not more:
            break
        prompts = run.prompts(more)
    if not redraws:
        return drawn, drawn
    run.tally.count("groups_drawn", len(asked))
    run.tally.count("groups_kept", len(telling))
    return drawn, [r for r in drawn if r.sample.id in telling] or drawn


def _trained(
    run: Run, objective: Literal["explore", "explore-run"], rollouts: Sequence[Rollout], step: int
) -> Mapping[str, float]:
    """What the plugin that trains says of it."""
    trained = run.work.plugins.first(
        "train_step",
        policy=run.policy,
        rollouts=rollouts,
        objective=objective,
        step=step,
        seed=derived_seed(run.work.job.seed, "train", step),
        progress=run.work.progress,
        run=run if objective == "explore-run" else None,
    )
    if trained is None:
        raise PluginError(f"none of {', '.join(run.trainers)} trained for the objective {objective!r}.")
    if objective == "explore-run" and len(run.journal.rows()) != run.steps:
        raise PluginError(f"{about(trained[0])} ended after {len(run.journal.rows())} of {run.steps} steps.")
    return numbers(trained[0], "train_step", trained[1]) if objective == "explore" else {}


def _settings_json(work: Work) -> dict[str, Any]:
    settings = asdict(work.job.settings.explore)
    settings.pop("checkpoint")  # how often a run saves itself does not change where it ends
    return settings
