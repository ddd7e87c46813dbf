"""The page's learning curves, from the metrics of each step of RL."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from openrft.bench.page.plots import RL_PHASES, RL_REST, WIDTH
from openrft.bench.page.svg import Scale, choose_ticks, draw_axes, draw_path, wrap_figure
from openrft.bench.report import Report
from openrft.job import format_job_name
from openrft.runtime.files import read_jsonl

MOST_POINTS = 200  # of a curve; of longer runs, neighbouring steps are averaged
SMOOTHED = 10  # a curve is a running mean over a tenth of the steps, because single steps are few answers
TITLES = {  # a column of the log -> its plot's title
    "reward": "Reward R",
    "correct": "Share of right answers",
    "lenient_correct": "Share of right answers, read leniently",
    "unparsed": "Share of answers that cannot be read",
    "zero_variance": "Share of questions whose answers all earned the same",
    "kl_completion": "KL to the reference, nats a completion",
    "entropy": "Entropy, nats a token",
    "length": "Length of an answer, tokens",
}
Rows = Sequence[Mapping[str, float]]


def read_training_logs(report: Report, folder: Path) -> dict[str, list[Rows]]:
    """Arm -> the log of each of its jobs that had RL: one row for each step."""
    logs: dict[str, list[Rows]] = {}
    for result in report.results:
        file = folder / "metrics" / f"{format_job_name(result.arm, result.task, result.seed)}.jsonl"
        if file.is_file():
            logs.setdefault(result.arm, []).append(list(read_jsonl(file)))
    return logs


def plot_training(logs: Mapping[str, Sequence[Rows]], arms: Sequence[str]) -> Iterator[str]:
    """One plot for each quantity that changed in RL: a curve for each arm, the mean over its seeds and tasks."""
    columns = dict.fromkeys(key for jobs in logs.values() for rows in jobs for row in rows for key in row)
    sources = [key for key in columns if key.startswith("reward.")]
    titles = {
        "reward": TITLES["reward"],
        **{key: f"Reward of {key.removeprefix('reward.')}" for key in sources},
        **TITLES,
    }
    drawn: dict[str, object] = {}
    for column, title in titles.items():
        curves = {arm: _average(jobs, column) for arm, jobs in logs.items()}
        curves = {arm: points for arm, points in curves.items() if points}
        values = [value for points in curves.values() for _, value in points]
        if not any(values) or (column == "lenient_correct" and curves == drawn.get("correct")):
            continue
        drawn[column] = curves
        margin = 0.04 * (max(values) - min(values)) or 0.5
        x = Scale(0, max(step for points in curves.values() for step, _ in points), 48, WIDTH - 16)
        y = Scale(min(values) - margin, max(values) + margin, 204, 14)
        body = draw_axes(x, y, choose_ticks(0, x.high), choose_ticks(y.low, y.high), "step")
        for arm, points in curves.items():
            body += draw_path([(x(step), y(value)) for step, value in points], arms.index(arm), arm)
        yield wrap_figure(title, WIDTH, 242, body)


def _average(jobs: Sequence[Rows], column: str) -> list[tuple[float, float]]:
    """(step, mean over jobs) of a column, as a running mean; at most MOST_POINTS of them."""
    by_step: dict[int, list[float]] = {}
    for rows in jobs:
        for row in rows:
            value = row.get(column)
            if value is not None and math.isfinite(value):
                by_step.setdefault(int(row["step"]), []).append(value)
    steps, means = [float(step) for step in sorted(by_step)], [fmean(by_step[step]) for step in sorted(by_step)]
    smooth = smooth_values(means, len(means) // SMOOTHED)
    size = math.ceil(len(steps) / MOST_POINTS) or 1
    return [(fmean(steps[at : at + size]), fmean(smooth[at : at + size])) for at in range(0, len(steps), size)]


def smooth_values(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and its `width` // 2 neighbours on either side, or as many as there are."""
    half = width // 2
    return [fmean(values[max(0, at - half) : at + half + 1]) for at in range(len(values))]


def sum_seconds(report: Report, logs: Mapping[str, Sequence[Rows]]) -> list[tuple[str, dict[str, float]]]:
    """Each arm's seconds by stage; those of RL by phase where its log tells."""
    found = []
    for arm in report.arms:
        spent: dict[str, float] = {}
        for result in report.results:
            for stage in result.stages if result.arm == arm.name else ():
                spent[stage.stage] = spent.get(stage.stage, 0.0) + stage.seconds
        rows = [row for job in logs.get(arm.name, ()) for row in job]
        phases = {words: sum(row.get(key, 0.0) for row in rows) for key, words in RL_PHASES.items()}
        if any(phases.values()) and "explore" in spent:
            rest = max(0.0, spent.pop("explore") - sum(phases.values()))
            spent = {**phases, RL_REST: rest, **spent}
        found.append((arm.name, spent))
    return found
