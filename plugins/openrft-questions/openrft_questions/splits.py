"""Which split of a data set, or of a file with a column `split`, is read, and for which side."""

from __future__ import annotations

from dataclasses import replace

from openrft import DataError, UsageError, escape_terminal
from openrft_questions.column_names import COLUMNS, FALLBACKS, normalize_name
from openrft_questions.table import SIDES, BadRow, Located, Side, Table


def choose_splits(source: str, names: list[str], split: str | None) -> list[tuple[str, Side | None]]:
    """The splits to read, each with its side: as asked (`test` or `train:validation`), train and test, or the only one.

    Raises DataError.
    """
    shown = ", ".join(map(escape_terminal, filter(None, names[:20]))) or "none"
    if split is not None:
        train, colon, test = split.partition(":")
        asked: list[tuple[str, Side | None]] = [(train, "train"), (test, "test")] if colon else [(split, None)]
        for name, _ in asked:
            if name not in names or not name:
                raise DataError(
                    f"{source} has no split {escape_terminal(name)!r}; there are {shown}.",
                    "Write --split NAME, or --split TRAIN:TEST.",
                )
        return asked
    if {*SIDES} <= {*names}:
        return [(side, side) for side in SIDES]
    if len(names) == 1:
        return [(names[0], None)]
    raise DataError(f"{source} has the splits {shown}.", "Name one or two with --split NAME or --split TRAIN:TEST.")


def select_split(table: Table, split: str | None, column: str | None, where: str) -> Table:
    """The rows of a file whose column `split` (or `column`, as --map says) names one of the splits that are asked for;
    None: as `choose_splits` has it.

    Rows that are bad stay. Raises UsageError for a file without such a column, DataError for a split without rows.
    """
    names = {
        normalize_name(str(name)): name for one in table.rows if not isinstance(one.row, BadRow) for name in one.row
    }
    wanted = (column,) if column else (*COLUMNS["split"], *FALLBACKS["split"])
    own = next((names[name] for name in map(normalize_name, wanted) if name in names), None)
    if own is None:
        raise UsageError(f"{where} has no splits, and no column `split`.", "Leave --split out.")
    cells = [None if isinstance(one.row, BadRow) else one.row.get(own) for one in table.rows]
    values = [cell.strip() if isinstance(cell, str) else None for cell in cells]
    chosen = dict(choose_splits(where, list(dict.fromkeys(value for value in values if value)), split))
    rows = []
    for one, value in zip(table.rows, values, strict=True):
        if isinstance(one.row, BadRow):
            rows.append(one)
        elif value in chosen:
            rows.append(Located(one.place, {**one.row, own: chosen[value] or ""}, chosen[value]))
    return replace(table, rows=rows)
