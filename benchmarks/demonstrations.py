"""Do demonstrations help a policy that is not trained yet? If they do not, RL cannot learn from them either.

    python benchmarks/demonstrations.py mutant_fitness retrosynthesis molar_mass

For each pocket task: the share of right answers to the training questions (data seed 902, eight completions at
temperature 1, as in RL), and the share of questions to which some completions are right and some are wrong. Only those
teach a policy in RL. Demonstrations are bare answers, the policy's own right answers, or a teacher's, the nearest one
or a random one.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Mapping, Sequence

import torch
from openrft_icl import ICL

from openrft import (
    DataRequest,
    Demonstration,
    Message,
    Policy,
    Sampling,
    Task,
    box_answer,
    build_messages,
    open_policy,
)
from openrft.plugins.task_registry import load_task, select_tasks

ROLLOUTS = Sampling(8, 1.0, max_tokens=80, seed=1)
TRACES = Sampling(8, 0.6, max_tokens=80, seed=3)

Shown = Sequence[Sequence[Demonstration]]


def collect_traces(writer: Policy, task: Task) -> dict[str, str]:
    """A right answer of `writer` to each training question to which it has one, by the sample's id."""
    groups = writer.generate([build_messages(s, (), task.instruction) for s in task.train], TRACES)
    found: dict[str, str] = {}
    for sample, group in zip(task.train, groups, strict=True):
        right = [one.text for one in group if task.grade(sample, one.text).correct]
        found |= {sample.id: right[0]} if right else {}
    return found


def find_nearest(pool: Sequence[Demonstration], task: Task) -> Shown:
    """The nearest demonstration of each training question, as `icl` finds it."""
    plugin = ICL(ICL.Options(num_demonstrations=1, demonstration_content="trace"))
    return plugin.retrieve(task.train, pool, task).value


def draw_random(pool: Sequence[Demonstration], task: Task) -> Shown:
    """A random demonstration of another question."""
    draw = random.Random(0)
    return [[draw.choice([one for one in pool if one.sample.id != sample.id])] for sample in task.train]


def make_pool(task: Task, traces: Mapping[str, str] | None) -> list[Demonstration]:
    """Demonstrations with these traces; bare answers to all questions without any."""
    if traces is None:
        return [Demonstration(sample, box_answer(sample.answer)) for sample in task.train]
    return [Demonstration(s, box_answer(s.answer), traces[s.id]) for s in task.train if s.id in traces]


def measure(policy: Policy, task: Task, shown: Shown) -> tuple[float, float, float]:
    """The share of right answers, of questions with right and wrong ones, and of answers that repeat the letter of the
    demonstration (nan without any)."""
    prompts: list[tuple[Message, ...]] = [
        build_messages(sample, own, task.instruction) for sample, own in zip(task.train, shown, strict=True)
    ]
    groups = policy.generate(prompts, ROLLOUTS)
    right = [[bool(task.grade(s, c.text).correct) for c in own] for s, own in zip(task.train, groups, strict=True)]
    letters = [(own[-1].sample.answer, c.text) for own, group in zip(shown, groups, strict=True) if own for c in group]
    repeated = [re.findall(r"boxed\{(\w)\}", text)[-1:] == [letter] for letter, text in letters]
    return (
        sum(map(sum, right)) / sum(map(len, right)),
        sum(0 < sum(own) < len(own) for own in right) / len(right),
        sum(repeated) / len(repeated) if repeated else float("nan"),
    )


def main(names: Sequence[str]) -> None:
    """Print the measures of each task, and their means over the tasks."""
    torch.set_num_threads(1)
    policy, teacher = open_policy("pocket"), open_policy("pocket/teacher")
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for name in names or [task.rpartition("/")[2] for task in select_tasks("pocket/L3/*", None)]:
        task = load_task(f"pocket/L3/{name}", DataRequest(train=100, test=10, seed=902))
        own = make_pool(task, collect_traces(policy, task))
        kinds: dict[str, Shown] = {
            "none": [()] * len(task.train),
            "bare answer": find_nearest(make_pool(task, None), task),
            "own answer": find_nearest(own, task),
            "own answer, random": draw_random(own, task),
            "teacher's answer": find_nearest(make_pool(task, collect_traces(teacher, task)), task),
        }
        print(name)
        for kind, shown in kinds.items():
            rows.setdefault(kind, []).append(measure(policy, task, shown))
            print(f"  {kind:20} {_format(rows[kind][-1:])}", flush=True)
    print("mean")
    for kind, found in rows.items():
        print(f"  {kind:20} {_format(found)}")


def _format(found: Sequence[tuple[float, float, float]]) -> str:
    means = [100 * sum(column) / len(found) for column in zip(*found, strict=True)]
    return "right {:5.1f}%   right and wrong {:5.1f}%   same letter {:5.1f}%".format(*means)


if __name__ == "__main__":
    main(sys.argv[1:])
