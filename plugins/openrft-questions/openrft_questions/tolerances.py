"""How far from the gold answer a number may be, where a column says so.

A plain number is a distance in the answer's unit, `5%` a share of the answer. A column that may mean either is refused:
grades would be wrong, and nobody would notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from openrft import UsageError, escape_terminal, is_unit
from openrft_questions.cells import to_text
from openrft_questions.columns import Columns, is_empty
from openrft_questions.kinds import MAX_LENGTH
from openrft_questions.table import BadRowError

TOLERANCES = ("tolerance", "relative_tolerance")
_SIGN = re.compile(r"^(?:\+\s*/?\s*[-\u2212]|\u00b1|\\pm\b)\s*")
_BEGINS = re.compile(r"(?:[-+/\u00b1\u2212]|\\pm|\s)*[\d.,]")
_SHARE = re.compile(r"%|percent|pct|prozent|por\s?ciento|pour\s?cent", re.IGNORECASE)
_SAYS_ABSOLUTE = re.compile(r"abs|atol|margin|uncertainty", re.IGNORECASE)
_SIZE = re.compile(r"(?:\d{1,15}(?:[.,]\d{0,15})?|[.,]\d{1,15})(?:[eE][-+]?\d{1,2})?")
_MEASURED = re.compile(
    r"(?P<opens>\()?\s*(?P<value>[-+\u2212]?(?:\d{1,15}(?:[.,]\d{0,15})?|[.,]\d{1,15}))\s?(?P<own>[^\d\s()+\u00b1\\$][^\u00b1+\\$]*)?"
    r"(?:\+\s?/\s?[-\u2212]|\u00b1|\$?\\pm\$?)\s*(?P<size>\d{1,15}(?:[.,]\d{0,15})?|[.,]\d{1,15})\s*(?P<closes>\))?"
    r"\s*(?P<unit>[^\d\s().,;].*)?"
)
_POWER = re.compile(r"[eE][-+]?\d|(?:[x\u00d7*]|\\times|\\cdot)\s*10\b")
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")


def read_tolerance(values: Mapping[str, Any], columns: Columns) -> dict[str, float]:
    """The tolerance in a row's cells, as `Sample.meta` holds it; empty if there is none. Raises BadRowError."""
    for meaning in TOLERANCES:
        if meaning in values:
            return _parse_cell(values[meaning], meaning, columns.find(meaning)[0], values)
    return {}


def split_tolerance(answer: Any) -> tuple[Any, dict[str, float]]:
    """A measured value, such as `9.81 ± 0.02 m/s^2`, without its uncertainty, and this as a tolerance.

    Unchanged, and no tolerance, for anything else: `3 ± 2` may be two roots, `85 ± 2%` points or a share.
    """
    text = answer.strip() if isinstance(answer, str) and len(answer) <= MAX_LENGTH else ""
    found = _MEASURED.fullmatch(text[1:-1] if text[:1] == text[-1:] == "$" else text)
    if found is None or bool(found["opens"]) != bool(found["closes"]) or (found["opens"] and found["own"]):
        return answer, {}
    value, size, own, unit = found["value"], found["size"], (found["own"] or "").strip(), (found["unit"] or "").strip()
    is_share = unit == "%" and own not in ("", "%")
    if (own and not is_share and unit not in ("", own)) or (unit == "%" and not (own or found["opens"])):
        return answer, {}
    unit = own or unit
    if _POWER.match(unit) or (not unit and 10 * abs(_to_fraction(size)) > abs(_to_fraction(value.lstrip("+-\u2212")))):
        return answer, {}  # the power belongs to both numbers; 1.5 ± 0.5 may be two roots
    if not (is_unit(unit) if unit else re.search("[.,]", value + size)) or _THOUSANDS.fullmatch(size):
        return answer, {}
    exact = _to_fraction(size)
    return f"{value} {unit}".strip(), {"relative": float(exact / 100)} if is_share else {"absolute": float(exact)}


def judge_tolerances(rows: Sequence[Mapping[str, Any]], columns: Columns, where: str) -> None:
    """Leave out a column that is about something else, such as how much heat a plant bears.

    Raises UsageError for a column `tolerance` of one plain number in every row: it may be a share of the answer.
    """
    for meaning in TOLERANCES:
        for name in columns.find(meaning) if meaning not in columns.given else ():
            cells = [str(row[name]) for row in rows if not is_empty(row.get(name))]
            if columns.has_options or 2 * sum(_BEGINS.match(cell) is not None for cell in cells) < len(cells):
                columns.meanings[name] = ""
            elif meaning == "tolerance" and len(rows) > 1 and not columns.find("relative_tolerance"):
                _check_meaning(name, {cell.strip() for cell in cells}, where)


def _check_meaning(name: str, cells: set[str], where: str) -> None:
    """Raises UsageError for a plain number that may be absolute or relative."""
    if len(cells) > 1 or _SHARE.search(name) or _SAYS_ABSOLUTE.search(name):
        return
    cell, name = cells.pop(), escape_terminal(name)
    if not _SIZE.fullmatch(cell):
        return
    size = _to_fraction(cell)
    share = size if size < 1 else size / 100
    raise UsageError(
        f"{where}: the column {name} holds {cell} in every row: in the answer's unit, or a share of the answer?",
        f"For the unit say --map tolerance={name}; for {float(100 * share):g}% of the answer say"
        f" --map tolerance= --tolerance {float(share):g}.",
    )


def _parse_cell(cell: Any, meaning: str, name: str, values: Mapping[str, Any]) -> dict[str, float]:
    text = _SIGN.sub("", to_text(cell) or "")
    says_share = _SHARE.search(text)
    plain = _SHARE.sub("", text).strip()
    unit = to_text(values.get("unit")) or _find_unit(values.get("answer"))
    if unit and not says_share:
        plain = plain.removesuffix(unit).strip()
    if not _SIZE.fullmatch(plain) or _THOUSANDS.fullmatch(plain):
        detail = f"the tolerance {text[:40]!r} is no number of 0 or more"
        raise BadRowError("tolerance", f"{detail}: write 0.5 for a distance in the answer's unit, or 5%")
    size = _to_fraction(plain)
    if says_share or _SHARE.search(name):
        return {"relative": float(size / 100)}
    if meaning == "tolerance":
        return {"absolute": float(size)}
    if size >= 1:
        raise BadRowError("tolerance", f"a relative tolerance of {plain} would accept 0: write 0.05 or 5%")
    return {"relative": float(size)}


def _find_unit(answer: Any) -> str:
    """What stands behind the number of an answer."""
    found = re.search(r"\d\s*([^\d\s].{0,20})$", answer.strip()) if isinstance(answer, str) else None
    return found[1] if found else ""


def _to_fraction(text: str) -> Fraction:
    return Fraction(text.replace(",", ".").rstrip("."))
