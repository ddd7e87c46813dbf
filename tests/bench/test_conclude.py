"""The conclusion in words, on made reports of every situation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from openrft.bench.conclude import read_sign
from openrft.bench.conclusion import Conclusion
from openrft.bench.markdown import format_markdown
from openrft.bench.report import ArmRecord, BaselineResult, Failure, Report, read_report
from openrft.bench.run_files import write_run_files
from openrft.bench.score_table import Gain
from openrft.bench.summary import summarise
from openrft.bench.summary_document import dump_summary
from openrft.cli.run_output import show_summary
from tests.bench import factories

ITEMS = 100


def made(right: Mapping[str, Sequence[int]], rule: float = 0.0, **changes: object) -> Report:
    """A report of 100 items. `right`: how many of the first items each arm has right, one number for each seed.

    The arms of `factories.ARMS` have those plugins, and others their own name as their only plugin.
    """
    record = factories.task(items=ITEMS)
    results = [
        factories.result(arm, record, seed, [[n < count] for n in range(ITEMS)])
        for arm, counts in right.items()
        for seed, count in enumerate(counts)
    ]
    arms = tuple(ArmRecord(name, factories.ARMS.get(name, (name,))) for name in right)
    baselines = (BaselineResult(record.name, "majority", rule, {i.id: rule for i in record.items}),) if rule else ()
    plan = {"ablation": factories.LADDER} if set(right) == set(factories.ARMS) else {}
    empty = factories.report({"vanilla": 0.5})
    new = {"plan": plan, "tasks": (record,), "arms": arms, "results": tuple(results), "baselines": baselines, **changes}
    return replace(empty, **new)


def conclusion(report: Report) -> Conclusion:
    found = summarise(report).conclusion
    assert len(found.lines) <= 4
    return found


LADDER_ONE_SEED = {"vanilla": [30], "rl": [40], "rl+prm": [60], "rl+icl": [30], "rl+prm+icl": [59]}
LADDER = {
    "vanilla": [30, 30, 30],
    "rl": [40, 42, 41],
    "rl+prm": [60, 61, 62],
    "rl+icl": [25, 26, 27],
    "rl+prm+icl": [58, 59, 60],
}


def test_one_seed_suggests_and_shows_nothing() -> None:
    found = conclusion(made(LADDER_ONE_SEED, rule=0.2))
    assert found.findings[0].startswith("Best arm: rl+prm, 60.0% right, +30.0 [")
    assert found.findings[1] == (
        "Suggested to help: prm (add-one +20.0, leave-one-out +29.0, Shapley value +24.5)."
        " Suggested to harm: icl (add-one -10.0, Shapley value -5.5)."
    )
    assert found.findings[2] == "No rule without a model (majority, 20.0%) does as well."
    assert found.open.startswith("Nothing is shown yet: one seed")
    assert (found.one_seed, found.best, found.helps, found.harms) == (True, "rl+prm", ("prm",), ("icl",))
    assert found.command == "openrft export toy --arm rl+prm --out my-policy"


def test_three_seeds_show_what_helps_and_what_harms() -> None:
    found = conclusion(made(LADDER, rule=0.2))
    assert found.findings[1].startswith("Shown to help: prm (add-one +20.0, leave-one-out +33.0, ")
    assert " Shown to harm: icl (add-one -15.0, " in found.findings[1]
    assert (found.one_seed, found.open) == (False, "")
    assert found.command == "openrft export toy --arm rl+prm --seed 0 --out my-policy"


def test_what_is_open_says_how_many_seeds_or_items_would_settle_it() -> None:
    counts = LADDER | {"rl+icl": [36, 44, 42], "rl+prm+icl": [58, 64, 59]}
    found = conclusion(made(counts))
    assert found.undecided == ("icl",)
    assert found.open.startswith("Shown neither way: icl. For a difference of 5 points, about ")
    assert found.open.endswith("would settle it (now 100 items, 3 seeds).")


def test_a_plugin_that_helps_alone_and_harms_among_others_depends_on_them() -> None:
    found = conclusion(made(LADDER | {"rl+icl": [50, 51, 52], "rl+prm+icl": [45, 46, 47]}))
    assert found.depends == ("prm", "icl")
    assert found.findings[1] == (
        "Depends on the others: prm (add-one +20.0, leave-one-out -5.0, Shapley value +7.5),"
        " icl (add-one +10.0, leave-one-out -15.0)."
    )


def test_no_arm_above_vanilla() -> None:
    same, worse = (made({"vanilla": [50] * 3, "other": counts}) for counts in ([49, 53, 51], [30, 31, 29]))
    found = conclusion(same)
    start = "No arm is shown to be above vanilla (50.0%). The best of the others, other, has "
    assert found.findings[0].startswith(start + "+1.0 [")
    assert conclusion(worse).findings[0].startswith(start + "-20.0 [")
    assert found.command == "openrft report toy --per-task"


def test_form_alone_is_called_so_with_both_parts() -> None:
    shares = {"vanilla": (0.05, 0.9, 0.4), "sft": (1.0, 0.0, 0.4)}
    found = conclusion(factories.readings_report(shares, items=400))
    assert ": form alone), for " in found.findings[0]
    assert " (form +" in found.findings[0]
    able = {"vanilla": (1.0, 0.0, 0.4), "sft": (1.0, 0.0, 0.8)}
    assert " (form 0.0, ability +" in conclusion(factories.readings_report(able, items=400)).findings[0]


def test_cost_by_point() -> None:
    """Each job costs 6 s and 1100 tokens: 3 seeds for 30 points."""
    found = conclusion(made({"vanilla": [30, 30, 30], "other": [60, 60, 60]}))
    assert "points over vanilla, for 18 s and 3,300 tokens: 0.6 s a point." in found.findings[0]


def test_a_rule_that_does_as_well_is_named_and_nothing_is_exported() -> None:
    found = conclusion(made(LADDER, rule=0.61))
    assert found.findings[2] == "rl+prm is not shown to beat majority (61.0%), without any training."
    assert found.as_good == ("majority",)
    assert found.command == "openrft report toy --per-task"


@pytest.mark.parametrize(
    ("right", "expected"), [(58, " is not shown to beat voting (58.0%)"), (35, "No method at test")]
)
def test_a_method_at_test_time_is_compared(right: int, expected: str) -> None:
    """An arm that was evaluated with vanilla's checkpoint needs no training."""
    report = made({"vanilla": [30], "voting": [right], "trained": [60]})
    results = [replace(r, policy_id="start") if r.arm != "trained" else r for r in report.results]
    found = conclusion(replace(report, results=tuple(results)))
    assert expected in found.findings[-1]
    assert found.as_good == (("voting",) if right == 58 else ())


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (58, "best16 is not shown to beat vote (58.0%). None of them needs training."),
        (35, "No rule without a model (majority, 20.0%) and no other method at test time (vote, 35.0%) does as well."),
    ],
)
def test_a_best_arm_that_is_itself_a_method_at_test_time_is_compared_with_the_others(right: int, expected: str) -> None:
    report = made({"vanilla": [30], "vote": [right], "best16": [60], "trained": [40]}, rule=0.2)
    results = [replace(r, policy_id="start") if r.arm != "trained" else r for r in report.results]
    found = conclusion(replace(report, results=tuple(results)))
    assert found.best == "best16"
    assert expected in found.findings[-1]
    assert found.command == "openrft report toy --per-task"


def test_a_best_arm_without_training_is_not_exported() -> None:
    report = made({"vanilla": [30], "voting": [60]})
    found = conclusion(replace(report, results=tuple(replace(r, policy_id="start") for r in report.results)))
    assert not found.one_seed
    assert found.command == "openrft report toy --per-task"


def test_a_smaller_arm_that_is_not_shown_to_be_worse_is_named() -> None:
    found = conclusion(made(LADDER | {"rl+prm": [59, 60, 61], "rl+prm+icl": [60, 61, 60]}))
    assert found.best == "rl+prm+icl"
    assert found.findings[0].endswith(" rl+prm (60.0%) has fewer plugins and is not shown to be worse.")


def test_arms_are_judged_where_no_plugin_was_measured() -> None:
    counts = {"vanilla": [50, 50, 50], "up": [80, 81, 82], "down": [20, 21, 22], "level": [48, 52, 51]}
    found = conclusion(made(counts))
    assert found.findings[1] == ("Shown to be above vanilla: up (+31.0). Shown to be below vanilla: down (-29.0).")
    assert found.open.startswith("Shown neither way: level. For a difference of ")


def test_arms_that_are_rules_stand_only_in_the_line_on_rules() -> None:
    report = made({"vanilla": [30], "rl": [60], "prm": [59], "majority": [50]}, rule=0.5)
    arms = [replace(arm, policy="baseline:majority") if arm.name == "majority" else arm for arm in report.arms]
    found = conclusion(replace(report, arms=tuple(arms)))
    assert found.findings[1] == "Suggested to be above vanilla: rl (+30.0), prm (+29.0)."
    assert found.findings[2] == "No rule without a model (majority, 50.0%) does as well."


@pytest.mark.parametrize(
    "right",
    [
        LADDER | {"rl+icl": [36, 44, 42], "rl+prm+icl": [58, 64, 59]},
        LADDER_ONE_SEED | {"rl+icl": [40], "rl+prm+icl": [60]},
        {"vanilla": [50, 50, 50], "up": [80, 81, 82], "level": [48, 52, 51]},
        {"vanilla": [50], "up": [80], "level": [51]},
    ],
    ids=["plugins", "plugins, one seed", "arms", "arms, one seed"],
)
def test_what_is_shown_neither_way_is_named_once(right: Mapping[str, Sequence[int]]) -> None:
    found = conclusion(made(right))
    assert len(found.undecided) == 1
    assert " ".join(found.lines).count(f"neither way: {found.undecided[0]}") == 1
    assert "Open:" not in " ".join(found.lines)


def test_without_scores_nothing_is_concluded() -> None:
    report = made(LADDER)
    failures = tuple(Failure(r.arm, r.task, r.seed, "boom") for r in report.results)
    found = conclusion(replace(report, results=(), failures=failures))
    assert found.findings == ("No arm has a score, so nothing is known.",)
    assert found.open == "Without a score: vanilla, rl, rl+prm, rl+icl, rl+prm+icl."
    assert found.command == ""


def test_a_failed_arm_is_named() -> None:
    report = made(LADDER)

    def failing(arm: str) -> Conclusion:
        failures = tuple(Failure(r.arm, r.task, r.seed, "boom") for r in report.results if r.arm == arm)
        return conclusion(replace(report, results=tuple(r for r in report.results if r.arm != arm), failures=failures))

    without_rl, without_vanilla = failing("rl"), failing("vanilla")
    assert without_rl.open.startswith("Without a score: rl.")
    assert without_vanilla.findings[0] == (
        "Best arm: rl+prm, 61.0% right. vanilla has no score, so what it gained is not known."
    )


def test_vanilla_beside_a_failed_arm() -> None:
    report = made({"vanilla": [30], "other": [60]})
    failures = tuple(Failure(r.arm, r.task, r.seed, "boom") for r in report.results if r.arm == "other")
    found = conclusion(replace(report, results=report.results[:1], failures=failures))
    assert found.findings[0] == ("vanilla is right on 30.0%; there is no other arm with a score to compare it with.")


def test_vanilla_alone() -> None:
    found = conclusion(made({"vanilla": [30]}, rule=0.5))
    assert found.findings == (
        "vanilla is right on 30.0%; there is no other arm to compare it with.",
        "vanilla is not shown to beat majority (50.0%), without any training.",
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("openrft bench --out /data/runs --name toy", "openrft export /data/runs/toy --arm other"),
        ("openrft bench '--out=my runs'", "openrft export 'my runs/toy' --arm other"),
        ("openrft bench 'an open quote", "openrft export toy --arm other"),
        ("openrft train --out my-policy", ""),
    ],
)
def test_the_command_names_the_run_as_it_can_be_found(command: str, expected: str) -> None:
    found = conclusion(made({"vanilla": [30], "other": [60]}, command=command))
    assert found.command.startswith(expected)
    assert bool(found.command) == bool(expected)


@pytest.mark.parametrize("right", [LADDER, LADDER_ONE_SEED], ids=["nothing open", "open"])
def test_the_same_four_lines_stand_first_everywhere(right: Mapping[str, Sequence[int]], tmp_path: Path) -> None:
    report = made(right, name="toy*run", rule=0.2)
    summary = summarise(report)
    out = io.StringIO()
    show_summary(report, summary, Console(file=out, width=100))
    shown = "\n".join(summary.conclusion.lines).replace(". Next: ", ".\nNext: ")  # the command has its own line
    assert out.getvalue().startswith(f"{shown}\n")
    lines = list(summary.conclusion.lines)
    assert len(lines) == 4
    top = format_markdown(report, summary).split("\n## ")[0].splitlines()
    assert [line[2:].replace("`", "") for line in top if line.startswith("- ")] == lines
    assert top[-1].endswith(f"Next: `{summary.conclusion.command}`")
    written = write_run_files(report, tmp_path)[0]
    for document in (dump_summary(report, summary), written.summary, read_report(tmp_path / "report.json").summary):
        assert document["conclusion"]["lines"] == lines
        assert document["conclusion"]["helps"] == ["prm"]


@pytest.mark.parametrize(
    ("gain", "sign"),
    [
        (Gain(0.1, 0.01, 0.2, 0.03, "", 0.04), 1),
        (Gain(0.1, 0.01, 0.2, 0.03, "", 0.06), 0),  # not after correction
        (Gain(-0.1, -0.2, -0.01, 0.03, ""), -1),
        (Gain(0.1, -0.01, 0.2, 0.08, ""), 0),
        (Gain(0.1, 0.01, 0.2, None, ""), 1),  # one seed: the interval suggests it
    ],
)
def test_the_sign_that_is_shown(gain: Gain, sign: int) -> None:
    assert read_sign(gain) == sign
