"""Metrics of one RL step, as means over its rollouts. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum
from statistics import median

from openrft.grading.thinking import split_steps
from openrft.rewards.combine import CORE_OUTCOME, score_outcome
from openrft.types import Demonstration, Rollout


def compute_step_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Means over the step's rollouts, in the order of the log's columns.

    reward (R), correct, lenient_correct (right in the lenient reading), unparsed, length (tokens); `reward.NAME`, the
    score of each source; `gap.NAME`, the score of each plugin's source minus the strict score, over the graded answers;
    cut_off, the share that ran out of tokens; blank, the share without any text; zero_variance,
    the share of questions whose rollouts all earned the same, among those with several; entropy in nats per token, if
    the policy gives log-probabilities. It is the mean of -log p over the sampled tokens, which is unbiased because they
    were drawn from p.
    """
    n = len(rollouts)
    several = {sample for sample, count in Counter(r.sample.id for r in rollouts).items() if count > 1}
    row = {
        "reward": sum(r.reward or 0.0 for r in rollouts) / n,
        "correct": sum(bool(r.correct) for r in rollouts) / n,
        "lenient_correct": sum(bool(r.lenient_correct) for r in rollouts) / n,
        "unparsed": sum(r.answer is None for r in rollouts) / n,
        "length": sum(len(r.completion.tokens) for r in rollouts) / n,
        "cut_off": sum(r.completion.finish_reason == "length" for r in rollouts) / n,
        "blank": sum(is_blank(r) for r in rollouts) / n,
        "zero_variance": 1 - len(find_samples_with_reward_spread(rollouts)) / len(several) if several else 0.0,
    }
    for r in rollouts:
        for reward in r.rewards:
            name = f"reward.{reward.name}"
            row[name] = row.get(name, 0.0) + (reward.score or 0.0) / n
    row |= _compute_gaps(rollouts)
    logprobs = [p for r in rollouts for p in r.completion.logprobs]
    if logprobs:
        row["entropy"] = -fsum(logprobs) / len(logprobs)
    return row


def _compute_gaps(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """How far each source is above the strict score of the same answers. The core's outcome is that score itself."""
    graded = [r for r in rollouts if r.correct is not None or r.score is not None]
    gaps: dict[str, float] = {}
    for r in graded:
        for reward in r.rewards:
            if reward.name != CORE_OUTCOME:
                gap = (reward.score or 0.0) - score_outcome(r, "strict")
                gaps[f"gap.{reward.name}"] = gaps.get(f"gap.{reward.name}", 0.0) + gap / len(graded)
    return gaps


def is_blank(rollout: Rollout) -> bool:
    """Whether the completion has no text."""
    return not rollout.completion.text.strip()


def has_no_learning_signal(rollouts: Sequence[Rollout], row: Mapping[str, float]) -> bool:
    """Whether no rollout of the step was preferred to another. Either all rollouts earned the same, or those of each
    question did and the trainer, as its `updates` show, did not compare questions with each other."""
    if len(rollouts) > 1 and len({r.reward for r in rollouts}) == 1:
        return True
    return row["zero_variance"] == 1 and not row.get("updates")


def find_samples_with_reward_spread(rollouts: Sequence[Rollout]) -> set[str]:
    """Ids of the samples whose rollouts did not all earn the same. Only these prefer one rollout to another."""
    step_rewards: dict[str, set[float | None]] = {}
    for r in rollouts:
        step_rewards.setdefault(r.sample.id, set()).add(r.reward)
    return {sample for sample, rewards in step_rewards.items() if len(rewards) > 1}


FIRST_COMPLETIONS = 50  # none of so many rewarded: with 95% confidence at most 6% of all would be (rule of three)


def count_first_answers(rollouts: Sequence[Rollout]) -> dict[str, int]:
    """What answers earned before RL could change the policy, as counts of completions.

    first_completions: all. first_unrewarded and first_full: those with an outcome reward of 0 or less, and of 1 or
    more. first_lenient: those that would earn one if the core's outcome reward followed the lenient reading.
    first_single_step: those of at most one step. first_demonstrated: those whose prompt has demonstrations.
    """
    names = ("completions", "unrewarded", "full", "lenient", "single_step", "demonstrated")
    counts = dict.fromkeys((f"first_{name}" for name in names), 0)
    for rollout in rollouts:
        earned = [r for r in rollout.rewards if r.kind == "outcome"]
        outcome = fsum(r.score or 0.0 for r in earned) / len(earned)
        counts["first_completions"] += 1
        counts["first_unrewarded"] += outcome <= 0
        counts["first_full"] += outcome >= 1
        counts["first_lenient"] += earned[0].name == CORE_OUTCOME and score_outcome(rollout, "lenient") > 0
        counts["first_single_step"] += len(split_steps(rollout.completion.text)) <= 1
        counts["first_demonstrated"] += bool(rollout.demonstration_ids)
    return counts


def count_taught_steps(pool: Sequence[Demonstration]) -> int:
    """The steps of reasoning in the solutions that were imitated before RL (median); 0 if none had reasoning."""
    return int(median([len(split_steps(one.trace)) for one in pool if one.trace is not None] or [0]))


def describe_start(counts: Mapping[str, float]) -> list[str]:
    """What of the first answers of RL a user should know before it goes on, one sentence each."""
    return [why for why in (_describe_first_outcomes(counts), _describe_lost_steps(counts)) if why]


def _describe_first_outcomes(counts: Mapping[str, float]) -> str:
    """Why the outcome reward teaches nothing at the start of RL, with advice; empty if it does teach."""
    n = counts.get("first_completions", 0)
    if n and counts["first_unrewarded"] == n:
        words = f"none of the first {n:.0f} answers earned an outcome reward, so there is nothing to learn from it"
        if counts["first_lenient"]:
            share = counts["first_lenient"] / n
            more = f"{share:.0%} of them are right in the lenient reading"
            return f"{words}. {more}: use sft first, or explore.reading=lenient"
        return f"{words}. Use sft first, or easier questions"
    if n and counts["first_full"] == n:
        words = f"all of the first {n:.0f} answers earned the full outcome reward, so there is nothing to learn from it"
        return f"{words}. Use harder questions"
    return ""


def _describe_lost_steps(counts: Mapping[str, float]) -> str:
    """Whether most answers at the start of RL lack the steps that were imitated, with advice; empty if they do not."""
    n, single = counts.get("first_completions", 0), counts.get("first_single_step", 0)
    taught = counts.get("taught_steps", 0)
    if taught < 2 or 2 * single <= n:
        return ""
    words = f"most of the first {n:.0f} answers have one step at most, and the imitated solutions have {taught:.0f}"
    if counts.get("first_demonstrated"):
        return f"{words}. Demonstrations of bare answers can cause it: let them show reasoning, or leave them out"
    return f"{words}. Imitate more solutions, or train sft for more epochs"
