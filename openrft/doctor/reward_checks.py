"""Checks of the rewards: what they give for wrong answers, and whether process rewards rank right answers higher."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from openrft.doctor.subject import Subject
from openrft.doctor.thresholds import skip
from openrft.plugins.hookspecs import Diagnosis, Verdict
from openrft.rewards.fitness import RewardFitness
from openrft.rewards.probed_reward import describe_probed_reward
from openrft.runtime.files import write_jsonl
from openrft.runtime.store import Store
from openrft.stages.context import StageStats
from openrft.stages.probe import probe_rewards
from openrft.stages.reward import BEFORE_RL, collect_plugin_rewards
from openrft.types import Reward, Rollout, to_json


def check_probes(subject: Subject) -> Iterator[Diagnosis]:
    """Whether rewards are given to probes: answers that are not right but look rewarding (rewards/probes.py)."""
    context = subject.context
    if not subject.trains or subject.weights is None:
        yield skip("rewards", "no plugin of this arm runs RL")
        return
    with tempfile.TemporaryDirectory(prefix="openrft-doctor-") as folder:
        own = _write_own(subject, Path(folder) / "own") if context.plugins.rewarding("process") else None
        found = probe_rewards(replace(context, store=Store(Path(folder)), stage_records=[]), own)
    if not found:
        yield skip("rewards", "nothing but the task's own rule pays (or explore.probes=0)")
        return
    named = [pay for source in found for pay in source.named]
    above = any(pay.finding == "above right" for pay in named)
    blind = any(source.separates is False for source in found)
    words = [sentence for source in found for sentence in describe_probed_reward(source)]
    sources = ", ".join(source.source for source in found)
    probes = max(len(source.probes) for source in found)
    yield Diagnosis(
        "rewards",
        "stop" if above else "warn" if named or blind else "ok",
        "; ".join(words) or f"none of {probes} sorts of answers that are not right is paid by {sources}",
        "RL would learn to write these: fix the reward, or raise explore.alpha so that the grade outweighs it."
        if words
        else "",
        float(len(named)),
        1.0,
    )


def _write_own(subject: Subject, folder: Path) -> Path:
    """The policy's own answers with their process rewards, which probes are compared with."""
    folder.mkdir()
    rows = (replace(rollout, rewards=tuple(rewards)) for rollout, rewards in _reward_answers(subject))
    write_jsonl(folder / "rollouts.jsonl", map(to_json, rows))
    return folder / "rollouts.jsonl"


def _reward_answers(subject: Subject) -> list[tuple[Rollout, list[Reward]]]:
    """The policy's answers, each with the process rewards of every plugin; without those that got none."""
    given = collect_plugin_rewards(subject.context, subject.answers, BEFORE_RL, StageStats(), kind="process")
    return [(r, row) for r, row in zip(subject.answers, given, strict=True) if row is not None]


def check_fitness(subject: Subject) -> Iterator[Diagnosis]:
    """Whether process rewards rank right above wrong answers of this policy."""
    names = subject.context.plugins.rewarding("process")
    if not names or not subject.trains:
        yield skip("prm", "no plugin of this arm gives process rewards")
        return
    from openrft.rewards.fitness_statistics import compute_reward_fitness

    pairs = _reward_answers(subject)
    for name in sorted(set.intersection(*({w.name for w in row} for _, row in pairs)) if pairs else ()):
        rewards = [next(w for w in row if w.name == name) for _, row in pairs]
        if all(reward.kind == "process" for reward in rewards):
            yield _judge(compute_reward_fitness(name, "doctor", [r for r, _ in pairs], rewards))


def _judge(found: RewardFitness) -> Diagnosis:
    best, name = found.best, f"prm: {found.source}"
    auroc = best.auroc if best.within is None else best.within
    if auroc is None:
        return skip(name, f"{found.right} of {found.rollouts} answers are right: there is nothing to tell apart")
    high = best.high if best.within is None else best.within_high
    low = best.low if best.within is None else best.within_low
    against = high is not None and high < 0.5
    verdict: Verdict = "stop" if against else "ok" if low is not None and low > 0.5 else "warn"
    interval = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
    return Diagnosis(
        name,
        verdict,
        f"it ranks a right above a wrong answer with AUROC {auroc:.2f}{interval} ({found.mixed} questions with both)",
        ""
        if verdict == "ok"
        else "It ranks wrong answers above right ones: leave it out."
        if against
        else "Not shown to tell right from wrong: `openrft fitness` asks more questions; explore.alpha=1 ignores it.",
        round(auroc, 4),
        0.5,
    )
