"""T1 in miniature: the fitness of a double mutant, the sum of two listed effects."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, draw_number_options
from openrft_pocket.question_types.trace import TraceWriter

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def draw_facts(rng: Random) -> Facts:
    """Three substitutions that share no target residue, each with an effect of 11-49."""
    before, after = rng.sample(RESIDUES, 3), rng.sample(RESIDUES, 3)
    sites = rng.sample(range(2, 10), 3)
    names = [f"{b}{s}{a}" for b, s, a in zip(before, sites, after, strict=True)]
    return {"effects": [[name, rng.randint(11, 49)] for name in names], "asked": rng.sample(range(3), 2)}


def get_slots(facts: Facts) -> dict[str, object]:
    first, second = (facts["effects"][i][0] for i in facts["asked"])
    return {
        "table": ", ".join(f"{name} {effect}" for name, effect in facts["effects"]),
        "colons": ", ".join(f"{name}: {effect}" for name, effect in facts["effects"]),
        "first": first,
        "second": second,
    }


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    every = [str(effect) for _, effect in facts["effects"]]
    read = []
    for i in facts["asked"]:
        name, effect = facts["effects"][i]
        read.append(int(writer.perturb_choice(str(effect), every)))
        writer.write(f"{name} {read[-1]}")
    total = writer.perturb_number(sum(read))
    writer.write(f"{read[0]}+{read[1]}={total}")
    writer.write_answer(options, str(total))


MUTANT_FITNESS = QuestionType(
    name="mutant_fitness",
    paper="T1",
    domain="Biology",
    summary="fitness of a double mutant from additive effects",
    wordings=(
        "Effects of single mutations on a protein's fitness: {table}. Predict the fitness change of {first}/{second}.",
        "A deep mutational scan gave {table}. Without epistasis, how fit is the variant with {first} and {second}?",
        "Fitness gains measured one by one: {table}. Estimate the gain of the variant {first}/{second}.",
    ),
    rewordings=(
        "In an enzyme the single mutants score {table}. What would the double mutant {first}/{second} score?",
        "Mutations act independently here: {table}. Predict how much {first} plus {second} changes the fitness.",
        "A scan of a binding domain lists {table}. Which fitness follows for a variant carrying {first} and {second}?",
        "Given the single-site effects {table}, estimate the joint effect of {first} with {second}.",
        "Selection scores: {table}. Assuming no interaction, score the variant {first}/{second}.",
        "Suppose effects simply accumulate: {table}. How large is the change for {first} and {second} together?",
    ),
    training_wordings=(
        "[Scores|Gains|Points|Values|Effects] of [changes|swaps|edits|substitutions]: {table}. [Sum|Total|Add|Result] for {first} and {second}?",
        "[Adding up|Combine] {first} and {second}: what [is the total|comes out|do they give]? {table}.",
        "{colons}. [What is|Find|Give] the [sum|total] of {first} and {second}.",
        "A [chain|gene|peptide|sequence] has [changes|swaps|edits] worth {table}. It now has {first} and {second}. [Total|What is its worth|How much in all]?",
        "[Table|List|Data]: {colons}. [Both|The two changes] {first}, {second} [together|at once] [make|give]?",
        "[Each|Every] [swap|edit|change] adds [its|some] [points|worth|value]: {table}. [Take|Use|Apply] {first} and {second}; [the sum|the score|the total] is?",
        "[What|How much] do {first} and {second} [add|bring|contribute] if {colons}?",
        "{first}, {second}: [sum|total] from {table}?",
        "[The lab|We|A student] [found|saw|noted] {table}. [Now|Then] {first} and {second} [are put together|are joined|occur at once]. [What total|Which value] [results|is expected]?",
        "[Changing|Replacing] [letters|residues|sites] [brings|yields|adds] {table}. [For|With] {first} and {second} [it becomes|we get|one obtains]?",
    ),
    draw_facts=draw_facts,
    problem_key=lambda facts: "+".join(
        str(facts["effects"][i][1]) for i in sorted(facts["asked"], key=lambda i: facts["effects"][i][1])
    ),
    get_slots=get_slots,
    draw_options=lambda facts, rng: draw_number_options(sum(facts["effects"][i][1] for i in facts["asked"]), rng),
    write_solution=write_solution,
    list_optional_lines=lambda facts, options: [f"{name} {effect}" for name, effect in facts["effects"]],
)
