"""Run a plan: every job, then the report with its rollouts and the plan that reruns it, in one folder."""

from __future__ import annotations

import datetime
import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from openrft import __version__
from openrft.arm import label
from openrft.baselines.policy import PREFIX
from openrft.bench.baselines import baselines_of
from openrft.bench.executors import Watcher, execute
from openrft.bench.outcome import scored_alike
from openrft.bench.plan import Plan, plan_to_json
from openrft.bench.report import ArmRecord, ArmResult, Failure, Report, task_record
from openrft.errors import UsageError
from openrft.families import load_task
from openrft.installed import LIBRARIES, about, libraries, versions
from openrft.pipeline import refuse_untrainable
from openrft.sample import content_id
from openrft.store import copy_atomic, disk_faults, write_atomic
from openrft.tracking import Track


class Watching(Watcher, AbstractContextManager["Watching"]):
    """A watcher that is switched on while jobs run."""


def run_name(plan: Plan) -> str:
    """A readable name that the same plan always gets, so that the same command resumes the same run."""
    first = plan.tasks[0].replace("/", "-")
    more = f"-and-{len(plan.tasks) - 1}" if len(plan.tasks) > 1 else ""
    return f"{first}{more}-{content_id(plan_to_json(plan))[:6]}"


def run_bench(
    plan: Plan,
    out: Path,
    name: str,
    command: str,
    workers: int,
    watching: Any,
    debug: bool = False,
    tracker: str | None = None,
) -> Report:
    """Run every job (resuming from the store under `out`) and write `out/name/`. Failed jobs stand in the report.

    `watching` is made from the jobs: a context manager that is a Watcher.
    """
    if Path(name).name != name or name.startswith("."):  # not beside `out`, nor in the store of finished stages
        raise UsageError(
            f"--name {name!r} is no name for a folder in {out}.",
            "Write it without / and with no dot in front; --out says where runs lie.",
        )
    jobs = plan.jobs()
    tasks = {name: load_task(name, plan.data) for name in plan.tasks}  # bad rows are refused before any time is spent
    refuse_untrainable(jobs, tasks)
    # A bench whose own policy is a rule says so of each of its arms.
    answering = plan.policy if plan.policy.startswith(PREFIX) else None
    ran = {(arm.policy or answering or "").removeprefix(PREFIX) for arm in plan.arms}
    rules = tuple(b for t in tasks.values() for b in baselines_of(t, ran))  # first: one that fails costs nothing then
    folder = out / name
    track = Track(tracker, folder / tracker) if tracker else None
    with disk_faults(out):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "plan.json", json.dumps(plan_to_json(plan), indent=1) + "\n")
    results: dict[int, ArmResult | Failure] = {}
    began = time.perf_counter()
    with watching(jobs) as watcher:
        for number, (result, files) in execute(jobs, out / ".store", workers, watcher, debug, track):
            results[number] = result
            for kind, file in files.items():
                with disk_faults(folder):
                    (folder / kind).mkdir(exist_ok=True)
                copy_atomic(file, folder / kind / f"{label(result.arm, result.task, result.seed)}.jsonl")
    finished = [r for _, r in sorted(results.items()) if isinstance(r, ArmResult)]
    records, scored = scored_alike([task_record(t) for t in tasks.values()], finished)
    return Report(
        name=name,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=command,
        plan=plan_to_json(plan),
        versions=_versions(plan),
        machine=_machine(plan, workers, time.perf_counter() - began),
        said=plan.said,
        tasks=records,
        arms=tuple(ArmRecord(a.name, a.plugins, a.policy or answering, a.values) for a in plan.arms),
        results=scored,
        failures=tuple(r for _, r in sorted(results.items()) if isinstance(r, Failure)),
        baselines=rules,
    )


def _versions(plan: Plan) -> dict[str, str]:
    plugins = dict.fromkeys(name for arm in plan.arms for name in arm.plugins)
    families = dict.fromkeys(task.split("/")[0] for task in plan.tasks)
    found = {"openrft": __version__, "python": platform.python_version()}
    found.update(versions((*LIBRARIES, "pluggy")))
    for name in (*families, *plugins):
        found[about(name).distribution] = about(name).version
        found.update(libraries(name))
    return found


def _machine(plan: Plan, workers: int, seconds: float) -> Mapping[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "gpu": _gpu() if plan.needs_models else None,
        "workers": workers,
        "seconds": round(seconds, 1),  # of this run: less where results were reused
    }


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
