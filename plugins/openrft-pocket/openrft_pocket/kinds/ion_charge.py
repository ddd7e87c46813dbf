"""L1: the metal whose ion carries a given charge."""

from openrft_pocket.kinds.perovskite import A_SITE, B_SITE
from openrft_pocket.kinds.recall import recall

ION_CHARGE = recall(
    name="ion_charge",
    domain="Material",
    summary="the metal whose ion carries a given charge",
    known={**A_SITE, **B_SITE},
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
    lessons=(
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
