"""Solutions whose lines the exact step checker has labelled: training data of the process reward model.

Half of the questions use the training wordings. The other half use the tasks' own, with problems of the train split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import openrft
from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.question_types.question_type import assign_split
from openrft_pocket.question_types.trace import LETTERS, TraceWriter
from openrft_pocket.question_types.wording import fill_template
from openrft_pocket.training.data_mix import ALL_WORDS
from openrft_pocket.training.encoding import INSTRUCTION

ERROR_RATE, GUESSES, NOISE = 0.25, 0.15, 0.15


@dataclass(frozen=True)
class LabelledSolution:
    """A question with its options, the lines of a solution, and which of them are sound."""

    question: str
    steps: list[str]
    sound: list[bool]


def write_solutions(count: int, seed: int) -> list[LabelledSolution]:
    """Solutions that the trace writer makes with errors: cheap and unlimited."""
    rng = Random(f"written {seed}")
    drawn = [_draw_question(rng) for _ in range(count)]
    return [_label_steps(question, true_lines, writer.lines) for question, true_lines, writer in drawn]


def sample_solutions(
    policy: Path, questions: int, answers: int, seed: int, temperature: float
) -> list[LabelledSolution]:
    """The policy's own solutions. At temperature 1 its errors vary most; 0.6 is the temperature of evaluation."""
    rng = Random(f"rolled {seed} {temperature}")
    drawn = [_draw_question(rng) for _ in range(questions)]
    prompts = [
        [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}] for question, _, _ in drawn
    ]
    sampling = openrft.Sampling(n=answers, temperature=temperature, max_tokens=96, seed=seed)
    groups = openrft.open_policy(str(policy)).generate(prompts, sampling)
    return [
        _label_steps(question, true_lines, openrft.split_steps(completion.text))
        for (question, true_lines, _), group in zip(drawn, groups, strict=True)
        for completion in group
        if openrft.split_steps(completion.text)
    ]


def _draw_question(rng: Random) -> tuple[str, set[str], TraceWriter]:
    """A question with its options, its true lines, and the writer of a solution with errors, or of a guess."""
    question_type, task_wording = QUESTION_TYPES[rng.choice([*QUESTION_TYPES])], rng.random() < 0.5
    facts = question_type.draw_facts(rng)
    while task_wording and assign_split(question_type.name, question_type.problem_key(facts)) != "train":
        facts = question_type.draw_facts(rng)
    options, _ = question_type.draw_options(facts, rng)
    noise = NOISE if not task_wording and rng.random() < 0.5 else 0.0
    template = rng.choice(question_type.wordings if task_wording else question_type.training_wordings)
    stem = fill_template(template, question_type.get_slots(facts), rng, noise, ALL_WORDS)
    writer = TraceWriter(rng, ERROR_RATE)
    if rng.random() < GUESSES:
        writer.write_guess(options)
    else:
        question_type.write_solution(facts, options, writer)
    question = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    return question, question_type.list_true_lines(facts, options), writer


def _label_steps(question: str, true_lines: set[str], steps: list[str]) -> LabelledSolution:
    """The steps, each sound if it is among the true lines."""
    return LabelledSolution(question, steps, [step.strip() in true_lines for step in steps])
