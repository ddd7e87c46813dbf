"""Data augmentation (paper, section 3.1): each question reworded with its meaning kept, its options shuffled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import openrft
from openrft import Policy, Progress, Sample, Sampling, Task
from openrft_augment.checks import changes_numbers, find_fault
from openrft_augment.rewording import build_rewording_messages, drop_duplicates, parse_rewordings
from openrft_augment.shuffling import can_shuffle, shuffle_options

__version__ = "0.1.0"

_DRAWS = 24  # orders drawn before a variant is given up: two options have two orders, and variants must differ
_COUNTS = (
    "questions",
    "made",  # new samples = reworded + filled
    "reworded",
    "filled",  # the original wording with the options in another order, if there were too few rewordings
    "missing",  # left out, because even that would have repeated a sample
    "fixed_order",  # questions whose options refer to their position
    "refused_number",  # rewordings that lost, added or changed a number
    "refused_formula",
    "refused_answer",  # rewordings that gave the answer away
)


class Augment(openrft.Plugin):
    """The plugin `da`. Its samples feed RL, not SFT (paper, section 3)."""

    requires = ("rl",)

    @dataclass(frozen=True)
    class Options(openrft.ModelSettings):
        """What can be set: `da.variants=3` on the command line, `[da]` in a file."""

        variants: int = openrft.option(
            5,
            help="New samples per question: 5 make 600 of 100.",
            source="paper, section 3.1",
            ge=1,
            renamed_from="n",
        )
        rewrite: Literal["auto", "task", "policy", "none"] = openrft.option(
            "auto", help="Who rewords. auto: the task if it can, else the policy. none: the options are only shuffled."
        )
        model: openrft.WeightsPath = openrft.option(
            "", help="The language model that rewords; empty: the policy in training."
        )
        shuffle: bool = openrft.option(
            True, help="Whether each variant's options are shuffled.", source="paper, section 3.1"
        )
        temperature: float = openrft.option(
            0.8, help="Sampling temperature of the rewording model. At 0 all variants of a question are alike.", ge=0
        )
        max_tokens: int = openrft.option(
            1024, help="Most tokens of the rewording model's reply, which holds all rewordings of one question.", ge=1
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.rewrite == "none" and not self.shuffle:
                raise openrft.UsageError(
                    "with rewrite=none and shuffle=false there is nothing to do.", "Set one of them, or leave da out."
                )
            if self.model.lower() == "none":
                raise openrft.UsageError(
                    "model=none names no model.",
                    "Leave it empty so that the policy in training rewords, or use rewrite=none for no rewording.",
                )

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def check_job(self) -> list[str]:
        """A rewording model of its own must fit here."""
        model = self.options.model
        return openrft.find_placement_faults(model, self.options, "da") if model else []

    @openrft.hookimpl
    def augment(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> openrft.HookResult[list[Sample]]:
        """Up to `variants` new samples for each of `samples`; the counts say how they were made."""
        counts = dict.fromkeys(_COUNTS, 0)
        made: list[Sample] = []
        rewordings = self._propose_rewordings(samples, task, policy, seed, progress)
        for done, (sample, texts) in enumerate(zip(samples, rewordings, strict=True), 1):
            made += self._make_variants(sample, self._accept(sample, texts, task, counts), seed, counts)
            progress.update("augment", done, len(samples), f"{len(made)} new")
        counts |= {"questions": len(samples), "made": len(made)}
        summary = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        progress.update("augment", len(samples), len(samples), summary)
        return openrft.HookResult(made, counts)

    def _propose_rewordings(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> list[list[str]]:
        """Proposed rewordings of each sample, from the task or the model that the options name."""
        n, rewrite = self.options.variants, self.options.rewrite
        if rewrite == "task" and task.rewrite is None:
            raise openrft.UsageError(
                f"rewrite=task, but {task.name} brings no rewriter.", "Use rewrite=policy or rewrite=none."
            )
        if rewrite == "none":
            return [[] for _ in samples]
        if self._uses_task_rules(task) and task.rewrite:
            return [drop_duplicates(task.rewrite(sample, n, seed), sample.question) for sample in samples]
        model = self._open() if self.options.model else policy
        sampling = Sampling(1, self.options.temperature, max_tokens=self.options.max_tokens, seed=seed)
        answers = model.generate(
            [build_rewording_messages(sample.question, n) for sample in samples], sampling, progress
        )
        return [
            parse_rewordings(answer.text, sample.question, cut=answer.finish_reason == "length")
            for sample, (answer,) in zip(samples, answers, strict=True)
        ]

    def _open(self) -> Policy:
        settings = self.options.as_policy_settings()
        return openrft.open_policy(self.options.model, settings=settings, owner="da")

    def _uses_task_rules(self, task: Task) -> bool:
        return task.rewrite is not None and self.options.rewrite in ("auto", "task")

    def _accept(self, sample: Sample, texts: Sequence[str], task: Task, counts: dict[str, int]) -> list[str]:
        """The rewordings that keep the question's facts, at most `variants`.

        A task's own rules may write a formula in another way; a changed number is always refused.
        """
        accepted = []
        for text in texts:
            number_fault = "number" if changes_numbers(sample.question, text) else None
            fault = number_fault if self._uses_task_rules(task) else find_fault(sample, text)
            if fault:
                counts[f"refused_{fault}"] += 1
            else:
                accepted.append(text)
        return accepted[: self.options.variants]

    def _make_variants(self, sample: Sample, texts: list[str], seed: int, counts: dict[str, int]) -> list[Sample]:
        """One variant per rewording, then variants of the original wording with other orders until there are enough."""
        rng = random.Random(f"{seed}/{sample.id}")
        shuffles = self.options.shuffle and can_shuffle(sample)
        counts["fixed_order"] += int(self.options.shuffle and sample.kind == "choice" and not shuffles)
        seen = {sample.id, sample.root_id}
        variants: list[Sample] = []
        for place in range(self.options.variants):
            reworded = place < len(texts)
            variant = replace(sample, question=texts[place] if reworded else sample.question, copy_index=0)
            variant = _shuffle_unseen(variant, seen, rng) if shuffles else variant
            if variant.id in seen:
                counts["missing"] += 1
                continue
            seen.add(variant.id)
            variants.append(replace(variant, parent=sample.root_id, created_by="da"))
            counts["reworded" if reworded else "filled"] += 1
        return variants


def _shuffle_unseen(sample: Sample, seen: set[str], rng: random.Random) -> Sample:
    """The sample with shuffled options that is not in `seen`, if a few draws find one."""
    variant = shuffle_options(sample, rng)
    for _ in range(_DRAWS):
        if variant.id not in seen:
            break
        variant = shuffle_options(sample, rng)
    return variant
