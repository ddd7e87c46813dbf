"""What a reader must know of the training of the arms, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from openrft.bench.grouped_notes import say_of_arms
from openrft.bench.hacking import build_gap_notes, build_probe_notes
from openrft.bench.report import ArmResult
from openrft.stages.rl_metrics import describe_start

SHARES = {  # explore's count of completions -> what it means; all in `explore.completions`
    "over_context": "not given in RL, as the prompt alone exceeds the policy's context",
    "failed_requests": "not given in RL, as the server failed",
    "unrewarded": "left out of RL, as what grades them failed",
    "cut_off": "cut off in RL at the longest length allowed",
    "cut_off_thinking": "cut off in RL at that length inside the thought, before any answer",
    "blank": "without a word in RL",
}
EVENTS = {  # explore's count -> what it means
    "idle_steps": "steps of RL in which all answers, or all to each question, earned the same and taught nothing",
    "exploded_steps": "steps of RL whose loss exploded",
    "unread_steps": "steps of reasoning beyond the reward model's context in RL, which earned nothing",
    "damaged_checkpoints": "damaged checkpoints from which RL could not continue",
}


def build_training_notes(tasks: Iterable[str], every: Sequence[ArmResult]) -> Iterator[str]:
    """One line for each caveat of training that applies, with the tasks and the arms."""
    by_task = {task: [r for r in every if r.task == task] for task in tasks}
    for count, words in SHARES.items():
        shares = {
            task: {arm: n / all_ for arm, n, all_ in _count_events(results, count) if n >= 0.005 * all_ > 0}
            for task, results in by_task.items()
        }
        yield from say_of_arms(f"answers {words}", shares, "{:.0%}".format)
    for count, words in EVENTS.items():
        events = {
            task: {arm: n for arm, n, _ in _count_events(results, count) if n} for task, results in by_task.items()
        }
        yield from say_of_arms(words, events, "{:.0f}".format)
    for task, results in by_task.items():
        yield from _describe_first_answers(task, results)
    measured = [r for results in by_task.values() for r in results]
    yield from build_probe_notes(measured)
    yield from build_gap_notes(measured)


def _describe_first_answers(task: str, results: Sequence[ArmResult]) -> Iterator[str]:
    """What was wrong with the first answers of RL, with the arms and seeds."""
    where: dict[str, dict[str, list[int]]] = {}  # what was seen -> arm -> its seeds
    for result in results:
        counts = {name.removeprefix("explore."): n or 0.0 for name, n in result.metrics.items()}
        for why in describe_start(counts):
            where.setdefault(why, {}).setdefault(result.arm, []).append(result.seed)
    several = len({result.seed for result in results}) > 1
    for why, arms in where.items():
        named = (f"{arm} (seed {', '.join(map(str, seeds))})" if several else arm for arm, seeds in arms.items())
        yield f"{task}, RL of {', '.join(named)}: {why}."


def _count_events(results: Sequence[ArmResult], count: str) -> Iterator[tuple[str, float, float]]:
    """(arm, the count, all completions) over the seeds of each arm that had RL."""
    for arm in dict.fromkeys(r.arm for r in results):
        mine = [r.metrics for r in results if r.arm == arm]
        n, completions = (sum(m.get(f"explore.{name}") or 0.0 for m in mine) for name in (count, "completions"))
        if completions or n:
            yield arm, n, completions + (n if count in ("over_context", "failed_requests") else 0)
