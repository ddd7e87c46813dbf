"""Find and load the task that a user names. The first part of its name is the plugin that provides it."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft.errors import DataError, OpenRFTError, PluginError, UnknownName, UsageError
from openrft.grading.grade import Grade, grade
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.plugins import registry
from openrft.plugins.errors import name_plugin_in_errors
from openrft.plugins.manager import load_plugin_providers
from openrft.plugins.registry import find_plugin
from openrft.runtime.fingerprint import expand_path, list_file_states
from openrft.tasks.leakage import find_overlaps
from openrft.tasks.task import (
    Answerer,
    DataRequest,
    Grader,
    HasAliases,
    HasSource,
    ProvidesAllRows,
    Question,
    ReadsRows,
    Rule,
    SourceTable,
    Task,
    TaskFamily,
    TaskInfo,
)
from openrft.types import Sample

logger = logging.getLogger(__name__)

READING_OPTIONS = {  # fields of DataRequest that explain rows, by the option that sets them
    "columns": "--map",
    "count_from": "--count-from",
    "kind": "--kind",
    "sheet": "--sheet",
    "split": "--split",
}
_DATA_FILE = re.compile(r"[^/]\.(?:csv|tsv|jsonl?|xlsx|parquet)(?:\.gz)?$", re.IGNORECASE)


def find_family(name: str) -> TaskFamily:
    """The task family of an installed plugin. Raises UnknownName for a plugin that is absent or has no tasks."""
    if name not in registry.list_plugins():
        raise UnknownName("task family", name, _families(), "A task is named FAMILY/LEVEL/NAME.")
    found: TaskFamily | None = load_plugin_providers(name).tasks()
    if found is None:
        raise UnknownName("task family", name, (), f"{find_plugin(name)} provides no tasks.")
    if getattr(found, "family", None) != name:
        its = getattr(found, "family", None)
        raise PluginError(f"{find_plugin(name)} provides tasks of the family {its!r}; it must be {name!r}.")
    return found


def list_tasks(name: str, data: str | None = None) -> list[TaskInfo]:
    """Every task of the family, as it lists them."""
    found = find_family(name)
    _check_source(data)
    with name_plugin_in_errors(name, "failed in names"):
        infos = list(found.names(data))
    for info in infos:
        if not isinstance(info, TaskInfo):
            raise PluginError(f"{find_plugin(name)} lists a {type(info).__name__} in names, in place of a TaskInfo.")
    return infos


def _families() -> list[str]:
    """Plugins that provide tasks. Broken plugins are left out; they are reported when they are asked for."""
    found = []
    for name in registry.list_plugins():
        with contextlib.suppress(OpenRFTError):
            if load_plugin_providers(name).tasks() is not None:
                found.append(name)
    return found


def _check_source(data: str | None) -> None:
    """Refuse a source that cannot be a path, once for all families. Raises UsageError."""
    if data is not None:
        expand_path(data, "--data ")


def select_tasks(selector: str, data: str | None = None) -> list[str]:
    """Full names of the tasks that a selector or glob matches, in the source `data` or the family's default."""
    name = selector.split("/")[0].lower()
    _check_source(data)
    if name not in registry.list_plugins() and _is_path(selector):
        raise UsageError(
            f"{selector} is a path, and a task is a name.",
            f"For questions of your own, name the task `questions` and say --data {selector}.",
        )
    with name_plugin_in_errors(name, f"failed over {selector}"):
        return expand_selector(f"{name}/{selector.partition('/')[2]}".rstrip("/"), {name: find_family(name)}, data)


def _is_path(selector: str) -> bool:
    """Whether a selector that is no task's name can only mean a file or folder of questions."""
    with contextlib.suppress(UsageError):
        return expand_path(selector).exists() or _DATA_FILE.search(selector) is not None
    return False


def load_task(name: str, request: DataRequest) -> Task:
    """One task with its leaks counted, and dropped if the request says so. Its rows are read again if they changed."""
    _check_reading_options(find_family(name.split("/")[0]), request)
    return _load_task(name, request, list_file_states(source) if (source := _find_source(name, request)) else ())


def _find_source(name: str, request: DataRequest) -> Path | None:
    """The file or folder of the task's rows; None if they are generated, bundled or not on this disk."""
    family = find_family(name.split("/")[0])
    if isinstance(family, HasSource):
        with name_plugin_in_errors(family.family, "failed to name the source of its rows"):
            return family.find_source(request.data)
    with contextlib.suppress(UsageError):
        path = expand_path(request.data, "--data ") if request.data else None
        return path if path and path.exists() else None
    return None


@functools.lru_cache(maxsize=8)  # a bench asks for its tasks once per job
def _load_task(name: str, request: DataRequest, states: tuple[Any, ...]) -> Task:
    owner = name.split("/")[0]
    found = find_family(owner)
    with name_plugin_in_errors(owner, f"failed to load {name}"):
        task = found.load(name, request)
    task = _a_task(owner, "load", task)
    logger.info("loaded %s: %d train and %d test samples", name, len(task.train), len(task.test))
    rules = {leaf: _wrap_rule(owner, leaf, rule) for leaf, rule in task.baseline_rules.items()}
    grader = _bind_rules(name, _wrap_grader(owner, task.grade), request)
    return check_split_leakage(replace(task, grade=grader, baseline_rules=rules), request)


def forget_tasks() -> None:
    """Read every task anew when it is next asked for, such as after the classes of plugins were exchanged."""
    _load_task.cache_clear()


def load_all_rows(name: str, request: DataRequest) -> Task | None:
    """The task with all its rows; None if the family cannot show them."""
    owner = name.split("/")[0]
    found = find_family(owner)
    _check_reading_options(found, request)
    if not isinstance(found, ProvidesAllRows):
        return None
    with name_plugin_in_errors(owner, f"failed to load {name}"):
        task = found.load_all(name, request)
    task = _a_task(owner, "whole", task)
    return replace(task, grade=_bind_rules(name, task.grade, request))


def read_source(
    request: DataRequest,
    needs: Collection[str] = ("question", "answer"),
    extra: Mapping[str, Sequence[str]] | None = None,
) -> SourceTable:
    """The rows of `request.data`, unchanged, read by the first installed family that is `ReadsRows`.

    `needs` and `extra` are described there. Raises UsageError, DataError.
    """
    for name in _families():
        try:
            found = find_family(name)
        except PluginError as fault:  # another plugin's fault, which must not keep this one from reading
            logger.warning("%s", fault)
            continue
        if isinstance(found, ReadsRows):
            with name_plugin_in_errors(name, f"failed to read {request.data}"):
                return found.read_rows(request, needs, extra or {})
    raise UsageError("no installed plugin reads files of questions.", "Install openrft-questions.")


def _check_reading_options(family: TaskFamily, request: DataRequest) -> None:
    """Refuse options that explain rows for a family that would ignore them. Raises UsageError."""
    given = [option for name, option in READING_OPTIONS.items() if getattr(request, name) is not None]
    if given and not isinstance(family, ReadsRows):
        raise UsageError(
            f"the tasks of {family.family} do not take {', '.join(given)}: the family knows its own rows.",
            "Leave this out, or read files of your own with --task questions.",
        )


def _a_task(owner: str, hook: str, task: object) -> Task:
    if not isinstance(task, Task):
        raise PluginError(f"{find_plugin(owner)} gave a {type(task).__name__} in {hook}, in place of a Task.")
    return task


def _wrap_grader(owner: str, grader: Grader) -> Grader:
    """The family's grader with failures reported under the family's name. The core's grader is returned unchanged."""
    if grader is grade:
        return grader

    @functools.wraps(grader)
    def graded(sample: Sample, completion: str) -> Grade:
        with name_plugin_in_errors(owner, f"failed to grade an answer to sample {sample.id}"):
            return grader(sample, completion)

    graded.__qualname__ = getattr(grader, "__qualname__", type(grader).__name__)  # reports know graders by it
    return graded


def _bind_rules(name: str, grader: Grader, request: DataRequest) -> Grader:
    """The core's grader with the rules that the request asks for. Raises UsageError for another grader."""
    rules = GradingRules(request.tolerance, request.convert_units)
    if rules == DEFAULT_RULES:
        return grader
    if grader is not grade:
        raise UsageError(
            f"{name} is graded by rules of its own, so --tolerance and --convert-units would change nothing.",
            "Leave them out.",
        )
    return functools.partial(grade, rules=rules)


def _wrap_rule(owner: str, leaf: str, rule: Rule) -> Rule:
    """The family's rule with failures reported under the family's name."""

    @functools.wraps(rule)  # stored results know a rule by its module
    def made(train: Sequence[Sample]) -> Answerer:
        with name_plugin_in_errors(owner, f"failed in its rule for {leaf}"):
            answerer = rule(train)

        def answer(question: Question) -> str | None:
            with name_plugin_in_errors(owner, f"failed in its rule for {leaf}"):
                return answerer(question)

        return answer

    return made


def expand_selector(selector: str, families: Mapping[str, TaskFamily], data: str | None = None) -> list[str]:
    """Names of the tasks that a selector means: itself, or all that a glob (`pocket/L3/*`) matches, in listed order.

    `data` is the source that the rows will come from, as in DataRequest.
    """
    family = families.get(selector.split("/")[0])
    if family is None:
        raise UnknownName("task family", selector.split("/")[0], families)
    infos = family.names(data)
    found = _found(selector, infos)
    if not found and isinstance(family, HasAliases):
        found = _found(family.resolve_alias(selector), infos)
    if not found:
        raise UnknownName("task", selector, [info.name for info in infos], "`openrft tasks list` shows all.")
    return found


def _found(selector: str, infos: Sequence[TaskInfo]) -> list[str]:
    exact = [info.name for info in infos if info.name.lower() == selector.lower().rstrip("/")]
    if exact:  # first, because a name may contain glob characters
        return exact
    if any(mark in selector for mark in "*?["):
        depth = selector.count("/")
        own = [info.name for info in infos if info.alias_of is None and not info.absent]
        return [n for n in own if fnmatch.fnmatchcase(n.lower(), selector.lower()) and n.count("/") == depth]
    return []


def check_split_leakage(task: Task, request: DataRequest) -> Task:
    """The task with its leaks counted and listed in the notes, and dropped from train if the request says so.

    `notes["overlaps"]` counts pairs by kind, `notes["overlap_pairs"]` lists (train id, test id) of kinds that occur.
    """
    if not task.test:
        raise DataError(
            f"task {task.name} has {len(task.train)} train and {len(task.test)} test samples.",
            "If its rows are too few for both, ask for fewer with --train.",
        )
    found = find_overlaps(task.train, task.test)
    leaking = {train_id for pairs in found.values() for train_id, _ in pairs}
    train = task.train
    if request.drop_leaks:
        train = tuple(s for s in train if s.id not in leaking)
        if task.train and not train:
            raise DataError(f"task {task.name}: every train sample overlaps with test.", "Leave out --drop-leaks.")
    notes = {
        **task.notes,
        "overlaps": {kind: len(pairs) for kind, pairs in found.items()},
        "overlap_pairs": {kind: [list(pair) for pair in pairs] for kind, pairs in found.items() if pairs},
        "dropped_leaks": len(task.train) - len(train),
    }
    return replace(task, train=train, notes=notes)
