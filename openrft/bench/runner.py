"""Run every job of a plan, and write the report, its rollouts and the plan to one folder."""

from __future__ import annotations

import datetime
import json
import os
import platform
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.baselines.registry import BASELINE_NAMES, make_answerer
from openrft.bench.executors.listener import JobListener
from openrft.bench.executors.run import run_jobs
from openrft.bench.executors.spec import Executor, check_apart
from openrft.bench.live import LiveFile
from openrft.bench.plan import BenchPlan
from openrft.bench.plan_file import PLAN_FILE, plan_to_json
from openrft.bench.plan_options import list_used_plugins
from openrft.bench.report import (
    ArmRecord,
    ArmResult,
    BaselineResult,
    Failure,
    Report,
    keep_items_scored_everywhere,
    record_task,
)
from openrft.bench.shared_graders import find_grader_of_all
from openrft.bench.single_job import FAILURES_FOLDER, JobFolders, failure_file
from openrft.errors import UsageError
from openrft.job import Job, format_job_name
from openrft.pipeline import check_jobs
from openrft.plugins.registry import collect_versions
from openrft.plugins.task_registry import load_task
from openrft.runtime.files import copy_atomic, report_disk_errors, write_atomic
from openrft.runtime.gpus import describe_gpus
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.runtime.paid.prices import Money
from openrft.runtime.ranks import joined_ranks, leave_ranks
from openrft.runtime.text import check_name, make_file_name
from openrft.runtime.tracking import TrackerConfig
from openrft.tasks.prompt import box_answer
from openrft.tasks.task import Task, hide_answer
from openrft.types import Sample, content_id


class JobDisplay(JobListener, Protocol):
    """A job listener that is a context manager around the run."""

    def __enter__(self) -> JobListener: ...

    def __exit__(self, *exc: object) -> None: ...


def check_run_name(name: str) -> None:
    """Raises UsageError for a name that cannot be that of a folder beside other runs' folders and the store."""
    if check_name(name, "--name").startswith("."):
        raise UsageError(f"--name {name!r} begins with a dot.", "Write it without; --out sets the folder of all runs.")


def make_run_name(plan: BenchPlan) -> str:
    """A readable name that depends on the plan alone, so that the same command resumes the same run."""
    first = make_file_name(plan.tasks[0])
    more = f"-and-{len(plan.tasks) - 1}" if len(plan.tasks) > 1 else ""
    return f"{first}{more}-{content_id(plan_to_json(plan))[:6]}"


def run_bench(
    plan: BenchPlan,
    out: Path,
    name: str,
    command: str,
    workers: int,
    open_display: Callable[[Sequence[Job]], JobDisplay],
    debug: bool = False,
    tracker: str | None = None,
    account: AccountSettings | None = None,
    executor: Executor = None,
    mirror: str | None = None,
) -> Report:
    """Run every job (resuming from the store under `out`) and write `out/name/`. The report lists failed jobs.

    `open_display` makes what is told how the jobs go on. `account` says how calls to servers are paid for. `executor`
    says where jobs run, and `mirror` is a URL where finished stages are kept, too.
    """
    check_run_name(name)
    check_apart(executor, mirror, account.budget if account else None, tracker)
    jobs = plan.jobs()
    tasks = {name: load_task(name, plan.data) for name in plan.tasks}  # bad rows are refused before any time is spent
    store = out / ".store"
    sharing = min(workers, sum(not job.policy.startswith(BASELINE_PREFIX) for job in jobs))
    account = replace(account or AccountSettings(), folder=store, run=name, workers=max(sharing, 1))
    with use_account(Account(account)):
        check_jobs(jobs, tasks)
    # A bench whose own policy is a rule says so of each of its arms.
    answering = plan.policy if plan.policy.startswith(BASELINE_PREFIX) else None
    ran = {(arm.policy or answering or "").removeprefix(BASELINE_PREFIX) for arm in plan.arms}
    # First: one that fails costs nothing then. The tasks' own rules grade them, so none compares with another measure.
    own = find_grader_of_all(list_used_plugins(plan.tasks, plan.arms, plan.options), plan.options) is None
    rules = tuple(b for t in tasks.values() for b in score_baselines(t, ran)) if own else ()
    folder = out / name
    track = TrackerConfig(tracker, folder / tracker) if tracker else None
    with report_disk_errors(out):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / PLAN_FILE, json.dumps(plan_to_json(plan), indent=1) + "\n")
    results: dict[int, ArmResult | Failure] = {}
    events: list[str] = []
    began = time.perf_counter()
    with open_display(jobs) as display:
        folders = JobFolders(store, folder / FAILURES_FOLDER, track, account, mirror)
        live = LiveFile(folder, name, jobs, display)
        for number, (result, files) in run_jobs(jobs, folders, workers, live, debug, executor, events):
            results[number] = result
            live.add_result(number, result)
            if isinstance(result, ArmResult):  # an earlier attempt may have failed
                failure_file(jobs[number], folders.failures).unlink(missing_ok=True)
            for kind, file in files.items():
                with report_disk_errors(folder):
                    (folder / kind).mkdir(exist_ok=True)
                copy_atomic(file, folder / kind / f"{format_job_name(result.arm, result.task, result.seed)}.jsonl")
    ranks = joined_ranks().size
    leave_ranks()  # what follows is for this rank alone
    finished = [r for _, r in sorted(results.items()) if isinstance(r, ArmResult)]
    with use_account(Account(account)) as paid:
        payments = paid.list_payments()
    used = payments or any(result.usage for result in finished)
    records, scored = keep_items_scored_everywhere([record_task(t) for t in tasks.values()], finished)
    return Report(
        name=name,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=command,
        plan=plan_to_json(plan),
        versions=_versions(plan),
        machine=_machine(plan, workers, time.perf_counter() - began, ranks),
        notices=(*plan.notices, *events),
        tasks=records,
        arms=tuple(ArmRecord(a.name, a.plugins, a.policy or answering, a.overrides) for a in plan.arms),
        results=scored,
        failures=tuple(r for _, r in sorted(results.items()) if isinstance(r, Failure)),
        baselines=rules,
        money=Money(payments, account.prices, account.budget) if used else None,
    )


def help_run_bench(
    plan: BenchPlan, out: Path, name: str, account: AccountSettings | None = None, debug: bool = False
) -> None:
    """What the other ranks do while rank 0 is in `run_bench`: the same jobs, of which they keep nothing."""
    store = out / ".store"
    account = replace(account or AccountSettings(), folder=store, run=name, workers=1)
    folders = JobFolders(store, out / name / FAILURES_FOLDER, None, account)
    for _ in run_jobs(plan.jobs(), folders, 1, _SilentListener(), debug):
        pass
    leave_ranks()


class _SilentListener:
    """Shows no progress."""

    def started(self, job: int) -> None: ...

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None: ...

    def finished(self, job: int, ok: bool) -> None: ...


def _versions(plan: BenchPlan) -> dict[str, str]:
    return collect_versions(list_used_plugins(plan.tasks, plan.arms, plan.options))


def _machine(plan: BenchPlan, workers: int, seconds: float, ranks: int) -> Mapping[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "gpu": describe_gpus() if plan.needs_models else None,
        "workers": workers,
        **({"ranks": ranks} if ranks > 1 else {}),  # that worked on each job together
        "seconds": round(seconds, 1),  # of this run: less where results were reused
    }


def score_baselines(task: Task, ran: Collection[str] = ()) -> tuple[BaselineResult, ...]:
    """Every rule that applies to the task, over the test items that can be scored without a judge.

    `ran`: rules that ran as arms, which have their own rows.
    """
    found = []
    for name in BASELINE_NAMES:
        if name in ran:
            continue
        rule = make_answerer(name, task)
        answers = {sample.id: rule(hide_answer(sample)) for sample in task.test}
        if all(answer is None for answer in answers.values()):
            continue
        scores = {s.id: score for s in task.test if (score := _score(task, s, answers[s.id])) is not None}
        if scores:
            found.append(BaselineResult(task.name, name, sum(scores.values()) / len(scores), scores))
    return tuple(found)


def _score(task: Task, sample: Sample, answer: str | None) -> float | None:
    return task.grade(sample, "" if answer is None else box_answer(answer)).value
