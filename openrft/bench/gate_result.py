"""The verdict of the gate, as plain data, as a table and as Markdown for a pull request."""

from __future__ import annotations

from dataclasses import dataclass

from openrft.bench.markdown import format_table
from openrft.bench.text_table import TextTable, format_gain, format_percent, format_points
from openrft.runtime.text import escape_markdown

PASS, REGRESSION, NOT_COMPARABLE, INCONCLUSIVE = "pass", "regression", "not comparable", "inconclusive"
EXIT = {PASS: 0, REGRESSION: 1, NOT_COMPARABLE: 3, INCONCLUSIVE: 4}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison."""

    what: str  # an arm, or "add-one of prm"
    baseline: float
    candidate: float
    difference: float
    low: float
    high: float
    verdict: str
    p: float | None = None  # one-sided, that the true difference is not below -margin; None for identical outcomes
    settle: str = ""  # what would settle an inconclusive comparison


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict of the gate, with the comparisons behind it."""

    verdict: str
    margin: float
    rows: tuple[Comparison, ...] = ()
    why: tuple[str, ...] = ()  # the obstacles, if the reports are not comparable
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 not comparable, 4 inconclusive."""
        return EXIT[self.verdict]


def build_gate_table(result: GateResult) -> TextTable:
    """Every comparison with its verdict. Those that pass are faint."""
    columns = ("<compared", "baseline", "candidate", "difference", "<verdict")
    rows = tuple(
        (r.what, *_levels(r.what, r.baseline, r.candidate), format_gain(r.difference, r.low, r.high), r.verdict)
        for r in result.rows
    )
    faint = frozenset(i for i, r in enumerate(result.rows) if r.verdict == PASS)
    title = f"Candidate against baseline, margin {100 * result.margin:g} points"
    return TextTable(title, columns, rows, faint, ("baseline", "candidate"))


def _levels(what: str, before: float, after: float) -> tuple[str, str]:
    """An arm's accuracies, or a component's gains, which have a sign."""
    shape = format_points if " of " in what else format_percent
    return shape(before), shape(after)


def list_gate_notes(result: GateResult) -> list[str]:
    """What would settle the open comparisons, what a reader must know, and why reports cannot be compared."""
    settle = [f"{row.what}: {row.settle}." for row in result.rows if row.settle]
    return [*settle, *result.notes, *(f"Not comparable: {why}." for why in result.why)]


def format_gate_markdown(result: GateResult) -> str:
    """The verdict, the table and the notes, for a comment or a summary of a pull request."""
    parts = [f"# gate: {result.verdict}", *([format_table(build_gate_table(result))] if result.rows else [])]
    parts.append("\n".join(f"- {escape_markdown(note)}" for note in list_gate_notes(result)))
    return "\n\n".join(filter(None, parts)) + "\n"
