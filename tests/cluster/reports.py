"""Read what a bench wrote."""

from __future__ import annotations

import json
from pathlib import Path


def read_report(folder: Path) -> dict:
    return json.loads((folder / "runs/run/report.json").read_text())


def list_results(report: dict) -> list[dict]:
    """What of each job must not depend on where it ran."""
    kept = ("arm", "task", "seed", "policy", "policy_id", "items", "probes", "gaps", "fitness")
    return sorted(({k: r.get(k) for k in kept} for r in report["results"]), key=lambda r: r["arm"])
