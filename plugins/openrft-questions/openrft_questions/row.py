"""From one row to a labelled question, or a Fault that says what is wrong with it. Guesses no answer."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from openrft import Sample
from openrft_questions.answers import choice_of, gold_of, kind_of
from openrft_questions.cells import Bad, Fault, cells_of, required, text_of
from openrft_questions.choices import options_of
from openrft_questions.files import SIDES, Side
from openrft_questions.reading import loaded


@dataclass(frozen=True, slots=True)
class Found:
    """A row that can be used."""

    sample: Sample
    side: Side | None  # None: the row does not say
    ignored: tuple[str, ...]  # its columns that nobody reads


def parse(row: Mapping[str, Any], task: str, side: Side | None = None) -> Found | Fault:
    """The question of a row of the leaf task `task`. `side`: that of the file, which the row must not gainsay."""
    try:
        return _parse(row, task, side)
    except Bad as bad:
        return Fault(*bad.args)


def _parse(row: Mapping[str, Any], task: str, side: Side | None) -> Found:
    cells, lettered, ignored = cells_of(row)
    question = required(cells, "question")
    given = cells.get("options")
    if isinstance(given, str) and given.startswith(("[", "{")):  # JSON in a cell of CSV
        with contextlib.suppress(ValueError, RecursionError):
            given = loaded(given)
    options, labels = options_of(given, lettered)
    kind = kind_of(cells, options)
    answer = choice_of(cells, options, labels) if kind == "choice" else gold_of(cells, kind)
    meta: dict[str, Any] = {}
    if "topic" in cells:
        meta["topic"] = required(cells, "topic")
    if "group" in cells:
        meta["kin"] = [f"group:{task}/{required(cells, 'group')}"]  # two files may number theirs alike
    sample = Sample(question, answer, options, cast(Any, kind), task, meta=meta)
    return Found(sample, _side(cells, side), ignored)


def _side(cells: Mapping[str, Any], side: Side | None) -> Side | None:
    if "split" not in cells:
        return side
    said = (text_of(cells["split"]) or "").lower()
    found = next((name for name in SIDES if name == said), None)
    if found is None:
        raise Bad("split", f"the split {said[:40]!r} is neither train nor test")
    if side and found != side:
        raise Bad("split", f"the row says {found}, and its file is called {side}")
    return found
