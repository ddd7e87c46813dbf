"""Which task does a row belong to, where only the row itself can tell (the hub's one file, a user's file).

`details.task` and `details.subtask` often differ from the file name, and V1 used shorter names; this undoes both.
"""

from __future__ import annotations

from openrft_sciknoweval.catalogue import LEVELS, PAPER, V2

_KNOWN = {leaf.name.lower(): leaf for leaf in (*PAPER, *V2)}
_PREFIX = {"Biology": "biological", "Chemistry": "chemical", "Material": "material", "Physics": "physics"}
_RENAMED = {  # (domain, details.task, level) -> file
    ("Biology", "literature_multi_choice_question", "L1"): "biology_literature_QA",
    ("Chemistry", "literature_multi_choice_question", "L1"): "chemical_literature_QA",
    ("Chemistry", "molecular_property_prediction", "L3"): "molecular_property_calculation",
    ("Chemistry", "sci_calculate", "L3"): "chemical_calculation",
}


def leaf_name(domain: str | None, level: str | None, task: str, subtask: str) -> str:
    """The canonical file name; what the row says itself when no rule fits."""
    renamed = _RENAMED.get((domain or "", task, level or ""))
    if renamed:
        return renamed
    for label in (subtask, task):
        for name in (label, f"{_PREFIX.get(domain or '', '')}_{label}"):
            known = _KNOWN.get(name.lower())
            if known and (domain is None or known.domain == domain):
                return known.name
    return task or subtask


def level_of(name: str, said: str | None) -> str | None:
    """A known file's level; its rows may say another (physics_formula_derivation: L5 in folder L3)."""
    known = _KNOWN.get(name.lower())
    return known.level if known else said and (said.upper() if said.upper() in LEVELS else said)
