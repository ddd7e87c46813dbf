"""Which arms tell what each plugin is worth.

For named plugins P: vanilla; base (what P needs to act, such as RL with outcome reward for a PRM); base + p for
each p; base + P (full); full - p for each p. The lattice has every subset instead, and the paper's arms are the rows
of its Table 1, in which parts are added one after another.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from openrft.arm import Arm
from openrft.errors import UnknownName, UsageError
from openrft.installed import about, installed, plugin_class
from openrft.options import parse_settings
from openrft.plugins import needs

VANILLA = "vanilla"
MODES = ("ladder", "lattice", "paper", "none")
TABLE_1 = (  # arXiv 2412.16849; its ReFT is RL with the outcome reward
    ("rl",),
    ("rl", "prm"),
    ("sft",),
    ("sft", "rl", "prm"),
    ("sft", "rl", "prm", "da"),
    ("sft", "rl", "prm", "da", "icl"),
)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Which arms to compare: read by the report and the gate."""

    plugins: tuple[str, ...]  # the plugins whose worth is asked
    base: str  # an arm's name
    full: str  # an arm's name
    vanilla: str = VANILLA


def ladder(plugins: Sequence[str], mode: str, said: list[str]) -> tuple[tuple[Arm, ...], Ladder]:
    """The arms, vanilla first, without repetitions, and which is which. Appends what was added to `said`."""
    if mode not in MODES:
        raise UnknownName("set of arms", mode, MODES)
    if mode == "paper":
        return _paper(said)
    plugins = tuple(dict.fromkeys(plugins))
    for name in plugins:
        about(name)
    if mode == "none" or not plugins:
        return (Arm(VANILLA),), Ladder((), VANILLA, VANILLA)
    base = _base(plugins, said)
    subsets: list[tuple[str, ...]]
    if mode == "lattice":
        subsets = [c for k in range(len(plugins) + 1) for c in itertools.combinations(plugins, k)]
    else:
        without = [tuple(q for q in plugins if q != p) for p in reversed(plugins)]
        subsets = [(), *[(p,) for p in plugins], *without, plugins]
    arms = {VANILLA: Arm(VANILLA)}
    seen: dict[frozenset[str], str] = {frozenset(): VANILLA}
    for subset in subsets:
        members = needs([*base, *subset], plugins)
        if frozenset(members) not in seen:
            arm = Arm("+".join((*base, *(p for p in subset if p not in base))), tuple(members))
            seen[frozenset(members)] = arm.name
            arms[arm.name] = arm
    names = [seen[frozenset(needs([*base, *s], plugins))] for s in ((), plugins)]
    return tuple(arms.values()), Ladder(plugins, *names)


def _paper(said: list[str]) -> tuple[tuple[Arm, ...], Ladder]:
    """The rows of Table 1; they say what the PRM adds to RL and what demonstrations add to all the rest."""
    said.append("--arms paper has the arms of the paper's Table 1; --plugins is not used.")
    arms = [Arm("+".join(names), tuple(needs(names))) for names in TABLE_1]
    plugins = tuple(name for name in TABLE_1[-1] if name != "rl")
    return (Arm(VANILLA), *arms), Ladder(plugins, arms[0].name, arms[-1].name)


def _base(plugins: Sequence[str], said: list[str]) -> list[str]:
    """What the named plugins need besides each other, without mere support such as a teacher."""
    base: list[str] = []
    for name in plugins:
        for other in needs([name], plugins):
            if other in plugins or other in base:
                continue
            if getattr(plugin_class(other), "support", False):
                said.append(f"{other} was added wherever {name} acts: {name} needs it.")
            else:
                base.append(other)
                users = [p for p in plugins if other in needs([p], plugins)]
                verb = "need" if len(users) > 1 else "needs"
                said.append(f"{other} was added to every arm but vanilla: {', '.join(users)} {verb} it to act.")
    return base


def named_arms(extra: Sequence[str], taken: Sequence[str]) -> tuple[Arm, ...]:
    """Arms from NAME=PLUGIN,PLUGIN,OWNER.OPTION=VALUE; what the plugins need is added."""
    arms: list[Arm] = []
    for text in extra:
        name, equals, listed = text.partition("=")
        name = name.strip()
        parts = [p.strip() for p in listed.split(",") if p.strip()]
        plugins = [p for p in parts if "=" not in p]
        if not (equals and name):
            raise UsageError(f"--arm {text!r} is not NAME=PLUGIN,PLUGIN (for example placebo=rl,placebo).")
        if "/" in name or "\\" in name:  # files are called by it
            raise UsageError(f"--arm {text!r}: a name cannot hold a slash.", "Write the name without it.")
        if name in taken or name in [a.name for a in arms]:
            raise UsageError(f"--arm {text!r}: there is an arm of that name already.", "Choose another name.")
        for plugin in plugins:
            if plugin not in installed() and "." in plugin:
                raise UsageError(f"--arm {text!r}: {plugin} has no value.", f"Write {plugin}=VALUE.")
            about(plugin)
        values = parse_settings([p for p in parts if "=" in p])
        arms.append(Arm(name, tuple(needs(plugins)), values=values))
    return tuple(arms)
