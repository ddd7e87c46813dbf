"""The arms that measure what each plugin is worth.

For named plugins P: vanilla; base (what P needs to act, such as RL with outcome reward for a PRM); base + p for each p;
base + P (full); full - p for each p. The lattice has every subset instead. The paper's arms are the rows of its Table
1, in which parts are added one after another.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from openrft.config.parse import parse_assignments
from openrft.errors import UnknownName, UsageError
from openrft.job import Arm
from openrft.plugins.manager import resolve_requirements
from openrft.plugins.registry import find_plugin, list_plugins, load_declaration
from openrft.runtime.text import check_name

VANILLA = "vanilla"
ARM_SETS = ("ablation", "lattice", "paper", "none")
TABLE_1 = (  # arXiv 2412.16849; its ReFT is RL with the outcome reward
    ("rl",),
    ("rl", "prm"),
    ("sft",),
    ("sft", "rl", "prm"),
    ("sft", "rl", "prm", "da"),
    ("sft", "rl", "prm", "da", "icl"),
)


@dataclass(frozen=True, slots=True)
class AblationPlan:
    """The arms to compare, for the report and the gate."""

    plugins: tuple[str, ...]  # the plugins that are measured
    base: str  # an arm's name
    full: str  # an arm's name
    vanilla: str = VANILLA


def build_arms(plugins: Sequence[str], mode: str, notices: list[str]) -> tuple[tuple[Arm, ...], AblationPlan]:
    """The arms, vanilla first, without repetitions, and their roles. Appends a line to `notices` for each addition."""
    if mode == "ladder":
        raise UsageError("--arms ladder is now called --arms ablation.")
    if mode not in ARM_SETS:
        raise UnknownName("set of arms", mode, ARM_SETS)
    if mode == "paper":
        return _paper(notices)
    plugins = tuple(dict.fromkeys(plugins))
    if mode == "none" or not plugins:  # the plugins are not needed, so they need not be installed
        return (Arm(VANILLA),), AblationPlan((), VANILLA, VANILLA)
    for name in plugins:
        find_plugin(name)
    base = _base(plugins, notices)
    subsets: list[tuple[str, ...]]
    if mode == "lattice":
        subsets = [c for k in range(len(plugins) + 1) for c in itertools.combinations(plugins, k)]
    else:
        without = [tuple(q for q in plugins if q != p) for p in reversed(plugins)]
        subsets = [(), *[(p,) for p in plugins], *without, plugins]
    arms = {VANILLA: Arm(VANILLA)}
    seen: dict[frozenset[str], str] = {frozenset(): VANILLA}
    for subset in subsets:
        members = resolve_requirements([*base, *subset], plugins)
        if frozenset(members) not in seen:
            arm = Arm("+".join((*base, *(p for p in subset if p not in base))), tuple(members))
            seen[frozenset(members)] = arm.name
            arms[arm.name] = arm
    names = [seen[frozenset(resolve_requirements([*base, *s], plugins))] for s in ((), plugins)]
    return tuple(arms.values()), AblationPlan(plugins, *names)


def _paper(notices: list[str]) -> tuple[tuple[Arm, ...], AblationPlan]:
    """The rows of Table 1. They measure what the PRM adds to RL, and what demonstrations add to all the rest."""
    notices.append("--arms paper has the arms of the paper's Table 1; --plugins is not used.")
    arms = [Arm("+".join(names), tuple(resolve_requirements(names))) for names in TABLE_1]
    plugins = tuple(name for name in TABLE_1[-1] if name != "rl")
    return (Arm(VANILLA), *arms), AblationPlan(plugins, arms[0].name, arms[-1].name)


def _base(plugins: Sequence[str], notices: list[str]) -> list[str]:
    """What the named plugins need besides each other, without plugins that change nothing alone, such as a teacher."""
    base: list[str] = []
    for name in plugins:
        for other in resolve_requirements([name], plugins):
            if other in plugins or other in base:
                continue
            if load_declaration(other).changes_nothing_alone:
                notices.append(f"{other} was added wherever {name} acts: {name} needs it.")
            else:
                base.append(other)
                users = [p for p in plugins if other in resolve_requirements([p], plugins)]
                verb = "need" if len(users) > 1 else "needs"
                notices.append(f"{other} was added to every arm but vanilla: {', '.join(users)} {verb} it to act.")
    return base


def parse_arms(extra: Sequence[str], taken: Sequence[str]) -> tuple[Arm, ...]:
    """Arms from NAME=PLUGIN,PLUGIN,OWNER.OPTION=VALUE. Plugins that these require are added."""
    arms: list[Arm] = []
    for text in extra:
        name, equals, listed = text.partition("=")
        name = name.strip()
        parts = [p.strip() for p in listed.split(",") if p.strip()]
        plugins = [p for p in parts if "=" not in p]
        if not (equals and name):
            raise UsageError(f"--arm {text!r} is not NAME=PLUGIN,PLUGIN (for example placebo=rl,placebo).")
        check_name(name, "--arm")
        if name in taken or name in [a.name for a in arms]:
            raise UsageError(f"--arm {text!r}: there is an arm of that name already.", "Choose another name.")
        for plugin in plugins:
            if plugin not in list_plugins() and "." in plugin:
                raise UsageError(f"--arm {text!r}: {plugin} has no value.", f"Write {plugin}=VALUE.")
            find_plugin(plugin)
        overrides = parse_assignments([p for p in parts if "=" in p])
        arms.append(Arm(name, tuple(resolve_requirements(plugins)), overrides=overrides))
    return tuple(arms)
