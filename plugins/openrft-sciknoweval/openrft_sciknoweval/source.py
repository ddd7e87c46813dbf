"""Where rows come from: a folder or file of JSON, the hub, or a prepared store. Each gives the same tables.

What a user may write (`--data`, or the environment variable) and what it means stands in `open_source`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from openrft import DataError
from openrft_sciknoweval.folder import Folder, SingleFile
from openrft_sciknoweval.hub import Hub
from openrft_sciknoweval.manifest import MANIFEST
from openrft_sciknoweval.selectors import Selector
from openrft_sciknoweval.store import PreparedStore
from openrft_sciknoweval.table import Table

VARIABLE = "OPENRFT_SCIKNOWEVAL_DATA"


class Source(Protocol):
    """A place that rows come from."""

    @property
    def revision(self) -> str | None:
        """What tells this state of the rows from another, where there is such a thing."""
        ...

    def known(self) -> dict[str, Selector]:
        """Every name, by its lower-case form, with what there is of it. Reads no rows."""
        ...

    def tables(self, selector: Selector | None, half: bool = False) -> list[Table]:
        """What to read for a name; for None everything. `half`: one side of a split serves where the other is missing.
        Raises DataError if there is nothing, UsageError if name and source cannot go together."""
        ...

    def left_out(self, selector: Selector) -> list[str]:
        """Tasks of the paper's pool that cannot take part because one of their two sides is missing."""
        ...


def open_source(data: str | None, option: str = "--data") -> Source:
    """The source that a text names; None = what the variable names, or else V2 on the hub.

    `hub` and `hub:v2`, `hub:v1`, the path of a store, of a folder or of a file. Raises DataError if it does not exist.
    """
    given = data or os.environ.get(VARIABLE) or "hub:v2"
    if given == "hub" or given.startswith("hub:"):
        return Hub.named(given)
    path = Path(given).expanduser()
    if not path.exists():
        named = f"{option} " if data else f"{VARIABLE}="
        raise DataError(f"{named}{given}: no such file or folder.", "Give an existing one, or hub:v1 or hub:v2.")
    if not path.is_dir():
        return SingleFile(path)
    if (path / MANIFEST).is_file():
        return PreparedStore.open(path)
    if any(path.glob("rows-*/*.parquet")):
        raise DataError(f"{path} is an unfinished store.", "Run `openrft tasks prepare sciknoweval` again.")
    return Folder(path)


def place(data: str | None) -> str:
    """The same for the same source: a path is resolved, and only its hash is told."""
    given = data or os.environ.get(VARIABLE) or "hub:v2"
    path = Path(given).expanduser()
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16] if path.exists() else given


def label(data: str | None) -> str:
    """What a task's notes call the source. Reports travel, and a machine's folders tell others nothing: so the
    variable's name stands there, not its value."""
    given: Mapping[str, str] = os.environ
    return data or (f"${VARIABLE}" if given.get(VARIABLE) else "hub:v2")
