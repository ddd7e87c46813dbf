"""T5 in miniature: the speed after a constant acceleration."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, draw_number_options
from openrft_pocket.question_types.trace import TraceWriter


def draw_facts(rng: Random) -> Facts:
    while True:
        facts = {"v": rng.randint(2, 30), "a": rng.randint(2, 9), "t": rng.randint(2, 9)}
        if compute_speed(facts) <= 99:
            return facts


def compute_speed(facts: Facts) -> int:
    return facts["v"] + facts["a"] * facts["t"]


def problem_key(facts: Facts) -> str:
    """Acceleration and time may be exchanged: the calculation is the same."""
    low, high = sorted((facts["a"], facts["t"]))
    return f"{facts['v']}+{low}*{high}"


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    gain = writer.perturb_number(facts["a"] * facts["t"])
    writer.write(f"{facts['a']}*{facts['t']}={gain}")
    start = facts["v"]
    result = writer.perturb_number(start + gain)
    writer.write(f"{start}+{gain}={result}")
    writer.write_answer(options, str(result))


FINAL_SPEED = QuestionType(
    name="final_speed",
    paper="T5",
    domain="Physics",
    summary="speed after a constant acceleration",
    wordings=(
        "A cyclist rides at {v} m/s and accelerates at {a} m/s2 for {t} s. Calculate the final velocity in m/s.",
        "With an initial velocity of {v} m/s, a body accelerates uniformly at {a} m/s2. Which velocity has it after {t} s?",
        "For {t} s a rocket accelerates at {a} m/s2; its initial velocity was {v} m/s. Determine its velocity.",
    ),
    rewordings=(
        "Uniform acceleration of {a} m/s2 acts during {t} s on a skater with {v} m/s. Compute the final velocity.",
        "A sledge with initial velocity {v} m/s accelerates for {t} s at {a} m/s2. Its velocity at the end?",
        "Determine v after {t} s if the initial velocity is {v} m/s and the acceleration {a} m/s2.",
        "An aircraft taxiing at {v} m/s accelerates uniformly, {a} m/s2 during {t} s. Which velocity results?",
        "Initial velocity {v} m/s, acceleration {a} m/s2, duration {t} s: compute the velocity.",
        "How fast is a runner with {v} m/s after accelerating at {a} m/s2 for {t} s?",
    ),
    training_wordings=(
        "A [car|train|ball|cart|boat|bus] [moves|goes|rolls] at {v} m/s and [gains|adds|picks up] {a} m/s [each|every] second for {t} s. [Speed|Its speed|How fast] [now|at the end]?",
        "[Speed|Start speed] {v} m/s, [gain|push|pull] {a} m/s2, time {t} s. [End speed|New speed|Speed then]?",
        "[After|In] {t} s [at|with] {a} m/s2, [a stone|a truck|a van|a horse] that [had|began with|started at] {v} m/s [has|reaches|goes] what speed?",
        "[Gaining|Adding] {a} m/s [per|each] second, [starting|beginning] at {v} m/s, for {t} s [gives|makes|means] [what|which] speed?",
        "v = {v} m/s, a = {a} m/s2, t = {t} s, [v now|v end|new v]?",
        "[It|The toy|The drone] [flies|runs|slides] {v} m/s. {t} s long it [speeds up|gets faster] by {a} m/s2. [What speed|How fast then]?",
        "[Time|Duration] {t} s, [start|first] {v} m/s, [rate|step] {a} m/s2. [End|Last speed|Result]?",
        "[A constant|A steady] [force|motor|wind] [gives|brings] {a} m/s2 for {t} s to [a sail|a disk|a bike] [at|with] {v} m/s. [Now it has|Its new speed is|Speed]?",
        "t = {t} s, a = {a} m/s2, v = {v} m/s. [Speed|Find the speed|End speed].",
        "[From|Out of] {v} m/s [something|a ship|a sled|a car] [is sped up|gains] {a} m/s2 [during|over|for] {t} s [to|up to] [which|what] speed?",
    ),
    draw_facts=draw_facts,
    problem_key=problem_key,
    get_slots=lambda facts: facts,
    draw_options=lambda facts, rng: draw_number_options(compute_speed(facts), rng),
    write_solution=write_solution,
)
