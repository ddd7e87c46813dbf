"""The plugin `gepa`: a better instruction, by reflection on the policy's answers to training questions.

GEPA (arXiv 2507.19457) keeps a pool of instructions. It shows one of them with a few graded answers to a language
model, the reflector, which writes a better one. That is kept if it does better on the same few questions, and is then
scored on the validation questions. The search itself is the package gepa's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeAlias

import openrft

if TYPE_CHECKING:
    from gepa import EvaluationBatch

NAME = "instruction"  # of the text that is optimised
FEWEST = 4  # training questions, half of them for validation
GradeAnswers: TypeAlias = Callable[[Sequence[openrft.Rollout]], list[openrft.Rollout]]


class GEPA(openrft.Plugin):
    """Prompt optimisation: GEPA on the training questions only."""

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set gepa.NAME=VALUE`."""

        reflector: openrft.WeightsPath = openrft.option(
            "",
            help="The model that writes instructions: a name, a folder, a hub id, or openai:http://host/v1#model."
            " Empty: the policy itself.",
        )
        metric_calls: int = openrft.option(
            400, help="Answers of the policy to training questions, in all. One more instruction may go beyond.", ge=1
        )
        minibatch: int = openrft.option(
            3, help="Graded answers that the reflector sees at a time.", source="arXiv 2507.19457", ge=1
        )
        reflector_max_tokens: int = openrft.option(2048, help="Most tokens of a reflector's reply.", ge=1)
        reflector_temperature: float = openrft.option(
            1.0, help="Its sampling temperature: at 0 it would propose the same again.", gt=0
        )

    def __init__(self, options: Options) -> None:
        self._options = options

    @openrft.hookimpl
    def check_job(self, task: openrft.Task) -> list[str]:
        """Checks that the reflector can be opened and that there are questions to learn from."""
        if self._options.reflector:
            openrft.fingerprint_policy(self._options.reflector)
        if len(task.train) < FEWEST:
            return [f"{task.name} has {len(task.train)} training questions, and gepa needs {FEWEST}."]
        return []

    @openrft.hookimpl
    def instruct(
        self,
        task: openrft.Task,
        policy: openrft.Policy,
        sampling: openrft.Sampling,
        grade_answers: GradeAnswers,
        seed: int,
        progress: openrft.Progress,
    ) -> openrft.HookResult[str]:
        """The instruction with the highest score on the validation half of the training questions, by the grades of
        this arm. The task's own is among them and wins a tie."""
        import gepa

        samples = list(task.train)
        random.Random(seed).shuffle(samples)
        half = len(samples) // 2
        o = self._options
        reflector = openrft.open_policy(o.reflector) if o.reflector else policy
        search = _Search(task, policy, sampling, grade_answers, o.metric_calls, progress)
        reflection = _Reflection(reflector, o.reflector_temperature, o.reflector_max_tokens, seed, search)
        adapter: Any = search  # gepa's types know no adapter without a proposer of its own
        found: Any = gepa.optimize(
            {NAME: task.instruction},
            samples[:half],
            samples[half:],
            adapter=adapter,
            reflection_lm=reflection,
            reflection_minibatch_size=min(o.minibatch, half),
            max_metric_calls=o.metric_calls,
            logger=_Silence(),
            seed=seed,
        )
        search.raise_fault()
        best = found.candidates[found.best_idx][NAME]
        counts = {
            "tokens": search.tokens + reflection.tokens,
            "answers": search.answers,
            "answers_not_graded": search.not_graded,
            "reflections": reflection.asked,
            "reflections_without_reply": reflection.lost,
            "instructions": len(found.candidates),
        }
        scores = found.val_aggregate_scores
        metrics = {"validation_start": float(scores[0]), "validation_best": float(scores[found.best_idx])}
        return openrft.HookResult(best, counts, metrics)


class _Search:
    """What gepa asks: answers to questions under an instruction with their scores, and what a reflector is shown."""

    propose_new_texts = None  # gepa's own way

    def __init__(
        self,
        task: openrft.Task,
        policy: openrft.Policy,
        sampling: openrft.Sampling,
        grade_answers: GradeAnswers,
        total: int,
        progress: openrft.Progress,
    ) -> None:
        self._policy, self._sampling, self._grade_answers = policy, sampling, grade_answers
        self._total, self._progress = total, progress
        self.answers = self.tokens = self.not_graded = 0
        self.instruction = task.instruction  # the one that was tried last
        self.fault: Exception | None = None  # of the reflector: gepa goes on after it

    def raise_fault(self) -> None:
        """Raise what the reflector failed with: a search that could not go on has no result."""
        if self.fault:
            raise self.fault

    def evaluate(
        self, batch: list[openrft.Sample], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[openrft.Rollout, openrft.Rollout]:
        """Answers with scores in [0, 1]. The same instruction and questions get the same answers.

        An answer that a judge failed to grade gets the mean of the others, so that it says nothing: gepa compares sums.
        Raises PolicyError for answers that a server failed to give, and where none could be graded; and what the
        reflector failed with.
        """
        from gepa import EvaluationBatch

        self.raise_fault()
        self.instruction = candidate[NAME]
        prompts = [openrft.build_messages(sample, (), candidate[NAME]) for sample in batch]
        groups = self._policy.generate(prompts, replace(self._sampling, n=1), None)
        if failed := [completion.error for (completion,) in groups if completion.finish_reason == "error"]:
            raise openrft.PolicyError(
                f"{len(failed)} of {len(groups)} answers could not be had, and an instruction cannot be judged without"
                f" them; the first: {failed[0]}",
                "Give the same command again.",
            )
        answers = self._grade_answers(
            [
                openrft.Rollout(sample, tuple(messages), completion)
                for sample, messages, (completion,) in zip(batch, prompts, groups, strict=True)
            ]
        )
        self.tokens += sum(len(completion.tokens) for group in groups for completion in group)
        self.answers += len(batch)
        self._progress.update("gepa", min(self.answers, self._total), self._total)
        scores = [_find_score(answer) for answer in answers]
        known = [score for score in scores if score is not None]
        if not known:
            raise openrft.PolicyError(
                f"none of {len(answers)} answers could be graded, and an instruction cannot be judged without them; the"
                f" first: {answers[0].reason or 'no rule can grade it, and no plugin did'}",
                "Name a grader of this task's answers (the plugin graders), or leave gepa out.",
            )
        self.not_graded += len(scores) - len(known)
        mean = fmean(known)
        filled = [mean if score is None else score for score in scores]
        return EvaluationBatch(answers, filled, answers if capture_traces else None)

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],
        eval_batch: EvaluationBatch[openrft.Rollout, openrft.Rollout],
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The answers that have a grade, each with what is wrong with it."""
        rows = [
            {"Inputs": openrft.format_question(a.sample), "Generated Outputs": a.completion.text, "Feedback": words}
            for a in eval_batch.trajectories or []
            if (words := _explain(a))
        ]
        return dict.fromkeys(components_to_update, rows)


class _Reflection:
    """The reflector as a function from a prompt to a reply. A reply that was not written proposes no change."""

    def __init__(self, policy: openrft.Policy, temperature: float, max_tokens: int, seed: int, search: _Search) -> None:
        self._policy, self._search = policy, search
        self._sampling = openrft.Sampling(1, temperature, max_tokens=max_tokens, seed=seed)
        self.asked = self.lost = self.tokens = 0

    def __call__(self, prompt: str | list[dict[str, Any]]) -> str:
        self._search.raise_fault()  # gepa asks once more after an error
        sampling = replace(self._sampling, seed=self._sampling.seed + self.asked)
        self.asked += 1
        try:
            ((reply,),) = self._policy.generate([[{"role": "user", "content": str(prompt)}]], sampling)
        except Exception as fault:
            self._search.fault = fault
            raise
        self.tokens += len(reply.tokens)
        text = openrft.strip_thinking(reply.text).strip()
        if not text:
            self.lost += 1
            return f"```\n{self._search.instruction}\n```"
        return text


class _Silence:
    """gepa's log goes nowhere: the bench has its own."""

    def log(self, message: str) -> None: ...


def _find_score(answer: openrft.Rollout) -> float | None:
    if answer.score is not None or answer.correct is None:
        return answer.score
    return float(answer.correct)


def _explain(answer: openrft.Rollout) -> str:
    """What a reflector is told of a graded answer; empty for one without a grade."""
    if answer.correct is None:
        return ""
    if answer.score is not None:  # of a grader: how right it is, and why
        words = f"The answer scores {answer.score:.2f} of 1 ({answer.reason})"
    elif answer.correct:
        return "The answer is right."
    elif answer.answer is None:
        words = f"No final answer can be read ({answer.reason})"
    else:
        words = f"The answer {answer.answer} is wrong"
    right = f" The right answer is {_describe_gold(answer.sample)}." if answer.sample.answer else ""
    return f"{words}.{right}"


def _describe_gold(sample: openrft.Sample) -> str:
    return f"{sample.answer} ({sample.gold})" if sample.options else sample.answer
