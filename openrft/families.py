"""From a task's name to the task: ask the plugin whose name the task's first part is."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import replace

from openrft.blame import blamed
from openrft.errors import OpenRFTError, PluginError, UnknownName
from openrft.grading import Grade, grade
from openrft.installed import about, installed
from openrft.plugins import providers_of
from openrft.rules import Answerer, Question, Rule
from openrft.sample import Sample
from openrft.task import DataRequest, Grader, Task, TaskFamily, TaskInfo, Whole, checked, expand


def family(name: str) -> TaskFamily:
    """The task family of an installed plugin. Raises UnknownName for a plugin that is absent or has no tasks."""
    if name not in installed():
        raise UnknownName("task family", name, _families(), "A task is named FAMILY/LEVEL/NAME.")
    found: TaskFamily | None = providers_of(name).tasks()
    if found is None:
        raise UnknownName("task family", name, (), f"{about(name)} provides no tasks.")
    if getattr(found, "family", None) != name:
        its = getattr(found, "family", None)
        raise PluginError(f"{about(name)} provides tasks of the family {its!r}; it must be {name!r}.")
    return found


def listed(name: str, data: str | None = None) -> list[TaskInfo]:
    """Every task of the family, as it lists them."""
    found = family(name)
    with blamed(name, "failed in names"):
        infos = list(found.names(data))
    for info in infos:
        if not isinstance(info, TaskInfo):
            raise PluginError(f"{about(name)} lists a {type(info).__name__} in names, in place of a TaskInfo.")
    return infos


def _families() -> list[str]:
    """Plugins that provide tasks; one that is broken is none, and says so where it is asked for."""
    found = []
    for name in installed():
        with contextlib.suppress(OpenRFTError):
            if providers_of(name).tasks() is not None:
                found.append(name)
    return found


def select(selector: str, data: str | None = None) -> list[str]:
    """Whole task names that a selector or glob stands for, in the source `data` or the family's default."""
    name = selector.split("/")[0].lower()
    with blamed(name, f"failed over {selector}"):
        return expand(f"{name}/{selector.partition('/')[2]}".rstrip("/"), {name: family(name)}, data)


@functools.lru_cache(maxsize=8)
def load_task(name: str, request: DataRequest) -> Task:
    """One task with its leaks counted, and dropped if the request says so."""
    owner = name.split("/")[0]
    found = family(owner)
    with blamed(owner, f"failed to load {name}"):
        task = found.load(name, request)
    task = _a_task(owner, "load", task)
    rules = {leaf: _ruling(owner, leaf, rule) for leaf, rule in task.rules.items()}
    return checked(replace(task, grade=_grading(owner, task.grade), rules=rules), request)


def whole_task(name: str, request: DataRequest) -> Task | None:
    """The task with all its rows, where the family can show them; None where it has no such thing."""
    owner = name.split("/")[0]
    found = family(owner)
    if not isinstance(found, Whole):
        return None
    with blamed(owner, f"failed to load {name}"):
        task = found.whole(name, request)
    return _a_task(owner, "whole", task)


def _a_task(owner: str, hook: str, task: object) -> Task:
    if not isinstance(task, Task):
        raise PluginError(f"{about(owner)} gave a {type(task).__name__} in {hook}, in place of a Task.")
    return task


def _grading(owner: str, grader: Grader) -> Grader:
    """The family's own grader, named where it fails; the core's as it is."""
    if grader is grade:
        return grader

    @functools.wraps(grader)
    def graded(sample: Sample, completion: str) -> Grade:
        with blamed(owner, f"failed to grade an answer to sample {sample.id}"):
            return grader(sample, completion)

    graded.__qualname__ = getattr(grader, "__qualname__", type(grader).__name__)  # reports know graders by it
    return graded


def _ruling(owner: str, leaf: str, rule: Rule) -> Rule:
    """The family's own rule, named where it fails."""

    @functools.wraps(rule)  # stored results know a rule by its module
    def made(train: Sequence[Sample]) -> Answerer:
        with blamed(owner, f"failed in its rule for {leaf}"):
            answerer = rule(train)

        def answer(question: Question) -> str | None:
            with blamed(owner, f"failed in its rule for {leaf}"):
                return answerer(question)

        return answer

    return made
