"""T2 in miniature: which fragment is missing, the target's formula less the known fragment's."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, shuffle_options
from openrft_pocket.question_types.trace import TraceWriter

CARBONS, HYDROGENS = range(3, 8), range(3, 10)  # of the missing fragment


def draw_facts(rng: Random) -> Facts:
    """Carbon and hydrogen counts of the two fragments. All are at least 2, so that every formula states its counts."""
    return {"known": [rng.randint(2, 6), rng.randint(2, 9)], "missing": [rng.choice(CARBONS), rng.choice(HYDROGENS)]}


def format_formula(counts: Sequence[int]) -> str:
    return f"C{counts[0]}H{counts[1]}"


def get_slots(facts: Facts) -> dict[str, object]:
    whole = [k + m for k, m in zip(facts["known"], facts["missing"], strict=True)]
    return {"target": format_formula(whole), "known": format_formula(facts["known"])}


def draw_options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    """Two carbon counts times two hydrogen counts, so that no option resembles the others more than another does. All
    are possible fragments. The smallest count follows the largest, so that counts at the ends are not gold more often."""
    carbon, hydrogen = facts["missing"]
    other_c = CARBONS[(CARBONS.index(carbon) + rng.choice((-1, 1))) % len(CARBONS)]
    other_h = HYDROGENS[(HYDROGENS.index(hydrogen) + rng.choice((-2, -1, 1, 2))) % len(HYDROGENS)]
    texts = [format_formula((c, h)) for c in (carbon, other_c) for h in (hydrogen, other_h)]
    return shuffle_options(texts, format_formula(facts["missing"]), rng)


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    left = []
    for atom, known, missing in zip("CH", facts["known"], facts["missing"], strict=True):
        left.append(writer.perturb_number(missing))
        writer.write(f"{atom} {known + missing}-{known}={left[-1]}")
    writer.write_answer(options, format_formula(left))


RETROSYNTHESIS = QuestionType(
    name="retrosynthesis",
    paper="T2",
    domain="Chemistry",
    summary="the second precursor of a target from the first one's formula",
    wordings=(
        "{target} was synthesised from two precursors with nothing lost. One precursor is {known}. Which is the other?",
        "Disconnecting {target} leaves {known} and a second synthon. Choose it.",
        "Which reactant combines with {known} to the product {target}?",
    ),
    rewordings=(
        "A retrosynthetic cut of {target} yields {known} and one more precursor. Identify it.",
        "To prepare {target} a chemist starts from {known}. What must be added to it?",
        "The addition product {target} contains {known} entirely. Which precursor supplied the rest?",
        "{target} is planned from {known} and another reagent. Select that reagent.",
        "Working backwards from {target}: one synthon is {known}, the second is?",
        "In a clean addition {known} reacted to {target}. With which reagent?",
    ),
    training_wordings=(
        "[Take|Remove|Cut|Strip] {known} [from|out of|off] {target}. [What is left|What remains|The rest is]?",
        "{target} [minus|without|less] {known} [is|gives|leaves]?",
        "[What|Which] [piece|part|group|half] [joins|goes with|binds] {known} to [make|form|build] {target}?",
        "{target} [splits|breaks|falls] into {known} and [what|which piece|another part]?",
        "[Two|Both] [pieces|parts|halves] [make|form|build] {target}. [One is|The first is|We know] {known}. [Find|Name|Give] the [second|missing|other] [piece|part|half].",
        "[Starting|Going] from {known} [we|they] [got|made|reached] {target}. [Added|The added part|What came in] was?",
        "[The molecule|A compound|The substance] {target} [loses|sheds|drops] {known}. [Formula|Atoms] [left|that remain]?",
        "[Known part|Have|Given]: {known}. [Whole|Goal|Wanted]: {target}. [Missing|Needed|Rest]?",
        "{known} + ? = {target}",
        "[If|When] {known} [is|was] [inside|part of] {target}, [what else is|the remaining atoms are|the rest is]?",
    ),
    draw_facts=draw_facts,
    problem_key=lambda facts: format_formula(facts["known"]) + "+" + format_formula(facts["missing"]),
    get_slots=get_slots,
    draw_options=draw_options,
    write_solution=write_solution,
)
