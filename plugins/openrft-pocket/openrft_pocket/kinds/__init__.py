"""The kinds of question: the eight of level L3 in the paper's order, and the knowledge items of level L1."""

from openrft_pocket.kinds.atomic_mass import ATOMIC_MASS
from openrft_pocket.kinds.diffusion_barrier import DIFFUSION_BARRIER
from openrft_pocket.kinds.final_speed import FINAL_SPEED
from openrft_pocket.kinds.ion_charge import ION_CHARGE
from openrft_pocket.kinds.kind import Kind
from openrft_pocket.kinds.lattice_volume import LATTICE_VOLUME
from openrft_pocket.kinds.molar_mass import MOLAR_MASS
from openrft_pocket.kinds.mutant_fitness import MUTANT_FITNESS
from openrft_pocket.kinds.perovskite import PEROVSKITE
from openrft_pocket.kinds.retrosynthesis import RETROSYNTHESIS
from openrft_pocket.kinds.structure_count import STRUCTURE_COUNT
from openrft_pocket.kinds.valence import VALENCE

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
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
    level: [kind.name for kind in KINDS.values() if kind.level == level] for level in ("L3", "L1")
}

__all__ = ["KINDS", "LEVELS", "Kind"]
