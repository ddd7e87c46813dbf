"""What a reader must know of the training behind an accuracy: what RL counted because it must not pass unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from openrft.bench.report import ArmResult

SHARES = {  # explore's count of completions -> what it means; all in `explore.completions`
    "over_context": "not given in RL, as the prompt alone exceeds the policy's context",
    "cut_off": "cut off in RL at the longest length allowed",
    "blank": "without a word in RL",
}
EVENTS = {  # explore's count -> what it means
    "idle_steps": "steps of RL in which all answers, or all to each question, earned the same and taught nothing",
    "exploded_steps": "steps of RL whose loss exploded",
    "unread_steps": "steps of reasoning beyond the reward model's context in RL, which earned nothing",
    "damaged_checkpoints": "damaged checkpoints that RL could not go on from",
}


def training_notes(tasks: Iterable[str], every: Sequence[ArmResult]) -> Iterator[str]:
    """Single lines, for each task those that apply, with the arms."""
    for task in tasks:
        results = [r for r in every if r.task == task]
        for count, words in SHARES.items():
            shares = {arm: n / all_ for arm, n, all_ in _counted(results, count) if n >= 0.005 * all_}
            if shares:
                yield f"{task}: answers {words}: {', '.join(f'{arm} {s:.0%}' for arm, s in shares.items())}."
        for count, words in EVENTS.items():
            events = {arm: n for arm, n, _ in _counted(results, count) if n}
            if events:
                yield f"{task}: {words}: {', '.join(f'{arm} {n:.0f}' for arm, n in events.items())}."


def _counted(results: Sequence[ArmResult], count: str) -> Iterator[tuple[str, float, float]]:
    """(arm, the count, all completions) over the seeds of each arm that explored."""
    for arm in dict.fromkeys(r.arm for r in results):
        mine = [r.metrics for r in results if r.arm == arm]
        n, completions = (sum(m.get(f"explore.{name}") or 0.0 for m in mine) for name in (count, "completions"))
        if completions or n:
            yield arm, n, completions + (n if count == "over_context" else 0)
