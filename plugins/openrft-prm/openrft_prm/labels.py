"""Step labels: solutions whose steps are marked right or wrong, one JSON object a line (the form TRL's data has)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openrft import DataError, steps_of


@dataclass(frozen=True, slots=True)
class Labelled:
    """One solution with a label for each of its steps."""

    prompt: str
    steps: tuple[str, ...]
    labels: tuple[float, ...]  # 0 wrong, 1 right; in between: the degree to which it is right


def read(path: Path) -> Iterator[Labelled]:
    """Rows {"prompt", "completions", "labels"}, one a line. Raises DataError naming file and line."""
    if not path.is_file():
        raise DataError(f"{path}: no such file.", "Give a JSONL file of step labels.")
    found = 0
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                found += 1
                yield _row(line, f"{path}:{number}")
    if not found:
        raise DataError(f"{path}: no rows.", "Give a JSONL file of step labels.")


def written(rows: Iterable[Labelled]) -> str:
    """As `read` reads them; whole labels as true and false."""
    lines = []
    for row in rows:
        labels = [bool(label) if label in (0, 1) else label for label in row.labels]
        content = {"prompt": row.prompt, "completions": row.steps, "labels": labels}
        lines.append(json.dumps(content, ensure_ascii=False) + "\n")
    return "".join(lines)


def _row(line: str, where: str) -> Labelled:
    advice = 'A row is {"prompt": text, "completions": [step, ...], "labels": [true, false or 0 to 1, ...]}.'
    try:
        row = json.loads(line)
        prompt, steps, labels = row["prompt"], row["completions"], row["labels"]
    except (ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{where}: not a row of step labels ({fault}).", advice) from fault
    good = isinstance(prompt, str) and isinstance(steps, list) and isinstance(labels, list)
    if not good or not steps or len(steps) != len(labels) or not all(map(_is_label, labels)):
        raise DataError(f"{where}: steps and labels do not fit each other.", advice)
    if any(not isinstance(step, str) or len(steps_of(step)) != 1 for step in steps):
        raise DataError(f"{where}: a step must be one line that is not blank.", "Join or split its lines.")
    return Labelled(prompt, tuple(steps), tuple(map(float, labels)))


def _is_label(label: object) -> bool:
    return isinstance(label, bool | int | float) and 0 <= label <= 1
