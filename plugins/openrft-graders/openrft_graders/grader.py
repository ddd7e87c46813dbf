"""The contract of a grader, and the kinds that need no model: string_check, text_similarity, python and multi.

A value that the answer lacks, such as a field of its JSON, scores the lowest mark: that is the answer's fault. A
grader that fails gives no score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openrft import Progress
from openrft_graders.case import Case, Score
from openrft_graders.faults import join
from openrft_graders.formula import Formula, Incalculable
from openrft_graders.sandbox.client import SandboxPool
from openrft_graders.template import MissingValue, Template, Variable
from openrft_graders.text_metrics import Metric

OPERATIONS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda text, reference: text == reference,
    "ne": lambda text, reference: text != reference,
    "like": lambda text, reference: reference in text,
    "ilike": lambda text, reference: reference.casefold() in text.casefold(),
}


class Grader(Protocol):
    """Scores answers."""

    @property
    def threshold(self) -> float:
        """The lowest value that passes."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        ...

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """Every variable of its templates, with the path of the field that it stands in."""
        ...

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """One score a case, in order. Raises PolicyError if a model cannot be reached at all."""
        ...


def lowest_score(fault: MissingValue, low: float) -> Score:
    """The score of an answer that lacks a value; none where the row lacks it."""
    return Score(low if fault.namespace == "sample" else None, str(fault))


@dataclass(frozen=True, slots=True)
class StringCheck:
    """1 if the input and the reference compare as `operation` says, else 0."""

    input: Template
    reference: Template
    operation: str
    threshold: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """See `Grader`."""
        return _list_fields(path, input=self.input, reference=self.reference)

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`."""
        return [self._grade(case) for case in cases]

    def _grade(self, case: Case) -> Score:
        try:
            text, reference = self.input.render(case), self.reference.render(case)
        except MissingValue as fault:
            return lowest_score(fault, 0.0)
        holds = OPERATIONS[self.operation](text, reference)
        return Score(float(holds), f"{self.operation}: {text[:40]!r}, {reference[:40]!r}")


@dataclass(frozen=True, slots=True)
class TextSimilarity:
    """How alike the input and the reference are, from 0 to 1."""

    input: Template
    reference: Template
    metric_name: str
    metric: Metric
    threshold: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """See `Grader`."""
        return _list_fields(path, input=self.input, reference=self.reference)

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`."""
        found: list[Score | tuple[str, str]] = []
        for case in cases:
            try:
                found.append((self.input.render(case), self.reference.render(case)))
            except MissingValue as fault:
                found.append(lowest_score(fault, 0.0))
        values = iter(self.metric([pair for pair in found if isinstance(pair, tuple)]))
        return [row if isinstance(row, Score) else Score(next(values), self.metric_name) for row in found]


@dataclass(frozen=True, slots=True)
class PythonCode:
    """What `grade(sample, item)` of a source gives, run in the sandbox."""

    source: str
    pool: SandboxPool
    invalid_grade: float | None = None
    threshold: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """A source has no templates."""
        return iter(())

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`."""
        found = self.pool.grade(self.source, [(case.sample, case.item) for case in cases])
        return [
            Score(reply.value, "python")
            if reply.value is not None
            else Score(self.invalid_grade if reply.error in ("raised", "value") else None, f"python: {reply.words}")
            for reply in found
        ]


@dataclass(frozen=True, slots=True)
class Multi:
    """A formula over the scores of other graders."""

    graders: Mapping[str, Grader]
    formula: Formula
    invalid_grade: float | None = None
    threshold: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """See `Grader`."""
        for name, grader in self.graders.items():
            yield from grader.list_variables(join(join(path, "graders"), name))

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`."""
        parts = {name: grader.grade(cases, progress) for name, grader in self.graders.items()}
        return [self._combine({name: scores[i] for name, scores in parts.items()}) for i in range(len(cases))]

    def _combine(self, parts: Mapping[str, Score]) -> Score:
        failed = [name for name in parts if name in self.formula.names and parts[name].value is None]
        if failed:
            return Score(None, "; ".join(f"{name}: {parts[name].reason}" for name in failed), parts)
        values = {name: part.value for name, part in parts.items() if part.value is not None}
        shown = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        try:
            return Score(self.formula.calculate(values), shown, parts)
        except Incalculable as fault:
            return Score(self.invalid_grade, f"{fault} ({shown})", parts)


def _list_fields(path: str, **templates: Template) -> Iterator[tuple[str, Variable]]:
    for name, template in templates.items():
        for variable in template.variables:
            yield join(path, name), variable
