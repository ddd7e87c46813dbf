"""Plugins are loaded by name and called in order; a broken one is named, and stops no other.

Third-party distributions are really installed, and used in processes of their own.
"""

from __future__ import annotations

import pytest

import openrft
from openrft import PluginError
from openrft.plugins import manager, registry


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unimportable", ["'unimportable' (openrft-broken 6.6.6)", "cannot be imported", "left_behind"]),
        ("misspelt", ["'misspelt' (openrft-broken 6.6.6)", "no hook 'rewrad'", "did you mean reward?"]),
        ("absent", ["unknown plugin: 'absent'"]),
    ],
)
def test_a_plugin_that_cannot_load_is_named(run_python, name, words):
    code = (
        f"from openrft.plugins.manager import PluginSet\nfrom openrft.errors import OpenRFTError\n"
        f"try: PluginSet([{name!r}], {{}})\nexcept OpenRFTError as fault: print(fault)"
    )
    notices = run_python(code).stdout
    assert all(word in notices for word in words), notices
    assert notices.count("\n") == 1


def test_call_order_is_the_listed_order_and_results_are_labelled(run_python):
    code = """
from openrft.plugins.manager import PluginSet
from openrft.testing import toy_task, toy_rollouts
task = toy_task(1, 1)
for names in (["brevity", "placebo"], ["placebo", "brevity"]):
    plugins = PluginSet(names, {"brevity": {"limit": "3"}})
    found = plugins.call_all("reward", rollouts=toy_rollouts(task), task=task, step=0, seed=0)
    print([name for name, _ in found], found[names.index("brevity")][1].value[0].per_step)
"""
    assert run_python(code).stdout.splitlines() == [
        "['brevity', 'placebo'] (1.0, 0.0)",
        "['placebo', 'brevity'] (1.0, 0.0)",
    ]


def test_a_plugin_that_raises_is_named_and_never_scores_zero(run_python):
    code = """
from openrft.plugins.manager import PluginSet
from openrft.errors import PluginError
from openrft.testing import toy_task, toy_rollouts
task = toy_task(1, 1)
try:
    PluginSet(["raising"], {}).call_all("reward", rollouts=toy_rollouts(task), task=task, step=0, seed=0)
except PluginError as fault:
    print(fault, type(fault.__cause__).__name__)
"""
    notices = run_python(code).stdout
    assert "'raising' (openrft-broken 6.6.6) raised ZeroDivisionError in reward: the scale weighs nothing" in notices
    assert notices.strip().endswith("ZeroDivisionError")


def test_first_party_plugins_come_through_the_same_door(run_python):
    code = """
from openrft.plugins.manager import resolve_requirements
print(resolve_requirements(["prm"]), resolve_requirements(["sft", "icl"]))
"""
    assert run_python(code).stdout == "['rl', 'prm'] ['teacher', 'sft', 'rl', 'icl']\n"


FAILING = [
    (
        "load_task('lost/rows', DataRequest())",
        "'lost' (openrft-broken 6.6.6) failed to load lost/rows: FileNotFoundError",
    ),
    (
        "grade(load_task('lost/graded', DataRequest()))",
        "'lost' (openrft-broken 6.6.6) failed to grade an answer to sample",
    ),
    (
        "load_task('lost/graded', DataRequest(tolerance=0.1))",
        "lost/graded is graded by rules of its own, so --tolerance",
    ),
    (
        "score_baselines(load_task('lost/ruled', DataRequest()))",
        "'lost' (openrft-broken 6.6.6) failed in its rule for toy/sums: ZeroDivisionError",
    ),
    ("find_family('familyless')", "'familyless' (openrft-broken 6.6.6) provides tasks of the family None"),
    ("PluginSet(['plain'], {})", "'plain' (openrft-broken 6.6.6): its Options is not a dataclass"),
    ("PluginSet(['demanding'], {})", "demanding.key must be set"),
]


def test_a_family_or_options_that_fail_are_named(run_python):
    code = f"""
from openrft import DataRequest
from openrft.errors import OpenRFTError
from openrft.bench.runner import score_baselines
from openrft.plugins.task_registry import find_family, load_task
from openrft.plugins.manager import PluginSet
def grade(task):
    return task.grade(task.test[0], "")
for typed, _ in {FAILING!r}:
    try:
        print(eval(typed))
    except OpenRFTError as fault:
        print(fault)
"""
    notices = run_python(code).stdout.splitlines()
    assert len(notices) == len(FAILING), notices
    for (_, words), line in zip(FAILING, notices, strict=True):
        assert words in line


def test_a_result_says_what_was_counted_measured_and_remembered(monkeypatch):
    class Counting(openrft.Plugin):
        trains = ("explore",)

        @openrft.hookimpl
        def train_step(self, state):
            total = (state or {"total": 0})["total"] + 1
            return openrft.HookResult({"loss": 0.5}, {"seen": 2}, {"share": 0.5}, {"total": total, "pair": (1, 2)})

        @openrft.hookimpl
        def reward(self):
            return openrft.HookResult([], {"seen": 0.5})

    monkeypatch.setattr(registry, "load_plugin_class", lambda name: Counting)
    monkeypatch.setattr(manager, "load_plugin_class", lambda name: Counting)
    monkeypatch.setattr(registry, "find_plugin", lambda name: f"plugin {name!r}")
    monkeypatch.setattr("openrft.plugins.errors.find_plugin", lambda name: f"plugin {name!r}")
    plugins = manager.PluginSet(["counting"], {})
    arguments = dict.fromkeys(("policy", "rollouts", "objective", "step", "seed", "progress", "run", "state"))
    for total in (1, 2):
        name, result = plugins.call_first("train_step", **arguments)
        assert (name, result.value) == ("counting", {"loss": 0.5})
        assert (result.counts, result.metrics) == ({"seen": 2}, {"share": 0.5})
        assert result.state == {"total": total, "pair": [1, 2]}  # as a checkpoint would give it back
        plugins.states[name] = result.state
    with pytest.raises(PluginError, match="plugin 'counting' gave counts that are no whole numbers in reward"):
        plugins.call_all("reward", rollouts=[], task=None, step=0, seed=0)
