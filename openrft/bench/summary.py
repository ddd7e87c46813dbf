"""A report's numbers: each arm's score and gain over vanilla, and what each plugin was worth, with their uncertainty.

They are computed from per-item outcomes alone, so a later version can summarise a stored report again. Decisions are
made in gate.py, and tables in render.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.bench import outcomes
from openrft.bench.ablation import ESTIMANDS, NO_ARM, AblationDesign, estimand_weights, read_ablation, to_vector
from openrft.bench.conclude import conclude
from openrft.bench.curves import CurvePoint, compute_curves
from openrft.bench.notes import build_notes
from openrft.bench.outcomes import (
    ArmOutcomes,
    Runs,
    collect_outcomes,
    collect_over_tasks,
    collect_task_parts,
    compute_delta,
    compute_gain,
    list_finished_arms,
)
from openrft.bench.readings import FORM_ALONE, MAYBE_FORM_ALONE, estimate_lenient_accuracy, estimate_share_right
from openrft.bench.report import ArmRecord, ArmResult, ItemRecord, Report, TaskRecord, validate_report
from openrft.bench.score_table import ArmScore, BaselineScore, Component, Gain, Group, GroupScore, ScoreTable, Summary
from openrft.bench.significance import POWER_Z, adjust_holm
from openrft.bench.statistics import Z, estimate_accuracy, standard_errors
from openrft.bench.stopped import measure_at_stop

COUNTS = (
    "completions",
    "over_context",
    "failed_requests",
    "cut_off",
    "cut_off_thinking",
)  # counts of the core itself at evaluation


def summarise(report: Report) -> Summary:
    """All numbers of a report. They do not depend on the order of its entries."""
    validate_report(report)
    runs, ablation = outcomes.index_results(report), read_ablation(report)
    vanilla = ablation.vanilla if ablation else next((arm.name for arm in report.arms), "")
    everything = collect_outcomes(report, runs, report.tasks, with_readings=True)
    overall = _table(report, runs, report.tasks, None, vanilla, everything)
    tables = [overall] if len(report.tasks) == 1 else []
    for task in report.tasks if len(report.tasks) > 1 else ():
        tables.append(_table(report, runs, (task,), None, vanilla))
    for task in report.tasks:
        leaves = sorted({item.task for item in (*task.items, *task.unscored)})
        for leaf in leaves if len(leaves) > 1 else ():
            tables.append(_table(report, runs, (task,), leaf, vanilla))
    draws = everything.draws if everything else None
    summary = Summary(
        overall,
        tuple(tables),
        _components(runs, ablation, everything, overall) if ablation else (),
        "items and seeds" if draws and draws.seeds > 1 else "items only (one seed)",
        _detectable(everything, vanilla),
        tuple(score_groups(report, runs)),
        _metrics(report),
        _curves(report, runs),
    )
    conclusion = conclude(report, summary, runs, everything, ablation, vanilla)
    return replace(summary, notes=build_notes(report, summary), conclusion=conclusion)


def _table(
    report: Report,
    runs: Runs,
    tasks: Sequence[TaskRecord],
    leaf: str | None,
    vanilla: str,
    measured: ArmOutcomes | None = None,
) -> ScoreTable:
    """One table. `measured` are the outcomes of all its items, if they are known already."""
    names = tuple(t.name for t in tasks)
    items = [i for t in tasks for i in t.items if leaf in (None, i.task)]
    kept, sound = {i.id for i in items}, {i.id for i in items if not i.defects}
    measured = measured or collect_outcomes(report, runs, tasks, kept, with_readings=True)
    cleaned = collect_outcomes(report, runs, tasks, sound) if sound < kept else None
    rows = [_score(report, runs, arm, names, kept, measured, cleaned, vanilla) for arm in report.arms]
    over = adjust_gains({row.arm: row.delta for row in rows if row.delta})
    chance = _guess(tasks, kept)
    rows = [_name_guesses(replace(row, delta=over.get(row.arm)), chance) for row in rows]
    unscored = sum(leaf in (None, i.task) for t in tasks for i in t.unscored)
    with_defects = sum(bool(i.defects) for i in items)
    rules = _baselines(report, [t.name for t in tasks if t.items], kept)
    return ScoreTable(names, leaf, len(items), tuple(rows), rules, unscored, with_defects, chance)


def _name_guesses(row: ArmScore, chance: float | None) -> ArmScore:
    """The row. A gain in form is form alone if the arm's readable answers are right no more often than guesses, however
    little is known of vanilla's."""
    gain, right = row.delta, row.right_of_readable
    if gain is None or right is None or chance is None or right.value > chance or gain.kind not in MAYBE_FORM_ALONE:
        return row
    return replace(row, delta=replace(gain, kind=FORM_ALONE))


def _guess(tasks: Sequence[TaskRecord], kept: set[str]) -> float | None:
    """The accuracy of blind guesses: the mean over tasks of their items' chance."""
    by_task = [[item.chance for item in task.items if item.id in kept] for task in tasks]
    return fmean(fmean(chances) for chances in by_task if chances) if any(map(any, by_task)) else None


def _score(
    report: Report,
    runs: Runs,
    arm: ArmRecord,
    tasks: Sequence[str],
    kept: set[str],
    measured: ArmOutcomes | None,
    cleaned: ArmOutcomes | None,
    vanilla: str,
) -> ArmScore:
    jobs = [run for (name, task, _), run in runs.items() if name == arm.name and task in tasks]
    stages = [stage for job in jobs for stage in job.stages]
    row = ArmScore(
        arm.name,
        arm.plugins,
        tuple(outcomes.find_failures(report, arm.name, tasks)),
        at_stop=measure_at_stop(report, arm.name, tasks, kept),
        seeds=len({job.seed for job in jobs}),
        tokens=sum(s.tokens for s in stages),
        seconds=sum(s.seconds for s in stages),
        reused_seconds=sum(s.seconds for s in stages if s.reused),
    )
    if measured is None or arm.name not in measured.arms:
        return row
    at = measured.arms.index(arm.name)
    over = (
        compute_delta(runs, measured, arm.name, vanilla) if vanilla in measured.arms and arm.name != vanilla else None
    )
    row = replace(
        row,
        accuracy=estimate_accuracy(measured.draws, at),
        cleaned=estimate_accuracy(cleaned.draws, at) if cleaned else None,
        delta=over,
        unparsed=_unparsed_share(jobs, kept),
    )
    if measured.readings is None:
        return row
    return replace(
        row,
        unparsed_in_both=_unparsed_share(jobs, kept, in_both=True),
        lenient=estimate_lenient_accuracy(measured.readings, at),
        right_of_readable=estimate_share_right(measured.readings, at),
    )


def _unparsed_share(jobs: Sequence[ArmResult], kept: set[str], in_both: bool = False) -> float:
    """The share of completions without an answer, in the strict reading or `in_both`."""
    items = [item for job in jobs for i, item in job.items.items() if i in kept]
    marks = [zip(item.unparsed, item.lenient_unparsed if in_both else item.unparsed, strict=True) for item in items]
    return fmean(strict and other for pairs in marks for strict, other in pairs)


def _baselines(report: Report, tasks: Sequence[str], kept: set[str]) -> tuple[BaselineScore, ...]:
    """Macro averages of the rules that apply to every task here. Rules that ran as arms have their own rows."""
    found: dict[str, list[float]] = {}
    arms = {arm.policy.removeprefix(BASELINE_PREFIX) for arm in report.arms if arm.policy}
    for rule in report.baselines:
        hits = [right for i, right in rule.items.items() if i in kept]
        if rule.task in tasks and hits and rule.name not in arms:
            found.setdefault(rule.name, []).append(sum(hits) / len(hits))
    return tuple(BaselineScore(n, sum(v) / len(v)) for n, v in found.items() if len(v) == len(tasks))


def _components(
    runs: Runs, ablation: AblationDesign, measured: ArmOutcomes | None, overall: ScoreTable
) -> tuple[Component, ...]:
    why = {row.arm: row.trouble[0] for row in overall.arms if row.trouble}
    gains: dict[str, dict[str, Gain]] = {plugin: {} for plugin in ablation.plugins}
    missing: dict[str, dict[str, str]] = {plugin: {} for plugin in ablation.plugins}
    for estimand in ESTIMANDS:
        for plugin in ablation.plugins:
            total, absent = estimand_weights(ablation, plugin, estimand)
            broken = [arm for arm in total if measured is None or arm not in measured.arms]
            if absent:
                missing[plugin][estimand] = f"{NO_ARM}{absent[0]}"
            elif measured is None or broken:
                missing[plugin][estimand] = why.get(broken[0], f"no result of {broken[0]}")
            else:
                gains[plugin][estimand] = compute_gain(runs, measured, total)
        found = {plugin: gains[plugin][estimand] for plugin in ablation.plugins if estimand in gains[plugin]}
        for plugin, gain in adjust_gains(found).items():
            gains[plugin][estimand] = gain
    return tuple(Component(plugin, gains[plugin], missing[plugin]) for plugin in ablation.plugins)


def adjust_gains(gains: Mapping[str, Gain]) -> dict[str, Gain]:
    """The gains with their p corrected by Holm for the number of those that have one."""
    p_values = {name: gain.p for name, gain in gains.items() if gain.p is not None}
    adjusted = dict(zip(p_values, adjust_holm(list(p_values.values())), strict=True))
    return {name: replace(gain, adjusted=adjusted.get(name)) for name, gain in gains.items()}


def _metrics(report: Report) -> dict[str, dict[str, float]]:
    """What plugins measured at evaluation, for the arms that finished."""
    arms = set(list_finished_arms(report, [task.name for task in report.tasks]))
    found: dict[str, dict[str, list[float]]] = {}
    for result in report.results:
        for key, value in result.metrics.items():
            stage, _, name = key.partition(".")
            if stage == "evaluate" and name not in COUNTS and value is not None and result.arm in arms:
                found.setdefault(name, {}).setdefault(result.arm, []).append(value)
    return {name: {arm: fmean(values) for arm, values in by_arm.items()} for name, by_arm in sorted(found.items())}


def _curves(report: Report, runs: Runs) -> tuple[CurvePoint, ...]:
    tasks = [task for task in report.tasks if task.items]
    arms = list_finished_arms(report, [task.name for task in report.tasks]) if tasks else ()
    return compute_curves(
        tasks,
        {arm: [[runs[arm, t.name, s] for s in outcomes.list_seeds(report, t.name)] for t in tasks] for arm in arms},
    )


def _detectable(measured: ArmOutcomes | None, vanilla: str) -> float | None:
    """(1.96 + 0.84) standard errors of the noisiest delta over vanilla."""
    if measured is None or vanilla not in measured.arms:
        return None
    pairs = [to_vector({arm: 1.0, vanilla: -1.0}, measured.arms) for arm in measured.arms if arm != vanilla]
    errors = [standard_errors(measured.draws, pair)[0] for pair in pairs]
    return (Z + POWER_Z) * max(errors) if any(errors) else None


Members = list[tuple[TaskRecord, list[ItemRecord]]]  # the tasks that have items in a group, with these items


def score_groups(report: Report, runs: Runs) -> Iterator[Group]:
    """All items and their groups: first across tasks, if the items of several tasks have groups, then for each task
    with several leaf tasks or groups. A grouping into a single group is left out."""
    grouped = [task for task in report.tasks if any(item.groups for item in _items(task))]
    if len(grouped) > 1:
        grouped.sort(key=lambda task: task.name)  # so that the order of --task changes no number
        for by, name, members in _groups([(task, _items(task)) for task in grouped]):
            yield _across(report, runs, f"{len(grouped)} tasks", by, name, members)
    for task in report.tasks:
        groups = list(_groups([(task, _items(task))]))
        if len(groups) > 1 or len({item.task for item in _items(task)}) > 1:
            for by, name, members in groups:
                yield _group(report, runs, task, by, name, members[0][1])


def _items(task: TaskRecord) -> list[ItemRecord]:
    return [*task.items, *task.unscored]


def _groups(tasks: Members) -> Iterator[tuple[str, str, Members]]:
    """The grouping, the group's name, and its members."""
    yield "", "all", tasks
    everything = [item for _, items in tasks for item in items]
    for by in dict.fromkeys(by for item in everything for by in item.groups):
        names = sorted({item.groups.get(by, "other") for item in everything})
        for name in names if len(names) > 1 else ():
            own = [(task, [item for item in items if item.groups.get(by, "other") == name]) for task, items in tasks]
            yield by, name, [(task, items) for task, items in own if items]


def _group(report: Report, runs: Runs, task: TaskRecord, by: str, name: str, members: Sequence[ItemRecord]) -> Group:
    parts = _parts(task, members)
    scored = {i for part in parts for i in part}
    arms = tuple(_scores(report, runs, task, scored, parts)) if parts else ()
    return Group(task.name, by, name, len(parts), len(scored), len(members) - len(scored), arms)


def _parts(task: TaskRecord, members: Sequence[ItemRecord]) -> list[set[str]]:
    """The scored members of each leaf task."""
    scored = {item.id for item in task.items} & {item.id for item in members}
    leaves: dict[str, set[str]] = {}
    for item in members:
        if item.id in scored:
            leaves.setdefault(item.task, set()).add(item.id)
    return [leaves[leaf] for leaf in sorted(leaves)]


def _scores(
    report: Report, runs: Runs, task: TaskRecord, scored: set[str], parts: Sequence[set[str]]
) -> Iterator[GroupScore]:
    micro, macro = collect_outcomes(report, runs, (task,), scored), collect_task_parts(report, runs, task, parts)
    if micro is None or macro is None:
        return
    for at, arm in enumerate(micro.arms):
        yield GroupScore(arm, estimate_accuracy(micro.draws, at), estimate_accuracy(macro.draws, at))


def _across(report: Report, runs: Runs, tasks: str, by: str, name: str, members: Members) -> Group:
    """A group across several tasks. An item in two tasks counts in each, because each was trained for it."""
    parts = [(task, _parts(task, items)) for task, items in members]
    parts = [(task, own) for task, own in parts if own]
    items = sum(len(part) for _, own in parts for part in own)
    arms = tuple(_scores_across(report, runs, parts)) if parts else ()
    leaves = sum(len(own) for _, own in parts)
    return Group(tasks, by, name, leaves, items, sum(len(of) for _, of in members) - items, arms)


def _scores_across(
    report: Report, runs: Runs, parts: Sequence[tuple[TaskRecord, Sequence[set[str]]]]
) -> Iterator[GroupScore]:
    micro, macro = (collect_over_tasks(report, runs, parts, weigh_items) for weigh_items in (True, False))
    if micro is None or macro is None:
        return
    for at, arm in enumerate(micro[0]):
        yield GroupScore(arm, estimate_accuracy(micro[1], at), estimate_accuracy(macro[1], at))
