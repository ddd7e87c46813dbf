"""Explore: reinforcement learning. Each step draws questions, adds demonstrations, samples, rewards and trains.

Every draw is keyed by (seed, step), so a run that resumes from a checkpoint ends with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from openrft.errors import PluginError, PolicyError, UsageError
from openrft.job import format_job_name
from openrft.plugins.errors import check_metrics
from openrft.plugins.registry import find_plugin
from openrft.runtime.files import read_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.runtime.tracking import open_tracker
from openrft.stages.context import JobContext, StageStats
from openrft.stages.draw import draw_further_questions
from openrft.stages.explore_loop import ExploreLoop
from openrft.stages.holdback import hold_back
from openrft.stages.rl_metrics import find_samples_with_reward_spread
from openrft.stages.training_log import METRICS_FILE, ROLLOUTS_FILE, TrainingLog
from openrft.types import Demonstration, Rollout, Sample, digest_samples

VERSION = 2
TAIL_METRICS = ("reward", "correct", "lenient_correct")  # their means over the last fifth of the steps are reported


def explore(context: JobContext, train: Sequence[Sample], pool: Sequence[Demonstration]) -> Path | None:
    """Train the policy by RL on `train` (paper, section 3.4). Returns the file of its metrics, with one row per step.

    None if no plugin trains for it.
    """
    names = [*context.plugins.trainers_for("explore"), *context.plugins.trainers_for("explore_stage")]
    if not names:
        return None
    if len(names) > 1 and context.plugins.trainers_for("explore_stage"):
        raise UsageError(f"{' and '.join(names)} cannot both explore in one arm.", "Leave one out.")
    train, held_back = hold_back(context, train)
    acting = ("draw_questions", "retrieve", "grade", "reward")
    hooks = [name for hook in acting for name in context.plugins.implementing(hook)] + names
    inputs = {
        "samples": digest_samples(train),
        "held_back": digest_samples(held_back),
        "pool": [[demonstration.sample.id, demonstration.trace] for demonstration in pool]
        if context.plugins.implementing("retrieve")
        else [],
        "instruction": context.task.instruction,
        "settings": _settings_json(context),
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(dict.fromkeys(hooks)),
    }
    title = format_job_name(context.job.arm.name, context.job.task, context.job.seed)

    def make(folder: Path, stats: StageStats) -> None:
        policy = context.policy.load_trainable("reinforcement learning")
        run = ExploreLoop(context, policy, train, pool, TrainingLog(folder), stats, names, held_back)
        run.restore()
        with open_tracker(context.track, title, context.policy.id, run.first) as run.log:
            _run_steps(run)
        rows = run.training_log.rows()
        tail = rows[-max(1, run.steps // 5) :]
        stats.metrics.update({f"last.{k}": sum(r[k] for r in tail) / len(tail) for k in TAIL_METRICS})
        policy.save_adapter(folder / "adapter")

    result = context.run_stage("explore", VERSION, inputs, make, keep=(METRICS_FILE, ROLLOUTS_FILE))
    metrics = result.folder / METRICS_FILE
    if result.reused:  # a tracker shows the metrics although another run computed them
        with open_tracker(context.track, title, context.policy.id, 0) as log:
            for row in read_jsonl(metrics):
                log(row)
    context.policy.add_adapter(result.folder / "adapter", result.key)
    return metrics


def _run_steps(run: ExploreLoop) -> None:
    """Run the remaining steps, or let a plugin run them if it runs the whole stage."""
    if run.context.plugins.trainers_for("explore_stage"):
        if run.first < run.steps:
            _train(run, "explore_stage", (), 0)
        return
    for step in range(run.first, run.steps):
        drawn, informative = _draw_rollouts(run, step)
        metrics = _train(run, "explore", informative, step)
        run.log_step(step, drawn, metrics)


def _draw_rollouts(run: ExploreLoop, step: int) -> tuple[list[Rollout], list[Rollout]]:
    """The step's rollouts with their rewards: all of them, and those to train on.

    They are the same unless the plugin that trains declares `dynamic_sampling_retries`. Then questions whose rollouts
    all earned the same are left out, and others are drawn instead (dynamic sampling, DAPO, arXiv 2503.14476, 3.2).
    """
    prompts, retries = run.draw_prompts(step), run.dynamic_sampling_retries
    drawn: list[Rollout] = []
    asked: set[str] = set()
    size = len({p.sample.id for p in prompts})  # a batch across two epochs may ask a question twice
    for turn in range(retries + 1):
        again = ("again", turn) if turn else ()
        try:
            groups = run.policy.generate([p.messages for p in prompts], run.sampling(step, *again), run.within(step))
        except PolicyError as fault:
            fault.message = f"step {step}: {fault.message}"
            raise
        answered = [p.to_rollout(c) for p, group in zip(prompts, groups, strict=True) for c in group]
        drawn += run.score_rollouts(step, answered, *again)
        asked.update(p.sample.id for p in prompts)
        varied = find_samples_with_reward_spread(drawn)
        more = (
            draw_further_questions(run.context, run.train, size - len(varied), asked, step, turn, run.stats)
            if turn < retries
            else []
        )
        if not more:
            break
        prompts = run.build_prompts(more, step)
    if not retries:
        return drawn, drawn
    run.stats.count("groups_drawn", len(asked))
    run.stats.count("groups_kept", len(varied))
    return drawn, [r for r in drawn if r.sample.id in varied] or drawn


def _train(
    run: ExploreLoop, objective: Literal["explore", "explore_stage"], rollouts: Sequence[Rollout], step: int
) -> Mapping[str, float]:
    """Train one step, or the whole stage. Returns the metrics of the plugin that trained."""
    trained = run.context.plugins.call_first(
        "train_step",
        policy=run.policy,
        rollouts=rollouts,
        objective=objective,
        step=step,
        seed=derive_seed(run.context.job.seed, "train", step),
        progress=run.context.progress,
        run=run if objective == "explore_stage" else None,
        state=None,  # each plugin is given its own
    )
    if trained is None:
        raise PluginError(f"none of {', '.join(run.trainers)} trained for the objective {objective!r}.")
    name, result = trained
    run.stats.add_result(name, result)
    if objective == "explore_stage":
        if len(run.training_log.rows()) != run.steps:
            raise PluginError(f"{find_plugin(name)} ended after {len(run.training_log.rows())} of {run.steps} steps.")
        return {}
    run.context.plugins.states[name] = result.state
    return check_metrics(name, "train_step", result.value)


def _settings_json(context: JobContext) -> dict[str, Any]:
    settings = asdict(context.job.settings.explore)
    settings["aggregation"] = context.job.settings.explore.effective_aggregation
    for name in ("checkpoint_every", "kept_steps", "probes"):  # these do not change the result
        settings.pop(name)
    return settings
