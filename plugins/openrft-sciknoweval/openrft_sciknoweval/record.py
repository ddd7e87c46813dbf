"""What a row of a table is: which task it belongs to, and which known defects it has."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from openrft_sciknoweval.defects import defects_of
from openrft_sciknoweval.naming import leaf_name, level_of
from openrft_sciknoweval.reading import Fault
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.table import Table


class Where(NamedTuple):
    """The task that a row belongs to."""

    domain: str | None
    level: str | None
    leaf: str


def where(row: Row, table: Table) -> Where:
    """By the table's place, which is canonical; by the row's own labels where the place says nothing."""
    domain = table.domain or row.domain
    leaf = table.leaf or leaf_name(domain, row.level, row.task, row.subtask)
    return Where(domain, table.level or level_of(leaf, row.level), leaf)


def examined(row: Row, leaf: str, published: bool) -> Row | Fault:
    """The row with its defects named. In a file of the user's own, options that do not fit their labels are a fault."""
    if row.defects is None:
        row = replace(row, defects=tuple(defects_of(row, leaf)))
    if row.kind == "choice" and len(row.texts) != len(row.labels) and not published:
        return Fault("texts and labels differ", f"{len(row.texts)} texts for {len(row.labels)} labels")
    return row
