"""A policy's own solutions, each line labelled by the exact checker.

Half of the questions are in the words of pre-training; half are the tasks' own, of exercises that belong to train.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.kinds.kind import split_of
from openrft_pocket.school.chat import INSTRUCTION
from openrft_pocket.school.lessons import BANK
from openrft_pocket.wording import phrase


@dataclass(frozen=True)
class Labelled:
    """A question block, the lines of a solution, and which of them are sound."""

    problem: str
    steps: list[str]
    sound: list[bool]


def question(rng: Random) -> tuple[str, set[str], Hand]:
    """A question block, its true lines, and a solution by a slipping hand."""
    kind, own = KINDS[rng.choice([*KINDS])], rng.random() < 0.5
    facts = kind.draw(rng)
    while own and split_of(kind.name, kind.key(facts)) != "train":
        facts = kind.draw(rng)
    options, _ = kind.options(facts, rng)
    noise = 0.15 if not own and rng.random() < 0.5 else 0.0
    stem = phrase(rng.choice(kind.wordings if own else kind.lessons), kind.slots(facts), rng, noise, BANK)
    hand = Hand(rng, 0.25)
    if rng.random() < 0.15:
        hand.guess(options)
    else:
        kind.solve(facts, options, hand)
    block = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    return block, kind.truths(facts, options), hand


def label(problem: str, truths: set[str], steps: list[str]) -> Labelled:
    """The steps, each sound if it is among the true lines."""
    return Labelled(problem, steps, [step.strip() in truths for step in steps])


def written(count: int, seed: int) -> list[Labelled]:
    """Solutions by the slipping hand of pre-training: cheap, and without end."""
    rng = Random(f"written {seed}")
    drawn = [question(rng) for _ in range(count)]
    return [label(problem, truths, hand.lines) for problem, truths, hand in drawn]


def rolled(policy: Path, questions: int, each: int, seed: int, temperature: float) -> list[Labelled]:
    """The policy's solutions: at temperature 1 it errs most variously, at 0.6 as it does when it is evaluated."""
    import openrft

    rng = Random(f"rolled {seed} {temperature}")
    drawn = [question(rng) for _ in range(questions)]
    prompts = [
        [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": block}] for block, _, _ in drawn
    ]
    answers = openrft.open_policy(str(policy)).generate(
        prompts, openrft.Sampling(n=each, temperature=temperature, max_tokens=96, seed=seed)
    )
    return [
        label(block, truths, openrft.steps_of(completion.text))
        for (block, truths, _), group in zip(drawn, answers, strict=True)
        for completion in group
        if openrft.steps_of(completion.text)
    ]
