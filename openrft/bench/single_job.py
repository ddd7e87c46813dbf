"""Run one job: its entry in the report, or its failure and the file that tells all of it."""

from __future__ import annotations

import datetime
import json
import logging
import signal
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from openrft.bench.report import ArmResult, Failure, Item, StageCost
from openrft.config.documents import dump_document
from openrft.errors import BudgetSpent, OpenRFTError
from openrft.job import Job, format_job_name
from openrft.pipeline import JobResult, run_job
from openrft.plugins.registry import collect_versions
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.logging import name_job
from openrft.runtime.mirror import Mirror
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.runtime.paid.ledger import Place
from openrft.runtime.paid.usage import add_by_model
from openrft.runtime.ranks import joined_ranks, may_report, work_together
from openrft.runtime.store import Store
from openrft.runtime.tracking import TrackerConfig
from openrft.stages.context import STAGE_NOTE
from openrft.types import Rollout

Finished = tuple[ArmResult | Failure, Mapping[str, Path]]  # the job's result; its files by the folder they belong to

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobFolders:
    """Where a job's results go."""

    store: Path  # finished stages
    failures: Path  # one file for each failed job
    track: TrackerConfig | None = None
    account: AccountSettings | None = None  # of calls to servers; None: one without a budget, in the store
    mirror: str | None = None  # a URL where finished stages are kept, too

    def open_store(self) -> Store:
        """The store of finished stages. Raises UsageError for a mirror that cannot be opened."""
        return Store(self.store, mirror=None if self.mirror is None else Mirror(self.mirror))

    def make_absolute(self) -> JobFolders:
        """The same folders, for processes that run elsewhere."""
        account = self.account and replace(self.account, folder=self.account.folder.absolute())
        track = self.track and replace(self.track, folder=self.track.folder.absolute())
        return replace(
            self, store=self.store.absolute(), failures=self.failures.absolute(), track=track, account=account
        )


class _CallbackProgress:
    """Passes progress reports to a function."""

    def __init__(self, tell: Callable[[str, int, int, str], None]) -> None:
        self._tell = tell

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._tell(stage, done, total, note)


def run_single_job(
    job: Job, folders: JobFolders, tell: Callable[[str, int, int, str], None], debug: bool = False
) -> Finished:
    """Run the job. If it fails, the result is a Failure and its details are written. With `debug` the error is
    raised."""
    began = time.perf_counter()
    with name_job(str(job)):
        logger.info("job started")
        try:
            with use_account(open_job_account(job, folders)), work_together():
                outcome = run_job(job, folders.open_store(), _CallbackProgress(tell), folders.track)
            result = summarise_job(outcome)
        except Exception as fault:  # any error ends this job only, or all ranks
            if debug:
                raise
            if joined_ranks().size > 1:  # the others cannot go on without this rank
                if may_report():
                    with keep_details(job, folders.failures):
                        raise
                raise
            failure = record_failure(job, fault, folders.failures)
            logger.info("job failed after %.1f s: %s", time.perf_counter() - began, failure.error)
            return failure, {}
        logger.info("job finished in %.1f s", time.perf_counter() - began)
    files = {
        "rollouts": outcome.rollouts_file,
        "metrics": outcome.metrics_file,
        "steps": outcome.steps_file,
        "fitness": outcome.fitness_file,
    }
    return result, {folder: file for folder, file in files.items() if file is not None}


def open_job_account(job: Job, folders: JobFolders) -> Account:
    """The account that the job's calls to servers belong to."""
    settings = folders.account or AccountSettings(folders.store)
    return Account(settings, Place(settings.run, job.arm.name, job.task, job.seed))


def summarise_job(outcome: JobResult) -> ArmResult:
    """Per-item grades, costs and metrics of one job. Items with a completion that is not scored are left out."""
    by_item: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in outcome.rollouts:
        by_item[rollout.sample.id].append(rollout)
    items = {
        sample: _item(rollouts)
        for sample, rollouts in by_item.items()
        if all(rollout.correct is not None for rollout in rollouts)
    }
    metrics: dict[str, float | None] = {}
    for cost in outcome.stage_records:
        # Of evaluation, only the core's own counts: its table shows metrics of plugins but not their counts.
        counts = {n: c for n, c in cost.counts.items() if cost.stage != "evaluate" or "." not in n}
        for name, value in {**counts, **cost.metrics}.items():
            metrics[f"{cost.stage}.{name}"] = float(value)
    return ArmResult(
        outcome.job.arm.name,
        outcome.job.task,
        outcome.job.seed,
        outcome.policy_id,
        items,
        tuple(StageCost(c.stage, c.seconds, c.tokens, c.reused) for c in outcome.stage_records),
        metrics,
        outcome.fitness,
        outcome.probes,
        outcome.gaps,
        checks=outcome.checks,
        usage=add_by_model(usage for record in outcome.stage_records for usage in record.usage),
        instruction=outcome.instruction,
    )


def _item(rollouts: Sequence[Rollout]) -> Item:
    draws = [draw for rollout in rollouts for draw in rollout.draws]
    votes = [one.vote for one in draws or rollouts]
    if not draws and any(r.answer is not None and r.vote is None for r in rollouts):
        votes = []  # nobody compared the answers
    weights = [None if draw.weight is None else round(draw.weight, 4) for draw in draws]
    correct = tuple(bool(r.correct) for r in rollouts)
    partly = any(r.score is not None for r in rollouts)
    scores = tuple(float(bool(r.correct)) if r.score is None else r.score for r in rollouts) if partly else ()
    return Item(
        correct,
        tuple(r.answer is None for r in rollouts),
        sum(draw.tokens for draw in draws) or sum(len(r.completion.tokens) for r in rollouts),
        scores,
        # What only a judge could tell about the lenient answer counts as in the strict reading.
        tuple(c if r.lenient_correct is None else r.lenient_correct for r, c in zip(rollouts, correct, strict=True)),
        tuple((r.answer if r.lenient_correct is None else r.lenient_answer) is None for r in rollouts),
        tuple(votes),
        tuple(draw.score for draw in draws),
        tuple(weights) if len({weight for weight in weights if weight is not None}) > 1 else (),
    )


FAILURES_FOLDER = "failures"
DETAILS_NOTE = "Details: "  # begins the note on an error that names its file


def record_failure(job: Job, error: Exception, folder: Path) -> Failure:
    """The report's entry of a job that failed with `error`. Writes its file into `folder`."""
    words = str(error) if isinstance(error, OpenRFTError) else f"{type(error).__name__}: {error}"
    line = " ".join(words.split())
    stage = find_stage(error)
    trace = "".join(traceback.format_exception(error))
    file = _write_details(job, line, stage, trace, folder)
    return Failure(job.arm.name, job.task, job.seed, line, _inside_run(file), isinstance(error, BudgetSpent))


def record_lost_job(job: Job, line: str, folder: Path) -> Failure:
    """The report's entry of a job that a cluster could not finish. Writes its file into `folder`."""
    file = _write_details(job, line, "", "none: it was lost on its machine.", folder)
    return Failure(job.arm.name, job.task, job.seed, line, _inside_run(file))


def record_killed_worker(job: Job, exit_code: int | None, stage: str, folder: Path) -> Failure:
    """The report's entry of a job whose worker process died. Writes its file into `folder`."""
    line = f"{describe_exit(exit_code)} in the stage {stage}" if stage else describe_exit(exit_code)
    line += ", and again when the job ran alone."
    if exit_code == -signal.SIGKILL:
        line += " The system may be out of memory: ask for a smaller batch, shorter answers or a smaller policy."
    trace = "none: a killed process leaves no traceback."
    file = _write_details(job, line, stage, trace, folder)
    return Failure(job.arm.name, job.task, job.seed, line, _inside_run(file))


def describe_exit(exit_code: int | None) -> str:
    """How a worker process ended, such as "its worker was killed by signal 9 (SIGKILL)"."""
    if exit_code is None or exit_code >= 0:
        return f"its worker process ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    return f"its worker process was killed by signal {-exit_code} ({name})"


@contextmanager
def keep_details(job: Job, folder: Path) -> Iterator[None]:
    """If the job fails in this context, write its file into `folder` and add a note to the error that names it."""
    try:
        yield
    except Exception as error:
        record_failure(job, error, folder)
        error.add_note(f"{DETAILS_NOTE}{failure_file(job, folder)}")
        raise


def failure_file(job: Job, folder: Path) -> Path:
    """The file for the details of this job's failure."""
    return folder / f"{format_job_name(job.arm.name, job.task, job.seed)}.txt"


def find_stage(error: BaseException) -> str:
    """The stage in which the error was raised, or an empty text."""
    notes = [n for n in getattr(error, "__notes__", ()) if n.startswith(STAGE_NOTE)]
    return notes[0].removeprefix(STAGE_NOTE) if notes else ""


def _write_details(job: Job, line: str, stage: str, trace: str, folder: Path) -> Path:
    names = dict.fromkeys((job.task.split("/")[0], *job.arm.plugins))
    parts = [
        f"Job: {job}",
        f"Written: {datetime.datetime.now().astimezone().isoformat(timespec='seconds')}",
        f"Stage: {stage or 'none'}",
        f"Error: {line}",
        f"\nTraceback:\n{trace}",
        f"\nSettings and options:\n{json.dumps(dump_document(job), indent=1, ensure_ascii=False)}",
        f"\nVersions:\n{json.dumps(collect_versions(names), indent=1)}",
    ]
    file = failure_file(job, folder)
    with report_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, "\n".join(parts) + "\n")
    return file


def _inside_run(file: Path) -> str:
    """The path relative to the run's folder."""
    return f"{file.parent.name}/{file.name}"
