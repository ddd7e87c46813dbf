"""A report as tables, for a terminal or a pipe (rich) and as Markdown.

All numbers come from summary.py, and from the measurements that were made before RL relied on process rewards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from openrft.bench.ablation import ESTIMANDS
from openrft.bench.outcomes import ArmScore, Component, Gain, Group, GroupScore, ScoreTable, Summary
from openrft.bench.report import Report
from openrft.bench.statistics import Interval
from openrft.rewards.fitness import RewardFitness, Separation
from openrft.runtime.text import escape_markdown, format_code


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text cells. A column whose title starts with `<` is left-aligned."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    faint: frozenset[int] = frozenset()  # rows that are not arms: the baselines

    def without_empty_columns(self) -> TextTable:
        """The table without columns that say nothing in any row."""
        kept = [n for n in range(len(self.columns)) if any(row[n] for row in self.rows)]
        columns, *rows = (tuple(row[n] for n in kept) for row in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows))


def format_percent(value: float) -> str:
    """0.437 -> "43.7"."""
    return f"{100 * value:.1f}"


def format_accuracy(found: Interval) -> str:
    """An accuracy with its interval: "43.7 [40.1, 47.3]"."""
    return f"{format_percent(found.value)} [{format_percent(found.low)}, {format_percent(found.high)}]"


def format_points(value: float) -> str:
    """0.034 -> "+3.4"; what rounds to zero has no sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def format_gain(value: float, low: float, high: float) -> str:
    """A gain with its interval: "+3.4 [-0.2, +7.0]"."""
    return f"{format_points(value)} [{format_points(low)}, {format_points(high)}]"


NAMED = 3  # arms that are named if they share a measurement
WHOLE = 2  # up to so many measurements are shown with every aggregation; of more, only the best aggregation of each


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement and the arms that share it."""

    task: str
    seed: int
    found: RewardFitness
    arms: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.arms) - NAMED} more" if len(self.arms) > NAMED else ""
        return f"{self.found.source} before {', '.join(self.arms[:NAMED])}{more} on {self.task}, seed {self.seed}"


def collect_measurements(report: Report) -> list[Measurement]:
    """Every measurement once, in the order of the arms."""
    order = {arm.name: i for i, arm in enumerate(report.arms)}
    shared: dict[tuple[str, int, RewardFitness], list[str]] = {}
    for result in sorted(report.results, key=lambda r: order[r.arm]):
        for found in result.fitness:
            shared.setdefault((result.task, result.seed, found), []).append(result.arm)
    return [Measurement(task, seed, found, tuple(arms)) for (task, seed, found), arms in shared.items()]


def build_fitness_tables(report: Report, whole: bool) -> Iterator[TextTable]:
    """One table per measurement, or one for all of them if they are many and `whole` is false."""
    every = collect_measurements(report)
    if whole or len(every) <= WHOLE:
        yield from map(build_fitness_table, every)
        return
    rows = tuple((str(m), *_cells(m.found.best), _alpha(m.found)) for m in every)
    yield TextTable("Process rewards before RL, the best f of each", ("<measured", *_COLUMNS, "alpha"), rows)


def build_fitness_table(m: Measurement) -> TextTable:
    """One measurement, with one row per aggregation. The recommended one is marked."""
    found = m.found
    share = f"{found.right} right" + (f", {found.no_steps} without a step" if found.no_steps else "")
    title = f"{m}: {found.rollouts} rollouts of {found.questions} questions ({found.mixed} mixed), {share}"
    rows = tuple((*_cells(s), "*" if s is found.best and found.alpha is not None else "") for s in found.by_aggregation)
    return TextTable(title, (*_COLUMNS, "<best"), rows)


def build_fitness_notes(report: Report) -> Iterator[str]:
    """The recommendation and the warnings, one line per measurement."""
    for m in collect_measurements(report):
        yield f"{m}: {format_fitness_advice(m.found)}"


def format_fitness_advice(found: RewardFitness) -> str:
    """The recommendation and the warnings as one line."""
    warned = "".join(f" WARNING: {text}." for text in found.warnings)
    if found.alpha is None:
        return f"nothing to recommend.{warned}"
    return f"recommended explore.aggregation={found.aggregation} and explore.alpha={found.alpha:g}.{warned}"


_COLUMNS = ("<aggregation", "AUROC", "same question", "calibration error", "with length")


def _cells(s: Separation) -> tuple[str, ...]:
    return (
        s.aggregation,
        _interval(s.auroc, s.low, s.high),
        _interval(s.within, s.within_low, s.within_high),
        f"{s.calibration:.3f}",
        f"{s.with_length:+.2f}",
    )


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _alpha(found: RewardFitness) -> str:
    return "" if found.alpha is None else f"{found.alpha:g}"


COST = ("tokens", "seconds", "reused")  # a terminal shows the seconds only, so that a row fits into 100 columns
FEW = 3  # rules without a model shown below a table on a terminal


def build_tables(report: Report, summary: Summary, per_task: bool = False) -> Iterator[TextTable]:
    """The tables of a report, in order."""
    tasks = summary.overall.tasks
    scored = [task.name for task in report.tasks if task.items]
    some = f"{len(scored)} of " if len(scored) < len(tasks) else ""
    where = tasks[0] if len(tasks) == 1 else f"mean over {some}{len(tasks)} tasks"
    yield _arms(f"{report.name}: {where}, {_size(summary.overall)}", summary.overall, few=not per_task)
    yield from _readings(summary.overall, summary.components if per_task else (), in_full=per_task)
    if summary.metrics:
        yield build_metric_table(summary)
    yield from build_group_tables(summary, per_task)
    if summary.components:
        yield _components(summary.components)
    yield from build_fitness_tables(report, per_task)
    for table in summary.tables if per_task else ():
        if table is not summary.overall:
            yield _arms(f"{table.leaf or table.tasks[0]}, {_size(table)}", table)
            yield from _readings(table)


def build_legend(summary: Summary, per_task: bool = False) -> str:
    """How to read the numbers."""
    reused = "; reused: the part that was already computed" if per_task else ""
    both = (
        " Lenient: accuracy if what a careful person would take for the answer counts, too; unread: by neither reading."
        " Form and ability add up to the gain over vanilla: more answers in the asked form, and more right among those"
        " that either reading can read (right of read)."
    )
    shown = any(True for _ in _readings(summary.overall, in_full=per_task))
    return (
        f"Accuracy in %, gains in points, each with its 95% interval over {summary.noise}; p after Holm."
        f" Seconds: what the arm costs alone{reused}.{both if shown else ''}"
    )


def format_markdown(report: Report, summary: Summary) -> str:
    """report.md: every table, the caveats, and how to run it again."""
    parts = [f"# {escape_markdown(report.name)}", f"{format_code(report.command)}, {escape_markdown(report.created)}"]
    parts += [_as_markdown(grid) for grid in build_tables(report, summary, per_task=True)]
    parts += [build_legend(summary, per_task=True), "\n".join(f"- {escape_markdown(note)}" for note in summary.notes)]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    parts.append(f"Versions: {escape_markdown(versions)}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _size(table: ScoreTable) -> str:
    seeds = max((row.seeds for row in table.arms), default=0)
    more = f", {table.unscored} more not scored" if table.unscored else ""
    more += f", {table.with_defects} with known defects" if table.with_defects else ""
    return f"{table.items} test items{more}, {seeds} seed{'s' * (seeds != 1)}"


def _arms(title: str, table: ScoreTable, few: bool = False) -> TextTable:
    """`few`: show only the best rules without a model, and seconds as the only cost; report.md has all."""
    cleaned = bool(table.with_defects)
    cost = slice(1, 2) if few else slice(None)
    rows = [_arm(row, cleaned, cost) for row in table.arms]
    best = sorted(table.baselines, key=lambda rule: -rule.accuracy)[: FEW if few else None]
    rest = [""] * (3 + cleaned + len(COST[cost]))
    rules = [(f"no model: {rule.name}", format_percent(rule.accuracy), *rest) for rule in best]
    if table.chance is not None:
        rules.append(("no model: chance", format_percent(table.chance), *rest))
    columns = ("<arm", "accuracy", *["cleaned"] * cleaned, "over vanilla", "p", "unparsed", *COST[cost])
    faint = frozenset(range(len(rows), len(rows) + len(rules)))
    return TextTable(title, columns, (*rows, *rules), faint).without_empty_columns()


def _arm(row: ArmScore, cleaned: bool, shown: slice) -> tuple[str, ...]:
    cost = (f"{row.tokens:,}", f"{row.seconds:,.0f}", f"{row.reused_seconds:,.0f}" if row.reused_seconds else "")[shown]
    if row.accuracy is None or row.unparsed is None:
        return (row.arm, _lack(row), *[""] * (3 + cleaned), *cost)
    shares = [format_accuracy(row.accuracy), *[format_accuracy(row.cleaned) if row.cleaned else ""] * cleaned]
    gain = _gain(row.delta) if row.delta else ("", "")
    return (row.arm, *shares, *gain, f"{format_percent(row.unparsed)}%", *cost)


READ = ("lenient", "unparsed", "unread", "right of read")
VISIBLE = 0.005  # the smallest share of answers that the strict reading misses for which a terminal shows the table


def _readings(table: ScoreTable, components: Sequence[Component] = (), in_full: bool = False) -> Iterator[TextTable]:
    """What the lenient reading adds, and each gain in its two parts. Not `in_full`: only if it can add something."""
    arms = [row for row in table.arms if row.lenient is not None]
    if not any(in_full or (row.unparsed or 0.0) >= VISIBLE for row in arms):
        return
    shown = slice(None) if in_full else slice(0, 3, 2)
    rows = [(row.arm, *_both_readings(row)[shown], *_parts(row.delta)) for row in arms]
    for component in components:
        for estimand, gain in component.gains.items():
            if gain.form:
                rows.append((f"{ESTIMANDS[estimand]} of {component.plugin}", *[""] * len(READ[shown]), *_parts(gain)))
    name = f"{table.leaf or table.tasks[0]}: " if table.leaf or len(table.tasks) == 1 else ""
    columns = ("<arm", *READ[shown], "form", "ability")
    yield TextTable(f"{name}both readings, and the gain over vanilla in two parts", columns, tuple(rows))


def _both_readings(row: ArmScore) -> tuple[str, ...]:
    right = format_percent(row.right_of_readable.value) if row.right_of_readable else "none read"
    lenient = format_percent(row.lenient.value) if row.lenient else ""
    shares = [f"{format_percent(share)}%" for share in (row.unparsed, row.unparsed_in_both) if share is not None]
    return (lenient, *shares, right)


def _parts(gain: Gain | None) -> tuple[str, str]:
    if gain is None or gain.form is None or gain.ability is None:
        return ("", "")
    form, ability = (format_gain(part.value, part.low, part.high) for part in (gain.form, gain.ability))
    return form, ability


def _lack(row: ArmScore) -> str:
    """Why there is no accuracy."""
    if not row.trouble:
        return "not scored"
    return "failed" if any("failed" in line for line in row.trouble) else "incomplete"


def _components(components: Sequence[Component]) -> TextTable:
    shown = [name for name in ESTIMANDS if any(name in c.gains for c in components)] or list(ESTIMANDS)[:2]
    columns = ["<plugin"]
    for estimand in shown:
        columns += [ESTIMANDS[estimand], "p"]
    rows = []
    for component in components:
        row = [component.plugin]
        for estimand in shown:
            row += _gain(component.gains.get(estimand))
        rows.append(tuple(row))
    return TextTable("What each plugin was worth", tuple(columns), tuple(rows)).without_empty_columns()


def _gain(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return ("not measured", "")
    return (format_gain(gain.value, gain.low, gain.high), _p(gain))


def _p(gain: Gain) -> str:
    """p after Holm's correction; empty if there is none."""
    value = gain.p if gain.adjusted is None else gain.adjusted
    if value is None:
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _as_markdown(grid: TextTable) -> str:
    names = [column.removeprefix("<") for column in grid.columns]
    rule = [":--" if column.startswith("<") else "--:" for column in grid.columns]
    lines = [" | ".join(map(escape_markdown, row)) for row in (names, rule, *grid.rows)]
    return f"## {escape_markdown(grid.title)}\n\n" + "\n".join(f"| {line} |" for line in lines)


def build_group_tables(summary: Summary, in_full: bool) -> Iterator[TextTable]:
    """A table across tasks, and one for each pooled task. In full, there is a row with intervals for each group and
    arm; otherwise one column per arm."""
    for task in dict.fromkeys(group.task for group in summary.groups):
        groups = [group for group in summary.groups if group.task == task]
        title = f"{task} by group: micro (items weigh the same), macro (leaf tasks do)"
        yield _in_full(title, groups) if in_full or len(_list_arms(groups)) == 1 else _short(title, groups)


def build_metric_table(summary: Summary) -> TextTable:
    """What plugins measured. Rows are arms or metrics, whichever are more."""
    names = list(summary.metrics)
    arms = list(dict.fromkeys(arm for by_arm in summary.metrics.values() for arm in by_arm))
    cells = {(name, arm): f"{value:.3f}" for name, by_arm in summary.metrics.items() for arm, value in by_arm.items()}
    if len(names) < len(arms):
        rows = tuple((arm, *(cells.get((name, arm), "") for name in names)) for arm in arms)
        return TextTable("Further metrics", ("<arm", *names), rows)
    rows = tuple((name, *(cells.get((name, arm), "") for arm in arms)) for name in names)
    return TextTable("Further metrics", ("<metric", *arms), rows)


def _in_full(title: str, groups: Sequence[Group]) -> TextTable:
    columns = ("<group", "<arm", "leaf tasks", "items", "not scored", "micro", "macro")
    rows = []
    for group in groups:
        sizes = (str(group.leaves), str(group.items), str(group.unscored or ""))
        for score in group.arms:
            rows.append((_name(group), score.arm, *sizes, format_accuracy(score.micro), format_accuracy(score.macro)))
        if not group.arms:
            rows.append((_name(group), "", *sizes, "not scored" if not group.items else "", ""))
    return TextTable(title, columns, tuple(rows))


def _short(title: str, groups: Sequence[Group]) -> TextTable:
    arms = _list_arms(groups)
    rows = []
    for group in groups:
        found = {score.arm: score for score in group.arms}
        cells = [_both(found[arm]) if arm in found else _explain_missing(group) for arm in arms]
        rows.append((_name(group), str(group.items), *cells))
    return TextTable(title, ("<group", "items", *arms), tuple(rows))


def _list_arms(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(score.arm for group in groups for score in group.arms))


def _both(score: GroupScore) -> str:
    return f"{format_percent(score.micro.value)} / {format_percent(score.macro.value)}"


def _explain_missing(group: Group) -> str:
    return "" if group.items else "not scored"


def _name(group: Group) -> str:
    return f"{group.by} {group.name}".strip()
