"""Declarations: what a plugin class says of itself is read in one place, and what it cannot mean is refused there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

import openrft
from openrft.plugins.base import Declaration, DeclarationFault, read_declaration, read_instance


class Rewarding(openrft.Plugin):
    """A sound plugin that tests depart from."""

    @openrft.hookimpl
    def reward(self, rollouts):
        return []


def test_what_is_not_declared_has_the_default():
    assert read_declaration(Rewarding) == Declaration(("reward",))
    assert Declaration(()).trains == ("imitate", "explore")


def test_a_class_that_does_not_inherit_declares_the_same_attributes():
    class Own:
        requires = ("rl",)
        rewards = ("process",)

        @openrft.hookimpl
        def reward(self, rollouts):
            return []

    assert read_declaration(Own) == Declaration(("reward",), requires=("rl",), rewards=("process",))


def test_attributes_of_base_classes_count_and_helpers_of_other_names_do_not():
    class Base(Rewarding):
        requires = ("rl",)
        scale = 2.0

        def score(self):
            return self.scale

    class Sub(Base):
        rewards = ("outcome",)

    assert read_declaration(Sub) == Declaration(("reward",), requires=("rl",), rewards=("outcome",))


def test_hooks_are_listed_in_the_order_in_which_they_are_called():
    class Both(openrft.Plugin):
        @openrft.hookimpl
        def evaluate(self):
            return {}

        @openrft.hookimpl(specname="reward")
        def judge_steps(self, rollouts):
            return []

    assert read_declaration(Both).hooks == ("reward", "evaluate")


def declared(**attributes):
    return type("Declared", (Rewarding,), attributes)


@pytest.mark.parametrize(
    ("attributes", "message", "advice"),
    [
        ({"requires": "rl"}, "requires is the text 'rl'", "Write requires = ('rl',)."),
        ({"requires": ["rl"]}, "requires is a list", 'requires = ("rl",)'),
        ({"replaces": (1,)}, "replaces is a tuple with something else than names", 'replaces = ("rl",)'),
        ({"rewards": ("proces",)}, r"rewards names 'proces', .*\(did you mean process\?\)", "outcome, process"),
        ({"changes_nothing_alone": "yes"}, "changes_nothing_alone is 'yes'", "True or False"),
        ({"dynamic_sampling_retries": -1}, "dynamic_sampling_retries is -1", "whole number"),
        ({"dynamic_sampling_retries": True}, "dynamic_sampling_retries is True", "whole number"),
        ({"grades": "al"}, r"grades is 'al' \(did you mean all\?\)", "Use open, all, none"),
        ({"grades": "all"}, "declares grades and has no hook grade", "Write the hook"),
        ({"trains": ("explore",)}, "declares trains and has no hook train_step", "Write the hook"),
        ({"need": ("rl",)}, "declares need, which the core does not read", "Write requires"),
        ({"needs": "rl"}, "declares needs", "Write requires"),
        ({"require": ("rl",)}, "declares require,", "Write requires"),
        ({"objective": ("explore",)}, "declares objective,", "Write trains"),
        ({"trans": ("explore",)}, "declares trans,", "Write trains"),
        ({"rewrads": ("process",)}, "declares rewrads,", "Write rewards"),
        ({"Option": dataclass(type("Option", (), {}))}, "declares Option,", "Write Options"),
        ({"Options": dict}, "its Options is not a dataclass", "@dataclass"),
        ({"Options": 3}, "its Options is not a dataclass", "@dataclass"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(attributes, message, advice):
    with pytest.raises(DeclarationFault, match=message) as caught:
        read_declaration(declared(**attributes))
    assert advice in caught.value.advice


def test_a_misspelt_objective_is_refused():
    class Training(openrft.Plugin):
        trains = ("explor",)

        @openrft.hookimpl
        def train_step(self, policy):
            return {}

    with pytest.raises(DeclarationFault, match=r"trains names 'explor', .*\(did you mean explore\?\)"):
        read_declaration(Training)


def test_a_method_named_like_a_hook_without_the_mark_is_refused():
    """It would never be called, and the plugin would be measured as worth nothing."""

    class Unmarked(Rewarding):
        def evaluate(self, rollouts):
            return {}

    with pytest.raises(DeclarationFault, match="method evaluate is named like a hook and is not marked") as caught:
        read_declaration(Unmarked)
    assert "@openrft.hookimpl" in caught.value.advice


def test_an_overridden_hook_needs_the_mark_again():
    class Sub(Rewarding):
        def reward(self, rollouts):
            return [1]

    with pytest.raises(DeclarationFault, match="method reward"):
        read_declaration(Sub)


def test_a_class_without_a_hook_is_refused():
    with pytest.raises(DeclarationFault, match="has no hook"):
        read_declaration(type("Empty", (openrft.Plugin,), {"requires": ("rl",)}))


def test_an_unknown_hook_is_refused_with_the_nearest_one():
    class Misspelt:
        @openrft.hookimpl
        def rewrad(self, rollouts):
            return []

    with pytest.raises(DeclarationFault, match=r"no hook 'rewrad' \(did you mean reward\?\)"):
        read_declaration(Misspelt)


def test_arguments_that_are_not_passed_are_refused():
    class Unknown:
        @openrft.hookimpl
        def reward(self, rollout):
            return []

    class Defaulted:
        @openrft.hookimpl
        def reward(self, rollouts, step=0):
            return []

    with pytest.raises(DeclarationFault, match=r"takes the argument 'rollout', .*\(did you mean rollouts\?\)"):
        read_declaration(Unknown)
    with pytest.raises(DeclarationFault, match="the argument step of its hook reward has a default"):
        read_declaration(Defaulted)


def test_options_of_a_type_that_cannot_be_set_are_refused():
    @dataclass(frozen=True)
    class Good:
        a: int = 1
        b: float | None = None
        c: Literal["x", "y"] = "x"

    @dataclass(frozen=True)
    class Bad:
        a: int = 1
        policy: openrft.Policy | None = None

    assert read_declaration(declared(Options=Good)).Options is Good
    with pytest.raises(DeclarationFault, match=r"its option policy has the type .*Policy.*, which cannot be set"):
        read_declaration(declared(Options=Bad))


def test_options_with_a_type_that_is_not_imported_are_refused():
    Hidden = dataclass(type("Hidden", (), {"__annotations__": {"a": "Nowhere"}, "a": 1}))
    with pytest.raises(DeclarationFault, match=r"types of its Options cannot be read: .*Nowhere"):
        read_declaration(declared(Options=Hidden))


def test_retries_may_depend_on_the_options():
    class Dynamic(openrft.Plugin):
        trains = ("explore",)

        def __init__(self, retries):
            self.dynamic_sampling_retries = retries

        @openrft.hookimpl
        def train_step(self, policy):
            return {}

    declaration = read_declaration(Dynamic)
    assert declaration.dynamic_sampling_retries == 0
    assert read_instance(declaration, Dynamic(3)).dynamic_sampling_retries == 3
    with pytest.raises(DeclarationFault, match="dynamic_sampling_retries is 'many'"):
        read_instance(declaration, Dynamic("many"))


def test_a_hook_under_its_former_name_is_refused():
    class Old:
        @openrft.hookimpl
        def judge(self, rollouts): ...

    with pytest.raises(DeclarationFault, match="its hook judge is now called grade"):
        read_declaration(Old)
