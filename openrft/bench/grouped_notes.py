"""One message said once, with all that it holds for: numbers as ranges, and the arms, tasks and seeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

Place = tuple[tuple[str, ...], str, int]  # arms, task, seed

NAMED = 3  # arms that are named if they share a message
TASKS = 8  # tasks that are named
EACH = 2  # up to so many numbers of an arm are shown one by one, of more the range and where the largest is
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?!\w)")


def merge_messages(found: Iterable[tuple[T, str]]) -> list[tuple[str, list[T]]]:
    """(message, all that it was said of), in the order of the first. Messages that differ in numbers only are one, in
    which each number that varies is a range: "only 6 of 50" and "only 2 of 50" are "only 2 to 6 of 50"."""
    alike: dict[str, list[tuple[T, str]]] = {}
    for of, text in found:
        alike.setdefault(NUMBER.sub("#", text), []).append((of, text))
    return [(_merge([text for _, text in group]), [of for of, _ in group]) for group in alike.values()]


def _merge(texts: Sequence[str]) -> str:
    numbers = zip(*map(NUMBER.findall, texts), strict=True)
    ranges = iter([_format_range(sorted(set(varying), key=float)) for varying in numbers])
    return NUMBER.sub(lambda _: next(ranges), texts[0])


def _format_range(ordered: Sequence[str]) -> str:
    low, high = ordered[0], ordered[-1]
    return low if float(low) == float(high) else f"{low} to {high}"


def name_arms(arms: Sequence[str]) -> str:
    """The first arms, and how many more there are."""
    more = f" and {len(arms) - NAMED} more" if len(arms) > NAMED else ""
    return ", ".join(arms[:NAMED]) + more


def name_places(places: Iterable[Place]) -> str:
    """The arms with their tasks and seeds: "rl on A, seed 0", "rl on A (seed 0, 1), B (seed 1)". Of many tasks the
    rest is a count."""
    by_arms: dict[str, dict[str, list[int]]] = {}
    for arms, task, seed in places:
        by_arms.setdefault(name_arms(arms), {}).setdefault(task, []).append(seed)
    return "; ".join(f"{arms} on {_name_tasks(tasks)}" for arms, tasks in by_arms.items())


def _name_tasks(tasks: Mapping[str, Sequence[int]]) -> str:
    seeds = [f"seed {', '.join(map(str, sorted(of)))}" for of in tasks.values()]
    if len(tasks) == 1:
        return f"{next(iter(tasks))}, {seeds[0]}"
    named = [f"{task} ({of})" for task, of in zip(tasks, seeds, strict=True)][:TASKS]
    more = f" and {len(tasks) - TASKS} more tasks" if len(tasks) > TASKS else ""
    return ", ".join(named) + more


def say_of_arms(words: str, found: Mapping[str, Mapping[str, float]], write: Callable[[float], str]) -> Iterator[str]:
    """One line for a number that arms have on tasks, if any has it. `found`: task -> arm -> number, as `write` shows
    it. With one task: "task: words: arm 2%, arm 3%."; with several, each arm's numbers are said with their tasks."""
    found = {task: arms for task, arms in found.items() if arms}
    if len(found) == 1:
        ((task, numbers),) = found.items()
        yield f"{task}: {words}: {', '.join(f'{arm} {write(n)}' for arm, n in numbers.items())}."
        return
    arms = dict.fromkeys(arm for numbers in found.values() for arm in numbers)
    said = [
        f"{arm} {_name_numbers({task: numbers[arm] for task, numbers in found.items() if arm in numbers}, write)}"
        for arm in arms
    ]
    if said:
        yield f"{words[0].upper()}{words[1:]}: {'; '.join(said)}."


def _name_numbers(numbers: Mapping[str, float], write: Callable[[float], str]) -> str:
    if len(numbers) <= EACH:
        return ", ".join(f"{write(n)} on {task}" for task, n in numbers.items())
    low, high = min(numbers.values()), max(numbers.values())
    if write(low) == write(high):
        return f"{write(low)} on {len(numbers)} tasks"
    return f"{write(low)} to {write(high)} on {len(numbers)} tasks, most on {max(numbers, key=lambda t: numbers[t])}"
