"""What each plugin was worth, as weights over arms: add-one, leave-one-out and Shapley value.

Arms are recognised by their sets of plugins, never by their names. An arm may also have plugins that the named ones
need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

from openrft.bench.report import Report
from openrft.config.documents import read_document
from openrft.errors import DataError

Lattice = Mapping[frozenset[str], str]  # the named plugins that an arm has beyond the base -> the arm's name
Weights = Mapping[str, float]  # arm -> its factor in a sum of accuracies; the factors sum to 0
ESTIMANDS = {"add_one": "add-one", "leave_one_out": "leave-one-out", "shapley": "Shapley value"}


@dataclass(frozen=True, slots=True)
class AblationDesign:
    """The arms that isolate each plugin."""

    vanilla: str
    base: str
    full: str
    plugins: tuple[str, ...]  # the named ones
    lattice: Lattice


@dataclass(frozen=True, slots=True)
class _Planned:
    vanilla: str
    base: str
    full: str
    plugins: tuple[str, ...]


def read_ablation(report: Report) -> AblationDesign | None:
    """Read `plan["ablation"]`. None if the plan has none; then there are deltas over vanilla but no components."""
    if not report.plan.get("ablation"):
        return None
    found, faults = read_document(_Planned, report.plan["ablation"], "ignore")
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
                missing.append(f"base+{'+'.join(p for p in ablation.plugins if p in subset)}")
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
