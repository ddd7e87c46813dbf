"""What SciKnowEval V2 consists of: 58 tasks in 4 domains and 5 levels; and the eight tasks of the OpenRFT paper.

Facts only, so that listing needs no rows. Names and metrics follow the benchmark's own scorer. Rows and their types are
given where they were counted, and the totals are those of the published V2 file. Also says which task a row belongs to
where only the row itself can tell: in the hub's one file, or in a file of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Metric = Literal["accuracy", "containment", "relation F1", "judge"]

DOMAINS = ("Biology", "Chemistry", "Material", "Physics")
LEVELS = {"L1": "memory", "L2": "comprehension", "L3": "reasoning", "L4": "discernment", "L5": "application"}
ROWS = {  # totals of V2, all item types
    "L1": 9500, "L2": 7532, "L3": 4953, "L4": 4248, "L5": 2159,
    "Biology": 8076, "Chemistry": 8994, "Material": 6355, "Physics": 4967,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One task of the benchmark: one file of its raw data."""

    name: str  # the file's name without suffix; canonical, also where the rows' own labels differ
    domain: str
    level: str
    metric: Metric = "accuracy"
    types: Mapping[str, int] | None = None  # rows by type; None: not counted here
    v1_only: bool = False

    @property
    def rows(self) -> int | None:
        return sum(self.types.values()) if self.types else None

    @property
    def path(self) -> str:
        """Its selector without the family."""
        return f"{self.level}/{self.name}"


_TYPES = {
    "mcq4": "mcq-4-choices", "mcq2": "mcq-2-choices", "tf": "true_or_false",
    "fill": "filling", "re": "relation_extraction", "open": "open-ended-qa",
}  # fmt: skip
_TABLE = """
Biology   L1 biology_literature_QA                   accuracy
Biology   L2 drug_drug_relation_extraction           relation_F1 re:464
Biology   L2 compound_disease_relation_extraction    relation_F1
Biology   L2 biomedical_judgment_and_interpretation  accuracy
Biology   L2 biological_detailed_understanding       accuracy
Biology   L2 biological_hypothesis_verification      accuracy
Biology   L2 biological_text_summary                 judge
Biology   L3 solubility_prediction                   accuracy    tf:100
Biology   L3 beta_lactamase_activity_prediction      accuracy    mcq2:100
Biology   L3 fluorescence_prediction                 accuracy    mcq2:100
Biology   L3 GB1_ftness_prediction                   accuracy    mcq4:100
Biology   L3 stability_prediction                    accuracy    mcq4:100
Biology   L3 Protein_Protein_Interaction             accuracy    mcq4:100
Biology   L4 biological_harmful_QA                   judge
Biology   L4 proteotoxicity_prediction               accuracy
Biology   L4 biological_laboratory_safety_test       accuracy
Biology   L5 biological_procedure_generation         judge
Biology   L5 biological_reagent_generation           judge
Chemistry L1 chemical_literature_QA                  accuracy
Chemistry L2 reaction_mechanism_inference            accuracy
Chemistry L2 extract_doping                          judge       re:400
Chemistry L2 chemical_detailed_understanding         accuracy
Chemistry L2 chemical_hypothesis_verification        accuracy
Chemistry L2 chemical_text_summary                   judge
Chemistry L3 molar_weight_calculation                accuracy    mcq4:600
Chemistry L3 molecular_property_calculation          accuracy    mcq4:500
Chemistry L3 molecule_structure_prediction           accuracy    mcq4:300
Chemistry L3 reaction_prediction                     accuracy    mcq4:400
Chemistry L3 retrosynthesis                          accuracy    mcq4:300
Chemistry L3 balancing_chemical_equation             containment fill:300
Chemistry L4 chemical_harmful_QA                     judge
Chemistry L4 mol_toxicity_prediction                 accuracy
Chemistry L4 chemical_laboratory_safety_test         accuracy
Chemistry L5 chemical_procedure_generation           judge
Chemistry L5 chemical_reagent_generation             judge
Material  L1 material_literature_QA                  accuracy    mcq4:2000
Material  L2 material_component_extraction           judge
Material  L2 material_data_extraction                accuracy
Material  L2 material_detailed_understanding         accuracy
Material  L2 material_hypothesis_verification        accuracy
Material  L2 material_text_summary                   judge
Material  L3 valence_electron_difference_calculation accuracy    mcq4:146
Material  L3 lattice_volume_calculation              accuracy    mcq4:160
Material  L3 perovskite_stability_prediction         accuracy    mcq4:480
Material  L3 diffusion_rate_analysis                 accuracy    mcq4:149
Material  L4 material_safety_QA                      accuracy
Material  L4 material_toxicity_prediction            accuracy
Material  L5 crystal_structure_and_composition_analysis judge
Material  L5 specified_band_gap_material_generation  judge
Physics   L1 physics_literature_QA                   accuracy    mcq4:1500
Physics   L2 physics_detailed_understanding          accuracy    mcq4:400
Physics   L2 physics_hypothesis_verification         accuracy    tf:400
Physics   L2 physics_text_summary                    judge       open:400
Physics   L3 general_physics_calculation             accuracy    mcq4:800
Physics   L3 physics_formula_derivation              judge       open:218
Physics   L4 physics_safety_QA                       accuracy    mcq4:342
Physics   L4 physics_laboratory_safety_test          accuracy    tf:331 mcq4:274
Physics   L5 physics_problem_solving                 judge       open:302
"""


def _leaf(line: str) -> Leaf:
    domain, level, name, metric, *counts = line.split()
    types = {_TYPES[short]: int(count) for short, count in (part.split(":") for part in counts)}
    return Leaf(name, domain, level, metric.replace("_", " "), types or None)  # type: ignore[arg-type]


V2: tuple[Leaf, ...] = tuple(_leaf(line) for line in _TABLE.strip().splitlines())

# The OpenRFT paper's tasks, T1 to T8 in its order.
PAPER: tuple[Leaf, ...] = (
    Leaf("GB1_ftness_prediction", "Biology", "L3"),
    Leaf("retrosynthesis", "Chemistry", "L3"),
    Leaf("chemical_calculation", "Chemistry", "L3", v1_only=True),
    Leaf("molecule_structure_prediction", "Chemistry", "L3"),
    Leaf("high_school_physics_calculation", "Physics", "L3", v1_only=True),
    Leaf("material_calculation", "Material", "L3", v1_only=True),
    Leaf("diffusion_rate_analysis", "Material", "L3"),
    Leaf("perovskite_stability_prediction", "Material", "L3"),
)


def domain_of(text: str) -> str | None:
    """The canonical domain; V1 and the scorer write `Materials`."""
    name = text.strip().lower()
    return next((d for d in DOMAINS if name in (d.lower(), d.lower() + "s")), None)


_KNOWN = {leaf.name.lower(): leaf for leaf in (*PAPER, *V2)}
_PREFIX = {"Biology": "biological", "Chemistry": "chemical", "Material": "material", "Physics": "physics"}
_RENAMED = {  # (domain, details.task, level) -> file
    ("Biology", "literature_multi_choice_question", "L1"): "biology_literature_QA",
    ("Chemistry", "literature_multi_choice_question", "L1"): "chemical_literature_QA",
    ("Chemistry", "molecular_property_prediction", "L3"): "molecular_property_calculation",
    ("Chemistry", "sci_calculate", "L3"): "chemical_calculation",
}


def leaf_name(domain: str | None, level: str | None, task: str, subtask: str) -> str:
    """The canonical file name of a row; what the row itself says where no rule fits.

    `details.task` and `details.subtask` often differ from the file name, and V1 used shorter names.
    """
    renamed = _RENAMED.get((domain or "", task, level or ""))
    if renamed:
        return renamed
    for label in (subtask, task):
        for name in (label, f"{_PREFIX.get(domain or '', '')}_{label}"):
            known = _KNOWN.get(name.lower())
            if known and (domain is None or known.domain == domain):
                return known.name
    return task or subtask


def level_of(name: str, row_level: str | None) -> str | None:
    """The level of a known file, whatever its rows say (physics_formula_derivation: L5 in folder L3)."""
    known = _KNOWN.get(name.lower())
    return known.level if known else row_level and (row_level.upper() if row_level.upper() in LEVELS else row_level)
