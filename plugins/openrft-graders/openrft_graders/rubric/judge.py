"""A judge's verdicts on criteria: one call for each answer, and how its reply is read.

Requests, retries and caching belong to the policy. A reply that cannot be read, or leaves a criterion out, is asked for
once more. Then there is no verdict: a failure is never a no.
"""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import openrft
from openrft import Completion, OpenRFTError, PolicyError, Progress, Sampling
from openrft_graders.model_graders import HOPELESS, SharedPolicy
from openrft_graders.rubric.judging import Judging, build_judge_messages

logger = logging.getLogger(__name__)

ATTEMPTS = 2  # an unreadable reply is asked for once more
WARMER = 0.4  # temperature that is added then, as asking again at 0 would repeat it
OTHER_RUN = 0.7  # lowest temperature of a second run: at 0 a judge agrees with itself, whatever it understands
LONGEST_NUMBER = 10  # digits with blanks; Python reads no number of thousands of digits
_START = re.compile(r"\{")
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge said about one answer."""

    met: tuple[bool, ...] | None  # one for each criterion, in the rubric's order; None = no verdict
    reason: str = ""  # why there is none


class RubricJudge:
    """Asks a policy whether answers meet the criteria of their rubrics."""

    def __init__(self, policy: SharedPolicy, sampling: Sampling) -> None:
        self.policy, self.sampling = policy, sampling
        self._readable = False  # whether any reply could be read so far

    def ask(
        self, judgings: Sequence[Judging], progress: Progress | None = None, run: int = 0, reverse: bool = False
    ) -> list[Verdicts]:
        """Verdicts on each, in order; equal ones are asked about once. Raises OpenRFTError for a judge that cannot be
        reached, or whose replies cannot be read at all.

        `run`: 0, or another number for an independent second opinion (other seeds, a temperature of 0.7 at least).
        `reverse`: show the criteria in reversed order.
        """
        waiting = list(dict.fromkeys(judgings))
        found: dict[Judging, Verdicts] = {}
        for attempt in range(ATTEMPTS):
            if not waiting:
                break
            try:
                replies = self._send(waiting, progress, run, attempt, reverse)
            except PolicyError as fault:
                if not attempt or fault.permanent:
                    raise
                logger.warning("%s: %s", self.policy.spec, fault)  # these keep the reason of their first reply
                break
            for judging, reply in replies.items():
                met, reason = self._read(judging, reply, reverse)
                found[judging] = Verdicts(met, reason)
                self._readable |= met is not None
            # What the server failed to give was retried by the policy, and a longer context cannot be had.
            waiting = [judging for judging in waiting if found[judging].met is None and replies[judging].is_written]
        self._give_up(list(found.values()))
        return [found[judging] for judging in judgings]

    def _send(
        self, judgings: Sequence[Judging], progress: Progress | None, run: int, attempt: int, reverse: bool
    ) -> dict[Judging, Completion]:
        """One reply for each. Those with as many criteria are asked about together, because they share a schema. Raises
        PolicyError if more than half of all are lost."""
        temperature = max(self.sampling.temperature, OTHER_RUN if run else 0.0) + WARMER * attempt
        seed = self.sampling.seed + ATTEMPTS * run + attempt
        by_count: dict[int, list[Judging]] = defaultdict(list)
        for judging in judgings:
            by_count[len(judging.rubric.criteria)].append(judging)
        replies: dict[Judging, Completion] = {}
        lost = 0
        for count, those in sorted(by_count.items(), key=lambda group: -len(group[1])):
            how = replace(self.sampling, temperature=min(temperature, 2.0), seed=seed, json_schema=build_schema(count))
            prompts = [build_judge_messages(judging, _order(count, reverse)) for judging in those]
            try:
                answers = self.policy.open().generate(prompts, how, progress)
            except PolicyError as fault:
                # A policy gives up if more than half of a call fails. Here a call may be about a single answer.
                lost += len(those)
                if fault.permanent or 2 * lost > len(judgings):
                    raise
                answers = [[Completion("", finish_reason="error", error=fault.message)] for _ in those]
            replies |= {judging: reply for judging, (reply,) in zip(those, answers, strict=True)}
        return replies

    def _read(self, judging: Judging, reply: Completion, reverse: bool) -> tuple[tuple[bool, ...] | None, str]:
        count, name = len(judging.rubric.criteria), self.policy.spec
        if reply.finish_reason == "error":
            return None, f"{name}: {reply.error}"
        if reply.finish_reason == "context":
            return None, f"{name}: the answer and its rubric are longer than the judge's context"
        if reply.finish_reason == "length":
            return None, f"{name}: the reply was cut off after {self.sampling.max_tokens} tokens"
        met = read_verdicts(reply.text, count)
        if met is None:
            return None, f"{name}: no verdict on each of {count} criteria in {reply.text[:60]!r}"
        return tuple(met[_order(count, reverse).index(i)] for i in range(count)), ""

    def _give_up(self, found: Sequence[Verdicts]) -> None:
        if not self._readable and len(found) >= HOPELESS:
            raise OpenRFTError(
                f"none of {len(found)} replies can be read. {found[0].reason}.",
                "Give a judge that answers in the form that it is asked for.",
            )


def build_schema(count: int) -> dict[str, Any]:
    """The JSON schema of a reply about `count` criteria: true or false for each number from 1."""
    names = [str(i) for i in range(1, count + 1)]
    return {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in names},
        "required": names,
        "additionalProperties": False,
    }


def read_verdicts(text: str, count: int) -> tuple[bool, ...] | None:
    """The verdicts in a reply, by number; None if one is missing or unclear.

    Thinking is left out. Words around the JSON object do not matter, and neither do other fields in it. A number that
    no criterion has, a number that stands twice, and two objects that differ make the reply unreadable.
    """
    found = {_read_object(pairs, count) for pairs in _list_objects(openrft.strip_thinking(text))}
    return found.pop() if len(found) == 1 else None


def _read_object(pairs: Sequence[tuple[str, Any]], count: int) -> tuple[bool, ...] | None:
    met: dict[int, bool] = {}
    for name, value in pairs:
        if not (name.strip().isascii() and name.strip().isdigit()):
            continue
        if isinstance(value, str):
            value = _YES_NO.get(value.strip().lower())
        number = int(name) if len(name) < LONGEST_NUMBER else 0
        if not isinstance(value, bool) or number in met or not 1 <= number <= count:
            return None
        met[number] = value
    return tuple(met[i] for i in range(1, count + 1)) if len(met) == count else None


def _list_objects(text: str) -> list[list[tuple[str, Any]]]:
    """The JSON objects in a text that have a numbered field, as pairs, so that a field that stands twice is seen."""
    decoder = json.JSONDecoder(object_pairs_hook=list)
    found: list[list[tuple[str, Any]]] = []
    end = 0
    for match in _START.finditer(text):
        if match.start() < end:
            continue
        try:
            pairs, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if any(name.strip().isdigit() for name, _ in pairs):
            found.append(pairs)
    return found


def _order(count: int, reverse: bool) -> list[int]:
    return list(range(count))[:: -1 if reverse else 1]
