"""What the columns of one file mean: by its layout, by `--map`, by their names, and by what they hold."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from openrft import DataError, DataRequest, escape_terminal
from openrft_questions.cells import join_passages, parse_cell
from openrft_questions.column_names import ALPHABETS, FLAGS, MAYBE_PASSAGES, find_series, normalize_name
from openrft_questions.columns import Columns, assign_columns, is_empty, parse_map
from openrft_questions.kinds import is_plain_number, names_kinds, parse_flag, parse_verdict, text_of
from openrft_questions.layouts import Layout, find_layout
from openrft_questions.options import find_marked_option
from openrft_questions.table import SIDES, BadRowError
from openrft_questions.text_files import SPLIT_NAME

SENTENCE = 6  # words of a sentence
REMARKS = re.compile(
    r"note|comment|remark|hint|feedback|expla|rational|reason|solution|source|refer|citation|url|link|image|tag|meta"
    r"|student|answer|response|predict|completion|output|generat|model|review|wrong|distract|translat|original"
)
MIN_WORDS = 3  # of what stands before a question, in a column whose name does not say that it does
MAX_NAME = 200  # signs of the number, code or address of a passage
PROMPT_WORDS = (
    "question",
    "answer",
    "user",
    "assistant",
    "human",
    "gpt",
    "system",
    "input",
    "output",
    "response",
    "q",
    "a",
)
MIN_SIGNS = 8  # the same in signs, where words are not spaced
MAX_COLUMNS = 30  # how many columns a message names
SOMEBODYS = re.compile(r"(student|pupil|learner|user|model|given).*answer|answergiven")
NO_OPTIONS = re.compile(
    rf"{REMARKS.pattern}|annotat|run|step|clue|score|value|sentence|rater|judge|part|section|keyword"
)
COUNTED = ("wrong", "false", "incorrect", "falsch", "incorrecta", "foil")  # which may count who answered so
REPLIES = re.compile(r"option|choice|candidate|response|statement|answer|reply")
MODEL_WORDS = ("model", "prediction", "predicted", "response", "completion", "output", "generat", "student", "pupil")


def recognise_columns(
    rows: Sequence[Mapping[str, Any]],
    request: DataRequest,
    needs: Collection[str],
    extra: Mapping[str, Sequence[str]],
    where: str,
) -> tuple[Columns, Layout | None]:
    """The columns' meanings and the layout, if it is a known one.

    `needs` and `extra`: as in `openrft.ReadsRows`. `where`: the file, for messages. Raises UsageError, and DataError if
    a needed column is missing in all of the file.
    """
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    filled = {str(name) for row in rows for name, value in row.items() if not is_empty(value)}
    given = parse_map(request.columns, extra)
    layout = find_layout([name for name in names if name in filled], rows)
    own = layout.columns if layout else {}
    of_layout = {normalize_name(name): "" if meaning in given else meaning for name, meaning in own.items()}
    columns = assign_columns([name for name in names if name in filled], given, of_layout, extra)
    _add_empty_columns(columns, [name for name in names if name not in filled], given)
    for name in columns.find("kind") if "kind" not in given else ():
        if normalize_name(name) != "kind" and not names_kinds(row.get(name) for row in rows):
            columns.meanings[name] = ""  # a column `type` may be about anything
    if "passage" not in given:
        _leave_out_numbers(columns, rows, of_layout)
    if "split" not in given and request.split is None:
        _leave_out_single_split(columns, rows)
    _leave_out_counts(columns, rows)
    _leave_out_verdicts(columns, rows)
    _sort_answers(columns, rows, where)
    _find_flag(columns, rows)
    columns.wrong_mark = _find_wrong_mark(columns, rows)
    if not columns.has_options and request.kind is None and not columns.find("kind"):
        _find_lost_options(columns, rows)
    if rows:
        _check_columns(columns, rows, layout, needs, where)
    return columns, layout


def _add_empty_columns(columns: Columns, empty: Sequence[str], given: Mapping[str, str]) -> None:
    """A column that is empty in every row means nothing, unless no other column is the question or the answer."""
    known = {*columns.meanings.values(), *given}
    for name, meaning in assign_columns(empty, {}, {}, {}).meanings.items():
        columns.meanings[name] = meaning if meaning in ("question", "answer") and meaning not in known else ""


def _leave_out_numbers(columns: Columns, rows: Sequence[Mapping[str, Any]], of_layout: Collection[str]) -> None:
    """A column such as `case` or `text` may hold what stands before the question, or only count or name it, or be the
    question once more, with its answer, as models were trained on it."""
    asked = [text_of(row.get(name)) for name in columns.find("question")[:1] for row in rows] or [""] * len(rows)
    for name in columns.find("passage"):
        if normalize_name(name) in of_layout:
            continue
        cells = [(row[name], own) for row, own in zip(rows, asked, strict=True) if not is_empty(row.get(name))]
        unsure = normalize_name(name) in map(normalize_name, MAYBE_PASSAGES)
        other = sum(_is_short(str(cell)) if unsure else _names_passage(str(cell)) for cell, _ in cells)
        repeated = sum(_is_question(str(cell), own) for cell, own in cells)
        if 2 * max(other, repeated) > len(cells) or (_is_prompt(name) and _is_constant([cell for cell, _ in cells])):
            columns.meanings[name] = ""


def find_prose(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that are not read and hold whole sentences, unless their names say that these are remarks or answers
    of a model."""
    found = []
    known = "passage" in columns.given or columns.find("passage")
    for name in () if known else columns.ignored:
        cells = [row[name] for row in rows if not is_empty(row.get(name))]
        long = sum(_count_words(cell) >= SENTENCE for cell in cells)
        if not REMARKS.search(normalize_name(name)) and 2 * long > len(rows):
            found.append(name)
    return tuple(found)


def _count_words(cell: Any) -> int:
    with contextlib.suppress(BadRowError):
        return len(join_passages([cell]).split()) if isinstance(cell, (str, list, Mapping)) else 0
    return 0


def _is_short(text: str) -> bool:
    """Whether a text has few words. Chinese and Japanese have no spaces between them."""
    return len(text.split()) < MIN_WORDS and (text.isascii() or len(text) < MIN_SIGNS)


def _is_question(text: str, question: str) -> bool:
    """Whether a text is the question once more, perhaps with its answer, and little else."""
    if len(question.split()) < MIN_WORDS or question not in text:
        return False
    rest = [word for word in re.findall(r"\w+", text.replace(question, " ")) if word.lower() not in PROMPT_WORDS]
    return len(rest) < 2 * MIN_WORDS


def _is_prompt(name: str) -> bool:
    return normalize_name(name) in ("instruction", "system", "systemprompt")


def _is_constant(cells: Sequence[Any]) -> bool:
    """Whether nearly all cells are the same: how to answer, which the task says itself."""
    return len(cells) > 1 and Counter(map(str, cells)).most_common(1)[0][1] >= 0.8 * len(cells)


def _names_passage(text: str) -> bool:
    """Whether a text is no passage but the number, code or address of one."""
    return (
        len(text) < MAX_NAME
        and re.fullmatch(r"\W*\d[\d.,]*\W*|https?://\S+|[\w.-]*\d[\w.-]*", text.strip()) is not None
    )


def _leave_out_single_split(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """A split that is the same in every row, such as `validation`, does not divide them. A column `set` may be about
    anything, unless it says train and test."""
    for name in columns.find("split"):
        values = {text_of(row.get(name)).lower() for row in rows}
        divides = {*SIDES} <= values and all(map(SPLIT_NAME.fullmatch, values))
        other = normalize_name(name) != "split" and not divides
        if other or (len(values) == 1 and values.isdisjoint(SIDES)):
            columns.meanings[name] = ""


def _leave_out_verdicts(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """A column `accepted` may say whether an answer was, and hold no further answers."""
    for name in columns.find("accepted"):
        cells = [row[name] for row in rows if not is_empty(row.get(name))]
        if all(isinstance(cell, bool) or text_of(cell).lower() in ("true", "false", "yes", "no") for cell in cells):
            columns.meanings[name] = ""


def _leave_out_counts(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """A column `wrong` may count those who were, beside answers in words."""
    answers = [text_of(row.get(name)) for name in columns.find("answer")[:1] for row in rows]
    for name in columns.find("wrong"):
        counts = [str(row.get(name)).removesuffix(".0").isdigit() for row in rows if not is_empty(row.get(name))]
        if normalize_name(name) in COUNTED and all(counts) and not any(map(is_plain_number, answers)):
            columns.meanings[name] = ""


def _sort_answers(columns: Columns, rows: Sequence[Mapping[str, Any]], where: str) -> None:
    """Of two columns of answers, one of lists holds the options. Beside an answer, columns called answer 2 and answer 3
    hold wrong ones.

    Raises DataError for a column of verdicts on somebody's answers, which says nothing of the right ones.
    """
    answers = columns.find("answer")
    cells = [
        text_of(row.get(name)) for name in answers for row in rows if not isinstance(parse_cell(row.get(name)), list)
    ]
    labels = len(cells) >= len(rows) and all(re.fullmatch(r"\d{1,2}|[A-Za-z]", cell) for cell in cells)
    for name in answers if labels and len(answers) > 1 and not columns.has_options else ():
        if rows and all(isinstance(cell := parse_cell(row.get(name)), list) and len(cell) > 1 for row in rows):
            columns.meanings[name] = "options"
    counted = {of.removeprefix("option "): name for name, of in columns.meanings.items() if of.startswith("option ")}
    for label in counted if len(counted) == 1 else ():
        if any(label in alphabet for alphabet in ALPHABETS):  # such as an angle called by its sign
            columns.meanings[counted[label]] = ""
    if answers and len(counted) > 1 and {*counted} == {str(2 + i) for i in range(len(counted))}:
        columns.meanings.update(dict.fromkeys(counted.values(), "wrong"))
    if [normalize_name(name) for name in answers] == ["correct"] and "answer" not in columns.given:
        somebodys = [name for name in columns.ignored if _holds_replies(columns, rows, normalize_name(name))]
        if somebodys and all(isinstance(parse_verdict(row.get(answers[0])), bool) for row in rows):
            shown = escape_terminal(somebodys[0])
            raise DataError(
                f"{where}: the column correct tells whether {shown} is right, and no column holds the right answers.",
                "Add a column answer, or say --map answer=NAME.",
            )


def _holds_replies(columns: Columns, rows: Sequence[Mapping[str, Any]], plain: str) -> bool:
    """Whether a column holds somebody's answers, or one option a row of questions that have several rows."""
    if SOMEBODYS.search(plain):
        return True
    asked = [text_of(row.get(name)) for name in columns.find("question")[:1] for row in rows]
    return REPLIES.search(plain) is not None and len({*asked}) < len(asked)


def _find_wrong_mark(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> str:
    """What stands between several wrong answers in a cell, where one column holds them all."""
    names = columns.find("wrong")
    texts = [row[names[0]] for row in rows if isinstance(row.get(names[0]), str)] if len(names) == 1 else []
    texts = [text for text in texts if not text.lstrip().startswith("[")]
    several = names and normalize_name(names[0]).endswith(("s", "en", "\u9879"))
    marks = ("|", ";", "\uff1b", "\u3001", "\n", ",") if several else ("|",)
    return next((mark for mark in marks if any(mark in text for text in texts)), "")


def _find_flag(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """A column that is not read and says of each answer whether it is right: of several answers to a question, a row
    each. Beside the answers of a model it may say whether those are right."""
    plain = {normalize_name(name): name for name in columns.ignored}
    name = next((plain[flag] for flag in map(normalize_name, FLAGS) if flag in plain), None)
    questions, answers = columns.find("question"), columns.find("answer")
    if name is None or not questions or not answers:
        return
    verdicts = [parse_flag(row.get(name)) for row in rows]
    if None in verdicts or False not in verdicts:
        return
    says_so = normalize_name(name) in map(normalize_name, FLAGS[:3])
    words = all(text_of(row.get(name))[:1].isalpha() for row in rows)  # 0 and 1 may count options
    counts = not words and normalize_name(name) not in map(normalize_name, FLAGS[:2])
    if columns.has_options and (counts or not says_so):
        return
    asked = [text_of(row.get(questions[0])) for row in rows]
    repeated = {question for question, verdict in zip(asked, verdicts, strict=True) if verdict} & {
        question for question, verdict in zip(asked, verdicts, strict=True) if not verdict
    }
    of_a_model = any(word in normalize_name(other) for other in columns.ignored for word in MODEL_WORDS)
    of_a_model = of_a_model or any(columns.find(meaning) for meaning in columns.extra)
    if repeated or (says_so and not of_a_model):
        columns.meanings[name] = "flag"


def _find_lost_options(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """Columns that are not read and are the options, since the answers stand in them, or may be, since the answers are
    numbers that would count them."""
    series = find_series(columns.ignored)
    named = [name for name in columns.find("answer") if series]
    if (
        named
        and not any(NO_OPTIONS.search(normalize_name(name)) for name in series)
        and _stand_in(rows, named[0], series)
    ):
        columns.meanings.update((name, f"option {number}") for number, name in enumerate(series, 1))
        return
    cells = [row.get(name) for name in columns.find("answer") for row in rows]
    answers = {text_of(cell) for cell in cells if not is_empty(cell)}
    counts = [re.fullmatch(r"\d{1,2}(?:\.0)?", answer) and float(answer) <= len(series) for answer in answers]
    if series and counts and all(counts):
        columns.meanings.update(dict.fromkeys(series, "like an option"))


def _stand_in(rows: Sequence[Mapping[str, Any]], answer: str, series: Sequence[str]) -> bool:
    """Whether each answer is the text of one cell of its row's series, in different places, and in words."""
    places = set()
    for row in rows:
        text, cells = text_of(row.get(answer)), [text_of(row.get(name)) for name in series]
        if text not in cells or not all(cells) or len({*cells}) < len(cells) or is_plain_number(text):
            return False
        places.add(cells.index(text))
    return len(places) > 1


def _check_columns(
    columns: Columns, rows: Sequence[Mapping[str, Any]], layout: Layout | None, needs: Collection[str], where: str
) -> None:
    found = {*columns.meanings.values()}
    if (
        (layout and layout.convert)
        or found & {"index", "rubric"}
        or (
            "answer" not in found
            and any(find_marked_option(row.get(name)) for name in columns.find("options") for row in rows)
        )
    ):
        found.add("answer")
    for meaning in ("question", "answer"):
        if meaning in needs and meaning not in found:
            shown = ", ".join(map(escape_terminal, list(columns.meanings)[:MAX_COLUMNS]))
            advice = f"Call one {meaning}, or say --map {meaning}=NAME."
            raise DataError(f"{where}: no column is called {meaning}; there are {shown}.", advice)
