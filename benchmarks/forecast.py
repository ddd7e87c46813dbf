"""How near a dry run's forecast is to the truth: seconds and tokens, from a probe and from the store's history.

    python benchmarks/forecast.py --policy pocket --out benchmarks/results/forecast

1. Forecast a bench from a probe in an empty store. 2. Run it. 3. Forecast the same bench with another seed from the
history. 4. Run that. Each forecast is a command of its own, as a user gives it. The loads of the machine are kept with
the numbers: a time is only right for a machine as busy as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def run(*arguments: str) -> tuple[dict[str, Any], float, float]:
    """(what `openrft bench --json` printed, its seconds, the mean load of the last minute at its end)."""
    began = time.perf_counter()
    code = "from openrft.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "bench", *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout), time.perf_counter() - began, os.getloadavg()[0]


def read_truth(folder: Path) -> tuple[float, int]:
    """(seconds of the run from start to end, generated tokens) of a finished bench."""
    report = json.loads((folder / "report.json").read_text("utf-8"))
    stages = [stage for result in report["results"] for stage in result["stages"] if not stage["reused"]]
    return report["machine"]["seconds"], sum(stage["tokens"] for stage in stages)


def compare(common: list[str], out: str, seed: int, probe: bool) -> dict[str, Any]:
    """A forecast and the run that follows it."""
    arguments = [*common, "--out", out, "--seeds", str(seed)]
    told, spent, load_before = run(*arguments, "--probe" if probe else "--dry-run")
    _, _, load_after = run(*arguments, "--name", f"seed-{seed}")
    seconds, tokens = read_truth(Path(out) / f"seed-{seed}")
    return {
        "source": "a probe" if probe else "the history of the store",
        "forecast_took": round(spent, 1),
        "seconds": {"forecast": round(told["seconds"], 1), "truth": seconds, "ratio": told["seconds"] / seconds},
        "tokens": {"forecast": told["tokens"], "truth": tokens, "ratio": told["tokens"] / tokens},
        "load": [load_before, load_after],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="pocket")
    parser.add_argument("--arm", default="rl+prm=rl,prm", help="the arm beside vanilla")
    parser.add_argument("--out", required=True, type=Path, help="folder for forecast-POLICY.json")
    parser.add_argument(
        "--bench", action="append", default=[], help="an option of openrft bench, OPTION=VALUE; repeatable"
    )
    given = parser.parse_args()
    common = ["--policy", given.policy, "--arms", "none", "--arm", given.arm, "--workers", "1", *given.bench]
    with tempfile.TemporaryDirectory() as folder:
        rows = [compare(common, folder, seed, probe) for seed, probe in ((0, True), (1, False))]
    given.out.mkdir(parents=True, exist_ok=True)
    about = {"command": " ".join(["openrft", "bench", *common]), "cores": os.cpu_count(), "rows": rows}
    (given.out / f"forecast-{given.policy}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
