"""Plugins: found by metadata, loaded by name, broken ones named and alone in their misfortune.

All but the last run in processes of their own, with the third-party distributions really installed.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from openrft import UsageError
from openrft.plugins import registry


def python(third_party, code):
    return subprocess.run([sys.executable, "-c", code], env=third_party, capture_output=True, text=True, timeout=120)


def test_listing_imports_no_plugin(third_party):
    code = (
        "import sys; from openrft.plugins.registry import list_plugins; print(*list_plugins());"
        "print([m for m in sys.modules if m.startswith(('openrft_', 'torch'))])"
    )
    names, modules = python(third_party, code).stdout.splitlines()
    assert {"toy", "brevity", "unimportable", "rl", "prm", "pocket"} <= set(names.split())
    assert modules == "[]"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unimportable", ["'unimportable' (openrft-broken 6.6.6)", "cannot be imported", "left_behind"]),
        ("misspelt", ["'misspelt' (openrft-broken 6.6.6)", "no hook 'rewrad'", "did it mean reward?"]),
        ("absent", ["unknown plugin: 'absent'"]),
    ],
)
def test_a_plugin_that_cannot_load_is_named(third_party, name, words):
    code = (
        f"from openrft.plugins.manager import PluginSet\nfrom openrft.errors import OpenRFTError\n"
        f"try: PluginSet([{name!r}], {{}})\nexcept OpenRFTError as fault: print(fault)"
    )
    notices = python(third_party, code).stdout
    assert all(word in notices for word in words), notices
    assert notices.count("\n") == 1


def test_call_order_is_the_listed_order_and_results_are_labelled(third_party):
    code = """
from openrft.plugins.manager import PluginSet
from openrft.testing import toy_task, toy_rollouts
task = toy_task(1, 1)
for names in (["brevity", "placebo"], ["placebo", "brevity"]):
    plugins = PluginSet(names, {"brevity": {"limit": "3"}})
    found = plugins.call_all("reward", rollouts=toy_rollouts(task), task=task, step=0, seed=0)
    print([name for name, _ in found], found[names.index("brevity")][1][0].per_step)
"""
    assert python(third_party, code).stdout.splitlines() == [
        "['brevity', 'placebo'] (1.0, 0.0)",
        "['placebo', 'brevity'] (1.0, 0.0)",
    ]


def test_a_plugin_that_raises_is_named_and_never_scores_zero(third_party):
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
    notices = python(third_party, code).stdout
    assert "'raising' (openrft-broken 6.6.6) raised ZeroDivisionError in reward: the scale weighs nothing" in notices
    assert notices.strip().endswith("ZeroDivisionError")


def test_the_kit_passes_a_good_plugin_and_fails_a_bad_one(third_party):
    code = """
from openrft.testing import check_plugin
print(check_plugin("brevity", {"limit": 10}))
try:
    check_plugin("miscounting")
except Exception as fault:
    print(fault)
"""
    good, bad = python(third_party, code).stdout.splitlines()
    assert good == "['reward', 'evaluate']"
    assert "'miscounting' (openrft-broken 6.6.6) gave 1 rewards for 32 rollouts" in bad


def test_first_party_plugins_come_through_the_same_door(third_party):
    code = """
from openrft.plugins.manager import resolve_requirements
print(resolve_requirements(["prm"]), resolve_requirements(["sft", "icl"]))
"""
    assert python(third_party, code).stdout == "['rl', 'prm'] ['teacher', 'sft', 'rl', 'icl']\n"


ODD = [
    ("augment", "number", "gave no list in augment"),
    ("augment", "numbers", "gave a int in augment, in place of a Sample"),
    ("synthesize", "numbers", "gave no list of rollouts in synthesize"),
    ("retrieve", "number", "gave no list of demonstrations"),
    ("retrieve", "rows", "gave a int in retrieve, in place of a Demonstration"),
    ("judge", "number", "gave no list in judge"),
    ("judge", "numbers", "gave a int in judge, in place of a Grade"),
    ("evaluate", "text", "gave metrics that are no numbers in evaluate"),
    ("reward", "nothing", "gave None in place of a list of rewards"),
    ("reward", "numbers", "int in place of a Reward"),
]


def test_the_kit_names_the_plugin_whatever_it_gives(third_party):
    code = f"""
from openrft.errors import PluginError
from openrft.testing import check_plugin
for hook, what, _ in {ODD!r}:
    try:
        print(check_plugin("odd", {{"hook": hook, "what": what}}))
    except PluginError as fault:
        print(fault)
"""
    notices = python(third_party, code).stdout.splitlines()
    assert len(notices) == len(ODD), notices
    for (*_, words), line in zip(ODD, notices, strict=True):
        assert "plugin 'odd' (openrft-broken 6.6.6)" in line
        assert words in line


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
        "score_baselines(load_task('lost/ruled', DataRequest()))",
        "'lost' (openrft-broken 6.6.6) failed in its rule for toy/sums: ZeroDivisionError",
    ),
    ("find_family('familyless')", "'familyless' (openrft-broken 6.6.6) provides tasks of the family None"),
    ("PluginSet(['plain'], {})", "'plain' (openrft-broken 6.6.6): its Options is not a dataclass"),
    ("PluginSet(['demanding'], {})", "demanding.key must be set"),
]


def test_a_family_or_options_that_fail_are_named(third_party):
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
    notices = python(third_party, code).stdout.splitlines()
    assert len(notices) == len(FAILING), notices
    for (_, words), line in zip(FAILING, notices, strict=True):
        assert words in line


def test_two_distributions_with_one_name_are_refused_when_it_is_used(monkeypatch):
    def entry(name, distribution):
        dist = SimpleNamespace(name=distribution, version="1.0", metadata={"Summary": ""})
        return SimpleNamespace(name=name, dist=dist)

    twice = [entry("x", "one"), entry("x", "other"), entry("y", "one")]
    monkeypatch.setattr(registry, "entry_points", lambda group: twice)
    registry.list_plugins.cache_clear()
    try:
        assert registry.find_plugin("y").distribution == "one"
        with pytest.raises(UsageError, match="two installed distributions call a plugin 'x': one and other"):
            registry.find_plugin("x")
    finally:
        registry.list_plugins.cache_clear()
