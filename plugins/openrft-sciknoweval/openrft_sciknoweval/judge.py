"""Judged answers: the verdict of a judge on each, from the verdict file or asked for now and kept there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openrft
from openrft import DataError, OpenRFTError, Rollout, Sampling, UsageError
from openrft_sciknoweval.rubrics import Rubric, rubric_for
from openrft_sciknoweval.verdicts import Verdict, VerdictFile, key_of

ATTEMPTS = 3  # an unreadable verdict is asked for again, less coldly each time
TOKENS = 2048  # a judge that reasons first needs room
BATCH = 64  # verdicts are kept after each batch, so that a stopped run loses no more


@dataclass(frozen=True, slots=True)
class _Case:
    key: str
    task: str
    rubric: Rubric
    messages: list[dict[str, str]]


class Judge:
    """A policy as a judge, with its verdict file. With `replay` the policy is never asked."""

    def __init__(self, spec: str, file: Path, replay: bool) -> None:
        self._spec, self._file, self._replay = spec, VerdictFile(file), replay
        if replay and not file.is_file():
            raise UsageError(f"sciknoweval.verdicts={file}: there is no such file to replay.", "Judge once without it.")
        # What is misspelled is refused before any time is spent; weights are not loaded for it.
        if not replay and spec.startswith(("openai:", "baseline:")):
            openrft.open_policy(spec)
        elif not replay:
            openrft.checkpoint_path(spec.removeprefix("vllm:"))

    def verdicts(self, rollouts: Sequence[Rollout], progress: Any = None) -> list[Verdict | None]:
        """One a rollout, in order; None for an empty answer, which is not asked about.

        Raises PolicyError if the judge cannot be reached, DataError if a verdict that is to be replayed is missing, and
        OpenRFTError if nothing that the judge says can be read: that tells of the judge and not of the answers.
        """
        cases = [self._case(rollout) if rollout.answer else None for rollout in rollouts]
        known = self._file.read()
        missing = list({case.key: case for case in cases if case and case.key not in known}.values())
        if missing and self._replay:
            raise DataError(
                f"{self._file.path} has no verdict of {self._spec} on {len(missing)} of the answers.",
                "Judge them with a server: leave out sciknoweval.replay.",
            )
        policy = openrft.open_policy(self._spec) if missing else None
        read = any(case and case.key in known and known[case.key].score is not None for case in cases)
        for start in range(0, len(missing), BATCH):
            fresh = _ask(policy, self._spec, missing[start : start + BATCH])
            read = read or any(verdict.score is not None for verdict in fresh)
            if not read:
                raise OpenRFTError(
                    f"none of {len(fresh)} verdicts of {self._spec} can be read; one is {fresh[0].attempts[0][:60]!r}.",
                    "Give a judge that ends with its verdict in the form it is told.",
                )
            self._file.append(fresh)
            known |= {verdict.key: verdict for verdict in fresh}
            if progress is not None:
                progress.update("judge", min(start + BATCH, len(missing)), len(missing))
        return [known[case.key] if case else None for case in cases]

    def _case(self, rollout: Rollout) -> _Case:
        sample, answer = rollout.sample, rollout.answer or ""
        rubric = rubric_for(sample.task.rpartition("/")[2])
        key = key_of(sample.question, sample.answer, answer, self._spec, rubric)
        return _Case(key, sample.task, rubric, rubric.messages(sample.question, sample.answer, answer))


def _ask(policy: Any, spec: str, cases: Sequence[_Case]) -> list[Verdict]:
    said: dict[str, list[str]] = {case.key: [] for case in cases}
    waiting = list(cases)
    for attempt in range(ATTEMPTS):
        how = Sampling(n=1, temperature=0.4 * attempt, max_tokens=TOKENS, seed=attempt)
        answers = policy.generate([case.messages for case in waiting], how)
        for case, (completion,) in zip(waiting, answers, strict=True):
            said[case.key].append(completion.text)
        waiting = [case for case in waiting if case.rubric.read(said[case.key][-1]) is None]
        if not waiting:
            break
    return [_verdict(case, spec, said[case.key]) for case in cases]


def _verdict(case: _Case, spec: str, said: Sequence[str]) -> Verdict:
    return Verdict(case.key, spec, case.task, tuple(said), case.rubric.read(said[-1]))
