"""L1: the element of a given atomic mass."""

from openrft_pocket.kinds.molar_mass import MASSES
from openrft_pocket.kinds.recall import recall

ATOMIC_MASS = recall(
    name="atomic_mass",
    domain="Chemistry",
    summary="the element of a given atomic mass",
    known=MASSES,
    wordings=(
        "Which element has the atomic mass {asked}?",
        "Select the element whose atoms weigh {asked} u.",
        "An atomic mass of {asked} belongs to which element?",
    ),
    rewordings=(
        "To which element does the atomic mass {asked} belong?",
        "Identify the element with atomic mass {asked}.",
        "Atoms of which element have a mass of {asked} u?",
        "The periodic table gives {asked} as the atomic mass of which element?",
        "Choose the element of atomic mass {asked}.",
        "Which of these elements has {asked} g/mol as its atomic mass?",
    ),
    lessons=(
        "[Who|What] [weighs|is as heavy as] {asked}?",
        "[Weight|Mass] {asked}: [which|what] [atom|symbol]?",
        "[Find|Pick|Name] the [atom|symbol] of [weight|mass] {asked}.",
        "{asked} [is|gives] the [weight|mass] of [which|what] [atom|symbol]?",
        "[One|An] atom [weighs|comes to] {asked}. [Which one|Name it|It is]?",
        "[Put on a scale|Weighed], [it|this atom] [shows|reads] {asked}. [Which|Who]?",
        "[Heavy|Weighing] {asked}?",
        "[Look for|Search] {asked} [among|in] the [weights|masses].",
        "[A|One] mole [of atoms|] [is|makes] {asked} [grams|g]. [Of what|Which]?",
        "[Symbol|Atom] [with|for] {asked} [units|u]?",
    ),
)
