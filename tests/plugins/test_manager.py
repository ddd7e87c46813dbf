"""Plugins: found by metadata, loaded by name, broken ones named, and no other stopped by them.

All but the last run in processes of their own, with the third-party distributions really installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import openrft as openrft_face
from openrft import PluginError, UsageError
from openrft.cli.plugins import list_
from openrft.plugins import manager, registry


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
        ("misspelt", ["'misspelt' (openrft-broken 6.6.6)", "no hook 'rewrad'", "did you mean reward?"]),
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
    print([name for name, _ in found], found[names.index("brevity")][1].value[0].per_step)
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
        with pytest.raises(UsageError, match="2 installed distributions call a plugin 'x': one and other"):
            registry.find_plugin("x")
    finally:
        registry.list_plugins.cache_clear()


REFUSED = [
    ("unmarked", "its method evaluate is named like a hook and is not marked as one"),
    ("misspelt", "there is no hook 'rewrad'"),
    ("needy", "requires names 'rll', which is not installed. Did you mean rl?"),
    ("plain", "its Options is not a dataclass"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_what_is_refused_at_load_is_refused_by_show_and_by_the_kit(third_party, openrft, name, words):
    code = f"""
from openrft.errors import PluginError
from openrft.plugins.manager import PluginSet
from openrft.testing import check_plugin
for call in (lambda: PluginSet([{name!r}], {{}}), lambda: check_plugin({name!r})):
    try:
        call()
    except PluginError as fault:
        print(fault)
"""
    shown = openrft("plugins", "show", name)
    lines = [*python(third_party, code).stdout.splitlines(), *shown.stderr.splitlines()]
    assert len(lines) == 3, lines
    for line in lines:
        assert f"plugin '{name}' (openrft-broken 6.6.6): {words}" in line
    assert shown.returncode == 5


def test_the_list_names_broken_plugins_and_slow_imports(openrft):
    done = openrft("plugins", "list", "--check")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert all(words in rows[name] for name, words in REFUSED)
    assert rows["brevity"].endswith("[ok]")
    assert len({line.index("openrft-") for line in rows.values()}) == 1  # in columns
    assert done.stderr.startswith("slow: its import takes 1."), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_kit_warns_of_a_slow_import(third_party):
    code = """
import warnings
from openrft.testing import check_plugin
with warnings.catch_warnings(record=True) as caught:
    print(check_plugin("slow"))
print(caught[0].message)
"""
    hooks, message = python(third_party, code).stdout.splitlines()
    assert hooks == "['evaluate']"
    assert "'slow' (openrft-broken 6.6.6): its import takes 1." in message
    assert message.endswith("inside the hooks that need them.")


def test_the_kit_sends_a_family_through_its_checks(third_party):
    code = """
from openrft.errors import OpenRFTError
from openrft.testing import check_plugin
print(check_plugin("toy"), check_plugin("pocket"))
try:
    check_plugin("lost")
except OpenRFTError as fault:
    print(fault)
"""
    good, bad = python(third_party, code).stdout.splitlines()
    assert good == "['tasks'] ['tasks', 'policies']"
    assert "'lost' (openrft-broken 6.6.6) failed to load lost/rows: FileNotFoundError" in bad


def test_show_lists_what_a_plugin_declares_and_its_options(openrft):
    done = openrft("plugins", "show", "brevity")
    assert "hooks: reward, evaluate" in done.stdout
    assert "requires: rl" in done.stdout
    assert "limit  40            How long a step may be. Source: taste. (a whole number, at least 1)" in done.stdout
    row = json.loads(openrft("plugins", "show", "brevity", "--json").stdout)
    assert (row["hooks"], row["requires"]) == (["reward", "evaluate"], ["rl"])
    about = row["options"]["limit"]
    assert (about["default"], about["range"], about["help"]) == (40, "at least 1", "How long a step may be.")


def test_a_result_says_what_was_counted_measured_and_remembered(monkeypatch):
    class Counting(openrft_face.Plugin):
        trains = ("explore",)

        @openrft_face.hookimpl
        def train_step(self, state):
            total = (state or {"total": 0})["total"] + 1
            return openrft_face.HookResult({"loss": 0.5}, {"seen": 2}, {"share": 0.5}, {"total": total, "pair": (1, 2)})

        @openrft_face.hookimpl
        def reward(self):
            return openrft_face.HookResult([], {"seen": 0.5})

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


def test_a_name_that_two_distributions_have_is_shown_with_both(monkeypatch):
    def entry(distribution):
        dist = SimpleNamespace(name=distribution, version="1.0", metadata={"Summary": "does it"})
        return SimpleNamespace(name="x", dist=dist)

    monkeypatch.setattr(registry, "entry_points", lambda group: [entry("one"), entry("other")])
    registry.list_plugins.cache_clear()
    try:
        shown = CliRunner().invoke(list_)
        assert shown.output == "x  one and other both have it: uninstall one  does it\n"
    finally:
        registry.list_plugins.cache_clear()
