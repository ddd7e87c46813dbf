"""What SciKnowEval V2 consists of: 58 tasks in 4 domains and 5 levels; and the eight tasks of the OpenRFT paper.

Facts only, so that listing needs no rows. Names and metrics follow the benchmark's own scorer; row counts stand
where they were counted, and the totals are those of the published V2 file.
"""

from __future__ import annotations

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
    rows: int | None = None  # None: not counted here

    @property
    def path(self) -> str:
        """Its selector without the family."""
        return f"{self.level}/{self.name}"


_TABLE = """
Biology   L1 biology_literature_QA                   accuracy
Biology   L2 drug_drug_relation_extraction           relation_F1 464
Biology   L2 compound_disease_relation_extraction    relation_F1
Biology   L2 biomedical_judgment_and_interpretation  accuracy
Biology   L2 biological_detailed_understanding       accuracy
Biology   L2 biological_hypothesis_verification      accuracy
Biology   L2 biological_text_summary                 judge
Biology   L3 solubility_prediction                   accuracy    100
Biology   L3 beta_lactamase_activity_prediction      accuracy    100
Biology   L3 fluorescence_prediction                 accuracy    100
Biology   L3 GB1_ftness_prediction                   accuracy    100
Biology   L3 stability_prediction                    accuracy    100
Biology   L3 Protein_Protein_Interaction             accuracy    100
Biology   L4 biological_harmful_QA                   judge
Biology   L4 proteotoxicity_prediction               accuracy
Biology   L4 biological_laboratory_safety_test       accuracy
Biology   L5 biological_procedure_generation         judge
Biology   L5 biological_reagent_generation           judge
Chemistry L1 chemical_literature_QA                  accuracy
Chemistry L2 reaction_mechanism_inference            accuracy
Chemistry L2 extract_doping                          judge       400
Chemistry L2 chemical_detailed_understanding         accuracy
Chemistry L2 chemical_hypothesis_verification        accuracy
Chemistry L2 chemical_text_summary                   judge
Chemistry L3 molar_weight_calculation                accuracy    600
Chemistry L3 molecular_property_calculation          accuracy    500
Chemistry L3 molecule_structure_prediction           accuracy    300
Chemistry L3 reaction_prediction                     accuracy    400
Chemistry L3 retrosynthesis                          accuracy    300
Chemistry L3 balancing_chemical_equation             containment 300
Chemistry L4 chemical_harmful_QA                     judge
Chemistry L4 mol_toxicity_prediction                 accuracy
Chemistry L4 chemical_laboratory_safety_test         accuracy
Chemistry L5 chemical_procedure_generation           judge
Chemistry L5 chemical_reagent_generation             judge
Material  L1 material_literature_QA                  accuracy    2000
Material  L2 material_component_extraction           judge
Material  L2 material_data_extraction                accuracy
Material  L2 material_detailed_understanding         accuracy
Material  L2 material_hypothesis_verification        accuracy
Material  L2 material_text_summary                   judge
Material  L3 valence_electron_difference_calculation accuracy    146
Material  L3 lattice_volume_calculation              accuracy    160
Material  L3 perovskite_stability_prediction         accuracy    480
Material  L3 diffusion_rate_analysis                 accuracy    149
Material  L4 material_safety_QA                      accuracy
Material  L4 material_toxicity_prediction            accuracy
Material  L5 crystal_structure_and_composition_analysis judge
Material  L5 specified_band_gap_material_generation  judge
Physics   L1 physics_literature_QA                   accuracy    1500
Physics   L2 physics_detailed_understanding          accuracy    400
Physics   L2 physics_hypothesis_verification         accuracy    400
Physics   L2 physics_text_summary                    judge       400
Physics   L3 general_physics_calculation             accuracy    800
Physics   L3 physics_formula_derivation              judge       218
Physics   L4 physics_safety_QA                       accuracy    342
Physics   L4 physics_laboratory_safety_test          accuracy    605
Physics   L5 physics_problem_solving                 judge       302
"""


def _leaf(line: str) -> Leaf:
    domain, level, name, metric, *rows = line.split()
    return Leaf(name, domain, level, metric.replace("_", " "), int(rows[0]) if rows else None)  # type: ignore[arg-type]


V2: tuple[Leaf, ...] = tuple(_leaf(line) for line in _TABLE.strip().splitlines())

# The OpenRFT paper's tasks, T1 to T8 in its order; T3, T5 and T6 exist in V1 of the benchmark only.
PAPER: tuple[Leaf, ...] = (
    Leaf("GB1_ftness_prediction", "Biology", "L3"),
    Leaf("retrosynthesis", "Chemistry", "L3"),
    Leaf("chemical_calculation", "Chemistry", "L3"),
    Leaf("molecule_structure_prediction", "Chemistry", "L3"),
    Leaf("high_school_physics_calculation", "Physics", "L3"),
    Leaf("material_calculation", "Material", "L3"),
    Leaf("diffusion_rate_analysis", "Material", "L3"),
    Leaf("perovskite_stability_prediction", "Material", "L3"),
)


def domain_of(text: str) -> str | None:
    """The canonical domain; V1 and the scorer write `Materials`."""
    name = text.strip().lower()
    return next((d for d in DOMAINS if name in (d.lower(), d.lower() + "s")), None)
