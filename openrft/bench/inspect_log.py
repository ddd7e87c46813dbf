"""A run's answers as logs of Inspect (inspect_ai), which `inspect view` opens: one for each job.

The format is version 2 of Inspect's EvalLog in JSON. It is written here rather than by inspect_ai, which weighs 300 MB
installed; tests/inspect reads what is written with inspect_ai itself.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openrft.bench.answers import explain_verdict, format_gold, read_rows
from openrft.bench.report import ArmRecord, ArmResult, Failure, Report, mean_accuracy
from openrft.errors import DataError
from openrft.job import format_job_name
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.text import replace_lone_surrogates
from openrft.types import content_id

INSPECT_FOLDER = "inspect"
SCORER = "openrft"
STOP_REASONS = {"stop": "stop", "length": "max_tokens", "context": "model_length", "error": "unknown"}


def write_inspect_logs(report: Report, folder: Path) -> Path:
    """Write the logs into `folder`/inspect, and return that path. Raises DataError if the report's folder has no
    rollouts, and StoreError if a file cannot be written."""
    target = folder / INSPECT_FOLDER
    logs = dict(_build_logs(report, folder))
    if not any(log["samples"] for log in logs.values()):
        raise DataError(
            f"{folder / 'rollouts'}: there are no answers beside the report.",
            "Give the folder that the bench wrote, or run the bench again to write them.",
        )
    with report_disk_errors(target):
        target.mkdir(exist_ok=True)
    for name, log in logs.items():
        write_atomic(target / name, replace_lone_surrogates(json.dumps(log, ensure_ascii=False)) + "\n")
    return target


def _build_logs(report: Report, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each job's file name and log. Inspect sorts by the time at the beginning of the name."""
    arms = {arm.name: arm for arm in report.arms}
    jobs: tuple[ArmResult | Failure, ...] = (*report.results, *report.failures)
    for job in jobs:
        title = format_job_name(job.arm, job.task, job.seed)
        named = f"{report.created.replace(':', '-')}_{title}_{content_id(report.name, title)}.json"
        spec = _describe_eval(report, arms[job.arm], job)
        if isinstance(job, Failure):
            error = {"message": job.error, "traceback": job.details, "traceback_ansi": job.details}
            yield named, {"version": 2, "status": "error", "eval": spec, "error": error, "samples": []}
            continue
        samples = list(_list_samples(folder, job, spec["model"]))
        accuracy = mean_accuracy(job)
        metrics = {} if accuracy is None else {"accuracy": {"name": "accuracy", "value": accuracy}}
        score = {"name": SCORER, "scorer": SCORER, "metrics": metrics}
        counts = {"total_samples": len(samples), "completed_samples": len(samples)}
        yield (
            named,
            {
                "version": 2,
                "status": "success",
                "eval": spec,
                "plan": {"name": job.arm, "steps": [{"solver": name} for name in arms[job.arm].plugins]},
                "results": {**counts, "scores": [score]},
                "stats": _describe_cost(report, job, spec["model"]),
                "samples": samples,
            },
        )


def _describe_eval(report: Report, arm: ArmRecord, job: ArmResult | Failure) -> dict[str, Any]:
    answered = job.items.values() if isinstance(job, ArmResult) else ()
    items = next((task.items for task in report.tasks if task.name == job.task), ())
    return {
        "eval_id": content_id(report.name, job.arm, job.task, job.seed),
        "run_id": content_id(report.name, report.created),
        "created": report.created,
        "task": job.task,
        "task_id": content_id(report.name, job.task),
        "task_display_name": job.task,
        "dataset": {"name": job.task, "samples": len(items), "sample_ids": [item.id for item in items]},
        "model": f"openrft/{job.arm}",
        "model_args": {"policy": str(arm.policy or report.plan.get("policy", ""))},
        "config": {"epochs": max((len(item.correct) for item in answered), default=1)},
        "tags": [job.arm, f"seed {job.seed}"],
        "metadata": {"bench": report.name, "plugins": list(arm.plugins), "seed": job.seed, "command": report.command},
        "packages": dict(report.versions),
    }


def _describe_cost(report: Report, result: ArmResult, model: str) -> dict[str, Any]:
    """When the job would have started, had it run alone and ended when the report was written; and its tokens."""
    seconds, tokens = (sum(getattr(stage, name) for stage in result.stages) for name in ("seconds", "tokens"))
    ended = datetime.datetime.fromisoformat(report.created)
    started = ended - datetime.timedelta(seconds=seconds)
    times = {"started_at": started.isoformat(), "completed_at": ended.isoformat()}
    return {**times, "model_usage": {model: _count_tokens(tokens)}}


def _count_tokens(generated: int) -> dict[str, int]:
    return {"input_tokens": 0, "output_tokens": generated, "total_tokens": generated}


def _list_samples(folder: Path, result: ArmResult, model: str) -> Iterator[dict[str, Any]]:
    """Each answer as a sample; the answers to one question are its epochs."""
    epochs: dict[str, int] = {}
    for row in read_rows(folder / "rollouts", result):
        sample, completion = row["sample"], row["completion"]
        epochs[sample["id"]] = epoch = epochs.get(sample["id"], 0) + 1
        reply = {"role": "assistant", "content": completion["text"], "source": "generate"}
        usage = _count_tokens(len(completion["tokens"]))
        reason = STOP_REASONS.get(completion.get("finish_reason", ""), "unknown")
        yield {
            "id": sample["id"],
            "epoch": epoch,
            "input": [_describe_message(message) for message in row["messages"]],
            "choices": list(sample.get("options") or ()) or None,
            "target": format_gold(sample),
            "messages": [*map(_describe_message, row["messages"]), reply],
            "output": {
                "model": model,
                "choices": [{"message": reply, "stop_reason": reason}],
                "completion": completion["text"],
                "usage": usage,
                "error": completion.get("error") or None,
            },
            "model_usage": {model: usage},
            "scores": {SCORER: _describe_score(row)} if row["correct"] is not None else {},
            "metadata": {"task": sample.get("task", ""), "lenient_answer": row.get("lenient_answer")},
        }


def _describe_message(message: Mapping[str, str]) -> dict[str, str]:
    return {"role": message["role"], "content": message["content"]}


def _describe_score(row: Mapping[str, Any]) -> dict[str, Any]:
    """C for correct, I for incorrect, N for no answer, as Inspect writes them; a number for partly right."""
    score = row.get("score")
    if score is not None and 0 < score < 1:
        value: str | float = score
    else:
        value = "C" if row["correct"] else "N" if row["answer"] is None else "I"
    return {"value": value, "answer": row["answer"], "explanation": explain_verdict(row)}
