"""What a reader must know before trusting the table, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.bench.ablation import ESTIMANDS, NO_ARM
from openrft.bench.fitness_tables import build_fitness_notes
from openrft.bench.grouped_notes import name_arms, say_of_arms
from openrft.bench.money import build_money_notes
from openrft.bench.readings import FORM_ALONE
from openrft.bench.report import ArmResult, Failure, Report
from openrft.bench.score_table import ArmScore, Gain, ScoreTable, Summary
from openrft.bench.seed_rule import read_seed_rule
from openrft.bench.statistics import Interval
from openrft.bench.text_table import format_accuracy
from openrft.bench.training_notes import build_training_notes
from openrft.stages.context import REPLIES_MISSING

LEFT_OUT = {  # a task's notes (a count, or counts by reason) -> what they mean
    "bad_rows": "malformed rows skipped",
    "defects_dropped": "broken rows dropped",
    "left_out_by_type": "rows not trained on because only a judge can score their type",
    "defects_kept": "rows kept in spite of known defects",
}


SHOWN = 200  # characters of an instruction that a note shows


def build_notes(report: Report, summary: Summary) -> tuple[str, ...]:
    """Every caveat of this report, the most serious first."""
    return (
        *_failures(report, summary),
        *build_money_notes(report),
        *_unscored(report),
        *_missing_replies(report),
        *_chance(report, summary),
        *_describe_gains(summary.overall),
        *_seeds(report),
        *_noise(summary),
        *_data(report),
        *_lengths(report),
        *build_training_notes([task.name for task in report.tasks], report.results),
        *_synthesis(report),
        *_instructions(report),
        *build_fitness_notes(report),
        *_components(summary),
        *report.notices,
    )


def find_best_baseline(report: Report, summary: Summary) -> tuple[str, float] | None:
    """The best rule without a model over all tasks, whether it ran as an arm or not."""
    ran = _rules(report)
    found = [(rule.name, rule.accuracy) for rule in summary.overall.baselines]
    found += [("chance", summary.overall.chance)] if summary.overall.chance is not None else []
    found += [(ran[row.arm], row.accuracy.value) for row in summary.overall.arms if row.arm in ran and row.accuracy]
    return max(found, key=lambda rule: rule[1], default=None)


def _rules(report: Report) -> dict[str, str]:
    """The arms that are rules without a model -> the rule's name."""
    named = ((arm.name, arm.policy or "") for arm in report.arms)
    return {name: policy.removeprefix(BASELINE_PREFIX) for name, policy in named if policy.startswith(BASELINE_PREFIX)}


def _failures(report: Report, summary: Summary) -> Iterator[str]:
    """What failed, with each error once for all arms that it struck: a failing plugin may be in half of them."""
    struck: dict[str, list[Failure]] = {}
    for failure in report.failures:
        struck.setdefault(failure.error, []).append(failure)
    told = set()
    for error, failures in struck.items():
        arms = list(dict.fromkeys(failure.arm for failure in failures))
        if len(arms) < 2:
            continue  # the arm's own line names the first of its jobs
        told.update(arms)
        first = failures[0]
        more = f" (and {len(failures) - len(arms)} more jobs)" if len(failures) > len(arms) else ""
        details = f" (details: {first.details}, ...)" if first.details else ""
        where = f"on {first.task}, seed {first.seed}{more}"
        yield f"No score: {', '.join(arms)} failed {where}: {error.removesuffix('.')}{details}."
    for row in summary.overall.arms:
        if row.trouble and row.arm not in told:
            more = f" (and {len(row.trouble) - 1} more)" if len(row.trouble) > 1 else ""
            until = f". Until then its accuracy was {format_accuracy(row.at_stop)}%" if row.at_stop else ""
            yield f"No score: {row.trouble[0]}{more}{until}."


def _unscored(report: Report) -> Iterator[str]:
    for task in report.tasks:
        leaves = Counter(item.task for item in task.unscored)
        if leaves:
            whole = f"{len(task.unscored)} of {len(task.items) + len(task.unscored)} test items not scored"
            where = ", ".join(f"{leaf}: {n}" for leaf, n in leaves.items())
            failed = any(r.metrics.get("evaluate.failed_requests") for r in report.results if r.task == task.name)
            why = "no rule can grade them, and no plugin did"
            why = f"a server failed to answer, or {why}" if failed else why
            yield f"{task.name}: {whole} ({where}): {why}. They are in no number."


def _missing_replies(report: Report) -> Iterator[str]:
    arms: Counter[str] = Counter()
    for result in report.results:
        arms[result.arm] += round(sum(n or 0 for name, n in result.metrics.items() if name.endswith(REPLIES_MISSING)))
    if lacking := [f"{arm} {n}" for arm, n in arms.items() if n]:
        yield (
            f"The replay lacked replies of servers ({', '.join(lacking)}): what they would have answered or graded is"
            " not scored. The same command without --replay asks for them."
        )


def _chance(report: Report, summary: Summary) -> Iterator[str]:
    best = find_best_baseline(report, summary)
    rules = _rules(report)
    rows = [row for row in summary.overall.arms if row.accuracy is not None and row.arm not in rules]
    below = [row.arm for row in rows if best and row.accuracy and row.accuracy.low <= best[1]]
    if best and below:
        who = "any arm" if len(below) == len(rows) > 1 else ", ".join(below)
        yield f"Not shown to be above the best no-model baseline ({best[0]}, {100 * best[1]:.1f}%): {who}."


def _describe_gains(table: ScoreTable) -> Iterator[str]:
    """In words, what each gain over vanilla is, where answers in the asked form have a part in it."""
    vanilla = next((row for row in table.arms if row.accuracy and row.delta is None), None)
    for row in table.arms:
        gain = row.delta
        if vanilla is None or gain is None or gain.form is None or gain.ability is None:
            continue
        if gain.kind and gain.kind not in ("ability", "a loss of ability"):
            where = "on some task " if len(table.tasks) > 1 else ""
            right, chance = row.right_of_readable, table.chance
            low = f"; not above chance ({100 * chance:.1f}%)" if right and chance and right.low <= chance else ""
            mute = vanilla.right_of_readable is None
            if gain.kind == FORM_ALONE and right and (mute or gain.ability.high > gain.form.value):
                ability = [f"{where}its readable answers are right no more often than guesses ({right.value:.1%})"]
            else:
                ability = [*_describe_ability(gain, row, vanilla, where)]
            why = "; ".join([*_describe_form(gain.form, row, vanilla), *ability])
            yield f"{row.arm}: {100 * gain.value:+.1f} points over {vanilla.arm} are {gain.kind}: {why}{low}."


def _describe_form(form: Interval, row: ArmScore, vanilla: ArmScore) -> Iterator[str]:
    shares = [f"{100 * (1 - arm.unparsed):.1f}%" for arm in (row, vanilla) if arm.unparsed is not None]
    if form.low > 0 or form.high < 0:
        more = "more" if form.low > 0 else "fewer"
        yield f"{more} answers can be read in the asked form ({shares[0]}, {vanilla.arm} {shares[1]})"


def _describe_ability(gain: Gain, row: ArmScore, vanilla: ArmScore, where: str) -> Iterator[str]:
    mute = [arm.arm for arm in (row, vanilla) if arm.right_of_readable is None]
    if mute:
        yield f"{where}no answer of {' and '.join(mute)} can be read, so whether more of them are right is not known"
        return
    shares = [f"{100 * arm.right_of_readable.value:.1f}%" for arm in (row, vanilla) if arm.right_of_readable]
    shown = f"({shares[0]}, {vanilla.arm} {shares[1]})"
    if gain.ability is None:
        return
    if gain.ability.low > 0 or gain.ability.high < 0:
        yield f"among readable answers {'more' if gain.ability.low > 0 else 'fewer'} are right {shown}"
    elif "perhaps" in gain.kind or gain.kind.endswith("or ability"):
        yield f"whether more of the readable answers are right is open {shown}"
    else:
        yield f"among readable answers no {'more' if gain.value > 0 else 'fewer'} are right {shown}"


def _seeds(report: Report) -> Iterator[str]:
    if rule := read_seed_rule(report.plan):
        yield (
            f"Seeds were added until each gain was known to {100 * rule.until:g} points either way, with looks at"
            f" {', '.join(map(str, rule.looks))} seeds. Intervals and p hold at all of these looks together, so they"
            f" are wider than those of seeds that were given. {rule.outcome}"
        ).rstrip()


def _noise(summary: Summary) -> Iterator[str]:
    if not any(row.accuracy for row in summary.overall.arms):
        return
    if "one seed" in summary.noise:
        more = " So gains of trained arms have no p. Three seeds (openrft bench --seeds 0,1,2) give one."
        yield (
            "One seed: intervals cover the draw of test items only; training noise is not in them."
            f"{more if any(row.plugins for row in summary.overall.arms) else ''}"
        )
    if max(row.seeds for row in summary.overall.arms) == 2 and any(row.plugins for row in summary.overall.arms):
        yield (
            "Two seeds: they say little about training noise, so intervals are wide. A third seed (--seeds 0,1,2)"
            " narrows them most."
        )
    if summary.detectable is not None:
        yield (
            f"With these items and seeds a true difference of about {100 * summary.detectable:.0f} points is found"
            " four times in five; a smaller one will often be missed."
        )


def _data(report: Report) -> Iterator[str]:
    for task in report.tasks:
        found = task.notes.get("overlaps")
        overlaps = {kind: n for kind, n in found.items() if n} if isinstance(found, Mapping) else {}
        dropped = task.notes.get("dropped_leaks")
        if overlaps:
            counted = ", ".join(f"{n} {kind}" for kind, n in overlaps.items())
            fate = f"{dropped} train samples dropped" if dropped else "kept; --drop-leaks removes them from train"
            yield f"{task.name}: train and test overlap ({counted} pairs; {fate})."
        left_out = [_describe_counts(task.notes[key], words) for key, words in LEFT_OUT.items() if task.notes.get(key)]
        if left_out:
            yield f"{task.name}: {'; '.join(left_out)}."
        for warning in task.notes.get("warnings", ()):
            yield f"{task.name}: {warning}"
        if task.notes.get("columns_ignored"):
            yield f"{task.name}: columns not read: {', '.join(task.notes['columns_ignored'])}."
        clusters = len({item.cluster for item in task.items})
        if clusters < len(task.items):
            yield f"{task.name}: {len(task.items)} test items in {clusters} groups of near duplicates."


def _lengths(report: Report) -> Iterator[str]:
    """Answers that were cut off or never started. They count as not correct, so a reader must know of them."""
    for count, words in (
        ("evaluate.over_context", "not given, as the prompt alone exceeds the policy's context"),
        ("evaluate.failed_requests", "not given, as the server failed (its words are in rollouts/), and not scored"),
        ("evaluate.cut_off", "cut off at the longest length allowed"),
        ("evaluate.cut_off_thinking", "cut off at that length inside the thought, before any answer"),
    ):
        found = {task.name: _share(count, [r for r in report.results if r.task == task.name]) for task in report.tasks}
        yield from say_of_arms(f"answers {words}", found, "{:.0%}".format)


def _share(count: str, results: Sequence[ArmResult]) -> dict[str, float]:
    """Arm -> which share of its answers, over all seeds, was counted; without arms that had next to none."""
    counted: dict[str, float] = {}
    given: dict[str, float] = {}
    for result in results:
        for of, name in ((counted, count), (given, "evaluate.completions")):
            of[result.arm] = of.get(result.arm, 0.0) + (result.metrics.get(name) or 0.0)
    return {arm: share for arm in given if given[arm] and (share := counted[arm] / given[arm]) >= 0.005}


def _synthesis(report: Report) -> Iterator[str]:
    """How often the teacher found no right answer, and what was imitated instead."""
    yield from _say_unsolved(report, "fallback", "so that their bare answers were imitated")
    yield from _say_unsolved(report, "left_out", "so that they were left out of imitation")


def _say_unsolved(report: Report, count: str, what: str) -> Iterator[str]:
    counts: dict[str, dict[str, list[float]]] = {}  # arm -> task -> the count of each seed
    for result in report.results:
        if (unsolved := result.metrics.get(f"synthesize.teacher.{count}")) is not None:
            counts.setdefault(result.arm, {}).setdefault(result.task, []).append(unsolved)
    arms: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # how many, and on which tasks -> the arms
    for arm, by_task in counts.items():
        if lacking := {task: ns for task, ns in by_task.items() if any(ns)}:
            every = sorted(n for ns in lacking.values() for n in ns)
            most = max(lacking, key=lambda task: max(lacking[task]))
            where = f" on {len(lacking)} tasks, most on {most}" if len(lacking) > 1 else f" on {most}"
            number = f"{every[0]:.0f}" + (f" to {every[-1]:.0f}" if every[-1] > every[0] else "")
            arms.setdefault((f"{number}{where}", tuple(lacking)), []).append(arm)
    said = [f"{how_many} ({name_arms(names)})" for (how_many, _), names in arms.items()]
    if said:
        per = ", in each run" if len({result.seed for result in report.results}) > 1 else ""
        yield f"Questions to which the teacher found no right answer, {what}{per}: {'; '.join(said)}."


def _instructions(report: Report) -> Iterator[str]:
    """The instructions that plugins found; report.json has those that are long in full."""
    for result in report.results:
        if result.instruction:
            text = " ".join(result.instruction.split())
            shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
            yield f"{result.arm} on {result.task}, seed {result.seed}, was asked with: {shown}"


def _describe_counts(found: Any, words: str) -> str:
    if not isinstance(found, Mapping):
        return f"{found} {words}"
    reasons = ", ".join(f"{reason}: {n}" for reason, n in found.items())
    return f"{sum(found.values())} {words} ({reasons})"


def _components(summary: Summary) -> Iterator[str]:
    """Why components could not be computed. The errors of failed arms have their own notes (`_failures`)."""
    failed = {row.trouble[0]: row.arm for row in summary.overall.arms if row.trouble}
    plugins: dict[tuple[str, str], list[str]] = {}  # estimand and reason -> the plugins
    for component in summary.components:
        for estimand, why in component.missing.items():
            reason = f"{failed[why]} {'failed' if ' failed on ' in why else 'has no result'}" if why in failed else why
            plugins.setdefault((ESTIMANDS[estimand], reason), []).append(component.plugin)
    lacking: dict[str, list[str]] = {}  # estimand -> plugins, each with the arm that was not run
    estimands: dict[str, list[str]] = {}  # plugins and reason -> the estimands
    for (estimand, reason), names in plugins.items():
        if reason.startswith(NO_ARM):
            lacking.setdefault(estimand, []).append(f"{', '.join(names)} ({reason.removeprefix(NO_ARM)})")
        else:
            estimands.setdefault(f"of {', '.join(names)}: {reason}", []).append(estimand)
    for words, names in estimands.items():
        yield f"No {', '.join(names)} {words}."
    if lacking:
        of = "; ".join(f"the {estimand} of {', '.join(names)}" for estimand, names in lacking.items())
        yield f"Not measured, because the arm in brackets was not run: {of}."
