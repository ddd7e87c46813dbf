"""`openrft predict`: answer new questions with a policy, from a file, the command line or in conversation."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_paths, complete_plugin, complete_policies
from openrft.cli.options import (
    INTEGER,
    PathType,
    grading_options,
    parse_reading_options,
    reading_options,
    set_option,
)
from openrft.cli.paid_options import command_account, paid_options
from openrft.cli.printing import print_text

if TYPE_CHECKING:
    from openrft.prediction import PredictionPlan, Predictor

CHUNK = 8  # questions that are answered together: an interrupted command loses at most so many

EPILOG = """\b
Examples:
  openrft predict --policy ./my-policy --data new.csv --out answers.csv
  openrft predict --policy ./my-policy --data new.xlsx --samples 8 --reasoning --out answers.jsonl
  openrft predict --policy ./my-policy 'Which metal is densest?' --option iron --option osmium
  cat new.csv | openrft predict --policy ./my-policy --data - --out - > answers.csv
  openrft predict --policy ./my-policy --data new.csv --plugins best-of-n --set best-of-n.model=./my-prm --out a.csv
  openrft predict --policy ./my-policy --ask
"""


@click.command("predict", epilog=EPILOG)
@click.argument("question", required=False)
@click.option(
    "--policy",
    default="pocket",
    show_default=True,
    metavar="SPEC",
    shell_complete=complete_policies,
    help="As for `openrft bench`.",
)
@click.option(
    "--data",
    default=None,
    metavar="SOURCE",
    shell_complete=complete_paths,
    help="A file of questions in any layout; - is standard input.",
)
@click.option(
    "--out",
    default=None,
    type=PathType(dir_okay=False, allow_dash=True),
    help="A new .csv or .jsonl file; -: print CSV.",
)
@click.option("--option", "options", multiple=True, metavar="TEXT", help="An option of QUESTION. Repeatable.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=None,
    help="Completions per question.  [default: that of --plugins, else 3]",
)
@click.option(
    "--plugins",
    "plugin",
    default=None,
    metavar="NAME",
    shell_complete=complete_plugin,
    help="How one answer is chosen from the completions: vote or best-of-n.  [default: as in the policy's arm, else the"
    " most frequent answer]",
)
@click.option("--reasoning", is_flag=True, help="Also write the policy's reasoning.")
@click.option("--ask", is_flag=True, help="Ask questions in the terminal. An empty line or Ctrl-D ends it.")
@click.option("--seed", type=INTEGER, default=0, show_default=True, help="Seed of the sampling.")
@click.option("--skip-bad-rows", is_flag=True, help="Leave out rows without a question instead of stopping.")
@reading_options
@grading_options
@set_option
@paid_options
@click.option(
    "--store",
    default="runs/.store",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder of the stored replies of servers, so that none is paid for twice.",
)
def command(
    question: str | None,
    policy: str,
    data: str | None,
    out: str | None,
    options: tuple[str, ...],
    samples: int | None,
    plugin: str | None,
    reasoning: bool,
    ask: bool,
    seed: int,
    skip_bad_rows: bool,
    settings: tuple[str, ...],
    store: str,
    **given: Any,
) -> None:
    """Answer questions with a policy: QUESTION, every row of --data, or a conversation (--ask).

    A policy that OpenRFT trained uses the instruction, settings and demonstrations in its folder, and its arm's way to
    choose answers, such as best-of-n. Each answer comes with its agreement, the share of completions that give it. If
    the rows have answers, the predictions are also scored. Run the same command again to resume it.
    """
    from openrft.config.parse import parse_assignments
    from openrft.errors import UsageError
    from openrft.types import content_id

    if sum((question is not None, data is not None, ask)) != 1:
        raise UsageError(
            "QUESTION, --data and --ask: exactly one is needed.", "Give a QUESTION, or --data FILE, or --ask."
        )
    if question is not None:
        _check_question(question, options, given["kind"])
    elif options:
        raise UsageError("--option has no effect without a QUESTION.", "Leave it out.")
    values = parse_assignments(settings)
    if data is not None and out is None:
        raise UsageError("--data needs --out.", "Name a new .csv or .jsonl file, or - to print.")
    run = f"predict-{content_id(policy, values, samples, seed, question, data)}"
    with command_account(given, Path(store), run):
        from openrft.prediction import open_predictor, plan_predictions

        plan = plan_predictions(policy, values, samples, plugin)
        if data is not None:
            _answer_all(plan, data, out or "-", reasoning, seed, skip_bad_rows, given)
            return
        _print_notes(plan)
        predictor = open_predictor(plan)
        if ask:
            _converse(predictor, seed)
        else:
            _answer_one(predictor, question or "", options, given["kind"], seed)


def _print_notes(plan: PredictionPlan) -> None:
    for line in plan.describe():
        print_text(f"note: {line}", err=True)


def _check_question(question: str, options: Sequence[str], kind: str | None) -> None:
    from openrft.errors import UsageError
    from openrft.runtime.text import replace_lone_surrogates

    if not question.strip():
        raise UsageError("the QUESTION is empty.")
    for name, text in (("QUESTION", question), *(("--option", option) for option in options)):
        if replace_lone_surrogates(text) != text:
            raise UsageError(f"{name} {text[:60]!r} is not text in UTF-8.", "Give it in UTF-8, or a file with --data.")
    if _is_file(question):
        raise UsageError(
            f"QUESTION {question} is a file.", f"For the questions in it say --data {question} --out answers.csv."
        )
    if kind == "choice" and not options:
        raise UsageError("--kind choice needs the options of QUESTION.", "Give each with --option TEXT.")
    if options and kind not in (None, "choice"):
        raise UsageError(f"--kind {kind}: a QUESTION with options is a choice.", "Leave --kind out, or the options.")


def _is_file(question: str) -> bool:
    with contextlib.suppress(OSError):  # a name that is too long
        return "." in question and Path(question).is_file()
    return False


def _answer_one(predictor: Predictor, question: str, options: Sequence[str], kind: str | None, seed: int) -> None:
    from openrft.errors import DataError, PolicyError
    from openrft.prediction import TOO_LONG
    from openrft.tasks.task import Question
    from openrft.types import LETTERS

    asked = Question(question, tuple(options), kind or ("choice" if options else "text"))  # type: ignore[arg-type]
    (found,) = predictor.predict([asked], [None], seed)
    if found.error == TOO_LONG:
        raise DataError(f"{found.error}.", "Shorten it, or take a policy with a longer context.")
    if found.error:
        raise PolicyError(f"the server gave no answer: {found.error}")
    for line in found.reasoning.splitlines():
        print_text(line)
    chosen = f" {options[LETTERS.index(found.answer)]}" if options and found.answer else ""
    print_text("")
    print_text("no answer could be read." if found.answer is None else f"Answer: {found.answer}{chosen}")
    if found.completions > 1:
        print_text(f"Agreement: {found.agreement:.0%} of {found.completions} completions.")


def _converse(predictor: Predictor, seed: int) -> None:
    from openrft.errors import DataError
    from openrft.runtime.text import replace_lone_surrogates

    turns: list[dict[str, str]] = []
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        except UnicodeDecodeError as fault:
            raise DataError("the input is not text in UTF-8.", "Write it again in UTF-8.") from fault
        if replace_lone_surrogates(line) != line:
            raise DataError(f"{line[:60]!r} is not text in UTF-8.", "Write it again in UTF-8.")
        if not line:
            return
        turns.append({"role": "user", "content": line})
        answer = predictor.converse(turns, seed + len(turns))
        said = answer.text if answer.is_written else f"({answer.error or 'the conversation fills the context'})"
        for part in said.splitlines():
            print_text(part)
        turns.append({"role": "assistant", "content": answer.text})


def _answer_all(
    plan: PredictionPlan,
    data: str,
    out: str,
    reasoning: bool,
    seed: int,
    skip_bad_rows: bool,
    given: Mapping[str, Any],
) -> None:
    from openrft.cli.predictions_file import open_output
    from openrft.cli.progress import show_progress
    from openrft.cli.source import read_table
    from openrft.errors import DataError
    from openrft.grading.rules import GradingRules
    from openrft.plugins.policy_registry import fingerprint_policy
    from openrft.prediction import open_predictor
    from openrft.runtime.seeds import derive_seed
    from openrft.types import content_id

    rules = GradingRules(given["tolerance"], given["convert_units"])
    table = read_table(data, parse_reading_options(given), ("question",), {})
    bad = [row for row in table.rows if row.question is None]
    if bad and not skip_bad_rows:
        more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
        faults = "; ".join(f"{row.place}: {row.fault}" for row in bad[:3])
        raise DataError(f"{faults}{more}.", "Fix these rows, or leave them out with --skip-bad-rows.")
    rows = [row for row in table.rows if row.question is not None]
    key = content_id(fingerprint_policy(plan.spec), plan.identify(), seed, [str(row.cells) for row in rows])
    given_columns = dict.fromkeys(name for row in rows for name in row.cells)
    with open_output(out, key, given_columns, reasoning) as output:
        todo = rows[output.done :]
        if output.done:
            print_text(f"{output.done} of {len(rows)} questions were answered before; going on.", err=True)
        _print_notes(plan)
        predictor = open_predictor(plan) if todo else None
        with show_progress(f"{len(todo)} questions") as progress:
            for start in range(0, len(todo), CHUNK):
                assert predictor is not None
                chunk = todo[start : start + CHUNK]
                found = predictor.predict(
                    [row.question for row in chunk if row.question],
                    [row.sample for row in chunk],
                    derive_seed(seed, "predict", output.done),
                    rules=rules,
                )
                output.write(chunk, found)
                progress.update("answer", min(start + CHUNK, len(todo)), len(todo))
        written = output.rows
    known = plan.know(rows)
    for line in (*_describe(written, len(bad)), *_describe_known(written, known)):
        print_text(line, err=out == "-")
    if out != "-":
        print_text(f"Wrote {out}.")


def _describe_known(rows: Sequence[Mapping[str, Any]], known: Sequence[bool]) -> Iterable[str]:
    """How many of the questions the policy was trained on, and how it does on the others."""
    if any(known):
        others = [row for row, is_known in zip(rows, known, strict=True) if not is_known and row["correct"] is not None]
        right = sum(row["correct"] for row in others)
        score = f" Of the others with a label {right} of {len(others)} are right." if others else ""
        yield f"{sum(known)} of the questions are among those that the policy was trained on.{score}"


def _describe(rows: Sequence[Mapping[str, Any]], bad: int) -> Iterable[str]:
    """What a reader must know of the answers, one line each."""
    unread = sum(row["answer"] is None for row in rows)
    yield f"{len(rows)} questions answered{f', {bad} bad rows left out' if bad else ''}."
    if unread:
        yield f"{unread} without an answer that could be read."
    if failed := sum(bool(row["error"]) for row in rows):
        yield f"{failed} got no answer: {next(row['error'] for row in rows if row['error'])}"
    if labelled := [row for row in rows if row["correct"] is not None]:
        from statsmodels.stats.proportion import proportion_confint

        right = sum(row["correct"] for row in labelled)
        low, high = proportion_confint(right, len(labelled), alpha=0.05, method="wilson")
        yield (
            f"{right} of {len(labelled)} questions with a label are right: {right / len(labelled):.1%}"
            f" [{low:.1%}, {high:.1%}]."
        )
