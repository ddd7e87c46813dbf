"""Instruct: a better instruction for the task, found on its training questions. It holds for all stages that follow."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from openrft.errors import PluginError
from openrft.plugins.registry import find_plugin
from openrft.policies.base import Sampling
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import grade_rollouts
from openrft.types import digest_samples

VERSION = 1
INSTRUCTION_FILE = "instruction.txt"


def instruct(context: JobContext) -> str:
    """The instruction that a plugin found, which the job's task has from now on. Empty if no plugin looks for one."""
    names = context.plugins.implementing("instruct")
    if not names:
        return ""
    how = context.job.settings.evaluate
    seed = derive_seed(context.job.seed, "instruct")

    def make(folder: Path, stats: StageStats) -> None:
        answered = context.plugins.call_first(
            "instruct",
            task=context.training_task,
            policy=context.policy.load(),
            sampling=Sampling(1, how.temperature, how.top_p, how.max_tokens, seed),
            grade_answers=lambda rollouts: grade_rollouts(context, rollouts, stats),
            seed=seed,
            progress=context.progress,
        )
        if answered is None:
            raise PluginError(f"none of {', '.join(names)} gave an instruction.")
        name, result = answered
        if not isinstance(result.value, str) or not result.value.strip():
            raise PluginError(f"{find_plugin(name)} gave {result.value!r} in instruct, in place of an instruction.")
        stats.add_result(name, result)
        stats.tokens = result.counts.get("tokens", 0)
        (folder / INSTRUCTION_FILE).write_text(result.value, encoding="utf-8")

    settings = asdict(how)
    inputs = {
        "samples": digest_samples(context.task.train),
        "instruction": context.task.instruction,
        "settings": {name: settings[name] for name in ("temperature", "top_p", "max_tokens")},
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(dict.fromkeys([*names, *context.plugins.implementing("grade")])),
    }
    result = context.run_stage("instruct", VERSION, inputs, make)
    found = (result.folder / INSTRUCTION_FILE).read_text(encoding="utf-8")
    context.task = replace(context.task, instruction=found)
    return found
