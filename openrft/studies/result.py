"""What a study found: each combination's accuracy, its gain over the reference, and the answer in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from openrft.bench.conclude import read_sign
from openrft.bench.outcomes import collect_outcomes, compute_delta, index_results
from openrft.bench.report import Report
from openrft.bench.score_table import Gain
from openrft.bench.significance import ONE_TRAINING_SEED
from openrft.bench.statistics import Interval
from openrft.bench.summary import Summary, adjust_gains
from openrft.bench.text_table import TextTable, format_accuracy, format_gain, format_percent, format_points
from openrft.studies.plan import StudyPlan


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A combination of levels, or an arm beside them."""

    labels: tuple[str, ...]  # one for each axis; for an arm beside them its name alone
    arm: str
    run: str  # the bench that it is an arm of
    accuracy: Interval | None  # None without a score
    gain: Gain | None = None  # over the reference in the same bench; p after Holm over all combinations
    tokens: int = 0
    seconds: float = 0.0
    trouble: str = ""  # why there is no score


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study's numbers. `rows` are its combinations; `beside` are vanilla and the other arms."""

    study: str
    question: str
    axes: tuple[str, ...]
    reference: str
    seeds: int
    items: int
    rows: tuple[StudyRow, ...]
    beside: tuple[StudyRow, ...]
    runs: tuple[str, ...]  # the benches
    command: str
    answer: tuple[str, ...] = ()  # in words, one sentence each


def collect_result(
    plan: StudyPlan, reports: Sequence[Report], summaries: Sequence[Summary], command: str
) -> StudyResult:
    """The result from the reports of the benches, in the plan's order."""
    study = plan.study
    found = [_collect_rows(r, s, plan.reference) for r, s in zip(reports, summaries, strict=True)]
    rows = [replace(found[point.bench][point.arm], labels=point.labels) for point in plan.points]
    adjusted = adjust_gains({str(n): row.gain for n, row in enumerate(rows) if row.gain})
    rows = [replace(row, gain=adjusted.get(str(n))) for n, row in enumerate(rows)]
    named = {point.arm for point in plan.points}
    result = StudyResult(
        study.name,
        study.question,
        tuple(axis.name for axis in study.axes),
        plan.reference,
        len(plan.benches[0].seeds),
        summaries[0].overall.items,
        tuple(rows),
        # Benches that differ in training questions have the same vanilla, so the first one's stands for all.
        tuple(row for arm, row in found[0].items() if arm not in named),
        tuple(report.name for report in reports),
        command,
    )
    return replace(result, answer=tuple(describe_answer(result)))


def _collect_rows(report: Report, summary: Summary, reference: str) -> Mapping[str, StudyRow]:
    runs = index_results(report)
    measured = collect_outcomes(report, runs, report.tasks)
    rows = {}
    for row in summary.overall.arms:
        gain = None
        if measured and row.arm != reference and {row.arm, reference} <= set(measured.arms):
            gain = compute_delta(runs, measured, row.arm, reference)
        trouble = row.trouble[0] if row.trouble else ""
        rows[row.arm] = StudyRow((row.arm,), row.arm, report.name, row.accuracy, gain, row.tokens, row.seconds, trouble)
    return rows


def describe_answer(result: StudyResult) -> Iterator[str]:
    """At most four sentences from the numbers alone: the best combination, what is shown, and what is not."""
    known = [row for row in result.rows if row.accuracy]
    if not known:
        yield "No combination has a score, so nothing is known."
        return
    best = max(known, key=lambda row: row.accuracy.value if row.accuracy else 0.0)
    level = {row.arm: row for row in (*result.beside, *result.rows)}.get(result.reference)
    over = f" ({format_percent(level.accuracy.value)}%)" if level and level.accuracy else ""
    assert best.accuracy is not None
    yield f"Best: {name_row(result, best)}, {format_percent(best.accuracy.value)}% right."
    gains = [(row, row.gain) for row in known if row.gain]
    one_seed = any(gain.test == ONE_TRAINING_SEED for _, gain in gains)
    verb = "Suggested, by one training seed, which says nothing about training noise," if one_seed else "Shown"
    for sign, word in ((1, "above"), (-1, "below")):
        names = [f"{name_row(result, row)} {format_points(g.value)}" for row, g in gains if read_sign(g) == sign]
        if names:
            yield f"{verb} to be {word} {result.reference}{over}: {'; '.join(names)}."
    open_ones = [name_row(result, row) for row, gain in gains if not read_sign(gain)]
    if open_ones:
        yield f"Not shown to differ from {result.reference}{over}: {'; '.join(open_ones)}."
    lost = [f"{name_row(result, row)} ({row.trouble})" for row in result.rows if not row.accuracy]
    if lost:
        yield f"Without a score: {'; '.join(lost)}."


def name_row(result: StudyResult, row: StudyRow) -> str:
    """A combination in words: "alpha 0.3, f min"."""
    return ", ".join(f"{axis} {label}" for axis, label in zip(result.axes, row.labels, strict=True))


def build_table(result: StudyResult) -> TextTable:
    """One row for each combination and each arm beside them."""
    columns = [f"<{axis}" for axis in result.axes]
    columns += ["accuracy", f"over {result.reference}", "p", "tokens", "seconds"]
    rows = [(*row.labels, *_format_numbers(row)) for row in result.rows]
    blank = [""] * (len(result.axes) - 1)
    rows += [(row.arm, *blank, *_format_numbers(row)) for row in result.beside]
    faint = frozenset(range(len(result.rows), len(rows)))
    title = f"{result.study}: {result.items} test items, {result.seeds} seed{'s' * (result.seeds != 1)}"
    return TextTable(title, tuple(columns), tuple(rows), faint).without_empty_columns()


def _format_numbers(row: StudyRow) -> tuple[str, ...]:
    cost = (f"{row.tokens:,}", f"{row.seconds:,.0f}")
    if row.accuracy is None:
        return ("failed", "", "", *cost)
    gain, p = "", ""
    if row.gain:
        gain = format_gain(row.gain.value, row.gain.low, row.gain.high)
        value = row.gain.p if row.gain.adjusted is None else row.gain.adjusted
        p = "" if value is None else "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
    return (format_accuracy(row.accuracy), gain, p, *cost)


LEGEND = (
    "Accuracy in %, gains in points over the reference in the same bench, each with its 95% interval; p after Holm over"
    " all combinations. Seconds: what the arm costs alone."
)
