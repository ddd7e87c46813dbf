"""Draw a report's conclusion from its numbers alone: what helped, what did not, what it cost, and what to do next.

A gain is shown if its p, corrected for the number of comparisons, is below .05. Gains of trained arms with one seed
have no p, because one training run says nothing about training noise. Then the conclusion says what this run
suggests, which is where the interval leaves out 0, and that nothing is shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.bench.ablation import ESTIMANDS, AblationDesign, estimand_weights, to_vector
from openrft.bench.conclusion import Conclusion
from openrft.bench.notes import find_best_baseline
from openrft.bench.outcomes import ArmOutcomes, Runs, compute_delta, same_checkpoint
from openrft.bench.report import Report
from openrft.bench.score_table import ArmScore, Gain, Summary
from openrft.bench.sequential import LEVEL
from openrft.bench.significance import (
    ONE_TRAINING_SEED,
    POWER_Z,
    TARGET_DIFFERENCE,
    describe_needed_sample_size,
)
from openrft.bench.statistics import Z, standard_errors
from openrft.bench.text_table import format_gain, format_percent, format_points

# Differences that a bench is asked to find; the first that it cannot find yet.
SMALLER = (TARGET_DIFFERENCE, 0.02, 0.01)


def read_sign(gain: Gain) -> int:
    """1 for a gain and -1 for a loss, if p after correction shows one; without p, if the interval does. Else 0."""
    p = gain.p if gain.adjusted is None else gain.adjusted
    if p is not None and p >= LEVEL:
        return 0
    return int(gain.low > 0) - int(gain.high < 0)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A report and what was computed from it."""

    report: Report
    summary: Summary
    runs: Runs
    measured: ArmOutcomes
    ablation: AblationDesign | None
    vanilla: ArmScore | None  # None without a score
    best: ArmScore | None  # of the arms that are neither vanilla nor a rule; None if none of them has a score

    @property
    def gain(self) -> Gain | None:
        """The best arm's over vanilla."""
        return self.best.delta if self.best else None


def conclude(
    report: Report,
    summary: Summary,
    runs: Runs,
    measured: ArmOutcomes | None,
    ablation: AblationDesign | None,
    vanilla: str,
) -> Conclusion:
    """The conclusion. `measured`: the outcomes of all arms with a score, on all tasks; None if there are none."""
    rows = {row.arm: row for row in summary.overall.arms if row.accuracy}
    lost = [row.arm for row in summary.overall.arms if row.trouble]
    missing = f"Without a score: {', '.join(lost)}." if lost else ""
    if measured is None or not rows:
        return Conclusion(("No arm has a score, so nothing is known.",), missing)
    rules = _list_rules(report)
    others = [row for row in rows.values() if row.arm not in rules and row.arm != vanilla]
    best = max(others, key=_accuracy, default=None)
    evidence = _Evidence(report, summary, runs, measured, ablation, rows.get(vanilla), best)
    found = _sort_effects(evidence)
    as_good, alternatives = _find_alternatives(evidence)
    findings = [_describe_best(evidence, vanilla, as_good), _describe_effects(found, evidence), alternatives]
    return replace(
        found.conclusion,
        findings=tuple(filter(None, findings)),
        open=" ".join(filter(None, (missing, _describe_open(found, evidence)))),
        command=_choose_command(evidence, as_good),
        best=best.arm if best else None,
        as_good=tuple(as_good),
    )


def _list_rules(report: Report) -> set[str]:
    """The arms that are rules without a model."""
    return {arm.name for arm in report.arms if (arm.policy or "").startswith(BASELINE_PREFIX)}


def _accuracy(row: ArmScore) -> float:
    return row.accuracy.value if row.accuracy else 0.0


def _describe_best(e: _Evidence, vanilla: str, as_good: Mapping[str, float]) -> str:
    if e.best is None or e.best.accuracy is None:
        row = e.vanilla or next(row for row in e.summary.overall.arms if row.accuracy)
        other = "no other arm with a score" if any(r.trouble for r in e.summary.overall.arms) else "no other arm"
        return f"{row.arm} is right on {format_percent(_accuracy(row))}%; there is {other} to compare it with."
    name, level = e.best.arm, format_percent(e.best.accuracy.value)
    if e.gain is None or e.vanilla is None:
        return f"Best arm: {name}, {level}% right. {vanilla} has no score, so what it gained is not known."
    change = f"{format_gain(e.gain.value, e.gain.low, e.gain.high)} points over {vanilla}"
    if read_sign(e.gain) <= 0:
        start = f"No arm is shown to be above {vanilla} ({format_percent(_accuracy(e.vanilla))}%)."
        return f"{start} The best of the others, {name}, has {change}."
    parts = "".join(_describe_parts(e.gain))
    cost = _describe_cost(e.best, e.gain)
    return f"Best arm: {name}, {level}% right, {change}{parts}, for {cost}.{_simpler(e, as_good)}"


def _describe_parts(gain: Gain) -> Iterator[str]:
    """Form and ability; their intervals only where both matter."""
    if gain.form is None or gain.ability is None:
        return
    plain = gain.kind in ("", "ability")
    shown = [
        format_points(part.value) if plain else format_gain(part.value, part.low, part.high)
        for part in (gain.form, gain.ability)
    ]
    yield f" (form {shown[0]}, ability {shown[1]}{'' if plain else f': {gain.kind}'})"


def _describe_cost(row: ArmScore, gain: Gain) -> str:
    """What the arm costs alone, over all its seeds and tasks, and by point of its gain."""
    each = row.seconds / (100 * gain.value)
    return f"{row.seconds:,.0f} s and {row.tokens:,} tokens: {each:,.{0 if each >= 10 else 1}f} s a point"


def _simpler(e: _Evidence, as_good: Mapping[str, float]) -> str:
    """The smallest arm with some of the best arm's plugins, if it is not shown to be worse."""
    assert e.best is not None
    fewer = [row for row in e.summary.overall.arms if row.accuracy and set(row.plugins) < set(e.best.plugins)]
    fewer = [row for row in fewer if row.plugins and row.arm not in as_good]
    for row in sorted(fewer, key=lambda row: (len(row.plugins), -_accuracy(row))):
        if compute_delta(e.runs, e.measured, e.best.arm, row.arm).low <= 0:
            return f" {row.arm} ({format_percent(_accuracy(row))}%) has fewer plugins and is not shown to be worse."
    return ""


@dataclass(frozen=True, slots=True)
class _Effects:
    """The gains that were measured, by plugin or arm and by kind of effect, and what they show."""

    conclusion: Conclusion  # with these facts only
    gains: Mapping[str, Mapping[str, Gain]]
    what: str  # "plugins" or "arms"


def _sort_effects(e: _Evidence) -> _Effects:
    if any(component.gains for component in e.summary.components):
        gains = {c.plugin: {ESTIMANDS[kind]: gain for kind, gain in c.gains.items()} for c in e.summary.components}
        what = "plugins"
    else:  # rules have a line of their own
        rules = _list_rules(e.report)
        gains = {row.arm: {"": row.delta} for row in e.summary.overall.arms if row.delta and row.arm not in rules}
        what = "arms"
    kinds: dict[str, list[str]] = {"helps": [], "harms": [], "depends": [], "undecided": []}
    for name, own in gains.items():
        signs = {read_sign(gain) for gain in own.values()}
        if own:
            kind = "depends" if {1, -1} <= signs else "helps" if 1 in signs else "harms" if -1 in signs else "undecided"
            kinds[kind].append(name)
    tests = [gain.test for own in gains.values() for gain in own.values()]
    tests += [e.gain.test] if e.gain else []
    helps, harms, depends, undecided = (tuple(names) for names in kinds.values())
    facts = Conclusion(
        (), one_seed=ONE_TRAINING_SEED in tests, helps=helps, harms=harms, depends=depends, undecided=undecided
    )
    return _Effects(facts, gains, what)


def _describe_effects(found: _Effects, e: _Evidence) -> str:
    facts = found.conclusion
    if found.what == "arms" and len(found.gains) < 2:
        return ""  # the line on the best arm has said it
    groups = [(("help", "above"), facts.helps), (("harm", "below"), facts.harms)]
    over = f" {e.vanilla.arm}" if e.vanilla else ""
    verb = "Suggested" if facts.one_seed else "Shown"
    said = []
    for (word, level), names in groups:
        if names:
            head = f"{verb} to {word}" if found.what == "plugins" else f"{verb} to be {level}{over}"
            said.append(f"{head}: {', '.join(_name_shown(found, name) for name in names)}.")
    if facts.depends:
        said.append(f"Depends on the others: {', '.join(_name_shown(found, name) for name in facts.depends)}.")
    if facts.undecided and facts.one_seed:  # else the line on what is open names them
        said.append(f"{verb} neither way: {', '.join(facts.undecided)}.")
    unknown = [name for name, own in found.gains.items() if not own]
    if unknown:
        said.append(f"Not measured: {', '.join(unknown)}.")
    return " ".join(said)


def _name_shown(found: _Effects, name: str) -> str:
    """A plugin with the gains and losses that count."""
    own = found.gains[name].items()
    return f"{name} ({', '.join(f'{kind} {format_points(g.value)}'.strip() for kind, g in own if read_sign(g))})"


def _find_alternatives(e: _Evidence) -> tuple[dict[str, float], str]:
    """What does as well as the best arm without training: name -> accuracy; and the sentence about it."""
    top = e.best or e.vanilla
    if top is None or top.accuracy is None:
        return {}, ""
    untrained = _list_untrained(e)
    among = top in untrained  # the best arm is itself such a method
    as_good, weaker = {}, []
    rule = find_best_baseline(e.report, e.summary)
    if rule and rule[1] >= top.accuracy.low:
        as_good[rule[0]] = rule[1]
    elif rule:
        weaker.append(f"rule without a model ({rule[0]}, {format_percent(rule[1])}%)")
    for row in untrained:
        if row is top or row.accuracy is None:
            continue
        if compute_delta(e.runs, e.measured, top.arm, row.arm).low <= 0:
            as_good[row.arm] = row.accuracy.value
        else:
            weaker.append(
                f"{'other ' if among else ''}method at test time ({row.arm}, {format_percent(row.accuracy.value)}%)"
            )
    said = [f"{name} ({format_percent(level)}%)" for name, level in as_good.items()]
    how = ". None of them needs training." if among else ", without any training."
    lines = [f"{top.arm} is not shown to beat {' or '.join(said)}{how}"] if said else []
    lines += [f"No {' and no '.join(weaker[:2])} does as well."] if weaker else []
    return as_good, " ".join(lines)


def _list_untrained(e: _Evidence) -> list[ArmScore]:
    """The arms that answer with vanilla's checkpoint in another way, the best first."""
    if e.vanilla is None:
        return []
    by_name = {arm.name: arm for arm in e.report.arms}
    same = [
        row
        for row in e.summary.overall.arms
        if row.accuracy and row.arm != e.vanilla.arm and not by_name[row.arm].policy
        if same_checkpoint(e.runs, row.arm, e.vanilla.arm)
    ]
    return sorted(same, key=lambda row: -_accuracy(row))


def _describe_open(found: _Effects, e: _Evidence) -> str:
    facts = found.conclusion
    if facts.one_seed:
        typed = "openrft bench --seeds 0,1,2" if _split_command(e.report.command)[1:2] == ["train"] else "--seeds 0,1,2"
        return f"Nothing is shown yet: one seed does not tell training from luck. Three do better: {typed}."
    if not facts.undecided:
        return ""
    pairs = [weights for name in facts.undecided for weights in _weigh(found, e, name)]
    errors = [standard_errors(e.measured.draws, to_vector(pair, e.measured.arms)) for pair in pairs]
    error, of_items = max(errors)
    seeks = next((d for d in SMALLER if d < (Z + POWER_Z) * error), None)
    names = f"Shown neither way: {', '.join(facts.undecided)}"
    if not error or seeks is None:
        return f"{names}, with effects below a point."
    distance = seeks * Z / (Z + POWER_Z)
    items, seeds = e.summary.overall.items, e.measured.draws.seeds
    needed = describe_needed_sample_size(distance, items, seeds, error, of_items)
    return f"{names}. For a difference of {100 * seeks:g} points, {needed}."


def _weigh(found: _Effects, e: _Evidence, name: str) -> Iterator[Mapping[str, float]]:
    """The open differences of a plugin or an arm, as weights over arms."""
    if found.what == "arms":
        assert e.vanilla is not None
        yield {name: 1.0, e.vanilla.arm: -1.0}
        return
    assert e.ablation is not None
    for kind, word in ESTIMANDS.items():
        if word in found.gains[name]:
            yield estimand_weights(e.ablation, name, kind)[0]


def _choose_command(e: _Evidence, as_good: Mapping[str, float]) -> str:
    """Export the best arm, if it was trained and gained something that nothing cheaper does; else look closer."""
    typed = _split_command(e.report.command)
    if typed[1:2] == ["train"]:  # which has exported its policy
        return ""
    run = shlex.quote(locate_run(e.report))
    trained = e.best and e.vanilla and not same_checkpoint(e.runs, e.best.arm, e.vanilla.arm)
    if e.best is None or e.gain is None or not trained or read_sign(e.gain) <= 0 or as_good:
        return f"openrft report {run} --per-task"
    jobs = sorted((task, seed) for arm, task, seed in e.runs if arm == e.best.arm)
    which = [f" --task {shlex.quote(jobs[0][0])}"] * (len({task for task, _ in jobs}) > 1)
    which += [f" --seed {jobs[0][1]}"] * (len({seed for _, seed in jobs}) > 1)
    return f"openrft export {run} --arm {shlex.quote(e.best.arm)}{''.join(which)} --out my-policy"


def _split_command(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a report that somebody edited
        return []


def locate_run(report: Report) -> str:
    """What later commands know the run by: its name, or its folder if --out was given."""
    typed = _split_command(report.command)
    for at, word in enumerate(typed):
        out = word.removeprefix("--out=") if word.startswith("--out=") else "".join(typed[at + 1 : at + 2])
        if word == "--out" or word.startswith("--out="):
            return f"{out.rstrip('/')}/{report.name}"
    return report.name
