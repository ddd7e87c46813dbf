"""Reward hacking in a report: what was paid without being right, and what parted from the grade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from openrft.bench.grouped_notes import merge_messages, name_arms, name_places
from openrft.bench.report import ArmResult, Report
from openrft.bench.text_table import TextTable
from openrft.rewards.gap import describe_growing_gap
from openrft.rewards.probed_reward import Pay, ProbedReward, describe_probed_reward
from openrft.rewards.probes import PROBE_KINDS

NAMED = 3  # probes that a note names; of more it says how many, and the table has them
MARK = " !"  # behind what is paid without being right


@dataclass(frozen=True, slots=True)
class ProbedArms:
    """What the rewards of some arms paid; the arms start RL alike."""

    task: str
    seed: int
    sources: tuple[ProbedReward, ...]
    arms: tuple[str, ...]

    def __str__(self) -> str:
        return f"rewards of {name_arms(self.arms)} on {self.task}, seed {self.seed}"


def collect_probes(results: Iterable[ArmResult]) -> list[ProbedArms]:
    """Every measurement once, in the order of the results."""
    shared: dict[tuple[str, int, tuple[ProbedReward, ...]], list[str]] = {}
    for result in results:
        if result.probes:
            shared.setdefault((result.task, result.seed, result.probes), []).append(result.arm)
    return [ProbedArms(task, seed, sources, tuple(arms)) for (task, seed, sources), arms in shared.items()]


def build_probe_notes(results: Iterable[ArmResult]) -> Iterator[str]:
    """What was paid without being right, or had nothing to compare with: each once, with all that it holds for."""
    every = collect_probes(results)
    warned = [(m, words) for m in every for source in m.sources for words in describe_probed_reward(source, NAMED)]
    for words, measured in merge_messages(warned):
        yield f"rewards of {name_places((m.arms, m.task, m.seed) for m in measured)}: WARNING: {words}."
    alone = [
        (m, f"`{source.source}`") for m in every for source in m.sources if source.right is None or source.wrong is None
    ]
    for source_name, measured in merge_messages(alone):
        yield (
            f"rewards of {name_places((m.arms, m.task, m.seed) for m in measured)}: no right answers, or no wrong"
            f" ones, were found to compare {source_name} with. The table shows what answers earn that are made to be"
            " paid without being right; whether it is too much is for you to say."
        )


def build_gap_notes(results: Iterable[ArmResult]) -> Iterator[str]:
    """Where a source of rewards and the strict grade parted, once for each source, with the jobs."""
    parted = [((r.arm,), r.task, r.seed, describe_growing_gap(gap)) for r in results for gap in r.gaps if gap.grows]
    for words, places in merge_messages(((arms, task, seed), words) for arms, task, seed, words in parted):
        yield f"RL of {name_places(places)}: WARNING: {words}."


def build_probe_tables(report: Report) -> Iterator[TextTable]:
    """One table per measurement: rows are sorts of answers, columns are R and the sources."""
    order = {arm.name: i for i, arm in enumerate(report.arms)}
    for probed in collect_probes(sorted(report.results, key=lambda result: order[result.arm])):
        by_source = [_list_pays(source) for source in probed.sources]
        names = {answers: pay.label for pays in by_source for answers, pay in pays.items()}
        sorts = ["right", "wrong", *(kind.name for kind in PROBE_KINDS)]
        rows = [
            (names[answers], *(_cell(pays.get(answers)) for pays in by_source)) for answers in sorts if answers in names
        ]
        columns = ("<answers", *(source.source for source in probed.sources))
        yield TextTable(f"{probed}: what answers earn before RL", columns, tuple(rows))


def _list_pays(source: ProbedReward) -> Mapping[str, Pay]:
    return {pay.answers: pay for pay in (source.right, source.wrong, *source.probes) if pay}


def _cell(pay: Pay | None) -> str:
    if pay is None:
        return ""
    return f"{pay.mean:.2f} [{pay.low:.2f}, {pay.high:.2f}]{MARK if pay.finding else ''}"
