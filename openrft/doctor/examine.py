"""Run every check. One that raises is a failed check with its cause, and the others continue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from openrft.doctor.data_checks import check_answers, check_duplicates, check_leaks, check_rules
from openrft.doctor.machine_checks import check_disk, check_memory
from openrft.doctor.policy_checks import check_ability, check_form, check_prompts, check_template, check_truncation
from openrft.doctor.reward_checks import check_fitness, check_probes
from openrft.doctor.sample_checks import check_demonstrations, check_rewriting
from openrft.doctor.subject import Subject
from openrft.doctor.teacher_check import check_teacher
from openrft.errors import OpenRFTError
from openrft.plugins.errors import check_list
from openrft.plugins.hookspecs import Diagnosis
from openrft.runtime.seeds import derive_seed

logger = logging.getLogger(__name__)

Check = Callable[[Subject], Iterable[Diagnosis]]

# By name, in the order in which they are shown. What needs no model comes first.
CHECKS: dict[str, Check] = {
    "answers": check_answers,
    "leaks": check_leaks,
    "duplicates": check_duplicates,
    "rules": check_rules,
    "disk": check_disk,
    "memory": check_memory,
    "template": check_template,
    "prompts": check_prompts,
    "form": check_form,
    "truncation": check_truncation,
    "pass@k": check_ability,
    "rewards": check_probes,
    "prm": check_fitness,
    "teacher": check_teacher,
    "rewriting": check_rewriting,
    "demonstrations": check_demonstrations,
}


def examine(subject: Subject) -> Iterator[Diagnosis]:
    """Yields every diagnosis as soon as it is known: those of the core's checks, then those of the plugins."""
    names = subject.context.plugins.implementing("diagnose")
    progress, total = subject.context.progress, len(CHECKS) + len(names)
    for number, (name, check) in enumerate(CHECKS.items()):
        progress.update("doctor", number, total, name)
        yield from run_check(name, check, subject)
    for number, name in enumerate(names, len(CHECKS)):
        progress.update("doctor", number, total, name)
        yield from run_check(name, _ask_plugin(name), subject)
    progress.update("doctor", total, total)


def run_check(name: str, check: Check, subject: Subject) -> list[Diagnosis]:
    """The diagnoses of one check. If it raises an error, one failed diagnosis with the cause."""
    try:
        return list(check(subject))
    except Exception as fault:  # whatever a plugin, a model or its library raises: the other checks continue
        logger.info("the check %s failed", name, exc_info=fault)
        words = str(fault) if isinstance(fault, OpenRFTError) else f"{type(fault).__name__}: {fault}"
        cause = " ".join(words.split())
        return [Diagnosis(name, "failed", cause, "Fix the cause: a run would fail, too. -v shows the traceback.")]


def _ask_plugin(name: str) -> Check:
    """The hook `diagnose` of one plugin as a check."""

    def check(subject: Subject) -> Sequence[Diagnosis]:
        context = subject.context
        given = context.plugins.call_all(
            "diagnose",
            among=[name],
            rollouts=subject.answers,
            task=context.training_task,
            policy=subject.policy,
            settings=context.job.settings,
            seed=derive_seed(context.job.seed, "doctor", name),
            progress=context.progress,
        )
        found = [one for _, result in given for one in check_list(name, "diagnose", Diagnosis, result.value)]
        return [_name(name, one) for one in found]

    return check


def _name(plugin: str, found: Diagnosis) -> Diagnosis:
    """The diagnosis with its plugin's name before that of the check."""
    return found if found.check.startswith(plugin) else replace(found, check=f"{plugin}: {found.check}")


def should_stop(found: Iterable[Diagnosis]) -> bool:
    """Whether any diagnosis is a reason not to start the run."""
    return any(one.verdict in ("stop", "failed") for one in found)
