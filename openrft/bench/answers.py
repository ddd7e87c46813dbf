"""The graded answers that a bench leaves in rollouts/, beside its report: by question, with verdicts in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft.bench.report import ArmResult, Report
from openrft.config.documents import read_document
from openrft.errors import DataError, UnknownName
from openrft.job import format_job_name
from openrft.runtime.files import read_jsonl
from openrft.types import LETTERS

RIGHT, WRONG, UNREAD, UNSCORED = range(4)  # verdicts
MARKS = ("✓", "✗", "?", "–")
WORDS = ("right", "not right", "not read", "not scored")


@dataclass(frozen=True, slots=True)
class _Question:
    id: str
    question: str
    answer: Any
    options: tuple[str, ...] | None = None
    kind: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class _Completion:
    text: str
    tokens: tuple[Any, ...]
    finish_reason: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class _Reward:
    name: str
    kind: str
    score: float | None
    per_step: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _GradedRow:
    """What is read of a row of rollouts/, fitness/ and steps/."""

    sample: _Question
    completion: _Completion
    messages: tuple[_Message, ...]
    answer: str | None
    correct: bool | None
    rewards: tuple[_Reward, ...] = ()
    reward: float | None = None
    score: float | None = None
    lenient_answer: str | None = None
    lenient_correct: bool | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One graded answer to a test question."""

    verdict: str  # one of WORDS
    read: str | None  # what was read from it; None: nothing could be
    why: str
    text: str
    tokens: int  # generated
    messages: tuple[Mapping[str, str], ...]  # the prompt

    @property
    def mark(self) -> str:
        return MARKS[WORDS.index(self.verdict)]


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A test question with the answers of an arm, or of two."""

    id: str
    task: str
    question: str
    options: tuple[str, ...]
    gold: str
    groups: Mapping[str, str]
    defects: tuple[str, ...]
    answers: tuple[Answer, ...]
    against: tuple[Answer, ...] = field(default=())  # of the arm that it is compared with

    @property
    def is_unparsed(self) -> bool:
        return any(answer.read is None for answer in self.answers)

    @property
    def outcome(self) -> str:
        """ "gained", "lost" or "same": where only the arm, or only the one it is compared with, is right."""
        now, before = is_right(self.answers), is_right(self.against)
        return "same" if now == before else "gained" if now else "lost"


def is_right(answers: Sequence[Answer]) -> bool:
    """Whether more than half of the answers are right."""
    return 2 * sum(answer.verdict == WORDS[RIGHT] for answer in answers) > len(answers)


def collect_questions(report: Report, folder: Path, arm: str, seed: int, task: str | None) -> list[AnsweredQuestion]:
    """An arm's answers with one seed, in the order of their file. Raises UnknownName for what the report does not have,
    DataError if the answers are not beside it."""
    _check_names(report, arm, seed, task)
    found: list[AnsweredQuestion] = []
    for result in report.results:
        if result.arm == arm and result.seed == seed and task in (None, result.task):
            found += _read_job(report, folder, result)
    return found


def _check_names(report: Report, arm: str, seed: int, task: str | None) -> None:
    for what, name, known in (
        ("arm", arm, [record.name for record in report.arms]),
        ("task", task, [record.name for record in report.tasks]),
    ):
        if name is not None and name not in known:
            raise UnknownName(f"{what} of {report.name}", name, known)
    done = [r for r in report.results if r.arm == arm and task in (None, r.task)]
    if not done:
        failed = next((f.error for f in report.failures if f.arm == arm), "none of its jobs has finished")
        raise DataError(f"{report.name} has no answers of {arm}: {failed}")
    if all(result.seed != seed for result in done):
        raise UnknownName(f"seed of {arm}", str(seed), sorted({str(result.seed) for result in done}))


def _read_job(report: Report, folder: Path, result: ArmResult) -> Iterator[AnsweredQuestion]:
    file = rollouts_file(folder / "rollouts", result)
    if not file.is_file():
        raise DataError(
            f"{file}: the answers of {result.arm} are not beside the report.",
            "Give the folder that the bench wrote, or run the bench again to write them.",
        )
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in read_rows(folder / "rollouts", result):
        rows.setdefault(row["sample"]["id"], []).append(row)
    record = next(task for task in report.tasks if task.name == result.task)
    items = {item.id: item for item in (*record.items, *record.unscored)}
    for name, own in rows.items():
        sample, item = own[0]["sample"], items.get(name)
        yield AnsweredQuestion(
            name,
            sample.get("task") or result.task,
            sample["question"],
            tuple(sample.get("options") or ()),
            format_gold(sample),
            item.groups if item else {},
            item.defects if item else (),
            tuple(map(_read_answer, own)),
        )


def _read_answer(row: Mapping[str, Any]) -> Answer:
    completion = row["completion"]
    return Answer(
        WORDS[read_verdict(row)],
        row["answer"],
        explain_verdict(row),
        completion["text"],
        len(completion["tokens"]),
        tuple(row["messages"]),
    )


def rollouts_file(folder: Path, result: ArmResult) -> Path:
    """The file of a job among those of one kind."""
    return folder / f"{format_job_name(result.arm, result.task, result.seed)}.jsonl"


def read_rows(folder: Path, result: ArmResult) -> Iterator[dict[str, Any]]:
    """The rows of a job's file in `folder`; none if it has no file. Raises DataError for a row that is no graded
    answer."""
    file = rollouts_file(folder, result)
    for number, row in enumerate(read_jsonl(file) if file.is_file() else (), 1):
        if faults := read_document(_GradedRow, row, "ignore")[1]:
            raise DataError(f"{file}, row {number}: {faults[0]}.", "Run the bench again to write the answers.")
        yield row


def format_gold(sample: Mapping[str, Any]) -> str:
    """The gold answer of a sample that was read from JSON; for a choice with the option's text: "B. 54"."""
    answer, options = str(sample["answer"]), sample.get("options") or ()
    if sample.get("kind") == "choice" and len(answer) == 1 and answer in LETTERS[: len(options)]:
        return f"{answer}. {options[LETTERS.index(answer)]}"
    return answer


def read_verdict(row: Mapping[str, Any]) -> int:
    """RIGHT, WRONG, UNREAD or UNSCORED, of a rollout that was read from JSON."""
    if row["correct"] is None:
        return UNSCORED
    if row["correct"]:
        return RIGHT
    return UNREAD if row["answer"] is None else WRONG


def explain_verdict(row: Mapping[str, Any]) -> str:
    """Why a rollout that was read from JSON has its verdict, as one sentence without a full stop."""
    finish, read = row["completion"].get("finish_reason"), row["answer"]
    lenient, score = row.get("lenient_answer"), row.get("score")
    if finish == "error":
        return f"the server failed: {row['completion'].get('error', '')}"
    if finish == "context":
        return "not given: the prompt alone exceeds the policy's context"
    cut = "; it was cut off at the longest length allowed" if finish == "length" else ""
    if row["correct"] is None:
        return f"not scored: no rule can grade it, and no plugin did{cut}"
    if score is not None and 0 < score < 1:
        return f"partly right: it scores {score:.2f}{cut}"
    if row["correct"]:
        return f"it is the gold answer{cut}"
    if read is not None:
        return f"it is not the gold answer{cut}"
    if lenient is None:
        return f"no answer can be read{cut}"
    hit = "right" if row.get("lenient_correct") else "not right"
    return f"no answer in the asked form; a careful reader would take {lenient}, which is {hit}{cut}"
