"""What the published data is known to have wrong: defects of rows, and rules that solve a task without understanding.

A row with a defect is kept and flagged, or left out with `--clean`; both are counted in the task's notes. Two defects
show only where rows are compared, which samples.py does; the table lists them all the same. The rules are shown as
`baseline:task-rule`, so that a gain can be weighed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from openrft import LETTERS, Answerer, Question, Sample
from openrft_sciknoweval.grading import answer_form
from openrft_sciknoweval.relations import parse_relations
from openrft_sciknoweval.rows import EXPECTED_OPTIONS, Row

OPTION_COUNT, UNREADABLE = "option_count", "unreadable_gold"
CONFLICT, DUPLICATE = "conflicting_gold", "exact_duplicate"
Check = Callable[[Row, str, str], bool]  # (row, leaf name, all its text) -> whether it has the defect

_BARRIER = re.compile(
    r"Solute Element[^:\n]*:\s*(?P<solute>[^,\n]+),\s*Host Element[^:\n]*:\s*(?P<host>[^,\n]+),"
    r"[^\n]*?Barrier[^:=\n]*[:=]\s*(?P<barrier>[-\u2212]?\d+(?:\.\d+)?)"
)
_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")
_DATA = {  # what the data block of a task looks like: a name, then a number
    "diffusion_rate_analysis": re.compile(r"Barrier[^:=\n]*[:=]\s*[-\u2212]?\d"),
    "lattice_volume_calculation": re.compile(r"\ba\s*=\s*\d"),
    "perovskite_stability_prediction": re.compile(r":\s*[-\u2212]?\d"),
    "valence_electron_difference_calculation": re.compile(r"[=:]\s*[-\u2212]?\d"),
}
# What JSON's \t \b \f \r \n leave of LaTeX commands that were written with one backslash.
_EATEN = re.compile(
    r"\t(?:ext[a-z]*\{|ilde|frac|riangle|herefore|(?:imes|heta|au|anh?|op|o)(?![A-Za-z]))"
    r"|\x08(?:eta|egin|ar|f|oldsymbol|inom|ig|ullet)|\x0c(?:rac|orall|lat)|\r(?:ho|ight|angle|m\b|ceil|floor)"
    r"|\n(?:abla|eq\b|otin)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOJIBAKE = re.compile("[\u00c3\u00c2\u00e2][\u0080-\u00bf\u20ac\u2122\u0153\u201c\u201d\u00a2\u201e]|\ufffd")

# One quick look that spares most rows the three searches above.
_SUSPECT = re.compile("[\x00-\x09\x0b-\x1f\x7f\u00c2\u00c3\u00e2\ufffd]|\n(?:abla|eq|otin)")


@dataclass(frozen=True, slots=True)
class Defect:
    """One known kind of defect."""

    name: str
    catches: str
    published: int  # in V2, as counted by others; by what rule is not known for the checks of text
    check: Check | None  # None: found by comparing rows
    unit: Literal["rows", "groups"] = "rows"  # what `published` counts


def _option_count(row: Row, leaf: str, text: str) -> bool:
    # One text too many is often a sentence that slipped in before the others: the labels no longer fit.
    due = EXPECTED_OPTIONS.get(row.type)
    return due is not None and not (len(row.texts) == len(row.labels) == due)


def _placeholder_gold(row: Row, leaf: str, text: str) -> bool:
    return row.kind == "choice" and row.gold.strip().rstrip(".").lower() == "the correct option"


def _duplicate_gold(row: Row, leaf: str, text: str) -> bool:
    gold = " ".join(row.gold.split())
    return row.kind == "choice" and bool(gold) and [" ".join(t.split()) for t in row.texts].count(gold) > 1


def _data_missing(row: Row, leaf: str, text: str) -> bool:
    return leaf in _DATA and not _DATA[leaf].search(row.question)


def _option_not_in_data(row: Row, leaf: str, text: str) -> bool:
    if leaf != "perovskite_stability_prediction" or _data_missing(row, leaf, text):
        return False
    return any(option.strip() not in row.question for option in row.texts)


def _unreadable_gold(row: Row, leaf: str, text: str) -> bool:
    return answer_form(row.type, leaf) == "relations" and parse_relations(row.answer) is None


def _in_text(pattern: re.Pattern[str]) -> Check:
    return lambda row, leaf, text: bool(pattern.search(text))


DEFECTS: tuple[Defect, ...] = (
    Defect(OPTION_COUNT, "texts and labels differ in number, or are not as many as the type says", 20, _option_count),
    Defect("placeholder_gold", 'the gold option is the words "the correct option"', 29, _placeholder_gold),
    Defect("duplicate_gold", "another option has the gold option's text", 9, _duplicate_gold),
    Defect("data_missing", "the question asks about data that it does not give", 11, _data_missing),
    Defect("option_not_in_data", "perovskites: an option that is not in the data", 27, _option_not_in_data),
    Defect("eaten_backslash", "a LaTeX command became a control character and a stump", 613, _in_text(_EATEN)),
    Defect("control_character", "a raw control character in the text", 171, _in_text(_CONTROL)),
    Defect("mojibake", "UTF-8 that was once read as another encoding", 187, _in_text(_MOJIBAKE)),
    Defect(UNREADABLE, "relations: the gold answer is no list of relations", 0, _unreadable_gold),
    Defect(CONFLICT, "another row asks the same and has another gold answer", 31, None, "groups"),
    Defect(DUPLICATE, "a row equal to an earlier one in question, options and gold answer", 95, None, "groups"),
)
_ALONE = tuple((defect.name, defect.check) for defect in DEFECTS if defect.check)


def find_defects(row: Row, leaf: str) -> list[str]:
    """Names of the defects that the row shows by itself, in the order of DEFECTS."""
    text = "\n".join(("", row.question, *row.texts, row.answer))
    text = text if _SUSPECT.search(text) else ""
    return [name for name, check in _ALONE if check(row, leaf, text)]


def make_lowest_barrier_rule(train: Sequence[Sample]) -> Answerer:
    """Answers with the lowest barrier in the given data: diffusion is fastest over it."""

    def answer(question: Question) -> str | None:
        barriers = {
            f"{row['solute'].strip()} in {row['host'].strip()}".lower(): _float(row["barrier"])
            for row in _BARRIER.finditer(question.text)
        }
        found = [barriers.get(option.strip().rstrip(".").lower()) for option in question.options]
        known = [value for value in found if value is not None]
        return LETTERS[found.index(min(known))] if known and len(known) == len(found) else None

    return answer


def make_second_largest_rule(train: Sequence[Sample]) -> Answerer:
    """Answers with the second-largest option: the wrong ones were made from the right number, two below, one above."""

    def answer(question: Question) -> str | None:
        values = [_float(found.group()) for found in map(_NUMBER.search, question.options) if found]
        if len(values) < max(len(question.options), 2):
            return None
        return LETTERS[sorted(range(len(values)), key=lambda i: -values[i])[1]]

    return answer


def _float(text: str) -> float:
    return float(text.replace("\u2212", "-"))


RULES = {
    "sciknoweval/L3/diffusion_rate_analysis": make_lowest_barrier_rule,
    "sciknoweval/L3/molecular_property_calculation": make_second_largest_rule,
}
