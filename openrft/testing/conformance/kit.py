"""All checks in order, and which of them concern a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from openrft.errors import OpenRFTError, PluginError
from openrft.testing.conformance import hook_checks, plugin_checks
from openrft.testing.conformance.result import CheckResult, Problem, summarize
from openrft.testing.conformance.subject import HUGE, Subject
from openrft.testing.conformance.training_check import check_training
from openrft.testing.hook_calls import CALLS

DECLARATION = "declaration"


@dataclass(frozen=True, slots=True)
class _Check:
    find: Callable[[Subject], list[Problem]]
    tried: str  # what is said if nothing is wrong
    hooks: tuple[str, ...] = ()  # it concerns plugins with one of these hooks; empty: every plugin
    needs_results: bool = True  # whether it needs what these hooks returned at their first call

    def concerns(self, subject: Subject) -> bool:
        if self.find is plugin_checks.check_options:
            return subject.declaration.Options is not None
        if self.find is hook_checks.check_hidden_answer and subject.declaration.needs_gold:
            return False
        return not self.hooks or any(hook in subject.acting for hook in self.hooks)

    def lacks_results(self, subject: Subject) -> bool:
        """Whether none of the hooks that it concerns returned anything sound."""
        return self.needs_results and bool(self.hooks) and not any(hook in subject.results for hook in self.hooks)


_ALL = tuple(CALLS)
_CHECKS = {
    "options": _Check(plugin_checks.check_options, "each has a help, a type, and a default that it accepts"),
    "import": _Check(plugin_checks.check_import, "quick, and nothing heavy"),
    "results": _Check(hook_checks.check_results, "the right types, one for each item, in range", _ALL, False),
    "order": _Check(hook_checks.check_order, "results follow their items", hook_checks.ONE_EACH),
    "determinism": _Check(hook_checks.check_determinism, "the same seed gives the same results", _ALL),
    "inputs": _Check(hook_checks.check_inputs, "nothing that it is given is changed", _ALL),
    "empty batch": _Check(hook_checks.check_empty_batch, "no items, no results", hook_checks.LISTS),
    "odd batches": _Check(hook_checks.check_odd_batches, "sound numbers, no errors", hook_checks.BATCHES),
    "huge batch": _Check(hook_checks.check_huge_batch, f"{HUGE} answers at once", hook_checks.BATCHES),
    "gold answer": _Check(hook_checks.check_hidden_answer, "its rewards are the same without it", ("reward",)),
    "probes": _Check(plugin_checks.check_probes, "nothing is paid without being right", ("reward", "grade")),
    "training": _Check(check_training, "a step changes the policy, twice in the same way", ("train_step",), False),
    "tasks": _Check(plugin_checks.check_tasks, "the family keeps its contract", ("tasks",), False),
    "weights": _Check(plugin_checks.check_weights, "there, or it says what to install", ("policies",)),
    "process": _Check(plugin_checks.check_other_process, "built from JSON, it gives the same"),
}
ALL_CHECKS = (DECLARATION, *_CHECKS)


def list_checks(subject: Subject) -> list[str]:
    """Names of the checks that apply to the plugin; only "declaration" if that one fails. Calls no hook.

    Raises UsageError for options that the plugin refuses.
    """
    try:
        return [DECLARATION, *(name for name, check in _CHECKS.items() if check.concerns(subject))]
    except PluginError:
        return [DECLARATION]


def run_check(subject: Subject, name: str) -> CheckResult:
    """Run one check. An error that the plugin raises is a fault."""
    try:
        if name == DECLARATION:
            return CheckResult(DECLARATION, "ok", f"hooks: {', '.join(subject.declaration.hooks)}")
        check = _CHECKS[name]
        if check.lacks_results(subject):
            return CheckResult(name, "not run", "its hooks returned nothing sound: see results")
        return summarize(name, check.find(subject), check.tried)
    except OpenRFTError as fault:
        return summarize(name, [subject.describe(fault)], "")


def run_checks(subject: Subject) -> Iterator[CheckResult]:
    """The results of all checks that concern the plugin."""
    return (run_check(subject, name) for name in list_checks(subject))
