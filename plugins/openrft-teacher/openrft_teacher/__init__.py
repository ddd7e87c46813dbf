"""Synthesis by rejection sampling (paper, section 3.2): ask a teacher until the answer is right, at most 64 times.

The teacher is the policy in training (self-distillation), another checkpoint, or an OpenAI-compatible server. In place
of a teacher the rows' own solutions can be imitated (solutions.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import openrft
from openrft import Completion, Policy, Progress, Rollout, Sample, Sampling, Task, box_answer, build_messages
from openrft_teacher.solutions import read_solutions

__version__ = "0.1.0"

_COUNTS = (
    "questions",
    "solved",  # questions with a right completion
    "fallback",  # questions whose target is the bare gold answer
    "left_out",  # questions without a target
    "tries",  # completions drawn
    "right",  # completions that reached the gold answer
    "cut_off",  # completions that ran out of tokens; never used
    "over_context",  # questions too long for the teacher
    "failed_requests",  # completions that the teacher's server failed to give
    "tokens",  # generated, the rejected ones included; 0 for a server, which reports no ids
)


class Teacher(openrft.Plugin):
    """The plugin `teacher`. It changes nothing by itself: its rollouts are what `sft` imitates."""

    changes_nothing_alone = True

    @dataclass(frozen=True)
    class Options(openrft.ModelSettings):
        """What can be set: `teacher.model=...` on the command line, `[teacher]` in a file."""

        model: Literal["self", "solutions"] | openrft.WeightsPath = openrft.option(
            "self",
            help="Who answers: self (the policy in training), another model, as --policy names it, or solutions: nobody"
            " is asked, and the rows' own solutions are imitated.",
        )
        tries: int = openrft.option(64, help="Most completions per question.", source="paper, section 3.2", ge=1)
        first_round: int = openrft.option(
            4,
            help="Completions per question in the first round; each later round doubles it.",
            ge=1,
            renamed_from="round",
        )
        temperature: float = openrft.option(
            0.6, help="Sampling temperature.", source="paper, section 4: the evaluation's", ge=0
        )
        max_tokens: int = openrft.option(
            2048, help="Most tokens of a completion.", source="paper, section 4: the evaluation's", ge=1
        )
        keep: Literal["first", "shortest"] = openrft.option(
            "first", help="Which right completion of a round becomes the target."
        )
        unsolved: Literal["answer", "leave-out"] = openrft.option(
            "answer",
            help="What becomes of a question that no try solved: its bare answer is imitated, or it is left out of"
            " imitation.",
            source="answer: paper, section 3.2",
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.model.lower() in ("", "none"):
                raise openrft.UsageError(
                    f"model={self.model} names no teacher.",
                    "Write self for the policy in training, or a checkpoint or server; without any teacher, leave out"
                    " the plugin and those that need it.",
                )

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def check_job(self) -> list[str]:
        """A teacher of its own must fit here."""
        if self.options.model in ("self", "solutions"):
            return []
        return openrft.find_placement_faults(self.options.model, self.options, "teacher")

    @openrft.hookimpl
    def synthesize(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> openrft.HookResult[list[Rollout]]:
        """A verified rollout for each of `samples`, in order. Where no try was right it is the bare gold answer, whose
        completion has no tokens as no policy wrote it, or with `unsolved=leave-out` there is none.
        """
        if self.options.model == "solutions":
            solved, counts = read_solutions(samples, task)
            return self._make_targets(samples, task, solved, counts, progress)
        own = self.options.model == "self"
        teacher = policy if own else self._open()
        prompts = [build_messages(sample, instruction=task.instruction) for sample in samples]
        solved = {}
        unsolved = list(range(len(samples)))
        counts = dict.fromkeys(_COUNTS, 0)
        for number, size in enumerate(plan_rounds(self.options.tries, self.options.first_round), 1):
            if not unsolved:
                break
            note = f"round {number}: {len(unsolved)} questions, {size} tries each"
            progress.update("synthesize", len(samples) - len(unsolved), len(samples), note)
            sampling = self._make_sampling(size, seed, number)
            groups = teacher.generate([prompts[i] for i in unsolved], sampling, progress)
            for i, group in zip(unsolved, groups, strict=True):
                target = self._pick_target(samples[i], task, group, counts)
                if target:
                    solved[i] = target if own else _drop_tokens(target)
            # More tries do not help a prompt that is longer than the teacher's context.
            beyond = {i for i, group in zip(unsolved, groups, strict=True) if group[0].finish_reason == "context"}
            counts["over_context"] += len(beyond)
            unsolved = [i for i in unsolved if i not in solved and i not in beyond]
        return self._make_targets(samples, task, solved, counts, progress)

    def _make_targets(
        self,
        samples: Sequence[Sample],
        task: Task,
        solved: Mapping[int, Completion],
        counts: dict[str, int],
        progress: Progress,
    ) -> openrft.HookResult[list[Rollout]]:
        """A rollout for each solved sample, by its number, and for the others as `unsolved` says."""
        keeps_all = self.options.unsolved == "answer"
        counts |= {"questions": len(samples), "solved": len(solved)}
        counts["fallback" if keeps_all else "left_out"] = len(samples) - len(solved)
        summary = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        progress.update("synthesize", len(samples), len(samples), summary)
        rollouts = [
            Rollout(
                sample,
                build_messages(sample, instruction=task.instruction),
                solved.get(i) or Completion(box_answer(sample.answer)),
            )
            for i, sample in enumerate(samples)
            if keeps_all or i in solved
        ]
        return openrft.HookResult(rollouts, counts)

    def _open(self) -> Policy:
        settings = self.options.as_policy_settings()
        return openrft.open_policy(self.options.model, settings=settings, owner="teacher")

    def _make_sampling(self, size: int, seed: int, number: int) -> Sampling:
        """The sampling of round `number`, with its own seed, so that it does not repeat an earlier round."""
        own_seed = random.Random(f"{seed}/{number}").getrandbits(31)
        return Sampling(size, self.options.temperature, max_tokens=self.options.max_tokens, seed=own_seed)

    def _pick_target(
        self, sample: Sample, task: Task, group: Sequence[Completion], counts: dict[str, int]
    ) -> Completion | None:
        """The completion of `group` to imitate, if one reached the gold answer."""
        drawn = [completion for completion in group if completion.is_written]
        # A completion that the token budget cut off would teach the policy not to stop.
        ended = [completion for completion in drawn if completion.finish_reason == "stop"]
        right = [completion for completion in ended if task.grade(sample, completion.text).correct]
        counts["tries"] += len(drawn)
        counts["failed_requests"] += sum(completion.finish_reason == "error" for completion in group)
        counts["cut_off"] += len(drawn) - len(ended)
        counts["right"] += len(right)
        counts["tokens"] += sum(len(completion.tokens) for completion in drawn)
        if not right:
            return None
        return right[0] if self.options.keep == "first" else min(right, key=lambda c: len(c.tokens) or len(c.text))


def plan_rounds(tries: int, first: int) -> Iterator[int]:
    """Completions per question in each round: `first`, then twice as many each time, `tries` in total.

    An easy question does not cost a hard one's tries. A question is sampled at most about twice as often as it needed,
    and the number of rounds (each a batch of its own) grows with the logarithm of `tries` only.
    """
    size = first
    while tries > 0:
        size = min(size, tries)
        yield size
        tries -= size
        size *= 2


def _drop_tokens(completion: Completion) -> Completion:
    """Another model's completion: its token ids mean nothing to the policy's tokenizer."""
    return replace(completion, tokens=(), logprobs=())
