"""The eight kinds of question, in the paper's order."""

from openrft_pocket.kinds.diffusion_barrier import DIFFUSION_BARRIER
from openrft_pocket.kinds.final_speed import FINAL_SPEED
from openrft_pocket.kinds.kind import Kind
from openrft_pocket.kinds.lattice_volume import LATTICE_VOLUME
from openrft_pocket.kinds.molar_mass import MOLAR_MASS
from openrft_pocket.kinds.mutant_fitness import MUTANT_FITNESS
from openrft_pocket.kinds.perovskite import PEROVSKITE
from openrft_pocket.kinds.retrosynthesis import RETROSYNTHESIS
from openrft_pocket.kinds.structure_count import STRUCTURE_COUNT

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
    )
}

__all__ = ["KINDS", "Kind"]
