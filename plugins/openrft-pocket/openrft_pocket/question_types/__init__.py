"""The question types: the eight of level L3 in the paper's order, and the three knowledge types of level L1."""

from openrft_pocket.question_types.diffusion_barrier import DIFFUSION_BARRIER
from openrft_pocket.question_types.final_speed import FINAL_SPEED
from openrft_pocket.question_types.knowledge import ATOMIC_MASS, ION_CHARGE, VALENCE
from openrft_pocket.question_types.lattice_volume import LATTICE_VOLUME
from openrft_pocket.question_types.molar_mass import MOLAR_MASS
from openrft_pocket.question_types.mutant_fitness import MUTANT_FITNESS
from openrft_pocket.question_types.perovskite import PEROVSKITE
from openrft_pocket.question_types.question_type import QuestionType
from openrft_pocket.question_types.retrosynthesis import RETROSYNTHESIS
from openrft_pocket.question_types.structure_count import STRUCTURE_COUNT

QUESTION_TYPES: dict[str, QuestionType] = {
    question_type.name: question_type
    for question_type in (
        MUTANT_FITNESS,
        RETROSYNTHESIS,
        MOLAR_MASS,
        STRUCTURE_COUNT,
        FINAL_SPEED,
        LATTICE_VOLUME,
        DIFFUSION_BARRIER,
        PEROVSKITE,
        ATOMIC_MASS,
        VALENCE,
        ION_CHARGE,
    )
}
LEVELS: dict[str, list[str]] = {
    level: [entry.name for entry in QUESTION_TYPES.values() if entry.level == level] for level in ("L3", "L1")
}

__all__ = ["LEVELS", "QUESTION_TYPES", "QuestionType"]
