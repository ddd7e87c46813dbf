"""`openrft compare`: any two arms of any two runs, on the questions that they share."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from openrft.cli.options import wide_option
from openrft.cli.printing import print_command, print_json
from openrft.cli.run_completions import complete_run_arms
from openrft.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from openrft.bench.comparison import RunComparison
    from openrft.bench.run_arm import RunArm

EPILOG = """\b
Examples:
  openrft compare old new                   every arm that both runs have, each with itself
  openrft compare old:rl new:rl+prm         one arm with another
  openrft compare new:rl new:rl+prm         two arms of one run
  openrft compare old:rl new --json         the same arm, for another program
"""


@click.command("compare", epilog=EPILOG)
@click.argument("first", metavar="RUN[:ARM]", shell_complete=complete_run_arms)
@click.argument("second", metavar="RUN[:ARM]", shell_complete=complete_run_arms)
@wide_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print everything as JSON, with the ids of the flipped questions."
)
def command(first: str, second: str, wide: bool, as_json: bool) -> None:
    """Compare the second run (B) with the first (A), paired over the questions that both answered. A run is a name, a
    folder, or a report.json.

    Settings, seeds and data may differ, and the differences are listed. For a pass or fail decision use `openrft gate`.
    """
    from rich.console import Console

    from openrft.bench.comparison import compare_runs
    from openrft.bench.run_arm import find_run_arm
    from openrft.bench.significance import adjust_holm
    from openrft.config.documents import dump_document

    a, b = find_run_arm(first), find_run_arm(second)
    found = [compare_runs(a.report, one, b.report, other) for one, other in _list_arms(a, b)]
    known = {number: row.gain.p for number, row in enumerate(found) if row.gain.p is not None}
    corrected = dict(zip(known, adjust_holm([p for p in known.values() if p is not None]), strict=True))
    found = [replace(row, gain=replace(row.gain, adjusted=corrected.get(n))) for n, row in enumerate(found)]
    if as_json:
        print_json({"a": a.report.name, "b": b.report.name, "comparisons": [dump_document(row) for row in found]})
    else:
        _show(a, b, found, Console(), wide)


def _list_arms(a: RunArm, b: RunArm) -> list[tuple[str, str]]:
    """The arms to compare: those that are named; where one is, the same of the other run; else all that both have."""
    from openrft.bench.run_arm import check_arm

    if a.arm or b.arm:
        one, other = a.arm or b.arm or "", b.arm or a.arm or ""
        return [(check_arm(a.report, one), check_arm(b.report, other))]
    theirs = {arm.name for arm in b.report.arms}
    shared = [(arm.name, arm.name) for arm in a.report.arms if arm.name in theirs]
    if not shared:
        raise UsageError(
            f"{a.report.name} and {b.report.name} have no arm of the same name.", "Name them: RUN:ARM RUN:ARM."
        )
    return shared


def _show(a: RunArm, b: RunArm, found: Sequence[RunComparison], console: Console, wide: bool) -> None:
    from openrft.bench.render import format_p
    from openrft.bench.text_table import TextTable, format_accuracy, format_gain
    from openrft.cli.tables import print_grid, print_left_out, print_line

    columns = ("<arm", "A", "B", "B - A", "p", "only A right", "only B right")
    rows = []
    for row in found:
        gain = row.gain
        levels = [format_accuracy(level) for level in row.accuracies]
        flips = (str(len(row.flips.lost)), str(len(row.flips.gained)))
        name = row.arms[0] if row.arms[0] == row.arms[1] else " → ".join(row.arms)
        rows.append((name, *levels, format_gain(gain.value, gain.low, gain.high), format_p(gain), *flips))
    title = f"A: {a.typed}, B: {b.typed}, on {found[0].items} shared questions"
    grid = TextTable(title, columns, tuple(rows), dropped_first=("only A right", "only B right", "p"))
    print_left_out(print_grid(grid.without_empty_columns(), console, wide), console)
    for line in _list_lines(a, b, found):
        print_line(line, console)
    if following := _suggest_flips(a, b, found):
        print_command(following)


def _list_lines(a: RunArm, b: RunArm, found: Sequence[RunComparison]) -> Iterator[str]:
    """How to read the table, and what differs. What is the same for all arms is said once."""
    from openrft.bench.significance import ONE_TRAINING_SEED

    yield (
        "Accuracy in %, B - A in points, each with its 95% interval over the shared questions"
        f"{' and the seeds' if min(map(len, found[0].seeds)) > 1 else ''}. A question is right if more than half of"
        " its answers are."
    )
    if any(row.gain.test == ONE_TRAINING_SEED for row in found):
        yield "One training run of each says nothing about training noise: no p, and the intervals do not cover it."
    if len(found) == 1:
        row = found[0]
        yield f"Right in both: {row.right_in_both}. Right in neither: {row.right_in_neither}."
        if row.gain.p is not None:
            yield f"p: {row.gain.test}."
    elif any(row.gain.p is not None for row in found):
        yield "p after Holm, for the number of arms."
    yield from dict.fromkeys(note for row in found for note in row.notes)
    differences = list(dict.fromkeys(line for row in found for line in row.differences))
    yield f"Run otherwise: {'; '.join(differences)}." if differences else "Nothing else was run otherwise."


def _suggest_flips(a: RunArm, b: RunArm, found: Sequence[RunComparison]) -> str:
    """The command that shows the flipped answers of the arm with most of them; empty if there are none."""
    most = max(found, key=lambda row: len(row.flips.gained) + len(row.flips.lost))
    if not (most.flips.gained or most.flips.lost):
        return ""
    second = most.arms[0] if a.report is b.report or a.typed == b.typed else f"{a.typed}:{most.arms[0]}"
    return shlex.join(["openrft", "items", b.typed, "--arm", most.arms[1], "--vs", second, "--flipped"])
