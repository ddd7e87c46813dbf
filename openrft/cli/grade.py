"""`openrft grade`: score completions from anywhere in both readings, to check the grader before it is trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from openrft.cli.completions import complete_policies
from openrft.cli.options import PathType, grading_options, parse_reading_options, reading_options
from openrft.cli.paid_options import NAMES, command_account, paid_options
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.grading.grade import Grade
    from openrft.grading.rules import GradingRules
    from openrft.tasks.task import SourceRow, SourceTable

COLUMNS = {  # what this command reads beside questions and answers, and what the columns may be called
    "completion": (
        *("completion", "response", "model_output", "model_answer", "model_response", "generated_text", "generation"),
        *("prediction", "reply", "output", "completions"),
    ),
    "strict": ("strict",),  # what the user says the verdict should be; optional
    "lenient": ("lenient",),
}
READINGS = ("strict", "lenient")
VERDICTS = ("right", "wrong", "unread")
SHOWN = 70  # characters of a completion's end
OF_GRADERS = ("judge", "store", *NAMES)  # parameters that only --grader reads
MAX_FAULTS = 5  # how many bad rows a message names

EPILOG = """Columns: completion, answer, question, options (a list, or one column each: A, B, C, ...). Optional: kind,
and accepted (further right answers). If the columns strict and lenient have your own verdicts (true or false), the rows
on which the grader disagrees are listed.

\b
Examples:
  openrft grade completions.csv
  openrft grade outputs.jsonl --map completion=response --show wrong
  openrft grade outputs.jsonl --json > verdicts.json
  openrft grade outputs.jsonl --grader grader.json
  openrft grade outputs.jsonl --grader rubric.txt --judge openai:http://127.0.0.1:8000/v1#model
  cat outputs.jsonl | openrft grade -
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one completion was graded."""

    place: str
    kind: str
    gold: str
    completion: str
    grade: Grade
    expected: Mapping[str, bool]  # by reading, where the file says what it should be

    def of(self, reading: str) -> Grade:
        """The verdict of one reading."""
        return self.grade.lenient or self.grade if reading == "lenient" else self.grade

    def word(self, reading: str) -> str:
        """right, wrong or unread."""
        found = self.of(reading)
        return "unread" if found.answer is None else "right" if found.correct else "wrong"

    @property
    def is_unexpected(self) -> bool:
        """Whether a reading's verdict is not what the file says."""
        return any(bool(self.of(reading).correct) is not said for reading, said in self.expected.items())


@click.command("grade", epilog=EPILOG)
@click.argument("file", type=PathType(allow_dash=True))
@grading_options
@reading_options
@click.option(
    "--grader",
    metavar="FILE",
    help="Grade by this grader in OpenAI's format, or by this rubric, instead. FILE is then JSON Lines, as for `openrft"
    " graders try` of the plugin openrft-graders.",
)
@click.option(
    "--judge",
    metavar="POLICY",
    shell_complete=complete_policies,
    help="The model that judges, for a --grader that needs one (such as a rubric).",
)
@paid_options
@click.option(
    "--store",
    default="runs/.store",
    type=PathType(file_okay=False, path_type=Path),
    show_default=True,
    help="Folder of the judge's stored replies, so that none is paid for twice.",
)
@click.option("--skip-bad-rows", is_flag=True, help="Leave out malformed rows and count them instead of stopping.")
@click.option(
    "--show",
    type=click.Choice(["differences", "wrong", "unread", "all", "none"]),
    default="differences",
    show_default=True,
    help="Which rows to list: where the readings differ, what is wrong or unread in either, all, or none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the verdict on every row.")
@click.pass_context
def command(
    context: click.Context,
    file: str,
    grader: str | None,
    judge: str | None,
    store: Path,
    skip_bad_rows: bool,
    show: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Grade the completions in FILE (CSV, TSV, JSON, JSON Lines, Excel, Parquet; - is standard input).

    The strict reading accepts a final answer in the requested format: a box or "the answer is". The lenient one also
    accepts what a careful person would take for the answer. Unread means that no answer was found.
    """
    from openrft.grading.rules import GradingRules
    from openrft.types import content_id

    _refuse_unread(context, has_grader=grader is not None)
    if grader is not None:
        with command_account(given, store, f"grade-{content_id(grader, judge, file)}"):
            _grade_by_plugin(context, grader, judge, file, as_json)
        return
    rules = GradingRules(given["tolerance"], given["convert_units"])
    table = _read(file, parse_reading_options(given))
    skipped = [f"{row.place}: {row.fault}" for row in table.rows if row.fault]
    if skipped and not skip_bad_rows:
        _refuse(skipped)
    verdicts = [_grade_row(row, rules) for row in table.rows if not row.fault]
    if not verdicts:
        _refuse(skipped or [f"{file}: there are no rows"])
    if as_json:
        print_json(_write_json(file, table, verdicts, skipped))
        return
    for line in _write_lines(table, verdicts, skipped, show):
        print_text(line)


def _refuse_unread(context: click.Context, has_grader: bool) -> None:
    """Raises UsageError for options that are given and would change nothing."""
    from openrft.errors import UsageError

    if has_grader and context.params["file"] == "-":
        raise UsageError("--grader reads no standard input.", "Write the rows to a file.")
    read = {*OF_GRADERS, "file", "grader", "as_json"} if has_grader else {*context.params} - {*OF_GRADERS}
    unread = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in read
        and context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    ]
    if unread:
        words = "with --grader, which grades by itself" if has_grader else "without --grader"
        raise UsageError(f"{', '.join(unread)}: not read {words}.", "Leave it out.")


def _grade_by_plugin(context: click.Context, grader: str, judge: str | None, file: str, as_json: bool) -> None:
    """Run `openrft graders try`. Raises UsageError where the plugin is not installed."""
    from openrft.cli.plugin_commands import load_command
    from openrft.errors import UsageError

    found = load_command("graders")
    if not isinstance(found, click.Group):
        raise UsageError("--grader needs the plugin openrft-graders.", "Run pip install openrft-graders.")
    arguments = ["try", grader, file, *(["--judge", judge] if judge else []), *(["--json"] if as_json else [])]
    found.main(arguments, prog_name="openrft graders", standalone_mode=False, obj=context.obj)


def _read(file: str, reading: Mapping[str, Any]) -> SourceTable:
    """The rows of the file. Raises UsageError or DataError."""
    from openrft.cli.source import STANDARD_INPUT, read_table
    from openrft.errors import DataError

    table = read_table(file, reading, ("answer",), COLUMNS)
    if not any("completion" in row.extra for row in table.rows):
        shown = ", ".join(dict.fromkeys(name for row in table.rows for name in row.cells)) or "none"
        raise DataError(
            f"{STANDARD_INPUT if file == '-' else file}: no column holds completions; there are {shown}.",
            "Call one completion, or say --map completion=NAME.",
        )
    return table


def _refuse(faults: Sequence[str]) -> None:
    from openrft.errors import DataError

    more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
    raise DataError(
        f"{'; '.join(faults[:MAX_FAULTS])}{more}.", "Fix these rows, or leave them out with --skip-bad-rows."
    )


def _grade_row(row: SourceRow, rules: GradingRules) -> Verdict:
    from openrft.grading.grade import grade

    assert row.sample is not None  # rows without an answer have a fault
    completion = _to_text(row.extra.get("completion", ""))
    expected = {reading: said for reading in READINGS if (said := _to_bool(row.extra.get(reading))) is not None}
    found = grade(row.sample, completion, rules)
    return Verdict(row.place, row.sample.kind, row.sample.answer, completion, found, expected)


def _to_text(completion: Any) -> str:
    """A completion as text: itself, the last message of a chat, or the first of several completions."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Mapping):
        return _to_text(completion.get("content", completion.get("text", "")))
    if isinstance(completion, list):
        chat = [part for part in completion if isinstance(part, Mapping) and "role" in part]
        return _to_text(chat[-1] if chat else completion[0]) if completion else ""
    return "" if completion is None else str(completion)


def _to_bool(value: Any) -> bool | None:
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "right": True,
        "false": False,
        "0": False,
        "no": False,
        "wrong": False,
    }
    return words.get(str(value).strip().lower())


def _count(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    found = list(verdicts)
    counts = {reading: Counter(verdict.word(reading) for verdict in found) for reading in READINGS}
    return {
        "rows": len(found),
        **{reading: {word: counts[reading][word] for word in VERDICTS} for reading in READINGS},
        "readings_differ": sum(_is_different(verdict) for verdict in found),
    }


def _is_different(verdict: Verdict) -> bool:
    return verdict.word("strict") != verdict.word("lenient")


def _kinds(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    by_kind: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_kind.setdefault(verdict.kind, []).append(verdict)
    return dict(sorted(by_kind.items()))


def _write_json(file: str, table: SourceTable, verdicts: Sequence[Verdict], skipped: Sequence[str]) -> dict[str, Any]:
    checked = [verdict for verdict in verdicts if verdict.expected]
    return {
        "file": file,
        "layout": table.notes.get("layout", ""),
        "totals": _count(verdicts),
        "kinds": {kind: _count(those) for kind, those in _kinds(verdicts).items()},
        "skipped": list(skipped),
        **({"checked": len(checked), "unexpected": [v.place for v in checked if v.is_unexpected]} if checked else {}),
        "rows": [_write_row(verdict) for verdict in verdicts],
    }


def _write_row(verdict: Verdict) -> dict[str, Any]:
    strict, lenient = verdict.of("strict"), verdict.of("lenient")
    return {
        "row": verdict.place,
        "kind": verdict.kind,
        "gold": verdict.gold,
        "answer": strict.answer,
        "strict": strict.correct,
        "why": strict.reason,
        "lenient_answer": lenient.answer,
        "lenient": lenient.correct,
        "lenient_why": lenient.reason,
        **({"expected": dict(verdict.expected)} if verdict.expected else {}),
    }


def _write_lines(table: SourceTable, verdicts: Sequence[Verdict], skipped: Sequence[str], show: str) -> Iterator[str]:
    yield f"Read as {table.notes.get('layout', '')}."
    yield ""
    yield f"{'':12}{'':>7}   {'strict':>8}{'':>8}{'':>8}   {'lenient':>8}{'':>8}{'':>8}".rstrip()
    yield f"{'kind':12}{'rows':>7}   " + "   ".join("".join(f"{word:>8}" for word in VERDICTS) for _ in READINGS)
    kinds = _kinds(verdicts)
    for kind, those in [*kinds.items(), *([("all", list(verdicts))] if len(kinds) > 1 else [])]:
        counts = _count(those)
        cells = "   ".join("".join(f"{counts[reading][word]:>8}" for word in VERDICTS) for reading in READINGS)
        yield f"{kind:12}{counts['rows']:>7}   {cells}"
    yield ""
    if skipped:
        yield f"Left out {len(skipped)} {'row' if len(skipped) == 1 else 'rows'}: {'; '.join(skipped[:MAX_FAULTS])}."
    differing = sum(map(_is_different, verdicts))
    yield f"The two readings differ in {differing} of {len(verdicts)} rows."
    checked = [verdict for verdict in verdicts if verdict.expected]
    unexpected = [verdict for verdict in checked if verdict.is_unexpected]
    if checked:
        yield f"{len(checked) - len(unexpected)} of {len(checked)} rows are graded as the file expects."
    for verdict in unexpected:
        yield from _describe(verdict)
    for verdict in verdicts:
        if _is_shown(verdict, show) and not (checked and verdict in unexpected):
            yield from _describe(verdict)


def _is_shown(verdict: Verdict, show: str) -> bool:
    if show == "differences":
        return _is_different(verdict)
    return show == "all" or any(verdict.word(reading) == show for reading in READINGS)


def _describe(verdict: Verdict) -> Iterator[str]:
    """A row's verdicts in both readings, and why."""
    end = " ".join(verdict.completion.split())
    yield f"{verdict.place} ({verdict.kind}, gold {_shorten(verdict.gold)}): {_shorten(end, at_end=True) or '(blank)'}"
    for reading in READINGS:
        found = verdict.of(reading)
        read = "" if found.answer is None else f" {_shorten(found.answer)}"
        said = verdict.expected.get(reading)
        wanted = "" if said in (None, bool(found.correct)) else f"; the file expects {'right' if said else 'not right'}"
        yield f"  {reading + ':':9}{verdict.word(reading)}{read}{f' ({found.reason})' if found.reason else ''}{wanted}"


def _shorten(text: str, at_end: bool = False) -> str:
    text = " ".join(text.split())
    if len(text) <= SHOWN:
        return text
    return f"...{text[-SHOWN:]}" if at_end else f"{text[:SHOWN]}..."
