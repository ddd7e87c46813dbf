"""Check rewards: what plugins can say about their own rewards before RL relies on them. The hook is called only here.

The policy answers training questions once each, without demonstrations, as for fitness. Only the task's own rule grades
these answers, so a verdict on them is independent of the rewards that are checked. The draws have keys of their own.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

from openrft.config.documents import read_value
from openrft.errors import StoreError
from openrft.grading.grade import apply_grade
from openrft.plugins.errors import check_list
from openrft.rewards.reward_check import RewardCheck
from openrft.runtime.files import write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.fitness import draw_questions, draw_rollouts
from openrft.types import digest_samples, to_json

logger = logging.getLogger(__name__)

VERSION = 1
CHECKS_FILE = "checks.json"


def check_rewards(context: JobContext) -> tuple[RewardCheck, ...]:
    """The findings of each plugin with the hook. Empty without one, without RL, or with fitness.questions=0."""
    how, explore = context.job.settings.fitness, context.job.settings.explore
    names = context.plugins.implementing("check_reward")
    trains = context.plugins.trainers_for("explore") or context.plugins.trainers_for("explore_stage")
    if not names or not how.questions or not trains:
        return ()
    asked = draw_questions(context)

    def make(folder: Path, stats: StageStats) -> None:
        drawn = draw_rollouts(context, asked, 1, stats)
        rollouts = [apply_grade(r, context.task.grade(r.sample, r.completion.text)) for r in drawn]
        given = context.plugins.call_all(
            "check_reward",
            rollouts=rollouts,
            task=context.training_task,
            seed=derive_seed(context.job.seed, "check_reward"),
            progress=context.progress,
        )
        found = []
        for name, result in given:
            (check,) = check_list(name, "check_reward", RewardCheck, [result.value])
            stats.add_result(name, result)
            found.append(replace(check, source=name))
        (folder / CHECKS_FILE).write_text(json.dumps([asdict(check) for check in found], indent=1), encoding="utf-8")
        write_jsonl(folder / "rollouts.jsonl", map(to_json, rollouts))

    inputs = {
        "samples": digest_samples(asked),
        "instruction": context.task.instruction,
        "settings": {"temperature": explore.temperature, "max_tokens": explore.max_tokens},
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(names),
    }
    result = context.run_stage("check_reward", VERSION, inputs, make)
    rows = json.loads((result.folder / CHECKS_FILE).read_text("utf-8"))
    found, faults = read_value(tuple[RewardCheck, ...], rows, "ignore")
    if faults:
        raise StoreError(f"{result.folder / CHECKS_FILE}: {faults[0]}.", "Delete this folder and run again.")
    checks: tuple[RewardCheck, ...] = found
    for check in checks:
        if check.warnings:
            logger.warning("before RL, %s: %s", check.source, check)
    return checks
