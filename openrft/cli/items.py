"""`openrft items`: the questions and answers of a finished bench, in the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.options import INTEGER, wide_option
from openrft.cli.printing import print_json
from openrft.cli.run_completions import complete_arms, complete_other_arms, complete_run_arms, complete_run_tasks
from openrft.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from openrft.bench.answers import Answer, AnsweredQuestion
    from openrft.bench.run_arm import RunArm

EPILOG = """\b
Examples:
  openrft items pocket-L3-1a2b3c                       the best arm's answers, one line for each question
  openrft items pocket-L3-1a2b3c --arm rl --wrong      the questions that it gets wrong
  openrft items pocket-L3-1a2b3c --arm rl+prm --vs rl --flipped
  openrft items new --arm rl --vs old:rl --flipped     against an arm of another run
  openrft items pocket-L3-1a2b3c --show 3f2a --arm rl  the whole of a question, by the beginning of its id
  openrft items pocket-L3-1a2b3c --arm rl --json       with every answer, for another program
"""

QUESTION = 30  # cells of a question that a list shows if it can
DROPPED_FIRST = ((3, "read"), (2, "gold"))  # what a narrow terminal leaves out for that, in this order


@click.command("items", epilog=EPILOG)
@click.argument("run", shell_complete=complete_run_arms)
@click.option(
    "--arm",
    default=None,
    metavar="NAME",
    shell_complete=complete_arms,
    help="The arm whose answers are shown.  [default: the best]",
)
@click.option(
    "--vs",
    "against",
    default=None,
    metavar="ARM|RUN:ARM",
    shell_complete=complete_other_arms,
    help="Show this arm's answers beside those of --arm.",
)
@click.option("--wrong", is_flag=True, help="Only questions for which at most half of the answers are right.")
@click.option("--flipped", is_flag=True, help="Only questions that only one of the two arms gets right.")
@click.option("--unparsed", is_flag=True, help="Only questions with an unparsed answer.")
@click.option("--show", default=None, metavar="ID", help="Show this question and its answers in full.")
@click.option("--prompts", is_flag=True, help="With --show: also show the prompt.")
@click.option(
    "--task",
    default=None,
    metavar="NAME",
    shell_complete=complete_run_tasks,
    help="Only questions of this task.  [default: all]",
)
@click.option("--seed", type=INTEGER, default=None, help="The training seed.  [default: the first]")
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print the questions with all answers as JSON.")
def command(
    run: str,
    arm: str | None,
    against: str | None,
    wrong: bool,
    flipped: bool,
    unparsed: bool,
    show: str | None,
    prompts: bool,
    task: str | None,
    seed: int | None,
    wide: bool,
    as_json: bool,
) -> None:
    """Show the test questions of a finished bench with an arm's answers. RUN is a run's name, its folder, or a
    report.json.

    One line per question: its id, a symbol for each answer (✓ right, ✗ not right, ? unparsed, – not scored), the gold
    answer, the answers that were read, and the question. In a terminal the list is paged. There a long question is cut
    after a word, and a narrow terminal leaves out first the answers that were read, then the gold answers.
    """
    from openrft.bench.run_arm import check_arm, find_run_arm

    if sum((wrong, flipped, unparsed)) > 1:
        raise UsageError("--wrong, --flipped and --unparsed ask for different questions.", "Give one of them.")
    mine = find_run_arm(run)
    if mine.arm and arm:
        raise UsageError(f"{run} names an arm, and so does --arm.", "Give one of them.")
    mine = replace(mine, arm=check_arm(mine.report, arm or mine.arm or _choose_arm(mine)))
    other = _find_other(mine, against or (mine.report.arms[0].name if flipped else None))
    questions = _collect(mine, other, seed, task)
    if show is not None:
        questions = [_find(questions, show)]
    elif wrong:
        questions = [question for question in questions if not _is_right(question)]
    elif flipped:
        questions = [question for question in questions if question.outcome != "same"]
    elif unparsed:
        questions = [question for question in questions if question.is_unparsed]
    if as_json:
        print_json(_describe(mine, other, questions))
    elif show is not None:
        _page(_format_whole(questions[0], mine, other, prompts), wide)
    else:
        _page(_format_list(questions, mine, other, wide), wide)


def _choose_arm(run: RunArm) -> str:
    """The best arm according to the report, else the last one."""
    best = (run.report.summary.get("conclusion") or {}).get("best")
    return str(best or run.report.arms[-1].name)


def _find_other(mine: RunArm, named: str | None) -> RunArm | None:
    from openrft.bench.run_arm import check_arm, find_run_arm

    if named is None:
        return None
    if named in [arm.name for arm in mine.report.arms] or ":" not in named:
        return replace(mine, arm=check_arm(mine.report, named))
    other = find_run_arm(named)
    return replace(other, arm=check_arm(other.report, other.arm or mine.arm or ""))


def _collect(mine: RunArm, other: RunArm | None, seed: int | None, task: str | None) -> list[AnsweredQuestion]:
    """The questions of `mine`, with the answers of `other` where it was asked the same."""
    from openrft.bench.answers import collect_questions

    assert mine.arm is not None
    found = collect_questions(mine.report, mine.folder, mine.arm, _choose_seed(mine, seed), task)
    if other is None:
        return found
    assert other.arm is not None
    theirs = collect_questions(other.report, other.folder, other.arm, _choose_seed(other, seed), None)
    answers = {(question.task, question.id): question.answers for question in theirs}
    shared = [question for question in found if (question.task, question.id) in answers]
    if not shared:
        raise UsageError(f"{_name(mine)} and {_name(other)} were asked no question in common.", "Choose other runs.")
    return [replace(question, against=answers[question.task, question.id]) for question in shared]


def _choose_seed(run: RunArm, seed: int | None) -> int:
    done = [result.seed for result in run.report.results if result.arm == run.arm]
    return seed if seed is not None else min(done, default=0)


def _find(questions: Sequence[AnsweredQuestion], name: str) -> AnsweredQuestion:
    found = {question.id: question for question in questions if question.id.startswith(name)}
    if name in found:
        return found[name]
    if not name or not found:
        raise UnknownName("question", name, [question.id for question in questions])
    if len(found) > 1:
        raise UsageError(f"--show {name}: the ids of {len(found)} questions begin with it.", "Give more of the id.")
    return next(iter(found.values()))


def _is_right(question: AnsweredQuestion) -> bool:
    from openrft.bench.answers import is_right

    return is_right(question.answers)


def _name(run: RunArm) -> str:
    return f"{run.typed}:{run.arm}"


def _describe(mine: RunArm, other: RunArm | None, questions: Sequence[AnsweredQuestion]) -> dict[str, Any]:
    from openrft.config.documents import dump_document

    rows = [{**dump_document(q), **({"outcome": q.outcome} if other else {})} for q in questions]
    head = {"run": mine.report.name, "arm": mine.arm, "against": _name(other) if other else None}
    return {**head, "questions": rows}


def _format_list(questions: Sequence[AnsweredQuestion], mine: RunArm, other: RunArm | None, wide: bool) -> list[str]:
    """The list's lines. On a terminal, if not `wide`: without the columns that leave no room for the questions."""
    from openrft.cli.wrapping import cut_line
    from openrft.runtime.text import escape_terminal

    versus = f" against {_name(other)}" if other else ""
    lines = [f"{_name(mine)}{versus}: {len(questions)} question{'s' * (len(questions) != 1)}"]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() and not wide else None
    rows = [[*map(escape_terminal, _list_columns(question, other is not None))] for question in questions]
    left_out = [] if width is None else _leave_out(rows, width)
    for row in rows:
        *head, words = row
        facts = ", ".join(head[2:])
        line = f"{head[0]}  {head[1]}  {facts}{': ' if facts else ''}{words}"
        lines.append(line if width is None else cut_line(line, width))
    if left_out:
        lines.append(f"Left out, because the terminal has {width} columns: {', '.join(left_out)}. --wide shows all.")
    return lines


def _list_columns(question: AnsweredQuestion, versus: bool) -> list[str]:
    """Id, marks, gold answer, what was read, and the question."""
    marks = "".join(answer.mark for answer in question.answers)
    if versus:
        marks = f"{''.join(answer.mark for answer in question.against)} → {marks}"
    read = ", ".join(dict.fromkeys(a.read or "nothing" for a in question.answers))
    return [question.id, marks, f"gold {question.gold}", f"read {read}", " ".join(question.question.split())]


def _leave_out(rows: list[list[str]], width: int) -> list[str]:
    """Take columns out of the rows until most questions have room for QUESTION cells. Returns the columns' names."""
    from statistics import median

    from rich.cells import cell_len

    left_out = []
    for number, name in DROPPED_FIRST:
        lacking = [
            sum(cell_len(cell) + 2 for cell in row[:-1]) + min(cell_len(row[-1]), QUESTION) - width for row in rows
        ]
        if median(lacking or [0]) <= 0:
            break
        for row in rows:
            del row[number]
        left_out.append(name)
    return left_out


def _format_whole(question: AnsweredQuestion, mine: RunArm, other: RunArm | None, prompts: bool) -> list[str]:
    from openrft.types import LETTERS

    groups = [f"{by} {name}" for by, name in question.groups.items()]
    lines = [f"{question.id}, {', '.join((question.task, *groups))}", "", *question.question.splitlines()]
    lines += [f"  {letter}. {option}" for letter, option in zip(LETTERS, question.options, strict=False)]
    lines += ["", f"gold: {question.gold}"]
    lines += [f"known defects: {', '.join(question.defects)}"] if question.defects else []
    sides = [(other, question.against)] if other else []
    for run, answers in (*sides, (mine, question.answers)):
        if prompts and answers:
            for message in answers[0].messages:
                lines += ["", f"== {run.arm}, prompt, {message['role']}", *message["content"].splitlines()]
        for number, answer in enumerate(answers, 1):
            lines += ["", *_format_answer(answer, f"{run.arm}, answer {number} of {len(answers)}")]
    return lines


def _format_answer(answer: Answer, name: str) -> list[str]:
    read = "nothing" if answer.read is None else answer.read
    head = f"== {name}: {answer.mark} {answer.verdict} (read: {read}; {answer.why}; {answer.tokens} tokens)"
    return [head, *(f"    {line}" for line in answer.text.splitlines())]


def _page(lines: Sequence[str], wide: bool) -> None:
    """Print the lines; in a terminal wrapped between words if not `wide`, and through the pager if they do not fit the
    screen."""
    from openrft.cli.wrapping import wrap_line
    from openrft.runtime.text import escape_terminal

    lines = [escape_terminal(line) for line in lines]
    size = shutil.get_terminal_size()
    if sys.stdout.isatty() and not wide:
        lines = [piece for line in lines for piece in wrap_line(line, size.columns)]
    text = "".join(f"{line}\n" for line in lines)
    if sys.stdout.isatty() and len(lines) >= size.lines:
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)
