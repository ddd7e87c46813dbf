"""The trained policy of one arm of a finished bench, read from the store, with what it knows about itself."""

from __future__ import annotations

from pathlib import Path

from openrft.bench.model_card import build_model_card
from openrft.bench.notes import build_training_notes
from openrft.bench.outcomes import Gain
from openrft.bench.plan_file import plan_from_json
from openrft.bench.report import Report
from openrft.bench.single_job import summarise_job
from openrft.bench.statistics import Interval
from openrft.bench.summary import summarise
from openrft.errors import UnknownName, UsageError
from openrft.job import Job
from openrft.pipeline import JobResult, run_job
from openrft.plugins.policy_registry import VLLM_PREFIX, resolve_checkpoint
from openrft.plugins.registry import collect_versions, load_declaration
from openrft.policies.adapter_export import export_adapter
from openrft.policies.description import Estimate, PolicyDescription
from openrft.policies.export import Companions, export_checkpoint, export_gguf
from openrft.runtime.progress import Progress
from openrft.runtime.store import Store
from openrft.types import digest_samples


def find_job(report: Report, arm: str | None, task: str | None, seed: int | None) -> Job:
    """The job to export. Without a name it is the only one that trained. Raises UnknownName or UsageError."""
    jobs = plan_from_json(report.plan).jobs()
    for option, given, known in (
        ("arm", arm, [job.arm.name for job in jobs]),
        ("task", task, [job.task for job in jobs]),
        ("seed", None if seed is None else str(seed), [str(job.seed) for job in jobs]),
    ):
        if given is not None and given not in known:
            raise UnknownName(option, given, list(dict.fromkeys(known)))
    done = {(r.arm, r.task, r.seed) for r in report.results}
    fits = [
        job
        for job in jobs
        if arm in (None, job.arm.name) and task in (None, job.task) and seed in (None, job.seed)
        if arm is not None or _trains(job)
    ]
    if arm is not None and fits and not _trains(fits[0]):
        raise UsageError(f"the arm {arm!r} is not trained: its policy is the given one.", "Export an arm that trains.")
    finished = [job for job in fits if (job.arm.name, job.task, job.seed) in done]
    if len(finished) == 1:
        return finished[0]
    if not finished:
        raise UsageError(f"{report.name}: no such job has finished.", "`openrft report` shows which have.")
    for option, values in (
        ("--arm", [job.arm.name for job in finished]),
        ("--task", [job.task for job in finished]),
        ("--seed", [str(job.seed) for job in finished]),
    ):
        names = list(dict.fromkeys(values))
        if len(names) > 1:
            raise UsageError(f"{report.name} has several: {', '.join(names)}.", f"Name one with {option}.")
    raise AssertionError("jobs with equal arm, task and seed")


def _trains(job: Job) -> bool:
    return any({"train_step", "instruct"} & {*load_declaration(name).hooks} for name in job.arm.plugins)


def export_job(
    report: Report, job: Job, store: Path, folder: Path, as_adapter: bool, progress: Progress, gguf: str | None = None
) -> PolicyDescription:
    """Write the trained policy of a job that has finished into a new folder, from the store alone.

    `gguf` is the precision of a GGUF file to write in place of a checkpoint.

    Raises StoreError if the store does not hold a stage of it any more, and UsageError for a folder that is not empty.
    """
    outcome = run_job(job, Store(store, only_read=True), progress)
    about, base = describe_policy(report, outcome), resolve_checkpoint(job.policy.removeprefix(VLLM_PREFIX))
    base = str(Path(base).resolve()) if Path(base).exists() else base
    notes = (*build_training_notes([job.task], [summarise_job(outcome)]),)
    beside = Companions(about, build_model_card(about, base, notes), outcome.pool, outcome.metrics_file)
    if as_adapter:
        export_adapter(outcome.policy.adapters, base, outcome.policy.load(), folder, beside)
    elif gguf:
        export_gguf(outcome.policy.load(), folder, gguf, beside)
    else:
        export_checkpoint(outcome.policy.load(), folder, beside)
    return about


def describe_policy(report: Report, outcome: JobResult) -> PolicyDescription:
    """What the trained policy of this job knows about itself."""
    job, task = outcome.job, outcome.task
    summary = summarise(report)
    table = next((t for t in summary.tables if t.tasks == (job.task,) and t.leaf is None), summary.overall)
    rows = {row.arm: row for row in table.arms}
    own, vanilla = rows[job.arm.name], next((row for row in rows.values() if not row.plugins), None)
    how = job.settings.evaluate
    settings = {"evaluate": {"temperature": how.temperature, "top_p": how.top_p, "max_tokens": how.max_tokens}}
    if job.settings.policy.changes:
        settings["policy"] = dict(job.settings.policy.changes)
    shown = outcome.demonstration_plugins
    return PolicyDescription(
        arm=job.arm.name,
        plugins=job.arm.plugins,
        seed=job.seed,
        task=job.task,
        base=job.policy,
        base_id=outcome.base_id,
        instruction=task.instruction,
        settings=settings,
        demonstrations={name: dict(job.options.get(name, {})) for name in shown},
        train_samples=len(task.train),
        train_digest=digest_samples(task.train),
        test_items=len(task.test),
        score=_estimate(own.accuracy),
        vanilla=None if vanilla is None else _estimate(vanilla.accuracy),
        gain=_estimate(own.delta),
        seeds=own.seeds,
        versions=collect_versions(dict.fromkeys((job.task.split("/")[0], *job.arm.plugins))),
    )


def _estimate(found: Interval | Gain | None) -> Estimate | None:
    return None if found is None else Estimate(found.value, found.low, found.high)
