"""What the columns of one file mean: by its layout, by `--map`, by their names, and by what they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from openrft import DataError, DataRequest, escape_terminal
from openrft_questions.columns import Columns, assign_columns, is_empty, normalize_name, parse_map
from openrft_questions.kinds import names_kinds
from openrft_questions.layouts import Layout, find_layout

MAX_COLUMNS = 30  # how many columns a message names


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
    of_layout = {name: "" if meaning in given else meaning for name, meaning in own.items()}
    columns = assign_columns([name for name in names if name in filled], given, of_layout, extra)
    _add_empty_columns(columns, [name for name in names if name not in filled], given)
    for name in columns.find("kind") if "kind" not in given else ():
        if normalize_name(name) != "kind" and not names_kinds(row.get(name) for row in rows):
            columns.meanings[name] = ""  # a column `type` may be about anything
    if rows:
        _check_columns(columns, layout, needs, where)
    return columns, layout


def _add_empty_columns(columns: Columns, empty: Sequence[str], given: Mapping[str, str]) -> None:
    """A column that is empty in every row means nothing, unless no other column is the question or the answer."""
    known = {*columns.meanings.values(), *given}
    for name, meaning in assign_columns(empty, {}, {}, {}).meanings.items():
        columns.meanings[name] = meaning if meaning in ("question", "answer") and meaning not in known else ""


def _check_columns(columns: Columns, layout: Layout | None, needs: Collection[str], where: str) -> None:
    found = {*columns.meanings.values()}
    if (layout and layout.convert) or found & {"index", "rubric"}:
        found.add("answer")
    for meaning in ("question", "answer"):
        if meaning in needs and meaning not in found:
            shown = ", ".join(map(escape_terminal, list(columns.meanings)[:MAX_COLUMNS]))
            advice = f"Call one {meaning}, or say --map {meaning}=NAME."
            raise DataError(f"{where}: no column is called {meaning}; there are {shown}.", advice)
