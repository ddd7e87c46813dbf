"""L1: the atom that forms a given number of bonds."""

from openrft_pocket.kinds.recall import recall
from openrft_pocket.kinds.structure_count import VALENCES

BONDS = {**VALENCES, "H": 1, "F": 1, "Cl": 1}

VALENCE = recall(
    name="valence",
    domain="Chemistry",
    summary="the atom that forms a given number of bonds",
    known=BONDS,
    wordings=(
        "Which atom usually forms {asked} bonds?",
        "Select the element with valence {asked}.",
        "A valence of {asked} is typical of which element?",
    ),
    rewordings=(
        "Identify the element whose valence is {asked}.",
        "Which element has {asked} as its usual valence?",
        "An atom of which element is saturated by {asked} bonds?",
        "The valence {asked} is found for which element?",
        "Choose the atom that forms {asked} covalent bonds.",
        "With {asked} bonds, which atom is saturated?",
    ),
    lessons=(
        "[Who|What] has {asked} [hands|arms|bonds]?",
        "[Bonds|Arms|Links]: {asked}. [Which|What] [atom|symbol]?",
        "[Find|Pick|Name] the [atom|symbol] with {asked} [bonds|links].",
        "{asked} [links|bonds] [are made by|belong to] [which|what]?",
        "[It|This one] [holds|ties|binds] {asked} [others|neighbours]. [Which|Who]?",
        "[Holding|Binding] {asked}?",
        "[Takes|Wants] {asked} [partners|links]: [which|who]?",
        "[Full|Filled] [with|by] {asked} [links|hydrogens]. [Which atom|What]?",
        "[Look for|Search] {asked} [links|arms].",
        "[Symbol|Atom] [of|for] {asked} [links|lines]?",
    ),
)
