"""T7 in miniature: the host with the lowest listed diffusion barrier."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, shuffle_options
from openrft_pocket.question_types.trace import LETTERS, TraceWriter

HOSTS = (
    "iron", "gold", "zinc", "lead", "tin", "nickel", "copper", "silver", "cobalt", "titanium", "tungsten", "carbon",
    "silicon", "platinum", "chromium", "vanadium", "niobium", "cerium", "sodium", "barium", "indium", "osmium",
    "radium", "rhodium",
)  # fmt: skip


def draw_facts(rng: Random) -> Facts:
    """Four hosts with distinct barriers between 0.1 and 9.9."""
    values = rng.sample(range(1, 100), 4)
    return {"barriers": [[host, f"{v // 10}.{v % 10}"] for host, v in zip(rng.sample(HOSTS, 4), values, strict=True)]}


def find_lowest(rows: Sequence[Sequence[str]]) -> str:
    return min(rows, key=lambda row: float(row[1]))[0]


def get_slots(facts: Facts) -> dict[str, object]:
    return {
        "table": ", ".join(f"{host} {value}" for host, value in facts["barriers"]),
        "colons": ", ".join(f"{host}: {value}" for host, value in facts["barriers"]),
        "units": ", ".join(f"{host} {value} eV" for host, value in facts["barriers"]),
    }


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    barriers = dict(facts["barriers"])
    read = []
    for letter, host in zip(LETTERS, options, strict=True):
        value = writer.perturb_choice(barriers[host], list(barriers.values()), 1 / len(options))
        read.append((host, value))
        writer.write(f"{letter}. {host} {value}")
    best = find_lowest(read)
    best = writer.perturb_choice(best, [find_lowest([row for row in read if row[0] != best])])
    writer.write(f"lowest {best} {dict(read)[best]}")
    writer.write_answer(options, best)


DIFFUSION_BARRIER = QuestionType(
    name="diffusion_barrier",
    paper="T7",
    domain="Material",
    summary="host with the fastest diffusion, that is the lowest barrier",
    wordings=(
        "Diffusion barriers in eV: {table}. In which host does the solute diffuse fastest?",
        "A solute crosses these barriers: {units}. Select the host with the highest diffusion rate.",
        "Computed diffusion barriers are {table}. Which host allows the quickest diffusion?",
    ),
    rewordings=(
        "Where is diffusion fastest, given the barriers {units}?",
        "DFT predicts barriers of {table} for a solute. Choose the host in which it diffuses most quickly.",
        "Activation barriers of diffusion: {units}. The highest rate is found in which host?",
        "Select the host metal with the fastest solute diffusion. Barriers: {table}.",
        "Diffusion of a solute needs {units}. In which host is its rate highest?",
        "Barriers in different hosts, {table}: which one gives the highest diffusion rate?",
    ),
    training_wordings=(
        "{colons}. [Lowest|Smallest|Least|Minimum]?",
        "[Which|What] [has|shows|holds] the [lowest|smallest|least] [value|number|cost|price|wall|hill]? {table}.",
        "[Values|Costs|Prices|Walls|Heights|Energies]: {table}. [Pick|Choose|Name|Find] the [lowest|smallest|cheapest|least].",
        "[List|Table|Data]: {colons}. [Easiest|Fastest|Cheapest|Lowest]?",
        "[Atoms|Particles|Guests] [hop|jump|move|travel] over {units}. [Where|In which] is it [easiest|fastest|least hard]?",
        "[The hop|A jump|Moving|Passing] costs {units}. [Where|In what] is [the cost lowest|moving easiest|it fastest]?",
        "[Sort|Compare|Look at] {table}. [First|Smallest|Lowest] is?",
        "[Energy|Effort|Work] [needed|to pay] : {units}. [Least|Smallest] [is in|for|belongs to]?",
        "{units}. [Low is fast|Low means quick|Less is better]. [Fastest|Quickest|Best]?",
        "[Each|Every] [metal|site|place|material] [asks|wants|takes] {colons}. [Who asks least|Which takes the least]?",
    ),
    draw_facts=draw_facts,
    problem_key=lambda facts: ",".join(f"{host} {value}" for host, value in sorted(facts["barriers"])),
    get_slots=get_slots,
    draw_options=lambda facts, rng: shuffle_options(
        [host for host, _ in facts["barriers"]], find_lowest(facts["barriers"]), rng
    ),
    write_solution=write_solution,
)
