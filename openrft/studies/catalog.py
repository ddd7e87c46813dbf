"""The studies, as data. A new study is an entry of STUDIES: no other code knows any of them.

A study varies one or two settings. Each combination of their levels is an arm of a bench. A level that changes the rows
themselves (`data.train`) needs a bench of its own. All benches share one store, so no stage is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openrft.job import VANILLA

DATA = "data."  # options of the rows, which all arms of a bench share


@dataclass(frozen=True, slots=True)
class Level:
    """One value of what is varied."""

    label: str
    assignments: tuple[str, ...] = ()  # OWNER.OPTION=VALUE
    plugins: tuple[str, ...] = ()  # that the arm has besides those of the study


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied. `option` is OWNER.OPTION if the levels are values of one option: --values may replace those."""

    name: str
    levels: tuple[Level, ...]
    option: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One or two axes, and what every combination of their levels is compared with."""

    name: str
    question: str  # one line, as a user would ask it
    plugins: tuple[str, ...]  # of every combination
    axes: tuple[Axis, ...]  # the first is the plot's horizontal axis
    reference: str = VANILLA  # an arm: vanilla, one of `beside`, or a combination
    beside: tuple[tuple[str, tuple[str, ...]], ...] = ()  # further arms: name and plugins


def vary(name: str, option: str, values: Iterable[object]) -> Axis:
    """An axis over values of one option."""
    levels = tuple(Level(str(value), (f"{option}={value}",)) for value in values)
    return Axis(name, levels, option)


RL = (("rl", ("rl",)),)

STUDIES = {
    study.name: study
    for study in (
        Study(
            "alpha-f",
            "How much should process rewards weigh (alpha), and how should the scores of the steps make one (f)?",
            ("rl", "prm"),
            (vary("alpha", "explore.alpha", (0.3, 0.7)), vary("f", "explore.aggregation", ("min", "mean", "last"))),
            "rl",
            RL,
        ),
        Study(
            "icl",
            "Do demonstrations help RL, and should they stay, be left out of the test, or fade?",
            ("rl", "icl"),
            (
                Axis(
                    "shown",
                    (
                        Level("in RL and at test"),
                        Level("in RL only", ("evaluate.show_demonstrations=false",)),
                        Level("fading", ("icl.fade=1", "icl.share=0.5")),
                    ),
                ),
                vary("demonstrations", "icl.num_demonstrations", (1, 2)),
            ),
            "rl",
            (*RL, ("few-shot", ("few-shot",))),
        ),
        Study(
            "synthesis",
            "How often should the teacher try, and which of its right answers should be imitated?",
            ("teacher", "sft"),
            (vary("tries", "teacher.tries", (1, 4, 16)), vary("keep", "teacher.keep", ("first", "shortest"))),
            "tries-16-keep-first",
        ),
        Study(
            "teachers",
            "Whose reasoning should be imitated: the policy's own or that of another model, alone or before RL?",
            ("teacher", "sft"),
            (
                Axis(
                    "teacher",
                    (
                        Level("self"),
                        Level("pocket/teacher", ("teacher.model=pocket/teacher",)),
                        Level(
                            "pocket/teacher-prose",
                            (
                                "teacher.model=pocket/teacher-prose",
                                "teacher.max_tokens=200",
                                "explore.max_tokens=200",
                                "evaluate.max_tokens=200",
                            ),
                        ),
                    ),
                    "teacher.model",
                ),
                Axis("then", (Level("nothing"), Level("RL", plugins=("rl",)))),
            ),
        ),
        Study(
            "noise",
            "How much does RL lose if the outcome reward of some questions says nothing about what is right?",
            ("rl", "placebo"),
            (vary("share", "placebo.share", (0.25, 0.5, 1.0)), vary("kind", "placebo.kind", ("noise", "shuffled"))),
            "rl",
            RL,
        ),
        Study(
            "data-size",
            "What do more training questions bring, to imitation and to RL?",
            (),
            (
                vary("questions", "data.train", (25, 50, 100, 200)),
                Axis("method", (Level("sft", plugins=("sft",)), Level("rl", plugins=("rl",)))),
            ),
        ),
        Study(
            "samples",
            "Of 64 answers at each step of RL: many answers to few questions, or few answers to many?",
            ("rl",),
            (
                Axis(
                    "answers",
                    tuple(
                        Level(str(size), (f"explore.group_size={size}", f"explore.prompts_per_step={64 // size}"))
                        for size in (2, 4, 8, 16)
                    ),
                ),
            ),
            "answers-8",
        ),
    )
}
