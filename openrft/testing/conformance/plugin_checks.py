"""Checks of the plugin as a whole: its options, import, tasks, weights, probes of its rewards, and other processes."""

from __future__ import annotations

from pathlib import Path

from openrft.config.options import describe_options
from openrft.errors import OpenRFTError
from openrft.plugins.registry import SLOW_IMPORT, measure_import
from openrft.runtime.fingerprint import expand_path
from openrft.testing.conformance.result import Problem
from openrft.testing.conformance.subject import Subject
from openrft.testing.families import check_family
from openrft.testing.plain import is_same
from openrft.testing.probing import probe_plugin

NOT_INSTALLED = Problem("no distribution installs it, so no other process finds it", "", "not run")


def check_options(subject: Subject) -> list[Problem]:
    """Every option has a help text. Its type and default were checked when the plugin was loaded."""
    assert subject.declaration.Options is not None
    return [
        Problem(
            f"its option {option.name} has no help",
            f"Declare it: {option.name}: ... = openrft.option(DEFAULT, help='what it does, its unit').",
        )
        for option in describe_options(subject.declaration.Options)
        if not option.help.strip()
    ]


def check_import(subject: Subject) -> list[Problem]:
    """Importing it is quick, and imports nothing heavy."""
    if not subject.is_installed:
        return [NOT_INSTALLED]
    cost = measure_import(subject.name)
    if cost is None:
        return [
            Problem("a process that has imported nothing else cannot import it", "Import what it needs in its file.")
        ]
    advice = "Import heavy modules inside the hooks that need them."
    if cost.heavy:
        return [Problem(f"importing it imports {', '.join(cost.heavy)} ({cost.seconds:.1f} s)", advice)]
    if cost.seconds >= SLOW_IMPORT:
        return [Problem(f"importing it takes {cost.seconds:.1f} s of processor time", advice, "warning")]
    return []


def check_other_process(subject: Subject) -> list[Problem]:
    """Another process that gets its name and options as JSON builds it, and its hooks return the same."""
    if not subject.is_installed:
        return [NOT_INSTALLED]
    here, task = dict(subject.results), None
    if "tasks" in subject.acting and not isinstance(subject.task_rows, Problem):
        here["tasks"], task = subject.task_rows, subject.task_name
    try:
        there = subject.other_process.ask(subject.name, subject.options, list(subject.results), task, subject.request)
    except OpenRFTError as fault:
        return [subject.describe(fault, "in another process: ")]
    return [
        Problem(
            f"{hook} gives something else in another process",
            "Sort what comes from a set, seed with texts and not with hash(), and keep nothing in module variables.",
        )
        for hook, result in here.items()
        if not is_same(result, there[hook])
    ]


def check_probes(subject: Subject) -> list[Problem]:
    """It does not reward probes, which are wrong answers. A reward for something else may do so on purpose."""
    return [
        Problem(
            sentence,
            "See docs/training.md, before RL. Nothing is to be done if it is meant to reward something else.",
            "warning",
        )
        for sentence in probe_plugin(subject.name, subject.options)
    ]


def check_tasks(subject: Subject) -> list[Problem]:
    """Its family keeps the contract of TaskFamily, on one task."""
    if isinstance(subject.task_rows, Problem):
        return [subject.task_rows]
    assert subject.task_name is not None
    check_family(subject.name, subject.task_name, subject.request)
    return []


def check_weights(subject: Subject) -> list[Problem]:
    """The folders of its named checkpoints are there, or it says what to install."""
    return [
        Problem(
            f"the weights of {policy} are not there ({info['path']})",
            "Ship them, or say in PolicyInfo.install what to run.",
        )
        for policy, info in subject.results.get("policies", {}).items()
        if Path(info["path"]).is_absolute() and not expand_path(info["path"]).exists() and not info["install"]
    ]
