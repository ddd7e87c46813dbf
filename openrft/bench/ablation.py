"""The arms that measure what each plugin is worth, and that worth as weights over arms (add-one, leave-one-out, ...).

For named plugins P: vanilla; base (what P needs to act, such as RL with outcome reward for a PRM); base + p for each p;
base + P (full); full - p for each p. The add-one set has no full - p, which leaves time for more seeds. The lattice has
every subset instead. The paper's arms are the rows of its Table 1, in which parts are added one after another.

In a report arms are recognised by their sets of plugins, never by their names. An arm may also have plugins that the
named ones need.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

from openrft.bench.report import Report
from openrft.bench.report_shape import PlannedAblation
from openrft.config.documents import read_document
from openrft.config.parse import parse_assignments
from openrft.errors import DataError, UnknownName, UsageError
from openrft.job import VANILLA, Arm
from openrft.plugins import registry
from openrft.plugins.manager import resolve_requirements
from openrft.plugins.registry import find_plugin, load_declaration
from openrft.runtime.text import check_name

ARM_SETS = ("ablation", "add-one", "lattice", "paper", "none")
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


def build_arms(
    plugins: Sequence[str],
    mode: str,
    notices: list[str],
    start: Arm = Arm(VANILLA),  # noqa: B008  # frozen
) -> tuple[tuple[Arm, ...], AblationPlan]:
    """The arms without repetitions, and their roles. The first is `start`, the policy as it is. Appends a line to
    `notices` for each addition."""
    if mode == "ladder":
        raise UsageError("--arms ladder is now called --arms ablation.")
    if mode not in ARM_SETS:
        raise UnknownName("set of arms", mode, ARM_SETS)
    if mode == "paper":
        return _paper(notices, start)
    plugins = tuple(dict.fromkeys(plugins))
    if mode == "none" or not plugins:  # the plugins are not needed, so they need not be installed
        return (start,), AblationPlan((), start.name, start.name, start.name)
    for name in plugins:
        find_plugin(name)
    base = _base(plugins, notices)
    subsets: list[tuple[str, ...]]
    if mode == "lattice":
        subsets = [c for k in range(len(plugins) + 1) for c in itertools.combinations(plugins, k)]
    else:
        without = [tuple(q for q in plugins if q != p) for p in reversed(plugins)] if mode == "ablation" else []
        subsets = [(), *[(p,) for p in plugins], *without, plugins]
    arms = {start.name: start}
    seen: dict[frozenset[str], str] = {frozenset(): start.name}
    for subset in subsets:
        members = resolve_requirements([*base, *subset], plugins)
        if frozenset(members) not in seen:
            arm = Arm("+".join((*base, *(p for p in subset if p not in base))), tuple(members))
            seen[frozenset(members)] = arm.name
            arms[arm.name] = arm
    bare, full = (seen[frozenset(resolve_requirements([*base, *s], plugins))] for s in ((), plugins))
    return tuple(arms.values()), AblationPlan(plugins, bare, full, start.name)


def _paper(notices: list[str], start: Arm) -> tuple[tuple[Arm, ...], AblationPlan]:
    """The rows of Table 1. They measure what the PRM adds to RL, and what demonstrations add to all the rest."""
    notices.append("--arms paper has the arms of the paper's Table 1; --plugins is not used.")
    arms = [Arm("+".join(names), tuple(resolve_requirements(names))) for names in TABLE_1]
    plugins = tuple(name for name in TABLE_1[-1] if name != "rl")
    return (start, *arms), AblationPlan(plugins, arms[0].name, arms[-1].name, start.name)


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
            if plugin not in registry.list_plugins() and "." in plugin:
                raise UsageError(f"--arm {text!r}: {plugin} has no value.", f"Write {plugin}=VALUE.")
            find_plugin(plugin)
        overrides = parse_assignments([p for p in parts if "=" in p])
        arms.append(Arm(name, tuple(resolve_requirements(plugins)), overrides=overrides))
    return tuple(arms)


Lattice = Mapping[frozenset[str], str]  # the named plugins that an arm has beyond the base -> the arm's name
Weights = Mapping[str, float]  # arm -> its factor in a sum of accuracies; the factors sum to 0
ESTIMANDS = {"add_one": "add-one", "leave_one_out": "leave-one-out", "shapley": "Shapley value"}
NO_ARM = "no arm "  # begins the reason of an estimand for which an arm was not run; the arm follows


@dataclass(frozen=True, slots=True)
class AblationDesign:
    """The arms that isolate each plugin."""

    vanilla: str
    base: str
    full: str
    plugins: tuple[str, ...]  # the named ones
    lattice: Lattice


def read_ablation(report: Report) -> AblationDesign | None:
    """Read `plan["ablation"]`. None if the plan has none; then there are deltas over vanilla but no components."""
    if not report.plan.get("ablation"):
        return None
    found, faults = read_document(PlannedAblation, report.plan["ablation"], "ignore")
    if found is None:
        raise DataError(f"plan.ablation.{faults[0]}.", "Is this a whole OpenRFT report?")
    arms = {arm.name: frozenset(arm.plugins) for arm in report.arms}
    for arm in (found.vanilla, found.base, found.full):
        if arm not in arms:
            raise DataError(f"plan.ablation: the arm {arm!r} is not among the report's arms.")
    named = frozenset(found.plugins)
    lattice = {frozenset[str](): found.base}
    if named <= arms[found.full]:
        lattice[named] = found.full
    # Of arms with the same named plugins, the one with the fewest plugins isolates them: a placebo arm has one more.
    # An arm that differs from the bench's settings isolates nothing.
    alike = {arm.name: arms[arm.name] for arm in report.arms if not arm.overrides}
    for arm, plugins in sorted(alike.items(), key=lambda entry: len(entry[1])):
        if arm != found.vanilla and arms[found.base] - named <= plugins:
            lattice.setdefault(named & plugins, arm)
    return AblationDesign(found.vanilla, found.base, found.full, found.plugins, lattice)


def estimand_weights(ablation: AblationDesign, plugin: str, estimand: str) -> tuple[dict[str, float], list[str]]:
    """The estimand of a plugin as weights over arms, and the sets of plugins for which there is no arm."""
    rest = frozenset(ablation.plugins) - {plugin}
    total: dict[str, float] = {}
    missing = []
    for without, share in _steps(rest, estimand):
        for subset, sign in ((without | {plugin}, 1), (without, -1)):
            arm = ablation.lattice.get(subset)
            if arm is None:
                missing.append("+".join((ablation.base, *(p for p in ablation.plugins if p in subset))))
            else:
                total[arm] = total.get(arm, 0.0) + sign * share
    return total, missing


def list_effect_weights(ablation: AblationDesign | None) -> dict[str, dict[str, float]]:
    """Every add-one and leave-one-out value that the arms allow, by name, as weights over arms."""
    if ablation is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for estimand in ("add_one", "leave_one_out"):
        for plugin in ablation.plugins:
            total, missing = estimand_weights(ablation, plugin, estimand)
            if not missing:
                found[f"{ESTIMANDS[estimand]} of {plugin}"] = total
    return found


def to_vector(total: Weights, arms: Sequence[str]) -> list[float]:
    """The weights in the order of `arms`."""
    return [total.get(arm, 0.0) for arm in arms]


def _steps(rest: frozenset[str], estimand: str) -> Iterator[tuple[frozenset[str], float]]:
    """The sets to which the plugin is added, and the weight of each."""
    if estimand == "add_one":
        yield frozenset(), 1.0
    elif estimand == "leave_one_out":
        yield rest, 1.0
    else:  # Shapley 1953: |S|! (n - |S| - 1)! / n!
        n = len(rest) + 1
        for size in range(n):
            for chosen in combinations(sorted(rest), size):
                yield frozenset(chosen), factorial(size) * factorial(n - size - 1) / factorial(n)
