"""Export outcomes as RunFrame v1 JSON, the exchange format of the package evalsig (evalsig.io.json_runframe).

One frame holds one model's scores on one task: here one finished job. An item's score is its mean over completions,
because evalsig compares one score an item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openrft.bench.report import ArmResult, Report, TaskRecord
from openrft.job import format_job_name
from openrft.runtime.files import report_disk_errors, write_atomic


def write_runframes(report: Report, folder: Path) -> list[Path]:
    """One file for each finished job. Raises StoreError on disk faults."""
    with report_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in build_runframes(report):
        written.append(folder / f"{name}.json")
        write_atomic(written[-1], json.dumps(frame, indent=1, ensure_ascii=False) + "\n")
    return written


def build_runframes(report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each finished job's name for a file, and its frame as plain data."""
    tasks = {task.name: task for task in report.tasks}
    for result in report.results:
        task = tasks[result.task]
        if task.items:  # a frame without items is none
            name = format_job_name(result.arm, result.task, result.seed)
            yield name, _build_frame(report, result, task)


def _build_frame(report: Report, result: ArmResult, task: TaskRecord) -> dict[str, Any]:
    # Items that are all their own clusters are not clustered for evalsig, which then takes its tests on items.
    clustered = len({item.cluster for item in task.items}) < len(task.items)
    return {
        "run_id": f"{report.name}/{format_job_name(result.arm, result.task, result.seed)}",
        "model_id": result.arm,
        "task_id": result.task,
        "metric_name": "accuracy",
        "config_hash": task.hash,
        "items": [
            {
                "item_id": item.id,
                "score": result.items[item.id].value,
                "cluster_id": item.cluster if clustered else None,
                "epoch": 0,
                "metadata": {"seed": result.seed, "completions": len(result.items[item.id].correct), **item.groups},
            }
            for item in task.items
        ],
    }
