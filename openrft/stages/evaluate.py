"""Evaluate: answer and grade the test split. No other stage sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from openrft.errors import PluginError
from openrft.grading.thinking import is_cut_off_thinking
from openrft.plugins.errors import check_metrics
from openrft.policies.base import Sampling
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.choose import choose_answers, number_votes
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import grade_rollouts
from openrft.stages.retrieve import build_prompts, list_evaluated_demonstrators, retrieve_demonstrations
from openrft.stages.work import count_draws
from openrft.types import Demonstration, Rollout, content_id, digest_samples, rollout_from_json, to_json

VERSION = 2


def evaluate(context: JobContext, pool: Sequence[Demonstration]) -> tuple[tuple[Rollout, ...], Path]:
    """Graded answers to the test split, in order, and their file: `settings.evaluate.completions` for each question, or
    fewer that a plugin chose from as many."""
    how, test = context.job.settings.evaluate, context.task.test
    shows = list_evaluated_demonstrators(context)
    draws, chooses = count_draws(context.plugins, how.completions), context.plugins.implementing("weigh")

    def make(folder: Path, stats: StageStats) -> None:
        demonstrations: list[list[Demonstration]] = (
            retrieve_demonstrations(context, test, pool, stats) if shows else [[] for _ in test]
        )
        prompts = build_prompts(context, test, demonstrations)
        sampling = Sampling(
            n=draws,
            temperature=how.temperature,
            top_p=how.top_p,
            max_tokens=how.max_tokens,
            seed=derive_seed(context.job.seed, "evaluate"),
        )
        groups = context.policy.load().generate([p.messages for p in prompts], sampling, context.progress)
        answers = [
            p.to_rollout(c if chooses else replace(c, logprobs=()))
            for p, group in zip(prompts, groups, strict=True)
            for c in group
        ]
        stats.tokens = sum(len(r.completion.tokens) for r in answers)
        stats.counts["completions"] = len(answers)
        stats.counts["over_context"] = sum(r.completion.finish_reason == "context" for r in answers)
        stats.counts["failed_requests"] = sum(r.completion.finish_reason == "error" for r in answers)
        stats.counts["cut_off"] = sum(r.completion.finish_reason == "length" for r in answers)
        stats.counts["cut_off_thinking"] = sum(is_cut_off_thinking(r.completion) for r in answers)
        graded = grade_rollouts(context, answers, stats)
        rollouts = choose_answers(context, number_votes(context, graded, draws), stats)
        for name, result in context.plugins.call_all("evaluate", rollouts=rollouts, task=context.training_task):
            metrics = check_metrics(name, "evaluate", result.value)
            stats.add_result(name, result)
            if clash := set(metrics) & set(stats.metrics):
                raise PluginError(f"plugin {name!r}: the metric {min(clash)!r} is already given by another plugin.")
            stats.metrics.update(metrics)
        write_jsonl(folder / "rollouts.jsonl", map(to_json, rollouts))

    named = [*(context.plugins.implementing("retrieve") if shows else []), *context.plugins.implementing("grade")]
    named += [*context.plugins.implementing("evaluate"), *chooses]
    inputs = {
        "samples": digest_samples(test),
        "pool": content_id([[demonstration.sample.id, demonstration.trace] for demonstration in pool]) if shows else "",
        "instruction": context.task.instruction,
        "settings": asdict(how),
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(dict.fromkeys(named)),
    }
    result = context.run_stage("evaluate", VERSION, inputs, make)
    file = result.folder / "rollouts.jsonl"
    return tuple(rollout_from_json(row) for row in read_jsonl(file)), file
