"""Step labels: solutions whose steps are marked right or wrong, and making them by rollouts instead of people.

How often is the right answer reached from here? That is Math-Shepherd's automatic annotation (arXiv 2312.08935, section
3.3), from N completions of every prefix of a solution.

    hard: a step is right if any completion from it reaches the answer
    soft: a step is right to the degree in which they do

Knows the file of labels (one JSON object a line, the form TRL's data has), rollouts and grading. Does not know what
learns from labels (training.py).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from openrft import (
    DataError,
    Policy,
    Progress,
    Sample,
    Sampling,
    Task,
    UsageError,
    build_messages,
    number_steps,
    split_steps,
    write_atomic,
)

PART = 8  # questions labelled at a time: enough for full batches, little to lose
_ROW_FORM = 'A row is {"prompt": text, "completions": [step, ...], "labels": [true, false or 0 to 1, ...]}.'


@dataclass(frozen=True, slots=True)
class LabelledSolution:
    """One solution with a label for each of its steps."""

    prompt: str
    steps: tuple[str, ...]
    labels: tuple[float, ...]  # 0 wrong, 1 right; in between: the degree to which it is right


@dataclass(frozen=True, slots=True)
class LabellingConfig:
    """How labels are estimated."""

    solutions: int = 4  # labelled solutions per question
    completions: int = 8  # from each step: N
    estimate: Literal["hard", "soft"] = "hard"  # as in the data that Math-Shepherd published
    temperature: float = 1.0
    max_tokens: int = 512
    seed: int = 0


def write_label_file(
    task: Task, policy: Policy, samples: Sequence[Sample], config: LabellingConfig, out: Path, progress: Progress
) -> Counter[str]:
    """Label the policy's solutions of the questions and write `out`. Returns counts.

    A few questions are labelled at a time and each part is kept, so a stopped run goes on. Each part's draws are keyed
    by its number, so it ends with the same file.
    """
    if out.exists():
        raise UsageError(f"{out} exists.", "Give another --out.")
    folder = out.with_name(out.name + ".parts")
    _prepare_folder(
        folder, {"task": task.name, "policy": policy.id, "samples": [s.id for s in samples], **asdict(config)}
    )
    parts = [samples[at : at + PART] for at in range(0, len(samples), PART)]
    for number, part in enumerate(parts):
        file = folder / f"{number:05}.jsonl"
        if not file.exists():
            rows = label_solutions(task, policy, part, config, seed=config.seed * 1_000_003 + 2 * number)
            write_atomic(file, format_labels(rows))
        progress.update("label", min((number + 1) * PART, len(samples)), len(samples))
    write_atomic(out, "".join(file.read_text("utf-8") for file in sorted(folder.glob("*.jsonl"))))
    shutil.rmtree(folder)
    if not out.stat().st_size:
        out.unlink()
        raise UsageError(
            "the policy finished no solution that has a step.", "Allow more --max-tokens, or take another policy."
        )
    counts = Counter[str](questions=len(samples))
    for row in read_labels(out):
        counts.update(solutions=1, steps=len(row.steps), right=sum(x >= 0.5 for x in row.labels))
    return counts


def label_solutions(
    task: Task, policy: Policy, samples: Sequence[Sample], config: LabellingConfig, seed: int
) -> list[LabelledSolution]:
    """Labelled solutions of the questions by the policy, those without a step left out."""
    prompts = [build_messages(sample, (), task.instruction) for sample in samples]
    sampling = Sampling(config.solutions, config.temperature, max_tokens=config.max_tokens, seed=seed)
    groups = policy.generate(prompts, sampling)
    # (question, solution), without repetitions and without those that were cut off: their end cannot be judged.
    solutions = dict.fromkeys((i, c.text) for i, group in enumerate(groups) for c in group if c.finish_reason == "stop")
    begun = dict.fromkeys((i, prefix) for i, text in solutions for prefix in split_prefixes(text)[:-1])
    continued = [(*prompts[i], {"role": "assistant", "content": prefix}) for i, prefix in begun]
    again = replace(sampling, n=config.completions, seed=seed + 1)
    shares: dict[tuple[int, str], float] = {}
    for (i, prefix), group in zip(begun, policy.generate(continued, again) if continued else [], strict=True):
        reached = [bool(task.grade(samples[i], prefix + completion.text).correct) for completion in group]
        shares[i, prefix] = sum(reached) / len(reached)
    rows = []
    for i, text in solutions:
        steps = split_steps(text)
        if not steps:
            continue
        # After the last step nothing is left to draw: the solution is right or wrong. Another solution may begin so.
        ended = float(bool(task.grade(samples[i], text).correct))
        reached_from = [*(shares[i, prefix] for prefix in split_prefixes(text)[:-1]), ended]
        labels = tuple(float(share > 0) if config.estimate == "hard" else share for share in reached_from)
        rows.append(LabelledSolution(prompts[i][-1]["content"], tuple(steps), labels))
    return rows


def split_prefixes(completion: str) -> list[str]:
    """The completion up to and including each of its steps and the newline after it."""
    lines = completion.split("\n")
    return ["\n".join(lines[: i + 1]) + "\n" for i in number_steps(completion)]


def read_labels(path: Path) -> Iterator[LabelledSolution]:
    """Rows {"prompt", "completions", "labels"}, one per line. Raises DataError with file and line."""
    if not path.is_file():
        raise DataError(f"{path}: no such file.", "Give a JSONL file of step labels.")
    count = 0
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                count += 1
                yield _parse_row(line, f"{path}:{number}")
    if not count:
        raise DataError(f"{path}: no rows.", "Give a JSONL file of step labels.")


def format_labels(rows: Iterable[LabelledSolution]) -> str:
    """As `read_labels` reads them; whole labels as true and false."""
    lines = []
    for row in rows:
        labels = [bool(label) if label in (0, 1) else label for label in row.labels]
        content = {"prompt": row.prompt, "completions": row.steps, "labels": labels}
        lines.append(json.dumps(content, ensure_ascii=False) + "\n")
    return "".join(lines)


def _parse_row(line: str, where: str) -> LabelledSolution:
    try:
        row = json.loads(line)
        prompt, steps, labels = row["prompt"], row["completions"], row["labels"]
    except (ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{where}: not a row of step labels ({fault}).", _ROW_FORM) from fault
    good = isinstance(prompt, str) and isinstance(steps, list) and isinstance(labels, list)
    if not good or not steps or len(steps) != len(labels) or not all(map(_is_label, labels)):
        raise DataError(f"{where}: steps and labels do not fit each other.", _ROW_FORM)
    if any(not isinstance(step, str) or len(split_steps(step)) != 1 for step in steps):
        raise DataError(f"{where}: a step must be one line that is not blank.", "Join or split its lines.")
    return LabelledSolution(prompt, tuple(steps), tuple(map(float, labels)))


def _is_label(label: object) -> bool:
    return isinstance(label, bool | int | float) and 0 <= label <= 1


def _prepare_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Make the folder of parts; one that was begun with other settings is refused."""
    file, wanted = folder / "settings.json", json.dumps(settings, indent=1)
    if folder.exists() and (not file.exists() or file.read_text("utf-8") != wanted):
        raise UsageError(f"{folder} was begun with other settings.", "Remove it, or give another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(file, wanted)
    except OSError as fault:
        raise UsageError(f"{folder} cannot be written ({fault.strerror}).", "Give another --out.") from fault
