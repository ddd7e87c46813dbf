"""The trained policy of one arm of a finished bench, read from the store, with what it knows about itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openrft.bench.model_card import build_model_card
from openrft.bench.plan_file import plan_from_json
from openrft.bench.report import Report
from openrft.bench.score_table import Gain
from openrft.bench.single_job import summarise_job
from openrft.bench.statistics import Interval
from openrft.bench.summary import summarise
from openrft.bench.training_notes import build_training_notes
from openrft.config.options import find_named_paths
from openrft.errors import UnknownName, UsageError
from openrft.job import Job
from openrft.pipeline import JobResult, run_job
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import VLLM_PREFIX, fingerprint_policy, resolve_checkpoint
from openrft.plugins.registry import collect_versions, load_declaration
from openrft.plugins.task_registry import load_task
from openrft.policies.adapter_export import export_adapter
from openrft.policies.description import Estimate, PolicyDescription
from openrft.policies.export import Companions, export_checkpoint, export_gguf
from openrft.runtime.progress import Progress
from openrft.runtime.store import Store
from openrft.types import digest_samples, identify_question

TRAINING = frozenset(("train_step", "instruct"))  # hooks that make another policy, or another prompt
ASKING = frozenset(("retrieve", "weigh"))  # hooks that ask the same policy in another way


def find_job(report: Report, arm: str | None, task: str | None, seed: int | None) -> Job:
    """The job to export. Without a name it is the only one that trained; if none did, the only one that asks its policy
    in another way than vanilla. Raises UnknownName or UsageError."""
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
        job for job in jobs if arm in (None, job.arm.name) and task in (None, job.task) and seed in (None, job.seed)
    ]
    if arm is None:
        fits = [job for job in fits if _acts(job, TRAINING)] or [job for job in fits if _acts(job, ASKING)]
    elif fits and not _acts(fits[0], TRAINING | ASKING):
        raise UsageError(f"the arm {arm!r} changes nothing: its policy is the given one.", "Export another arm.")
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


def _acts(job: Job, hooks: frozenset[str]) -> bool:
    return any(hooks & {*load_declaration(name).hooks} for name in job.arm.plugins)


def export_job(
    report: Report, job: Job, store: Path, folder: Path, as_adapter: bool, progress: Progress, gguf: str | None = None
) -> PolicyDescription:
    """Write the trained policy of a job that has finished into a new folder, from the store alone.

    `gguf` is the precision of a GGUF file to write in place of a checkpoint.

    Raises StoreError if the store does not hold a stage of it any more, and UsageError for a folder that is not empty.
    """
    if job.policy.startswith(("openai:", "baseline:")):
        raise UsageError(f"{job.policy} answered in this arm, and it has no weights here.", "Export another arm.")
    outcome = run_job(job, Store(store, only_read=True), progress)
    about, base = describe_policy(report, outcome), resolve_checkpoint(job.policy.removeprefix(VLLM_PREFIX))
    base = str(Path(base).resolve()) if Path(base).exists() else base
    notes = (*build_training_notes([job.task], [summarise_job(outcome)]),)
    library = "peft" if as_adapter else "gguf" if gguf else "transformers"
    beside = Companions(about, build_model_card(about, base, notes, library), outcome.pool, outcome.metrics_file)
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
    answering = record_answering(job)
    return PolicyDescription(
        arm=job.arm.name,
        plugins=job.arm.plugins,
        seed=job.seed,
        task=job.task,
        base=job.policy,
        base_id=outcome.base_id,
        instruction=task.instruction,
        settings=settings,
        demonstrations=_record_options(outcome.demonstration_plugins, job),
        task_instruction=_find_replaced(outcome),
        arms={
            row.arm: Estimate(row.accuracy.value, row.accuracy.low, row.accuracy.high)
            for row in rows.values()
            if row.plugins and row.arm != job.arm.name and row.accuracy is not None
        },
        trained=bool(outcome.policy.adapters),
        answering=answering,
        weights=_fingerprint_weights(answering),
        train_samples=len(task.train),
        train_digest=digest_samples(task.train),
        trained_on=tuple(map(identify_question, task.train)) if outcome.policy.adapters else (),
        test_items=len(task.test),
        score=_estimate(own.accuracy),
        vanilla=None if vanilla is None else _estimate(vanilla.accuracy),
        gain=_estimate(own.delta),
        seeds=own.seeds,
        versions=collect_versions(dict.fromkeys((job.task.split("/")[0], *job.arm.plugins))),
    )


def _find_replaced(outcome: JobResult) -> str:
    """The task's own instruction, if the arm was evaluated with another one; else empty."""
    own = load_task(outcome.job.task, outcome.job.data).instruction
    return "" if own == outcome.task.instruction else own


def record_answering(job: Job) -> dict[str, dict[str, Any]]:
    """The plugins that choose the job's answers, and those that score for them, with their options."""
    choosing = [name for name in job.arm.plugins if "weigh" in load_declaration(name).hooks]
    scorers = PluginSet(choosing, job.options).scorers.values()
    return _record_options([*choosing, *(name for own in scorers for name in own.names)], job)


def _record_options(names: Iterable[str], job: Job) -> dict[str, dict[str, Any]]:
    """The options of plugins. Paths are whole: the policy is used from other folders."""
    found = {name: dict(job.options.get(name, {})) for name in names}
    for name, option, path in _list_paths(found):
        if Path(path).expanduser().exists():
            found[name][option] = str(Path(path).expanduser().resolve())
    return found


def _fingerprint_weights(options: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The fingerprints of the models that options name, by OWNER.OPTION."""
    return {f"{n}.{o}": fingerprint_policy(path) for n, o, path in _list_paths(options, "weights")}


def _list_paths(options: Mapping[str, Mapping[str, Any]], *kinds: str) -> Iterator[tuple[str, str, str]]:
    for name, values in options.items():
        options_class = load_declaration(name).Options
        for option, marker, path in find_named_paths(options_class, values) if options_class else ():
            if marker.names in (kinds or ("weights", "file")) and isinstance(values.get(option), str):
                yield name, option, path


def _estimate(found: Interval | Gain | None) -> Estimate | None:
    return None if found is None else Estimate(found.value, found.low, found.high)
