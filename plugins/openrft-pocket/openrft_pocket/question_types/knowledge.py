"""The knowledge types of level L1: which of four names has a given value. The values must be known by heart.

A solution recalls the value of each option in turn and stops at the one that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from openrft_pocket.question_types.molar_mass import MASSES
from openrft_pocket.question_types.perovskite import A_SITE, B_SITE
from openrft_pocket.question_types.question_type import Facts, QuestionType, shuffle_options
from openrft_pocket.question_types.structure_count import VALENCES
from openrft_pocket.question_types.trace import LETTERS, TraceWriter


def create_knowledge_type(
    name: str,
    domain: str,
    summary: str,
    values: Mapping[str, int],
    wordings: tuple[str, ...],
    rewordings: tuple[str, ...],
    training_wordings: tuple[str, ...],
) -> QuestionType:
    """A type that asks for the one of four names whose value in `values` is {asked}.

    The four names have four different values. Each is equally likely to be asked for, so no option is favoured.
    """
    by_value: dict[int, list[str]] = {}
    for key, value in values.items():
        by_value.setdefault(value, []).append(key)

    def draw_facts(rng: Random) -> Facts:
        drawn = rng.sample(sorted(by_value), 4)
        return {"names": sorted(rng.choice(by_value[value]) for value in drawn), "asked": rng.choice(drawn)}

    def draw_options(facts: Facts, rng: Random) -> tuple[list[str], int]:
        gold = next(n for n in facts["names"] if values[n] == facts["asked"])
        return shuffle_options(facts["names"], gold, rng)

    def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
        others = [str(value) for value in by_value]
        for letter, option in zip(LETTERS, options, strict=True):
            value = writer.perturb_choice(str(values[option]), others)
            writer.write(f"{letter}. {option} {value}")
            if value == str(facts["asked"]):
                return writer.write_boxed(letter)
        writer.write_boxed(writer.rng.choice(LETTERS))

    def list_option_lines(facts: Facts, options: Sequence[str]) -> list[str]:
        """The line of every option. A trace stops at the one asked for, but the lines after it would also be true."""
        return [f"{letter}. {option} {values[option]}" for letter, option in zip(LETTERS, options, strict=True)]

    return QuestionType(
        name=name,
        paper="L1",
        level="L1",
        domain=domain,
        summary=summary,
        wordings=wordings,
        rewordings=rewordings,
        training_wordings=training_wordings,
        draw_facts=draw_facts,
        problem_key=lambda facts: f"{','.join(facts['names'])} {facts['asked']}",
        get_slots=lambda facts: {"asked": facts["asked"]},
        draw_options=draw_options,
        write_solution=write_solution,
        list_optional_lines=list_option_lines,
    )


ATOMIC_MASS = create_knowledge_type(
    name="atomic_mass",
    domain="Chemistry",
    summary="the element of a given atomic mass",
    values=MASSES,
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
    training_wordings=(
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

VALENCE = create_knowledge_type(
    name="valence",
    domain="Chemistry",
    summary="the atom that forms a given number of bonds",
    values={**VALENCES, "H": 1, "F": 1, "Cl": 1},
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
    training_wordings=(
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

ION_CHARGE = create_knowledge_type(
    name="ion_charge",
    domain="Material",
    summary="the metal whose ion carries a given charge",
    values={**A_SITE, **B_SITE},
    wordings=(
        "Which metal forms an ion of charge +{asked} in perovskites?",
        "Select the cation with charge +{asked}.",
        "A charge of +{asked} is carried by the ion of which metal?",
    ),
    rewordings=(
        "Identify the metal whose ion has charge +{asked}.",
        "In an oxide, which metal is present as a +{asked} ion?",
        "The ionic charge +{asked} belongs to which metal?",
        "Which of these cations carries +{asked}?",
        "Choose the metal with oxidation number +{asked}.",
        "Which metal gives up {asked} electrons to its oxide?",
    ),
    training_wordings=(
        "[Who|What] [brings|carries|holds] {asked} [plus|charges]?",
        "[Plus|Charge] {asked}: [which|what] [ion|symbol]?",
        "[Find|Pick|Name] the [ion|symbol] of [charge|plus] {asked}.",
        "{asked} [plus|charges] [belong to|are on] [which|what] [ion|symbol]?",
        "[It|This one] [loses|gives|pays] {asked}. [Which|Who]?",
        "[Paying|Giving|Lacking] {asked}?",
        "[An ion|One ion] [has|shows] +{asked}. [Which one|Name it]?",
        "[To oxygen|In the oxide] [it|this one] [gives|pays] {asked}. [Which|Who]?",
        "[Look for|Search] {asked} [among|in] the [ions|charges].",
        "[Symbol|Ion] [with|for] +{asked}?",
    ),
)
