"""What every source comes down to: rows that lie together, with what their place says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from openrft_sciknoweval.reading import Fault, Place
from openrft_sciknoweval.row import Row

Part = Literal["train", "test"]
Rows = Iterator[tuple[Place, Row | Fault]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a file, of a hub's split or of a prepared store. None where only the rows can tell."""

    name: str  # as a person would look for it
    rows: Callable[[], Rows]  # reads from the begin, each time it is called; raises DataError
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    part: Part | None = None
    published: bool = False  # in the place and by the name of a published file: known defects are expected
    bad: Mapping[str, int] = field(default_factory=dict)  # rows that were left out before, by reason
