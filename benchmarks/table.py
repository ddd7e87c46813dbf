"""From pytest-benchmark's files to the committed table: benchmarks/results/speed/speed.json and speed.md.

python benchmarks/table.py FILE.json ... --by "COMMAND" ...
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "results" / "speed"
GOALS = {  # group -> what the other side's measure divided by ours must at least be
    "rollouts of 64, against transformers": 3.0,
    "rollouts of 512, against transformers": 3.0,
    "rollouts of 64, against vLLM": 1.2,
    "rollouts of 512, against vLLM": 1.2,
    "an RL step of 64 completions, against TRL": 3.0,
    "memory of an RL step, against TRL": 1.0,
    "PRM scoring of 512 completions": 10.0,
}


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Each benchmark of a file: group, name, seconds (or bytes), their spread, rounds, tokens."""
    data = json.loads(file.read_text("utf-8"))
    rows = []
    for one in data["benchmarks"]:
        stats, extra = one["stats"], one["extra_info"]
        row = {"group": one["group"], "name": one["name"], "rounds": stats["rounds"], "tokens": extra.get("tokens")}
        if "peak_growth_bytes" in extra:
            rows.append({**row, "unit": "MB", "median": extra["peak_growth_bytes"] / 1e6})
        else:
            rows.append({**row, "unit": "s", **{k: stats[k] for k in ("median", "min", "max", "iqr")}})
    return rows


def cost(row: dict[str, Any]) -> float:
    """What is compared: megabytes, seconds, or seconds a token where the sides draw different completions."""
    return float(row["median"] / (row["tokens"] or 1))


def machine_of(file: Path) -> dict[str, Any]:
    info = json.loads(file.read_text("utf-8"))["machine_info"]
    processor = {"processor": info["cpu"].get("brand_raw", ""), "cores": info["cpu"].get("count")}
    return {**processor, "libraries": {"python": info["python_version"], **info["libraries"]}}


def is_ours(row: dict[str, Any]) -> bool:
    return "_ours" in row["name"] or row["name"].endswith("[ours]")


def goal_of(group: str) -> float | None:
    return next((goal for prefix, goal in GOALS.items() if group.startswith(prefix)), None)


def table(groups: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = ["| what | side | median | least - most | rounds | against ours | goal |", "|---|---|---|---|---|---|---|"]
    for group, rows in groups.items():
        mine = next(row for row in rows if is_ours(row))
        for row in rows:
            spread = f"{row['min']:.3f} - {row['max']:.3f}" if "min" in row else ""
            ratio, goal = cost(row) / cost(mine), goal_of(group)
            verdict = (
                "" if "ours" in row["name"] or goal is None else f"{goal:g}: {'met' if ratio >= goal else '**missed**'}"
            )
            name = row["name"].removeprefix("test_").replace("|", "/")
            median = f"{row['median']:.3f} s" if row["unit"] == "s" else f"{row['median']:.0f} MB"
            lines.append(f"| {group} | `{name}` | {median} | {spread} | {row['rounds']} | {ratio:.2f} | {verdict} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--by", action="append", default=[], help="a command that made the files")
    parser.add_argument("--note", action="append", default=[], help="a paragraph to put under the table")
    asked = parser.parse_args()
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in asked.files:
        for row in rows_of(file):
            groups[row["group"]].append(row)
    machines = [machine_of(file) for file in asked.files]
    OUT.mkdir(parents=True, exist_ok=True)
    about = {"machines": machines, "commands": asked.by, "groups": groups}
    (OUT / "speed.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    environments = dict.fromkeys(", ".join(f"{k} {v}" for k, v in m["libraries"].items()) for m in machines)
    text = [
        "# Speed and memory",
        "",
        f"{machines[0]['processor']}, {machines[0]['cores']} cores, one thread. Environments:",
        "",
        *(f"- {line}" for line in environments),
        "",
        *table(groups),
        "",
        "\n\n".join(asked.note),
        "",
        "Made by:",
        "",
        *(f"    {command}" for command in asked.by),
    ]
    (OUT / "speed.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
