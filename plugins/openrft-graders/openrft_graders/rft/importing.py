"""From a reinforcement fine-tuning job to a plan: what has a meaning here is mapped, and the rest is named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft import DataError, DataRequest, OpenRFTError
from openrft_graders.finite import read_finite, show_value
from openrft_graders.grader_file import unwrap_grader
from openrft_graders.rft.family import TASK, RFTFamily
from openrft_graders.rft.sources import read_job
from openrft_graders.settings import check_policy

LEARNING_RATE = 3e-5  # of the plugin rl, which a multiplier multiplies
GROUP_SIZE, PROMPTS_PER_STEP = 8, 20  # the core's defaults
MOST = 1e12  # of any hyperparameter; more is a slip of the pen
NO_MEANING = {  # hyperparameters -> why they are not mapped
    "eval_interval": "the test questions are answered once, after training",
    "reasoning_effort": "the length of reasoning follows from explore.max_tokens and evaluate.max_tokens",
}
KNOWN = ("batch_size", "n_epochs", "learning_rate_multiplier", "compute_multiplier", "eval_samples", *NO_MEANING)


@dataclass(slots=True)
class ImportedJob:
    """A plan, and what its user should know."""

    plan: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def import_job(path: Path, policy: str, judge: str | None) -> ImportedJob:
    """The plan of a job. Raises DataError or UsageError for a job that cannot be run."""
    job = read_job(path)
    source = str(path.resolve())
    rows = RFTFamily().load_all(TASK, DataRequest(data=source))
    train, test = len(rows.train), len(rows.test)
    if not test:  # drawn from the training rows
        test = max(train // 5, 1)
        train -= test
    reinforcement = _find_reinforcement(job, path)
    settings, options, notes = _map_hyperparameters(reinforcement.get("hyperparameters") or {}, train)
    grader: dict[str, Any] = {"grader": source}
    if judge is not None:
        grader["judge"] = judge
    arms = [{"name": name, "plugins": plugins, "overrides": {}} for name, plugins in (("vanilla", []), ("rl", ["rl"]))]
    plan = {
        "tasks": [TASK],
        "arms": [{**arm, "policy": None} for arm in arms],
        "seeds": [job["seed"] if isinstance(job.get("seed"), int) else 0],
        "policy": policy,
        "data": {"train": train, "test": test, "data": source},
        "settings": settings,
        "options": {"openai-rft": grader, "rl": options},
        "ablation": {"plugins": ["rl"], "base": "vanilla", "full": "rl", "vanilla": "vanilla"},
        "notices": [],
    }
    if isinstance(job.get("model"), str):
        notes.append(f"model {job['model']}: replaced by {policy}.")
    if judge is None:
        notes += [
            f"{place}: {model} cannot be asked from here; replace it with --judge."
            for place, model in _list_models(*unwrap_grader(job))
            if not _can_open(model)
        ]
    return ImportedJob(plan, notes)


def _find_reinforcement(job: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    method = job.get("method")
    found = method.get("reinforcement") if isinstance(method, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(found.get("hyperparameters") or {}, Mapping):
        raise DataError(
            f"{path}: method.reinforcement: it is no job of reinforcement fine-tuning.",
            'Give a job with {"method": {"type": "reinforcement", "reinforcement": {"grader": ...}}}.',
        )
    return found


def _map_hyperparameters(
    given: Mapping[str, Any], rows: int
) -> tuple[dict[str, dict[str, Any]], dict[str, Any], list[str]]:
    """Stage settings, options of the plugin rl, and notes on what is not mapped."""
    values = {name: value for name, value in given.items() if value not in (None, "auto")}
    notes = [f"{name}: not mapped, as {NO_MEANING[name]}." for name in values if name in NO_MEANING]
    notes += [f"{name}: not known, so not mapped." for name in values if name not in KNOWN]
    numbers = {}
    for name in KNOWN[: -len(NO_MEANING)]:
        value = values.get(name)
        if value is None:
            continue
        if not 0 < (read_finite(value) or 0) <= MOST:
            place = f"method.reinforcement.hyperparameters.{name}"
            raise DataError(f"{place}: it is {show_value(value)}.", f"Write a number above 0 and at most {MOST:g}.")
        numbers[name] = value
    explore: dict[str, Any] = {}
    options: dict[str, Any] = {}
    evaluate: dict[str, Any] = {}
    batch = min(int(numbers.get("batch_size", PROMPTS_PER_STEP)), rows)
    if "batch_size" in numbers:
        explore["prompts_per_step"] = batch
    if "n_epochs" in numbers:
        explore["steps"] = math.ceil(numbers["n_epochs"] * rows / batch)
    if "compute_multiplier" in numbers:
        explore["group_size"] = max(round(GROUP_SIZE * numbers["compute_multiplier"]), 2)
    if "learning_rate_multiplier" in numbers:
        options["lr"] = LEARNING_RATE * numbers["learning_rate_multiplier"]
    if "eval_samples" in numbers:
        evaluate["completions"] = int(numbers["eval_samples"])
    settings = {"explore": explore, "evaluate": evaluate}
    return {name: stage for name, stage in settings.items() if stage}, options, notes


def _list_models(grader: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every model of a grader, with its path."""
    if not isinstance(grader, Mapping):
        return
    if isinstance(grader.get("model"), str):
        yield f"{path}.model".lstrip("."), grader["model"]
    inner = grader.get("graders")
    for name, part in inner.items() if isinstance(inner, Mapping) else ():
        yield from _list_models(part, f"{path}.graders.{name}".lstrip("."))


def _can_open(model: str) -> bool:
    try:
        check_policy(model)
    except OpenRFTError:
        return False
    return True
