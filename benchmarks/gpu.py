"""The GPU table in one command: decoding, updates, RL steps and arms in lockstep, in the shapes of 135M to 8B models.

    python benchmarks/gpu.py                              # all parts, within 8 minutes on a card of 80 GB
    python benchmarks/gpu.py decode-8b update-8b          # some
    python benchmarks/gpu.py decode-tiny --out /tmp/gpu   # on a CPU, to see that it runs

Weights are random, so nothing is downloaded. Each part runs in a process of its own; one that fails stands in the table
with its reason, and the others go on. Writes gpu.json and gpu.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PARTS = (
    "decode-135m",
    "decode-1b",
    "decode-8b",
    "update-1b",
    "update-8b",
    "step-135m",
    "step-1b",
    "step_trl-1b",
    "small-135m",
    "lockstep-1b",
)
GOALS = {  # part, measure -> at most
    ("decode-8b", "ours_with_adapter.ms_a_token"): 12.0,
    ("decode-1b", "ours_with_adapter.ms_a_token"): 4.0,
    ("decode-135m", "ours_with_adapter.ms_a_token"): 3.0,
    ("update-8b", "update.s"): 4.5,
    ("update-8b", "update.s.peak_gb"): 30.0,
    ("update-1b", "update.s.peak_gb"): 9.0,
    ("lockstep-1b", "lockstep_8.rl_step_over_alone"): 2.0,
}
TIMES_TRL = 5.0  # TRL's step at 1B divided by ours: at least
FORECAST_WITHIN = 0.25  # of the peak of an update
LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate")
OUT = Path(__file__).parent / "results" / "gpu"


def run_parts(names: list[str], seconds: float) -> dict[str, dict[str, Any]]:
    """The measures of each part, or `{"failed": why}`.

    A part may take three times its even share of what is left of `seconds`, and at most 60% of it unless it is the last
    one. So a part that hangs leaves time for those behind it.
    """
    end, results = time.monotonic() + seconds, {}
    for index, name in enumerate(names):
        left, remaining = end - time.monotonic(), len(names) - index
        limit = left * min(0.6, 3 / remaining) if remaining > 1 else left
        results[name] = run_part(name, limit) if left > 0 else {"failed": "no time was left"}
        print(f"{name}: {json.dumps(results[name])}", flush=True)
    return results


def run_part(name: str, seconds: float) -> dict[str, Any]:
    """The measures of one part, which runs in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_parts.py")), name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {seconds:.0f} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return {"failed": said[-1] if said else f"exit code {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def describe_machine() -> dict[str, Any]:
    """The hardware and the versions that were measured."""
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {"gpu": card, "system": platform.platform(), "python": platform.python_version(), "libraries": versions}


def format_table(results: dict[str, dict[str, Any]], machine: dict[str, Any]) -> str:
    """The results as Markdown."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    lines = [f"{machine['gpu'] or 'No GPU: the CPU'}; {libraries}.", ""]
    lines += ["| part | measure | value | goal |", "|---|---|---|---|"]
    for part, measures in results.items():
        for name, value in measures.items():
            shown = value if isinstance(value, str) else f"{value:.2f}"
            lines.append(f"| {part} | {name} | {shown} | {_judge(GOALS.get((part, name)), value)} |")
    for part, measures in results.items():
        taken, forecast = measures.get("update.s.peak_gb"), measures.get("forecast.peak_gb")
        if taken and forecast:
            met = "met" if abs(forecast / taken - 1) <= FORECAST_WITHIN else "missed"
            lines.append(f"| {part} | forecast of the peak / peak | {forecast / taken:.2f} | 0.75 to 1.25: {met} |")
    ours, theirs = results.get("step-1b", {}).get("step.s"), results.get("step_trl-1b", {}).get("trl_step.s")
    if ours and theirs:
        met = "met" if theirs / ours >= TIMES_TRL else "missed"
        lines.append(f"| step-1b | TRL's step / ours | {theirs / ours:.2f} | >= {TIMES_TRL:g}: {met} |")
    return "\n".join(lines) + "\n"


def _judge(goal: float | None, value: Any) -> str:
    if goal is None or isinstance(value, str):
        return ""
    return f"<= {goal:g}: {'met' if value <= goal else 'missed'}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure this code on a GPU.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="KIND-SHAPE, such as decode-8b; default: all")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for gpu.json and gpu.md")
    parser.add_argument("--seconds", type=float, default=480, help="for all parts together (default 480)")
    arguments = parser.parse_args()
    machine, results = describe_machine(), run_parts(arguments.parts, arguments.seconds)
    created = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    arguments.out.mkdir(parents=True, exist_ok=True)
    content = {"created": created, "machine": machine, "results": results}
    (arguments.out / "gpu.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (arguments.out / "gpu.md").write_text(format_table(results, machine), "utf-8")


if __name__ == "__main__":
    main()
