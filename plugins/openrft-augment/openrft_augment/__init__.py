"""Data augmentation (paper, section 3.1): each question reworded with its meaning kept, its options shuffled."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import openrft
from openrft import Sample, Sampling, Task
from openrft_augment.facts import changes_numbers, fault_of
from openrft_augment.rewording import distinct, parse, request
from openrft_augment.shuffle import movable, shuffled

__version__ = "0.1.0"

# Orders drawn before a copy is given up: two options have two orders, and copies must differ.
_DRAWS = 24
_COUNTS = (
    "questions",
    "made",  # new samples = reworded + filled
    "reworded",
    "filled",  # the original wording with other options' order, for want of rewordings
    "missing",  # not even that: it would have repeated a sample
    "fixed_order",  # questions whose options speak of their place
    "refused_number",  # rewordings that lost, added or changed a number
    "refused_formula",
    "refused_answer",  # rewordings that gave the answer away
)


class Augment:
    """The plugin `da`. Its samples feed RL, not SFT (paper, section 3)."""

    needs = ("rl",)

    @dataclass(frozen=True)
    class Options:
        """What can be set: `da.n=3` on the command line, `[da]` in a file."""

        n: int = 5  # new samples a question: 100 become 600 (paper, section 3.1)
        rewrite: Literal["auto", "task", "policy", "none"] = "auto"  # who rewords; auto = the task if it can
        model: str = ""  # another language model that rewords, as `open_policy` takes it; "" = the policy itself
        shuffle: bool = True  # shuffle the options of each copy independently (paper, section 3.1)
        temperature: float = 0.8  # of the rewording model; the paper gives none, copies must differ
        max_tokens: int = 1024  # of the rewording model's answer: n rewordings of one question

    def __init__(self, options: Options) -> None:
        if options.n < 1:
            raise openrft.UsageError(f"da: n is {options.n}.", "Ask for at least 1 new sample a question.")
        if options.max_tokens < 1 or options.temperature < 0:
            raise openrft.UsageError(
                f"da: max_tokens is {options.max_tokens} and temperature {options.temperature}.",
                "They must be at least 1 and 0.",
            )
        if options.rewrite == "none" and not options.shuffle:
            raise openrft.UsageError(
                "da: with rewrite=none and shuffle=false there is nothing to do.", "Set one of them, or leave da out."
            )
        self.options = options
        self.counts: Mapping[str, int] = {}  # what the last call did; the core reports it

    @openrft.hookimpl
    def augment(self, samples: Sequence[Sample], task: Task, policy: Any, seed: int, progress: Any) -> list[Sample]:
        """Up to `n` new samples for each of `samples`; `counts` says how they came about."""
        counts = dict.fromkeys(_COUNTS, 0)
        made: list[Sample] = []
        wordings = self._wordings(samples, task, policy, seed, progress)
        for done, (sample, texts) in enumerate(zip(samples, wordings, strict=True), 1):
            made += self._copies(sample, self._accepted(sample, texts, task, counts), seed, counts)
            progress.update("augment", done, len(samples), f"{len(made)} new")
        counts |= {"questions": len(samples), "made": len(made)}
        self.counts = counts
        said = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        progress.update("augment", len(samples), len(samples), said)
        return made

    def _wordings(
        self, samples: Sequence[Sample], task: Task, policy: Any, seed: int, progress: Any
    ) -> list[list[str]]:
        """Proposed rewordings of each sample, from whoever the options name."""
        n, rewrite = self.options.n, self.options.rewrite
        if rewrite == "task" and task.rewrite is None:
            raise openrft.UsageError(
                f"da: rewrite=task, but {task.name} brings no rewriter.", "Use rewrite=policy or rewrite=none."
            )
        if rewrite == "none":
            return [[] for _ in samples]
        if self._by_rule(task) and task.rewrite:
            return [distinct(task.rewrite(sample, n, seed), sample.question) for sample in samples]
        model = openrft.open_policy(self.options.model) if self.options.model else policy
        sampling = Sampling(1, self.options.temperature, max_tokens=self.options.max_tokens, seed=seed)
        answers = model.generate([request(sample.question, n) for sample in samples], sampling, progress)
        return [
            parse(answer.text, sample.question, cut=answer.finish == "length")
            for sample, (answer,) in zip(samples, answers, strict=True)
        ]

    def _by_rule(self, task: Task) -> bool:
        return task.rewrite is not None and self.options.rewrite in ("auto", "task")

    def _accepted(self, sample: Sample, texts: Sequence[str], task: Task, counts: dict[str, int]) -> list[str]:
        """The rewordings that leave the question's facts alone, at most `n`.

        A task's own rules may write a formula in another way; a changed number is refused from anybody.
        """
        accepted = []
        for text in texts:
            by_rule = "number" if changes_numbers(sample.question, text) else None
            fault = by_rule if self._by_rule(task) else fault_of(sample, text)
            if fault:
                counts[f"refused_{fault}"] += 1
            else:
                accepted.append(text)
        return accepted[: self.options.n]

    def _copies(self, sample: Sample, texts: list[str], seed: int, counts: dict[str, int]) -> list[Sample]:
        """One copy a rewording, then copies with the original wording and other orders until there are `n`."""
        rng = random.Random(f"{seed}/{sample.id}")
        mixes = self.options.shuffle and movable(sample)
        counts["fixed_order"] += int(self.options.shuffle and sample.kind == "choice" and not mixes)
        seen = {sample.id, sample.root}
        copies: list[Sample] = []
        for place in range(self.options.n):
            reworded = place < len(texts)
            copy = replace(sample, question=texts[place] if reworded else sample.question, copy=0)
            copy = _unseen(copy, seen, rng) if mixes else copy
            if copy.id in seen:
                counts["missing"] += 1
                continue
            seen.add(copy.id)
            copies.append(replace(copy, parent=sample.root, via="da"))
            counts["reworded" if reworded else "filled"] += 1
        return copies


def _unseen(sample: Sample, seen: set[str], rng: random.Random) -> Sample:
    """A shuffled copy that is not in `seen`, if a few draws find one."""
    copy = shuffled(sample, rng)
    for _ in range(_DRAWS):
        if copy.id not in seen:
            break
        copy = shuffled(sample, rng)
    return copy
