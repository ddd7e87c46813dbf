"""Accuracy against the number of training questions (the paper's Figure 3): one bench a size, then a plot.

    python benchmarks/curve.py --out benchmarks/results/pocket-curve --data-seed 3 --seeds 0,1,2

Every size is an ordinary bench that resumes; its report is kept beside the plot.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

ARMS = ("vanilla", "rl", "sft+rl+prm", "sft+rl+prm+da")  # the figure's three, and where they start
STEPS = 60  # the same for every size, so that the sizes differ in questions and not in training


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where reports and plot go.")
@click.option("--sizes", default="25,50,100,200,400", show_default=True, help="Training questions.")
@click.option("--task", default="pocket/L3", show_default=True)
@click.option("--test", default=240, show_default=True, help="Test questions, the same for every size.")
@click.option("--data-seed", default=0, show_default=True)
@click.option("--seeds", default="0,1,2", show_default=True, help="Training seeds.")
@click.option("--runs", default="runs", show_default=True, help="Where the benches keep their stages.")
@click.option("--plot-only", is_flag=True, help="Draw again from the reports in --out.")
def main(out: Path, sizes: str, task: str, test: int, data_seed: int, seeds: str, runs: str, plot_only: bool) -> None:
    """Run a bench for each size and plot accuracy with its 95% interval against the size."""
    numbers = [int(size) for size in sizes.split(",")]
    for size in [] if plot_only else numbers:
        name = f"{out.name}-{size}"
        command = [sys.executable, "-m", "openrft", "bench", "--task", task, "--arms", "none", "--out", runs]
        command += ["--train", str(size), "--test", str(test), "--data-seed", str(data_seed), "--seeds", seeds]
        command += ["--set", f"explore.steps={STEPS}", "--name", name]
        for arm in ARMS[1:]:
            command += ["--arm", f"{arm}={arm.replace('+', ',')}"]
        subprocess.run(command, check=True)
        (out / str(size)).mkdir(parents=True, exist_ok=True)
        for file in ("report.json", "report.md", "plan.json"):
            shutil.copyfile(Path(runs) / name / file, out / str(size) / file)
    rows = {size: _rows(out / str(size) / "report.json") for size in numbers}
    _plot(rows, out / "curve.svg", task)
    click.echo(f"Wrote {out / 'curve.svg'}")


def _rows(report: Path) -> dict[str, Any]:
    """Accuracy and its interval by arm. A failed arm has none and leaves a gap."""
    summary = json.loads(report.read_text("utf-8"))["summary"]
    return {row["arm"]: row["accuracy"] for row in summary["overall"]["arms"]}


def _plot(rows: dict[int, dict[str, Any]], file: Path, task: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    for number, arm in enumerate(ARMS):
        known = [(size, found[arm]) for size, found in rows.items() if found.get(arm)]
        at = [size * 1.02 ** (number - 1.5) for size, _ in known]  # a little apart, so that the bars can be told apart
        value = [100 * a["value"] for _, a in known]
        bars = [[100 * (a["value"] - a["low"]) for _, a in known], [100 * (a["high"] - a["value"]) for _, a in known]]
        axes.errorbar(at, value, bars, label=arm, marker="o", capsize=3)
    axes.set_xscale("log")
    axes.set_xticks(list(rows), list(map(str, rows)))
    axes.minorticks_off()
    axes.set_xlabel("training questions")
    axes.set_ylabel(f"accuracy on {task}, %")
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
