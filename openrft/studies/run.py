"""Run the benches of a study one after another, in one store, and write what they show together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from openrft.bench.plan_file import plan_to_json
from openrft.bench.run_files import write_run_files
from openrft.bench.runner import JobDisplay, run_bench
from openrft.job import Job
from openrft.runtime.paid.account import AccountSettings
from openrft.studies.page import write_study
from openrft.studies.plan import StudyPlan
from openrft.studies.result import StudyResult, collect_result
from openrft.types import content_id


def make_study_name(plan: StudyPlan) -> str:
    """A readable name that depends on the plan alone, so that the same command resumes the same study."""
    return f"study-{plan.study.name}-{content_id([plan_to_json(bench) for bench in plan.benches])[:6]}"


def run_study(
    plan: StudyPlan,
    out: Path,
    name: str,
    command: str,
    workers: int,
    open_display: Callable[[Sequence[Job]], JobDisplay],
    debug: bool = False,
    account: AccountSettings | None = None,
) -> tuple[StudyResult, bool]:
    """Run every bench (resuming from the store under `out`), and write study.html, study.md and study.json to
    `out/name/`. The benches are there too if there is one, else beside it. Also returns whether every job finished."""
    reports, summaries = [], []
    for bench, suffix in zip(plan.benches, plan.suffixes, strict=True):
        run = f"{name}-{suffix}" if suffix else name
        report = run_bench(bench, out, run, command, workers, open_display, debug, account=account)
        report, summary, _ = write_run_files(report, out / run)
        reports.append(report)
        summaries.append(summary)
    result = collect_result(plan, reports, summaries, command)
    write_study(result, out / name)
    return result, not any(report.failures for report in reports)
