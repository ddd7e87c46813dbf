"""Evaluate: the only stage that sees the test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from openrft.arm import derived_seed
from openrft.blame import list_of, numbers
from openrft.errors import PluginError
from openrft.grading import Grade, graded
from openrft.installed import about
from openrft.policies.base import Sampling
from openrft.sample import Rollout, Shot, content_id, content_of, read_jsonl, rollout_from_json, to_json, write_jsonl
from openrft.stages.retrieve import demonstrations, prompts_of
from openrft.work import Tally, Work

VERSION = 1


def evaluate(work: Work, pool: Sequence[Shot]) -> tuple[tuple[Rollout, ...], Path]:
    """Graded answers to the test split, `settings.evaluate.samples` a question, in order; and their file."""
    how, test = work.job.settings.evaluate, work.task.test
    shows = bool(how.shots and work.plugins.having("retrieve"))

    def make(folder: Path, tally: Tally) -> None:
        shots: list[list[Shot]] = demonstrations(work, test, pool) if shows else [[] for _ in test]
        prompts = prompts_of(work, test, shots)
        sampling = Sampling(
            n=how.samples,
            temperature=how.temperature,
            top_p=how.top_p,
            max_tokens=how.max_tokens,
            seed=derived_seed(work.job.seed, "evaluate"),
        )
        groups = work.student.policy().generate([p.messages for p in prompts], sampling, work.progress)
        answers = [p.answered(replace(c, logprobs=())) for p, group in zip(prompts, groups, strict=True) for c in group]
        rollouts = _judged(work, [graded(r, work.task.grade(r.sample, r.completion.text)) for r in answers])
        tally.tokens = sum(len(r.completion.tokens) for r in rollouts)
        tally.counts["completions"] = len(rollouts)
        tally.counts["over_context"] = sum(r.completion.finish == "context" for r in rollouts)
        tally.counts["cut_off"] = sum(r.completion.finish == "length" for r in rollouts)
        for name, given in work.plugins.collect("evaluate", rollouts=rollouts, task=work.training_task):
            metrics = numbers(name, "evaluate", given)
            if clash := set(metrics) & set(tally.metrics):
                raise PluginError(f"plugin {name!r}: the metric {min(clash)!r} is already given by another plugin.")
            tally.metrics.update(metrics)
        write_jsonl(folder / "rollouts.jsonl", map(to_json, rollouts))

    named = [*(work.plugins.having("retrieve") if shows else []), *work.plugins.having("judge")]
    named += work.plugins.having("evaluate")
    inputs = {
        "samples": content_of(test),
        "pool": content_id([[shot.sample.id, shot.trace] for shot in pool]) if shows else "",
        "instruction": work.task.instruction,
        "settings": asdict(how),
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(dict.fromkeys(named)),
    }
    result = work.stage("evaluate", VERSION, inputs, make)
    file = result.folder / "rollouts.jsonl"
    return tuple(rollout_from_json(row) for row in read_jsonl(file)), file


def _judged(work: Work, rollouts: list[Rollout]) -> list[Rollout]:
    """The rollouts with what the task's grader left open graded by the first plugin that can; else left open."""
    waiting = [r for r in rollouts if r.correct is None]
    if not waiting:
        return rollouts
    found = work.plugins.first("judge", rollouts=waiting, task=work.training_task, progress=work.progress)
    if found is None:
        return rollouts
    name, given = found
    verdicts = list_of(name, "judge", Grade, given)
    if len(verdicts) != len(waiting):
        raise PluginError(f"{about(name)} judged {len(verdicts)} of {len(waiting)} answers.")
    each = iter(verdicts)
    return [graded(r, next(each)) if r.correct is None else r for r in rollouts]
