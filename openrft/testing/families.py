"""The contract of a task family, checked on one of its tasks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from openrft.errors import PluginError
from openrft.plugins.errors import check_list
from openrft.plugins.registry import find_plugin
from openrft.plugins.task_registry import find_family, list_tasks, load_all_rows, load_task
from openrft.runtime.progress import NoProgress
from openrft.tasks.prompt import box_answer
from openrft.tasks.task import DataRequest, PreparesStore, Task
from openrft.types import content_id, digest_samples

MIN_CHOICES = 20  # choice samples; with 4 options all of 20 have one letter by chance once in 4 ** 19 times


def find_first_task(name: str, request: DataRequest) -> str:
    """The first task of the family that can be loaded. Raises PluginError if there is none without data."""
    present = [info.name for info in list_tasks(name, request.data) if not info.absent]
    if not present:
        raise PluginError(
            f"{find_plugin(name)} lists no task without data.", "Give check_plugin a DataRequest that says where it is."
        )
    return present[0]


def check_family(name: str, task: str, request: DataRequest, to: Path | None = None) -> Task:
    """Load a task of an installed family like a run, check the contract of `TaskFamily`, and return the task.

    `task` is its full name. If the family can prepare a store, the store is made in `to` and must give the same task.
    Raises PluginError (or what the family raises) that says what is wrong.
    """
    found = find_family(name)
    names = [info.name for info in list_tasks(name, request.data)]
    loaded = load_task(task, request)
    first = found.load(task, request)
    before = digest_task(first)
    again = found.load(task, request)
    faults = {
        f"names tasks twice: {sorted({n for n in names if names.count(n) > 1})}": len(set(names)) < len(names),
        f"does not list {task}": task not in names,
        f"calls {task} {loaded.name}": loaded.name != task,
        "changes samples that it has given already": digest_task(first) != before,
        "gives other samples for the same request": digest_task(again) != before,
        "gives more samples than were asked for": len(again.train) > request.train or len(again.test) > request.test,
        "gives a sample twice": any(len({s.id for s in side}) < len(side) for side in (again.train, again.test)),
        'has keys in meta["leakage_groups"] that are not KIND:KEY': not all(
            ":" in key for s in (*again.train, *again.test) for key in s.meta.get("leakage_groups", ())
        ),
    }
    whole = load_all_rows(task, request)
    if whole is not None:
        missing = {s.id for s in (*again.train, *again.test)} - {s.id for s in (*whole.train, *whole.test)}
        faults["draws samples that are not in the whole task"] = bool(missing)
    if isinstance(found, PreparesStore) and to is not None:
        found.prepare(request.data, to, request.skip_bad_rows, NoProgress())
        faults["gives other samples from its store"] = (
            digest_task(found.load(task, replace(request, data=str(to)))) != before
        )
    for fault, there in faults.items():
        if there:
            raise PluginError(f"{find_plugin(name)} {fault}.")
    _check_answers(name, loaded)
    _check_tools(name, loaded)
    return loaded


def digest_task(task: Task) -> str:
    """A digest of a task's samples, in order, and of its instruction."""
    return content_id(task.instruction, digest_samples(task.train), digest_samples(task.test))


def _check_answers(name: str, task: Task) -> None:
    """Refuse gold answers that the grader does not accept, and choice samples that all have the same answer."""
    samples = [*task.train, *task.test]
    for sample in samples:
        if task.grade(sample, box_answer(sample.answer)).correct is False:
            raise PluginError(
                f"{find_plugin(name)} grades its own answer {sample.answer[:60]!r} to sample {sample.id} as wrong."
            )
    letters = [sample.answer for sample in samples if sample.kind == "choice"]
    if len(letters) >= MIN_CHOICES and len(set(letters)) == 1:
        raise PluginError(
            f"{find_plugin(name)} has the answer {letters[0]} in all {len(letters)} choice samples of {task.name}:"
            " a policy would learn the letter.",
            "Shuffle the options of each sample, keyed by the sample.",
        )


def _check_tools(name: str, task: Task) -> None:
    """Refuse a rewriter or step checker that breaks its contract in `Task`."""
    for sample in task.train[:8]:
        if task.rewrite is not None:
            texts = task.rewrite(sample, 2, 0)
            check_list(name, "rewrite", str, texts)
            if len(texts) > 2 or texts != task.rewrite(sample, 2, 0):
                raise PluginError(
                    f"{find_plugin(name)} rewords sample {sample.id} too often, or differently each time."
                )
        if task.check_steps is not None and len(task.check_steps(sample, ["a", "b"])) != 2:
            raise PluginError(f"{find_plugin(name)} does not check every step of sample {sample.id}.")
