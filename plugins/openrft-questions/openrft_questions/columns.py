"""What the columns of a file mean, by their names and by `--map`. Knows nothing of what cells hold.

A column that looks like an option and is not understood is refused: a question asked without its options would be
another question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openrft import LETTERS, UsageError, escape_terminal
from openrft_questions.column_names import (
    COLUMNS,
    FALLBACKS,
    LAST,
    WEAKEST,
    find_option_label,
    holds_wrong_answers,
    looks_like_an_option,
    normalize_name,
)
from openrft_questions.table import BadRowError, find_repeated

MAY_REPEAT = (  # where a row has several of the names, the first is read
    *("topic", "kind", "solution", "unit", "tolerance", "relative_tolerance", "accepted"),
)
MEANINGS = (*COLUMNS, "solution", "wrong")


def parse_map(text: str | None, further: Iterable[str] = ()) -> dict[str, str]:
    """What `--map question=prompt,answer=gold` says: by meaning the column's name, "" for one that is not to be read.

    `further`: meanings that only this command knows. A letter means this option. Raises UsageError.
    """
    known = (*MEANINGS, *further)
    if not text:
        return {}
    pattern = re.compile(rf"(?:^|,)\s*({'|'.join(map(re.escape, known))}|[A-Z])\s*=")
    begins = list(pattern.finditer(text or ""))
    if text and (not begins or begins[0].start()):
        raise UsageError(
            f"--map {text[:60]!r}: not MEANING=COLUMN.",
            f"The meanings are {', '.join(known)}, and A, B, C for options.",
        )
    twice = find_repeated([found.group(1) for found in begins])
    if twice is not None:
        raise UsageError(f"--map gives {twice} twice.", "Give each meaning one column.")
    ends = [*(found.start() for found in begins[1:]), len(text)]
    return {found.group(1): text[found.end() : end].strip() for found, end in zip(begins, ends, strict=True)}


@dataclass(slots=True)
class Cells:
    """The cells of a row by what they mean; empty ones are left out."""

    values: dict[str, Any] = field(default_factory=dict)  # by meaning
    lettered: dict[str, Any] = field(default_factory=dict)  # options that have a column each, by label
    wrong: list[Any] = field(default_factory=list)  # wrong answers that have a column each
    passages: list[Any] = field(default_factory=list)  # what stands before the question
    extra: dict[str, Any] = field(default_factory=dict)  # by the meaning that a command asked for


@dataclass(slots=True)
class Columns:
    """What the columns of one file mean."""

    meanings: dict[str, str]  # by name; options as "option A"; "" for a column that is not read
    extra: frozenset[str] = frozenset()  # meanings that a command asked for
    given: frozenset[str] = frozenset()  # meanings that --map says
    wrong_mark: str = ""  # what stands between wrong answers in a cell

    @property
    def ignored(self) -> list[str]:
        """The columns that are not read."""
        return [name for name, meaning in self.meanings.items() if not meaning]

    def find(self, meaning: str) -> list[str]:
        """The columns with this meaning."""
        return [name for name, of in self.meanings.items() if of == meaning]

    @property
    def has_options(self) -> bool:
        """Whether any column holds options."""
        return any(m in ("options", "wrong") or m.startswith("option ") for m in self.meanings.values())

    def sort(self, row: Mapping[str, Any]) -> Cells:
        """The cells of a row by meaning. Raises BadRowError."""
        cells = Cells()
        for name, value in row.items():
            meaning = self.meanings.get(str(name), "")
            if not meaning or is_empty(value):
                continue
            if meaning in self.extra:
                cells.extra.setdefault(meaning, value)
            elif meaning == "wrong":
                cells.wrong.append(value)
            elif meaning == "passage":
                cells.passages.append(value)
            elif meaning.startswith("option "):
                label = meaning.removeprefix("option ")
                if label in cells.lettered:
                    raise BadRowError("options", f"two columns hold option {label}")
                cells.lettered[label] = value
            elif meaning == "like an option":
                detail = f"the column {name!r} looks like an option: say --map A=NAME,B=NAME, or call it something else"
                raise BadRowError("columns", detail)
            elif meaning not in cells.values:
                cells.values[meaning] = value
            elif meaning not in MAY_REPEAT:
                both = [escape_terminal(other) for other in row if self.meanings.get(str(other)) == meaning]
                advice = f"say --map {meaning}=NAME"
                raise BadRowError("columns", f"two columns hold the {meaning}: {' and '.join(both)}; {advice}")
        return cells


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing. NaN is what pandas writes for an empty cell."""
    return value is None or (isinstance(value, str) and not value) or (isinstance(value, float) and value != value)


def assign_columns(
    names: Sequence[str],
    given: Mapping[str, str],
    of_layout: Mapping[str, str],
    extra: Mapping[str, Sequence[str]],
) -> Columns:
    """What the columns called `names` mean.

    `given`: what --map says. `of_layout`: what the file's layout says, by normalised name, "" for not read. `extra`:
    further meanings with the names of their columns. Raises UsageError for a column of --map that is not there.
    """
    plain = {name: normalize_name(name) for name in names}
    mapped = _find_mapped(plain, given)
    taken = {*given, *(of_layout[name] for name in plain.values() if name in of_layout)}
    wanted = _by_name(extra, given)
    own = _by_name(COLUMNS, taken)
    present = {own.get(name) for name in plain.values() if name not in wanted} | taken
    spare = _by_name(FALLBACKS, present)
    present |= {spare.get(name) for name in plain.values() if name not in wanted}
    spare |= _by_name(WEAKEST, present)
    present |= {spare.get(name) for name in plain.values() if name not in wanted}
    spare |= _by_name(LAST, present)
    found: dict[str, str] = {}
    for name, of in plain.items():
        known = (mapped.get(name), of_layout.get(of), wanted.get(of), own.get(of), spare.get(of))
        meaning = next((one for one in known if one is not None), None)
        found[name] = _option_meaning(name, given) if meaning is None else meaning
    _add_unnumbered(found)
    _leave_out_stray_letters(found)
    for meaning in MAY_REPEAT:  # the first of the names, in the order in which they are listed above
        those = [name for name, of in found.items() if of == meaning]
        order = [*map(normalize_name, (*COLUMNS.get(meaning, ()), *FALLBACKS.get(meaning, ())))]
        for name in sorted(those, key=lambda name: order.index(plain[name]) if plain[name] in order else -1)[1:]:
            found[name] = ""
    return Columns(found, frozenset(extra), frozenset(given))


def _add_unnumbered(found: dict[str, str]) -> None:
    """Columns of one name, which pandas writes as choice, choice.1, choice.2: the first is an option, too."""
    for first in [name for name in found if not found[name] and f"{name}.1" in found]:
        series = [first]
        while (name := f"{first}.{len(series)}") in found and found[name] == f"option {len(series)}":
            series.append(name)
        if len(series) > 1:
            found.update((name, f"option {number}") for number, name in enumerate(series, 1))


def _leave_out_stray_letters(found: dict[str, str]) -> None:
    """Beside options A to C, a column called N or P is no option but a number or points."""
    letters = {of[-1]: name for name, of in found.items() if re.fullmatch("option [A-Z]", of)}
    options = next((i for i, letter in enumerate(LETTERS) if letter not in letters), len(LETTERS))
    alone = len(letters) == 1 and options == 0
    for letter, name in letters.items():
        if (alone or (options > 1 and LETTERS.index(letter) > options + 1)) and len(re.findall(r"\w", name)) == 1:
            found[name] = ""


def _by_name(names: Mapping[str, Sequence[str]], without: Collection[str | None]) -> dict[str, str]:
    """The meaning of each name, without some of the meanings."""
    kept = {meaning: those for meaning, those in names.items() if meaning not in without}
    return {normalize_name(name): meaning for meaning, those in kept.items() for name in those}


def _find_mapped(plain: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The meaning of each column that --map names. Raises UsageError."""
    found: dict[str, str] = {}
    for meaning, column in given.items():
        if not column:
            continue
        name = column if column in plain else next((n for n, of in plain.items() if of == normalize_name(column)), None)
        if name is None:
            shown = ", ".join(map(escape_terminal, list(plain)[:30]))
            raise UsageError(
                f"--map {meaning}={escape_terminal(column)}: there is no such column.", f"There are {shown}."
            )
        found[name] = f"option {meaning}" if meaning in LETTERS else meaning
    return found


def _option_meaning(name: str, given: Mapping[str, str]) -> str:
    """The meaning of a column that holds an option or a wrong answer; "" for one that is not read."""
    label = find_option_label(name)
    if any(meaning in LETTERS for meaning in given) and label:
        return ""  # the options are those that --map names
    if label:
        return f"option {label}"
    if "wrong" not in given and holds_wrong_answers(name):
        return "wrong"
    return "like an option" if looks_like_an_option(name) else ""
