"""Probe: reward, before RL, answers that are made to be paid without being right, and name those that are.

They go the way of real rollouts: the task's rule and the plugins that grade, the rewards of every plugin, and R. If a
reward changes with the step, it is also tried as it is at the last step. The questions are originals of the train split
without demonstrations, so arms with the same rewards that start from the same policy share the measurement. Nothing
that follows depends on it.
"""

from __future__ import annotations

import functools
import json
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from openrft.config.documents import read_value
from openrft.errors import StoreError
from openrft.grading.grade import apply_grade, grade
from openrft.rewards.combine import CORE_OUTCOME
from openrft.rewards.probed_reward import OWN, ProbedReward, R, describe_probed_reward
from openrft.rewards.probes import PROBES_BY_NAME, YARDSTICK, make_probes
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import call_grade_hooks
from openrft.stages.reward import BEFORE_RL, call_reward_hooks, combine_rewards
from openrft.tasks.prompt import build_messages
from openrft.tasks.task import Grader, Task
from openrft.types import Completion, Rollout, Sample, digest_samples, rollout_from_json, to_json

logger = logging.getLogger(__name__)

VERSION = 2
FINDINGS_FILE = "probes.json"
WORDS_PER_TOKEN = 0.6  # so that the very long answer fits into explore.max_tokens
MOST_WORDS = 1000  # of the very long answer: no judge needs more to show whether length pays

Scored = Sequence[tuple[str, Rollout]]  # (sort of answer, rewarded rollout)


def probe_rewards(context: JobContext, own_rollouts: Path | None) -> tuple[ProbedReward, ...]:
    """The findings on R and on each source. Empty without RL, with explore.probes=0, or if nothing but the harness's
    own rule pays.

    `own_rollouts`: graded and rewarded rollouts of the policy, from measuring fitness, to compare with.
    """
    if not _is_needed(context):
        return ()
    asked = _draw_questions(context)
    explore = context.job.settings.explore
    hooks = [name for hook in ("grade", "reward") for name in context.plugins.implementing(hook)]

    def make(folder: Path, stats: StageStats) -> None:
        from openrft.rewards.probe_statistics import compute_probed_reward

        probed, late = _reward_probes(context, asked, stats)
        scores = collect_scores([*probed, *_reward_own(context, own_rollouts)])
        if late:
            scores |= {f"{source} at the last step": by_sort for source, by_sort in collect_scores(late).items()}
        found = [compute_probed_reward(source, context.policy.id, by_sort) for source, by_sort in scores.items()]
        for words in (sentence for source in found for sentence in describe_probed_reward(source)):
            logger.warning("before RL: %s.", words)
        (folder / FINDINGS_FILE).write_text(json.dumps([asdict(f) for f in found], indent=1), encoding="utf-8")
        write_jsonl(folder / "rollouts.jsonl", ({"probe": sort, **to_json(rollout)} for sort, rollout in probed))

    inputs = {
        "samples": digest_samples(asked),
        "others": sorted({sample.answer for sample in context.task.train}),
        "instruction": context.task.instruction,
        "settings": [explore.alpha, explore.effective_aggregation, explore.credit, explore.reading, explore.max_tokens],
        "last_step": explore.steps - 1,
        "policy": context.policy.id,
        "own": own_rollouts.parent.name if own_rollouts else None,
        "seed": context.job.seed,
        "plugins": context.identity(dict.fromkeys(hooks)),
    }
    result = context.run_stage("probe", VERSION, inputs, make)
    rows = json.loads((result.folder / FINDINGS_FILE).read_text("utf-8"))
    found, faults = read_value(tuple[ProbedReward, ...], rows, "ignore")
    if faults:
        raise StoreError(f"{result.folder / FINDINGS_FILE}: {faults[0]}.", "Delete this folder and run again.")
    probed: tuple[ProbedReward, ...] = found
    return probed


def _is_needed(context: JobContext) -> bool:
    explore, plugins = context.job.settings.explore, context.plugins
    if not explore.probes or not (plugins.trainers_for("explore") or plugins.trainers_for("explore_stage")):
        return False
    more = plugins.implementing("reward") or plugins.implementing("grade")
    return bool(more or explore.reading == "lenient" or not _is_core_rule(context.task.grade))


def _is_core_rule(grader: Grader) -> bool:
    """Whether only the harness's own grader decides, with whatever rules."""
    return (grader.func if isinstance(grader, functools.partial) else grader) is grade


def _draw_questions(context: JobContext) -> list[Sample]:
    train = context.task.train
    draw = random.Random(derive_seed(context.job.seed, "probes"))
    return draw.sample(train, min(context.job.settings.explore.probes, len(train)))


def _reward_probes(context: JobContext, asked: Sequence[Sample], stats: StageStats) -> tuple[Scored, Scored]:
    """Every probe with its grade and rewards, before RL and at its last step. What could not be rewarded is left out
    and counted. Nothing at the last step if no reward has changed by then."""
    how, encode = context.job.settings.explore, context.policy.load_trainable("reinforcement learning").encode_target
    names, written = write_probes(context.task, asked, how.max_tokens, context.job.seed, encode)
    graded = call_grade_hooks(context.plugins, written, context.training_task, context.progress, stats)
    seed = derive_seed(context.job.seed, "reward", BEFORE_RL, "probes")
    given, late = (
        call_reward_hooks(context.plugins, graded, context.training_task, step, seed, stats)
        for step in (BEFORE_RL, how.steps - 1)
    )
    scored = pair_with_names(names, combine_rewards(how, graded, given))
    stats.count("probes", len(scored))
    stats.count("unrewarded", len(names) - len(scored))
    return scored, pair_with_names(names, combine_rewards(how, graded, late)) if late != given else ()


def write_probes(
    task: Task, samples: Iterable[Sample], max_tokens: int, seed: int, encode: Callable[[str], Sequence[int]]
) -> tuple[list[str], list[Rollout]]:
    """(names, rollouts) of the probes to these questions, graded by the task's rule.

    A wrong answer that the rule takes for right is left out. One that it leaves open is wrong because it is another
    question's answer: to ask the very judge that is probed would hide what moves it.
    """
    names, rollouts = [], []
    words = min(MOST_WORDS, round(WORDS_PER_TOKEN * max_tokens))
    for sample in samples:
        messages = build_messages(sample, (), task.instruction)
        others = [other.answer for other in task.train if other.kind == sample.kind]
        for probe in make_probes(sample, messages, others, task.grade, words, seed):
            verdict = task.grade(sample, probe.text)
            if PROBES_BY_NAME[probe.name].verdict != "wrong" or verdict.correct is not True:
                completion = Completion(probe.text, tuple(encode(probe.text)))
                names.append(probe.name)
                rollouts.append(apply_grade(Rollout(sample, messages, completion), verdict))
    return names, rollouts


def pair_with_names(names: Sequence[str], rewarded: Sequence[Rollout | None]) -> Scored:
    """The probes that were rewarded. A right answer that is graded as wrong and earns nothing, such as in a form that
    the task does not read, is no yardstick. One that earns a part is: graders of partial marks may call it wrong."""
    return [
        (name, rollout)
        for name, rollout in zip(names, rewarded, strict=True)
        if rollout is not None and not (name == YARDSTICK and rollout.correct is False and not rollout.score)
    ]


def _reward_own(context: JobContext, file: Path | None) -> Iterator[tuple[str, Rollout]]:
    """The policy's own right and wrong answers, with R."""
    if file is None:
        return
    rollouts = [rollout_from_json(row) for row in read_jsonl(file)]
    graded = [rollout for rollout in rollouts if rollout.correct is not None]
    for rollout in combine_rewards(context.job.settings.explore, graded, [list(rollout.rewards) for rollout in graded]):
        if rollout is not None:
            yield "right" if rollout.correct else "wrong", rollout


def collect_scores(scored: Scored) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Source -> sort of answer -> (question, score) of each answer. R first.

    R of the policy's own answers is left out if they lack a source that the probes have: it would be another R.
    """
    by_source: dict[str, dict[str, list[tuple[str, float]]]] = {R: {}}
    for sort, rollout in scored:
        for source, score in _list_scores(rollout).items():
            by_source.setdefault(source, {}).setdefault(sort, []).append((rollout.sample.root_id, score))
    if not all({*OWN} & {*sorts} for sorts in by_source.values()):
        for sort in OWN:
            by_source[R].pop(sort, None)
    if len(by_source) == 2 and len({str(sorts) for sorts in by_source.values()}) == 1:
        del by_source[R]  # it is the only source
    return by_source


def _list_scores(rollout: Rollout) -> dict[str, float]:
    """R and the score of each plugin's source. The core's own outcome is the grade itself, so it is none."""
    rewards = rollout.rewards[1:] if rollout.rewards[0].name == CORE_OUTCOME else rollout.rewards
    return {R: rollout.reward or 0.0, **{reward.name: reward.score or 0.0 for reward in rewards}}
