"""Checks of what hooks return: types, counts, order, determinism, inputs, and batches that are empty, odd or huge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from openrft.errors import OpenRFTError
from openrft.plugins.manager import PluginSet
from openrft.stages.context import StageStats
from openrft.stages.reward import BEFORE_RL, call_reward_hooks
from openrft.tasks.task import hide_answer
from openrft.tasks.unlabelled import make_unlabelled
from openrft.testing.batches import Batch, make_batch, make_empty_batch, make_huge_batch, make_odd_batches
from openrft.testing.conformance.result import Problem
from openrft.testing.conformance.subject import HUGE, Subject
from openrft.testing.plain import is_same, to_plain
from openrft.testing.toys import toy_rollouts, toy_task

ONE_EACH = ("synthesize", "retrieve", "reward", "weigh", "grade")  # they return a list with one entry for each item
LISTS = ("augment", *ONE_EACH)  # they take a list and return a list, so an empty one leads to an empty one
BATCHES = (*LISTS, "check_reward", "diagnose", "evaluate")
ROUNDING = 1e-3  # a model that sees the same texts in other batches rounds otherwise


def check_results(subject: Subject) -> list[Problem]:
    """What each hook returns has the right type, an entry for each item, and numbers in their ranges."""
    return list(subject.faults.values())


def check_order(subject: Subject) -> list[Problem]:
    """If the items come in the opposite order, so do the results."""
    problems = []
    for hook in _choose(subject, ONE_EACH):
        first, turned = subject.results[hook], _call(subject, hook, make_batch(toy_task()).reverse())
        if isinstance(turned, Problem):
            problems.append(replace(turned, finding=f"for the same items in the opposite order: {turned.finding}"))
        elif first is None or is_same(first[::-1], turned, ROUNDING) or _is_drawn_by_place(subject, hook, turned):
            continue
        elif Counter(map(repr, first)) == Counter(map(repr, turned)):
            problems.append(
                Problem(
                    f"its results in {hook} come in an order of their own: the same items in the opposite order gave"
                    " results that did not follow them",
                    "Return one result for each item, in the order of the items.",
                )
            )
        else:
            problems.append(
                Problem(
                    f"what {hook} returns for an item depends on its place or on the other items",
                    "Let each result depend on its own item, unless it must compare items.",
                    "warning",
                )
            )
    return problems


def _is_drawn_by_place(subject: Subject, hook: str, turned: object) -> bool:
    """Whether the results are draws, one for each place: the same for other items, and others with another seed."""
    if not is_same(subject.results[hook], turned):
        return False
    other = _call(subject, hook, make_batch(toy_task()), seed=1)
    return not isinstance(other, Problem) and not is_same(other, turned)


def check_determinism(subject: Subject) -> list[Problem]:
    """The same items and the same seed give the same results: in a second call, and in a new instance of the plugin."""
    problems = []
    for hook, first in subject.results.items():
        for plugins, when in ((subject.plugins, "at its second call"), (subject.open(), "when it was built anew")):
            again = _call(subject, hook, make_batch(toy_task()), plugins=plugins)
            if isinstance(again, Problem):
                problems.append(replace(again, finding=f"{when}: {again.finding}"))
            elif not is_same(first, again):
                problems.append(
                    Problem(
                        f"{hook} gave other results {when}, with the same items and the same seed",
                        "Draw from random.Random(seed) or a generator seeded by it, and keep nothing between calls.",
                    )
                )
                break
    return problems


def check_inputs(subject: Subject) -> list[Problem]:
    """What a hook is given is the same after the call."""
    problems = []
    for hook in subject.results:
        batch = make_batch(toy_task())
        before = to_plain(batch)
        _call(subject, hook, batch)
        after = to_plain(batch)
        changed = [name for name in before if before[name] != after[name]]
        if changed:
            problems.append(
                Problem(
                    f"{hook} changes what it is given ({', '.join(changed)})",
                    "Copy before you change: dataclasses.replace, sorted, dict(...).",
                )
            )
    return problems


def check_empty_batch(subject: Subject) -> list[Problem]:
    """No items lead to no results."""
    return _try(subject, _choose(subject, LISTS), [("without any items", make_empty_batch())])


def check_odd_batches(subject: Subject) -> list[Problem]:
    """Unusual batches that occur in runs give finite numbers in range, and no error."""
    return _try(subject, _choose(subject, BATCHES), ((f"for {name}", batch) for name, batch in make_odd_batches()))


def check_huge_batch(subject: Subject) -> list[Problem]:
    """Many items at once, one of them very long, lead to as many results."""
    if subject.asks_server:
        return [Problem(f"{HUGE} answers are not sent to the server that its options name", "", "not run")]
    return _try(subject, _choose(subject, BATCHES), [(f"for {HUGE} answers", make_huge_batch(HUGE))])


def check_hidden_answer(subject: Subject) -> list[Problem]:
    """A reward that needs no gold answer is the same where there is none."""
    task = toy_task()
    usual = toy_rollouts(task)
    hidden = [
        replace(r, sample=make_unlabelled(hide_answer(r.sample)), answer=None, correct=None, score=None) for r in usual
    ]
    blind = replace(task, train=(), test=())
    try:
        given, without = (
            call_reward_hooks(subject.plugins, rollouts, blind, BEFORE_RL, 0, StageStats())
            for rollouts in (usual, hidden)
        )
    except OpenRFTError as fault:
        return [subject.describe(fault, "for questions without a gold answer: ")]
    if is_same(to_plain(given), to_plain(without), ROUNDING):
        return []
    return [
        Problem(
            "it says needs_gold = False, and rewards the same answers otherwise where the gold answer is not known",
            "Read neither the gold answer nor the grade, or leave needs_gold out.",
        )
    ]


def _choose(subject: Subject, hooks: Iterable[str]) -> list[str]:
    """Those of the hooks that returned something sound at their first call."""
    return [hook for hook in hooks if hook in subject.results]


def _try(subject: Subject, hooks: list[str], batches: Iterable[tuple[str, Batch]]) -> list[Problem]:
    """The first batch that each hook fails at, and how many others."""
    found: dict[str, list[Problem]] = {hook: [] for hook in hooks}
    for where, batch in batches:
        for hook in hooks:
            result = _call(subject, hook, batch)
            if isinstance(result, Problem):
                found[hook].append(replace(result, finding=f"{where}: {result.finding}"))
    return [
        replace(
            first,
            finding=f"{first.finding} (and for {len(others)} other kinds of batches)" if others else first.finding,
        )
        for first, *others in filter(None, found.values())
    ]


def _call(subject: Subject, hook: str, batch: Batch, seed: int = 0, plugins: PluginSet | None = None) -> Any:
    """What the hook returns, as plain data, or what was wrong with it."""
    try:
        return subject.call(plugins or subject.plugins, hook, batch, seed)
    except OpenRFTError as fault:
        return subject.describe(fault)
