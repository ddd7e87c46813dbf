"""The base class of plugins, and the checks of a plugin class when it is loaded.

    class Brevity(openrft.Plugin):
        requires = ("rl",)
        rewards = ("process",)

        @openrft.hookimpl
        def reward(self, rollouts): ...

The core reads a plugin's class only in `read_declaration`, and uses the `Declaration` that it returns. A method that
looks like a hook but is not marked, a misspelt attribute or a value of the wrong type is refused. Otherwise the plugin
would do nothing and would be measured as worth nothing. This file does not know installed distributions.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pluggy

from openrft.config.parse import check_options_class
from openrft.plugins.hookspecs import GROUP, HOOKS, AnswerRule, Graded, Hooks, Objective
from openrft.types import RewardKind

# Attributes that authors may write by habit -> the ones they mean.
SYNONYMS = {
    **dict.fromkeys(("need", "needs", "depends", "depends_on", "dependencies"), "requires"),
    **dict.fromkeys(("provide", "provides"), "replaces"),
    **dict.fromkeys(("objective", "objectives"), "trains"),
    **dict.fromkeys(("support", "supports"), "changes_nothing_alone"),
}
FORMER_HOOKS = {"judge": "grade"}  # what hooks were called -> what they are called


class Plugin:
    """Base class of plugins. A class that does not inherit from it may set the same attributes."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Plugins without which this one cannot act: ("rl",) for a reward."""

    replaces: ClassVar[tuple[str, ...]] = ()
    """Plugins that this one replaces in an arm, also where others require them."""

    trains: ClassVar[tuple[Objective, ...]] = ("imitate", "explore")
    """What its hook `train_step` trains for. "explore_stage": it runs the whole explore stage."""

    rewards: tuple[RewardKind, ...] = ("outcome", "process")
    """The kinds of reward that its hook `reward` gives. Without any the hook is not called. If it depends on the
    options, `__init__` sets it."""

    needs_gold: bool = True
    """False if its hook `reward` never reads the gold answer. Then its rewards can also choose among the completions of
    a question that has none (`best-of-n.reward`). If it depends on the options, `__init__` sets it."""

    grades: Graded = "open"
    """Which answers its hook `grade` grades: "open", those that the task's own rule leaves open; "all", every answer,
    in place of the rule; "none", so that the hook is not called. If it depends on the options, `__init__` sets it."""

    learns_from_rewards: ClassVar[bool] = True
    """False for a plugin whose RL steps do not use the rewards. They are logged, and nothing is warned about them."""

    changes_nothing_alone: ClassVar[bool] = False
    """True for a plugin that only helps others, such as a teacher. No arm measures it by itself."""

    dynamic_sampling_retries: int = 0
    """How many times an RL step may draw further questions in place of those whose completions all earned the same
    (DAPO, arXiv 2503.14476, section 3.2). If it depends on the options, `__init__` sets it."""

    demonstration_share: float = 1.0
    """The share of RL's questions that its hook `retrieve` is asked about, at the first step. The others have no
    demonstrations. If it depends on the options, `__init__` sets it."""

    demonstration_fade: float | None = None
    """After which share of RL's steps no question has demonstrations any more. They become fewer step by step, and the
    evaluation shows none (CBRL, arXiv 2603.18953). None: they do not fade. If it depends on the options, `__init__`
    sets it."""

    completions_per_answer: int = 1
    """How many completions of a test question its hook `weigh` makes one answer of. If it depends on the options,
    `__init__` sets it."""

    answer_rule: AnswerRule = "vote"
    """How an answer is made from the weights of `weigh`: "vote" or "best". If it depends on the options, `__init__`
    sets it."""

    Options: ClassVar[type[Any] | None] = None
    """The options, as a frozen dataclass. The plugin is built as `Plugin(options)`, or as `Plugin()` without it."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The checked declaration of a plugin class. The fields are the attributes of `Plugin`."""

    hooks: tuple[str, ...]  # names of the hooks that it implements, in the order of `Hooks`
    requires: tuple[str, ...] = Plugin.requires
    replaces: tuple[str, ...] = Plugin.replaces
    trains: tuple[Objective, ...] = Plugin.trains
    rewards: tuple[RewardKind, ...] = Plugin.rewards
    needs_gold: bool = Plugin.needs_gold
    grades: Graded = Plugin.grades
    learns_from_rewards: bool = Plugin.learns_from_rewards
    changes_nothing_alone: bool = Plugin.changes_nothing_alone
    dynamic_sampling_retries: int = Plugin.dynamic_sampling_retries
    demonstration_share: float = Plugin.demonstration_share
    demonstration_fade: float | None = Plugin.demonstration_fade
    completions_per_answer: int = Plugin.completions_per_answer
    answer_rule: AnswerRule = Plugin.answer_rule
    Options: type[Any] | None = Plugin.Options


ATTRIBUTES = tuple(field.name for field in dataclasses.fields(Declaration) if field.name != "hooks")
# The hook without which an attribute says nothing.
HOOK_OF_ATTRIBUTE = {
    "trains": "train_step",
    "learns_from_rewards": "train_step",
    "rewards": "reward",
    "needs_gold": "reward",
    "grades": "grade",
    "demonstration_share": "retrieve",
    "demonstration_fade": "retrieve",
    "completions_per_answer": "weigh",
    "answer_rule": "weigh",
}
# What may depend on the options: known when there is an instance.
OF_INSTANCES = (
    "rewards",
    "needs_gold",
    "grades",
    "dynamic_sampling_retries",
    "demonstration_share",
    "demonstration_fade",
    "completions_per_answer",
    "answer_rule",
)


class DeclarationFault(Exception):
    """What is wrong with a plugin class, and what to do about it. The registry adds the plugin's name."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message, self.advice = message, advice


@functools.cache  # a class does not change once it is loaded
def read_declaration(cls: type[Any]) -> Declaration:
    """The declaration of a class. Raises DeclarationFault for the first thing that is wrong."""
    hooks = _read_hooks(cls)
    own = dict(_class_attributes(cls))
    for name, value in own.items():
        _refuse_misspelt(name, value)
    values = {name: own[name] for name in ATTRIBUTES if name in own}
    values = {
        name: value for name, value in values.items() if name not in OF_INSTANCES or not isinstance(value, property)
    }
    for name in ("requires", "replaces", "trains", "rewards"):
        if name in values:
            _check_names(name, values[name])
    for name in ("changes_nothing_alone", "learns_from_rewards"):
        if not isinstance(values.get(name, False), bool):
            raise DeclarationFault(f"{name} is {values[name]!r}.", "It must be True or False.")
    _check_of_instances({name: values[name] for name in OF_INSTANCES if name in values})
    _check_grades(values.get("grades", "open"))
    for name, hook in HOOK_OF_ATTRIBUTE.items():
        if name in values and hook not in hooks:
            raise DeclarationFault(f"it declares {name} and has no hook {hook}.", f"Write the hook or remove {name}.")
    _check_options(values.get("Options"))
    return Declaration(hooks, **values)


def read_instance(declaration: Declaration, plugin: object) -> Declaration:
    """The declaration with the values that depend on the options. Raises DeclarationFault."""
    if type(plugin).__hash__ is None:
        raise DeclarationFault("its instances have no hash.", "Write eq=False in the @dataclass of the plugin.")
    values = {name: getattr(plugin, name, getattr(declaration, name)) for name in OF_INSTANCES}
    _check_of_instances(values)
    _check_names("rewards", values["rewards"])
    _check_grades(values["grades"])
    return dataclasses.replace(declaration, **values)


def _read_hooks(cls: type[Any]) -> tuple[str, ...]:
    parse = pluggy.PluginManager(GROUP).parse_hookimpl_opts
    found = set()
    for name in dir(cls):
        marks = None if name.startswith("__") else parse(cls, name)
        if marks is not None:
            hook = marks.get("specname") or name
            if hook in FORMER_HOOKS:
                raise DeclarationFault(
                    f"its hook {hook} is now called {FORMER_HOOKS[hook]}.", f"Rename it to {FORMER_HOOKS[hook]}."
                )
            if hook not in HOOKS:
                raise DeclarationFault(
                    f"there is no hook {hook!r}{_suggest(hook, HOOKS)}.", f"The hooks are {', '.join(HOOKS)}."
                )
            _check_arguments(hook, inspect.getattr_static(cls, name))
            found.add(hook)
        elif name in HOOKS and inspect.isroutine(inspect.getattr_static(cls, name)):
            raise DeclarationFault(
                f"its method {name} is named like a hook and is not marked as one: it would never be called.",
                f"Write @openrft.hookimpl above {name}, or rename it.",
            )
    if not found:
        raise DeclarationFault("it has no hook, so it would do nothing.", f"The hooks are {', '.join(HOOKS)}.")
    return tuple(hook for hook in HOOKS if hook in found)


def _check_arguments(hook: str, method: Any) -> None:
    passed = list(inspect.signature(getattr(Hooks, hook)).parameters)[1:]
    function = method.__func__ if isinstance(method, classmethod | staticmethod) else method
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters[0 if isinstance(method, staticmethod) else 1 :]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is not parameter.empty:
            if parameter.name in passed:
                raise DeclarationFault(
                    f"the argument {parameter.name} of its hook {hook} has a default, so the core would not pass it.",
                    "Remove the default.",
                )
        elif parameter.name not in passed or parameter.kind is parameter.KEYWORD_ONLY:
            raise DeclarationFault(
                f"its hook {hook} takes the argument {parameter.name!r}, which the core does not pass"
                f"{_suggest(parameter.name, passed)}.",
                f"The arguments are {', '.join(passed) or 'none'}; take those that you need.",
            )


def _class_attributes(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """Public attributes that are not methods, base classes first, without those of `Plugin` itself."""
    for base in reversed(cls.__mro__):
        if base not in (object, Plugin, typing.Generic):
            yield from (
                (name, value)
                for name, value in vars(base).items()
                if not name.startswith("_") and not inspect.isroutine(value)
            )


def _refuse_misspelt(name: str, value: object) -> None:
    if name in ATTRIBUTES or name in HOOKS or isinstance(value, property):
        return
    known = {attribute.casefold(): attribute for attribute in ATTRIBUTES}
    near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.8)
    meant = SYNONYMS.get(name.casefold()) or (known[near[0]] if near else None)
    if meant and isinstance(value, type) == (meant == "Options"):
        raise DeclarationFault(f"it declares {name}, which the core does not read.", f"Write {meant}, or rename it.")


def _check_names(attribute: str, value: object) -> None:
    if isinstance(value, str):
        raise DeclarationFault(f"{attribute} is the text {value!r}.", f"Write {attribute} = ({value!r},).")
    if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
        kind = "tuple with something else than names" if isinstance(value, tuple) else type(value).__name__
        raise DeclarationFault(f"{attribute} is a {kind}.", f'Write a tuple of names: {attribute} = ("rl",).')
    known = {"trains": typing.get_args(Objective), "rewards": typing.get_args(RewardKind)}.get(attribute, ())
    for name in value:
        if known and name not in known:
            raise DeclarationFault(
                f"{attribute} names {name!r}, which does not exist{_suggest(name, known)}.",
                f"Use {', '.join(known)}.",
            )


def _check_of_instances(values: typing.Mapping[str, object]) -> None:
    """Checks the attributes of `OF_INSTANCES` that are given."""
    retries = values.get("dynamic_sampling_retries", 0)
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise DeclarationFault(
            f"dynamic_sampling_retries is {retries!r}.", "It must be a whole number, 0 where a step draws once."
        )
    size = values.get("completions_per_answer", 1)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise DeclarationFault(f"completions_per_answer is {size!r}.", "It must be a whole number from 1 up.")
    if not isinstance(gold := values.get("needs_gold", True), bool):
        raise DeclarationFault(f"needs_gold is {gold!r}.", "It must be True or False.")
    if (rule := values.get("answer_rule", "vote")) not in typing.get_args(AnswerRule):
        raise DeclarationFault(f"answer_rule is {rule!r}.", f"Use {' or '.join(typing.get_args(AnswerRule))}.")
    for name in ("demonstration_share", "demonstration_fade"):
        value = values.get(name, 1.0)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and 0 < value <= 1) and not (value is None and name == "demonstration_fade"):  # type: ignore[operator]
            raise DeclarationFault(f"{name} is {value!r}.", "It must be a number above 0 and at most 1.")


def _check_grades(value: object) -> None:
    known = typing.get_args(Graded)
    if value not in known:
        near = _suggest(value, known) if isinstance(value, str) else ""
        raise DeclarationFault(f"grades is {value!r}{near}.", f"Use {', '.join(known)}.")


def _check_options(kind: object) -> None:
    if kind is None:
        return
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        raise DeclarationFault("its Options is not a dataclass.", "Write @dataclass(frozen=True) above class Options.")
    try:
        faults = check_options_class(kind)
    except Exception as fault:  # whatever an annotation raises when it is evaluated
        raise DeclarationFault(
            f"the types of its Options cannot be read: {fault}.", "Import them outside TYPE_CHECKING."
        ) from fault
    if faults:
        raise DeclarationFault(f"its option {faults[0]}.", "Correct the declaration of the option.")


def _suggest(name: str, known: typing.Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
