"""Step labels without people: how often is the right answer reached from here? Math-Shepherd's automatic annotation
(arXiv 2312.08935, section 3.3), from N completions of every prefix of a solution.

    hard: a step is right if any completion from it reaches the answer
    soft: a step is right to the degree in which they do

Knows rollouts and grading. Does not know where labels are kept (labelling.py) or what learns from them (train.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from openrft import Sample, Sampling, Task, messages_for, steps_of
from openrft_prm.labels import Labelled

Estimate = Literal["hard", "soft"]


@dataclass(frozen=True, slots=True)
class How:
    """How labels are estimated."""

    solutions: int = 4  # solutions a question that are labelled
    completions: int = 8  # from each step: N
    estimate: Estimate = "hard"  # as in the data that Math-Shepherd published
    temperature: float = 1.0
    max_tokens: int = 512
    seed: int = 0


def label(task: Task, policy: Any, samples: Sequence[Sample], how: How, seed: int) -> list[Labelled]:
    """Labelled solutions of the questions by the policy, those without a step left out."""
    prompts = [messages_for(sample, (), task.instruction) for sample in samples]
    sampling = Sampling(how.solutions, how.temperature, max_tokens=how.max_tokens, seed=seed)
    groups = policy.generate(prompts, sampling)
    # (question, solution), without repetitions and without those that were cut off: their end cannot be judged.
    drawn = dict.fromkeys((i, c.text) for i, group in enumerate(groups) for c in group if c.finish == "stop")
    begun = dict.fromkeys((i, prefix) for i, text in drawn for prefix in prefixes(text)[:-1])
    asked = [(*prompts[i], {"role": "assistant", "content": prefix}) for i, prefix in begun]
    again = replace(sampling, n=how.completions, seed=seed + 1)
    shares: dict[tuple[int, str], float] = {}
    for (i, prefix), group in zip(begun, policy.generate(asked, again) if asked else [], strict=True):
        reached = [bool(task.grade(samples[i], prefix + completion.text).correct) for completion in group]
        shares[i, prefix] = sum(reached) / len(reached)
    found = []
    for i, text in drawn:
        steps = steps_of(text)
        if not steps:
            continue
        # After the last step nothing is left to draw: the solution is right or wrong. Another solution may begin so.
        ended = float(bool(task.grade(samples[i], text).correct))
        reached_from = [*(shares[i, prefix] for prefix in prefixes(text)[:-1]), ended]
        labels = tuple(_label(share, how.estimate) for share in reached_from)
        found.append(Labelled(prompts[i][-1]["content"], tuple(steps), labels))
    return found


def prefixes(completion: str) -> list[str]:
    """The completion up to and including each of its steps and the newline after it."""
    lines = completion.split("\n")
    return ["\n".join(lines[: i + 1]) + "\n" for i, line in enumerate(lines) if line.strip()]


def _label(share: float, estimate: Estimate) -> float:
    return float(share > 0) if estimate == "hard" else share
