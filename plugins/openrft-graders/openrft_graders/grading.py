"""A grader at work on rollouts: as grade, as reward, and as a measure. What was graded once is remembered."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import openrft
from openrft import Grade, HookResult, NoProgress, Progress, Reward, RewardCheck, Rollout, Sample, UsageError
from openrft_graders.case import QUESTION_FIELDS, Case, Score, build_case, build_item
from openrft_graders.grader import Grader, Multi, PythonCode
from openrft_graders.grader_file import open_rubric, read_grader_file
from openrft_graders.options import GraderOptions
from openrft_graders.promptfoo.config import is_config_file
from openrft_graders.promptfoo.grader import AssertionGrader
from openrft_graders.promptfoo.opening import open_assertions
from openrft_graders.response_format import ResponseFormat
from openrft_graders.rubric.criteria import find_rubric_graders, measure_criteria
from openrft_graders.rubric.judge_check import JudgeCheck
from openrft_graders.settings import GraderSettings
from openrft_graders.template import MissingValue

logger = logging.getLogger(__name__)

REMEMBERED = 100_000  # scores that are kept; a run's test answers are graded by several hooks


def open_grader(options: GraderOptions, plugin: str) -> RolloutGrader | None:
    """The grader or rubric that the options of `plugin` name; None if they name neither nor a judge. Raises UsageError
    or DataError."""
    settings = read_settings(options, plugin)
    response_format: ResponseFormat | None = None
    if options.grader is not None:
        if options.rubric is not None:
            raise UsageError(
                f"{plugin}.rubric: a grader is named, too.", 'Leave one out, or write a grader of the type "rubric".'
            )
        path = openrft.expand_path(options.grader, f"{plugin}.grader=")
        grader: Grader
        if is_config_file(path):
            grader = open_assertions(path, settings)
        else:
            grader, response_format = read_grader_file(path, settings)
    elif options.rubric is not None or options.judge is not None:
        file = None if options.rubric is None else openrft.expand_path(options.rubric, f"{plugin}.rubric=")
        grader = open_rubric(file, settings)
    else:
        return None
    check = None
    if rubrics := find_rubric_graders(grader):
        check = JudgeCheck(rubrics, options.second_judge, options.check_answers)
    elif options.second_judge is not None:
        raise UsageError(f"{plugin}.second_judge: only the judge of a rubric is compared.", "Leave it out.")
    return RolloutGrader(grader, plugin, response_format, check)


def read_settings(options: GraderOptions, plugin: str) -> GraderSettings:
    """The settings that the options of `plugin` state."""
    return GraderSettings(
        plugin,
        judge=options.judge,
        embedder=options.embedder,
        synonyms=options.synonyms,
        isolated=options.sandbox == "required",
        seconds=options.seconds,
        memory=options.memory,
        pass_threshold=options.pass_threshold,
        invalid_grade=options.invalid_grade,
    )


@dataclass(slots=True)
class RolloutGrader:
    """A grader for rollouts of a task."""

    grader: Grader
    plugin: str
    response_format: ResponseFormat | None = None
    judge_check: JudgeCheck | None = None  # of a rubric's judge
    _known: dict[str, Score] = field(default_factory=dict)  # by row and completion

    def check_rows(self, samples: Sequence[Sample]) -> list[str]:
        """What the grader needs of a row and some sample lacks: one sentence for each variable."""
        faults = []
        rows = [Case(build_item(sample), {}) for sample in samples]
        for path, variable in self.grader.list_variables():
            if variable.namespace != "item":
                continue
            for sample, case in zip(samples, rows, strict=True):
                try:
                    variable.find(case)
                except MissingValue:
                    fields = ", ".join(case.item)
                    faults.append(
                        f"{self.plugin}.grader: {path}: {{{{ {variable.text} }}}} is not in the row of"
                        f" {sample.question[:40]!r}, which has {fields}."
                    )
                    break
        for rubric in find_rubric_graders(self.grader).values():
            found = next((fault for case in rows if (fault := rubric.find_fault(case))), "")
            faults += [f"{self.plugin}: {found}"] if found else []
        if isinstance(self.grader, AssertionGrader):
            found = next((fault for case in rows if (fault := self.grader.find_fault(case))), "")
            faults += [f"{self.plugin}.grader: {found}"] if found else []
        return faults

    @property
    def needs_gold(self) -> bool:
        """Whether a score may depend on more of a row than its question: by a template, by code that is given the row,
        or by a rubric of each row."""
        if any(v.namespace == "item" and v.steps[:1] not in QUESTION_FIELDS for _, v in self.grader.list_variables()):
            return True
        parts = self.grader.graders.values() if isinstance(self.grader, Multi) else [self.grader]
        without = any(rubric.rubric is None for rubric in find_rubric_graders(self.grader).values())
        return without or any(isinstance(part, PythonCode | AssertionGrader) for part in parts)

    def score(self, rollouts: Sequence[Rollout], progress: Progress | None = None, retry: bool = True) -> list[Score]:
        """One score a rollout, in order. `retry`: grade again what could not be scored before."""
        cases = [build_case(rollout.sample, rollout.completion.text) for rollout in rollouts]
        keys = [_digest(r.sample.id, case.item, r.completion.text) for r, case in zip(rollouts, cases, strict=True)]
        if len(self._known) > REMEMBERED:
            self._known.clear()
        fresh = {
            key: case
            for key, case in zip(keys, cases, strict=True)
            if key not in self._known or (retry and self._known[key].value is None)
        }
        self._known.update(zip(fresh, self._grade(list(fresh.values()), progress or NoProgress()), strict=True))
        return [self._known[key] for key in keys]

    def _grade(self, cases: Sequence[Case], progress: Progress) -> list[Score]:
        """The grader's scores; the lowest mark for answers that do not keep to the response format."""
        faults = [self.find_format_fault(case) for case in cases]
        kept = iter(self.grader.grade([c for c, fault in zip(cases, faults, strict=True) if not fault], progress))
        return [Score(self.grader.range[0], fault) if fault else next(kept) for fault in faults]

    def find_format_fault(self, case: Case) -> str:
        """How an answer breaks the response format; empty if it does not."""
        return self.response_format.find_fault(case.sample["output_json"]) if self.response_format else ""

    def reward(self, rollouts: Sequence[Rollout]) -> HookResult[list[Reward | None]]:
        """The values as outcome rewards; None for an answer without a score."""
        scores = self.score(rollouts)
        rewards = [None if s.value is None else Reward(self.plugin, "outcome", s.value) for s in scores]
        return HookResult(rewards, counts=self._tell_failures(scores))

    def check_judge(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[RewardCheck] | None:
        """How far the judge of a rubric can be relied on; None for other graders."""
        return self.judge_check.run(rollouts, progress) if self.judge_check else None

    def grade(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[list[Grade]]:
        """The scores as grades."""
        scores = self.score(rollouts, progress)
        grades = [self.to_grade(r, s) for r, s in zip(rollouts, scores, strict=True)]
        return HookResult(grades, counts=self._tell_failures(scores))

    def _tell_failures(self, scores: Sequence[Score]) -> dict[str, int]:
        """Log how many answers could not be scored, with the first reason; and count them."""
        failed = [score.reason for score in scores if score.value is None]
        if failed:
            words = f"{len(failed)} of {len(scores)} answers could not be scored"
            logger.warning("%s: %s; the first: %s", self.plugin, words, failed[0])
        return {"not_scored": len(failed)}

    def to_grade(self, rollout: Rollout, score: Score) -> Grade:
        """A score as a Grade: correct from the threshold on, and the value as a share of the grader's range."""
        answer = rollout.answer if rollout.answer is not None else rollout.completion.text
        if score.value is None:
            return Grade(answer, None, reason=score.reason)
        low, high = self.grader.range
        share = min(max((score.value - low) / (high - low), 0.0), 1.0)
        return Grade(answer, score.value >= self.grader.threshold, share, reason=score.reason)

    def measure(self, rollouts: Sequence[Rollout]) -> HookResult[dict[str, float]]:
        """`mean` of the values and `pass_rate`, over the answers that were scored; nothing if none was.

        With a response format, also `valid_format`: the share of answers that keep to it. With a formula, also the mean
        of each grader in it. With a rubric, also how many answers meet each criterion.
        """
        written = [rollout for rollout in rollouts if rollout.completion.is_written]
        scores = self.score(written, retry=False)
        counts = {"not_measured": sum(score.value is None for score in scores)}
        values = [score.value for score in scores if score.value is not None]
        if not values:
            return HookResult({}, counts=counts)
        passed = sum(value >= self.grader.threshold for value in values)
        metrics = {
            f"{self.plugin}.mean": sum(values) / len(values),
            f"{self.plugin}.pass_rate": passed / len(values),
        }
        metrics |= self._measure_parts(scores)
        met = measure_criteria(self.grader, written, scores)
        metrics |= {f"{self.plugin}.share that meets: {label}": share for label, share in met.items()}
        if self.response_format:
            outputs = [build_case(rollout.sample, rollout.completion.text) for rollout in written]
            valid = sum(not self.find_format_fault(case) for case in outputs)
            metrics[f"{self.plugin}.valid_format"] = valid / len(outputs)
        return HookResult(metrics, counts=counts)

    def _measure_parts(self, scores: Sequence[Score]) -> dict[str, float]:
        """The mean of each grader in a formula, over the answers that it scored. One that does not keep to the response
        format reaches none."""
        found: dict[str, list[float]] = {}
        if isinstance(self.grader, Multi):
            for name, part in ((n, p) for score in scores if score.value is not None for n, p in score.parts.items()):
                if part.value is not None:
                    found.setdefault(name, []).append(part.value)
        return {f"{self.plugin}.mean of {name}": sum(values) / len(values) for name, values in found.items()}


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
