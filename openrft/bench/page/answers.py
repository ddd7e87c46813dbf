"""The questions and answers of a run as compact data for the page's browser: every text is stored once.

The files are those that a bench leaves beside its report: rollouts/ (answers to the test questions) and fitness/ (the
rollouts that process rewards were measured on before RL). A run without them has an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openrft.bench.answers import RIGHT, explain_verdict, format_gold, read_rows, read_verdict, rollouts_file
from openrft.bench.report import ArmResult, ItemRecord, Report
from openrft.config.settings import choose_aggregation
from openrft.grading.thinking import number_steps
from openrft.job import format_job_name
from openrft.rewards.combine import aggregate_steps
from openrft.runtime.text import replace_lone_surrogates

Data = dict[str, Any]
BARS = 10  # of a histogram of rewards
TOTAL = "R"  # the source of what RL maximises
STEP_CHARACTERS = 600_000  # of answers in steps of RL that a page shows, some 0.3 MB of it


class _Texts:
    """Texts by number, each kept once. Half a surrogate pair, which no page can show, becomes U+FFFD."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(replace_lone_surrogates(text), len(self.numbers))


def collect_answers(report: Report, folder: Path) -> Data:
    """Everything that the browser shows.

    `texts`: every text once; the other entries name texts by their number. `items`: the test questions, with task,
    leaf task, groups, gold answer and the texts of their prompts. `jobs`: arm, task, seed and answers of each finished
    job; an answer is [item, prompt, text, answer read (-1: none), verdict, why, tokens]. `measured`: see
    `_collect_measured`.
    """
    texts = _Texts()
    records = {(task.name, item.id): item for task in report.tasks for item in (*task.items, *task.unscored)}
    items: dict[tuple[str, str], Data] = {}
    numbers: dict[tuple[str, str], int] = {}
    prompts: dict[tuple[int, ...], int] = {}
    jobs = []
    for result in report.results:
        answers = []
        for row in read_rows(folder / "rollouts", result):
            key = (result.task, row["sample"]["id"])
            if key not in numbers:
                numbers[key] = len(numbers)
                items[key] = _describe_item(key, row["sample"], records.get(key), texts)
            prompt = tuple(texts.number(part) for m in row["messages"] for part in (m["role"], m["content"]))
            answers.append([numbers[key], prompts.setdefault(prompt, len(prompts)), *_describe_answer(row, texts)])
        jobs.append({"arm": result.arm, "task": result.task, "seed": result.seed, "answers": answers})
    measured = [*_collect_measured(report, folder, texts), *_collect_steps(report, folder, texts)]
    return {
        "arms": [arm.name for arm in report.arms],
        "texts": list(texts.numbers),
        "items": list(items.values()),
        "prompts": list(prompts),
        "jobs": [job for job in jobs if job["answers"]],
        "measured": measured,
    }


def _describe_item(key: tuple[str, str], sample: Mapping[str, Any], record: ItemRecord | None, texts: _Texts) -> Data:
    groups = {"task": sample.get("task") or key[0], **(record.groups if record else {})}
    return {
        "id": key[1],
        "task": key[0],
        "groups": {by: texts.number(str(name)) for by, name in groups.items()},
        "question": texts.number(sample["question"]),
        "gold": texts.number(format_gold(sample)),
        "defects": [texts.number(defect) for defect in (record.defects if record else ())],
    }


def _describe_answer(row: Mapping[str, Any], texts: _Texts) -> list[int]:
    read = row["answer"]
    return [
        texts.number(row["completion"]["text"]),
        -1 if read is None else texts.number(read),
        read_verdict(row),
        texts.number(explain_verdict(row)),
        len(row["completion"]["tokens"]),
    ]


def _collect_measured(report: Report, folder: Path, texts: _Texts) -> Iterator[Data]:
    """The rollouts before RL that process rewards were measured on, once for all arms that share them.

    Each measurement has a title, and for each question its gold answer and its answers: [text, verdict, why, {source:
    [the score of each step, its line's index, and f]}].
    """
    shared: dict[str, tuple[ArmResult, list[str]]] = {}
    for result in report.results:
        file = folder / "fitness" / f"{format_job_name(result.arm, result.task, result.seed)}.jsonl"
        if file.is_file():
            shared.setdefault(file.read_text("utf-8"), (result, []))[1].append(result.arm)
    for result, arms in shared.values():
        aggregations = {found.source: found.aggregation for found in result.fitness}
        yield {
            "title": f"before {', '.join(arms)} on {result.task}, seed {result.seed}",
            "sources": dict(aggregations),
            "questions": _group_rows(read_rows(folder / "fitness", result), aggregations, texts),
        }


def _group_rows(rows: Iterable[Data], aggregations: Mapping[str, Any], texts: _Texts) -> list[Data]:
    """The questions of scored rollouts, each with the whole group of its answers."""
    questions: dict[str, Data] = {}
    for row in rows:
        sample = row["sample"]
        gold = {"question": texts.number(sample["question"]), "gold": texts.number(format_gold(sample))}
        question = questions.setdefault(sample["id"], {**gold, "answers": []})
        scores = dict(_score_steps(row, aggregations))
        if row["reward"] is not None:  # what RL maximises, with the steps of the first process reward
            steps = next(iter(scores.values()), [[], [], 0.0])
            scores = {TOTAL: [*steps[:2], round(row["reward"], 3)], **scores}
        question["answers"].append(
            [texts.number(row["completion"]["text"]), read_verdict(row), texts.number(explain_verdict(row)), scores]
        )
    return list(questions.values())


def _collect_steps(report: Report, folder: Path, texts: _Texts) -> Iterator[Data]:
    """The rollouts of some steps of RL, in the form of `_collect_measured`; R is a source, too. Of long answers only as
    many as the page has room for: `shown` of the `kept` questions."""
    files = [(result, rollouts_file(folder / "steps", result)) for result in report.results]
    files = [(result, file) for result, file in files if file.is_file()]
    for result, _ in files:
        by_step: dict[int, list[Data]] = {}
        for row in read_rows(folder / "steps", result):
            by_step.setdefault(row["step"], []).append(row)
        for step, rows in by_step.items():
            kept = _keep_groups(rows, STEP_CHARACTERS // len(files) // len(by_step))
            names = dict.fromkeys(r["name"] for row in kept for r in row["rewards"] if r["kind"] == "process")
            aggregation = _find_aggregation(report, result.arm)
            aggregations = dict.fromkeys(names, aggregation)
            yield {
                "title": f"{result.arm} on {result.task}, seed {result.seed}",
                "step": step,
                "shown": len({row["sample"]["id"] for row in kept}),
                "kept": len({row["sample"]["id"] for row in rows}),
                "sources": {TOTAL: "", **aggregations},
                "questions": _group_rows(kept, aggregations, texts),
            }


def _keep_groups(rows: Sequence[Data], characters: int) -> list[Data]:
    """The rows of the first questions, at least of one, up to a number of characters."""
    kept: list[Data] = []
    for name in dict.fromkeys(row["sample"]["id"] for row in rows):
        group = [row for row in rows if row["sample"]["id"] == name]
        characters -= sum(len(row["completion"]["text"]) for row in group)
        if kept and characters < 0:
            break
        kept += group
    return kept


def _find_aggregation(report: Report, arm: str) -> Any:
    """How the arm's process rewards were made of the scores of steps."""
    overrides = next((record.overrides for record in report.arms if record.name == arm), {})
    explore = {**report.plan.get("settings", {}).get("explore", {}), **overrides.get("explore", {})}
    return choose_aggregation(explore.get("aggregation"), explore.get("credit", "sequence"))


def _score_steps(row: Mapping[str, Any], aggregations: Mapping[str, Any]) -> Iterable[tuple[str, list[Any]]]:
    lines = list(number_steps(row["completion"]["text"]))
    for reward in row["rewards"]:
        steps = reward["per_step"]
        if reward["kind"] == "process" and reward["name"] in aggregations:
            f = aggregate_steps(steps, aggregations[reward["name"]]) if reward["score"] is None else reward["score"]
            yield reward["name"], [[round(s, 3) for s in steps], lines[: len(steps)], round(f, 3)]


def count_bars(measurement: Data, source: str) -> list[tuple[int, int]]:
    """A histogram of a source's process scores, from 0 to 1 in BARS bars: (right answers, other answers) of each."""
    bars = [[0, 0] for _ in range(BARS)]
    for question in measurement["questions"]:
        for _, verdict, _, scores in question["answers"]:
            if source in scores:
                bars[find_bar(scores[source][2])][verdict != RIGHT] += 1
    return [(right, other) for right, other in bars]


def find_bar(score: float) -> int:
    """The bar of a score; page.js does the same."""
    return min(BARS - 1, max(0, int(score * BARS)))
