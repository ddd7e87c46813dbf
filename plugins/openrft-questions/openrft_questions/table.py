"""A table of rows as a reader gives it: what is in the file, with places, before anybody asks what columns mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Side = Literal["train", "test"]
SIDES: tuple[Side, ...] = ("train", "test")


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


class BadRowError(Exception):
    """Raised inside the parser with the reason and the detail of a BadRow."""


class Located(NamedTuple):
    """A row and its place: "line 3" of CSV and JSON Lines, "row 3" of an array or a table, "sheet Quiz row 3"."""

    place: str
    row: Mapping[str, Any] | BadRow
    side: Side | None = None  # of the split, where the file has one


@dataclass(slots=True)
class Table:
    """The rows of one file or data set."""

    rows: list[Located] = field(default_factory=list)
    decimal_comma: bool = False  # such a spreadsheet writes 0,5 for a half
    has_splits: bool = False  # whether the file itself is divided; the names are in the column `split`
    notices: list[str] = field(default_factory=list)  # what was assumed about the file, in sentences
    revision: str | None = None  # of a data set on a hub: the commit that was read


def tidy_table(table: Table) -> Table:
    """The table without rows that are the column names once more, and with `choices.text` and `choices.label`, into
    which tools take an object apart, as one column `choices`."""
    rows = [one for one in table.rows if isinstance(one.row, BadRow) or not _repeats_names(one.row)]
    return replace(
        table, rows=[one if isinstance(one.row, BadRow) else one._replace(row=_join(one.row)) for one in rows]
    )


def _repeats_names(row: Mapping[str, Any]) -> bool:
    return len(row) > 1 and all(isinstance(value, str) and value.strip() == name for name, value in row.items())


def _join(row: Mapping[str, Any]) -> Mapping[str, Any]:
    whole = [name.removesuffix(".text") for name in row if str(name).endswith(".text")]
    joined = dict(row)
    for name in whole:
        if f"{name}.label" in row and name not in row:
            text, label = joined.pop(f"{name}.text"), joined.pop(f"{name}.label")
            joined[name] = {"text": text, "label": label}
    return joined


def find_repeated(names: Sequence[str]) -> str | None:
    """The first of the names that occurs again later."""
    if len(set(names)) == len(names):
        return None
    counts = Counter(names)
    return next(name for name in names if counts[name] > 1)


def name_columns(names: Sequence[str]) -> list[str]:
    """The names of the columns as a file has them; one without a name is called by its number. Raises ValueError."""
    found = [name.strip() or f"column {number} (no name)" for number, name in enumerate(names, 1)]
    twice = find_repeated(found)
    if twice is not None:
        raise ValueError(f"two columns are called {twice!r}")
    return found
