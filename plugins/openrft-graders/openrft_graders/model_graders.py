"""Graders that ask a model: score_model for a number, label_model for a label.

The model may be any policy that OpenRFT opens. A server is asked for JSON of a schema (`response_format`); every model
is also told the form in words, so a local checkpoint can answer. A reply that cannot be read is asked for again, and
then the answer is not scored. A judge of which no reply can be read is given up.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import openrft
from openrft import Message, OpenRFTError, Policy, PolicyError, Progress, Sampling
from openrft_graders.case import Case, Score, read_json
from openrft_graders.faults import join
from openrft_graders.finite import read_finite
from openrft_graders.grader import lowest_score
from openrft_graders.template import MissingValue, Template, Variable

logger = logging.getLogger(__name__)

Role: TypeAlias = Literal["system", "user", "assistant"]

ATTEMPTS = 3  # an unreadable reply is asked for again, each time with more temperature
HOPELESS = 8  # answers with unreadable replies, and none with a readable one, after which a judge is given up
_NUMBER = re.compile(r"[*`]*(?:[A-Za-z][\w ]*[:=])?[\s*`]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[\s*`.]*")
_SCORE_FORM = (
    'Reply with a JSON object: {{"steps": [{{"description": "...", "conclusion": "..."}}], "result": NUMBER}}, where'
    " the result is from {low:g} to {high:g}."
)
_LABEL_FORM = 'Reply with a JSON object: {{"steps": [...], "result": LABEL}}, where the label is one of {labels}.'


class SharedPolicy:
    """A policy that several graders ask. It is opened at the first question."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self._policy: Policy | None = None

    def open(self) -> Policy:
        """The policy. Raises OpenRFTError if it cannot be opened."""
        if self._policy is None:
            self._policy = openrft.open_policy(self.spec)
        return self._policy


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a model grader's input."""

    role: Role
    content: Template


@dataclass(frozen=True, slots=True)
class ModelGrader:
    """A grader that asks a model. With labels it gives 1 for a passing label and 0 for another; else a number."""

    input: tuple[Turn, ...]
    policy: SharedPolicy
    sampling: Sampling
    range: tuple[float, float] = (0.0, 1.0)
    threshold: float = 1.0
    labels: tuple[str, ...] = ()
    passing_labels: tuple[str, ...] = ()
    _known: dict[str, Score] = field(default_factory=dict, compare=False, repr=False)  # by what was asked
    _unreadable: set[str] = field(default_factory=set, compare=False, repr=False)  # what was asked in vain

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """See `Grader`."""
        for i, turn in enumerate(self.input):
            for variable in turn.content.variables:
                yield f"{join(path, 'input')}[{i}].content", variable

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`. Equal questions are asked once."""
        found: list[Score | str] = []
        waiting: dict[str, list[Message]] = {}
        for case in cases:
            try:
                messages = self.build_messages(case)
            except MissingValue as fault:
                found.append(lowest_score(fault, self.range[0]))
                continue
            key = hashlib.sha256(json.dumps(messages).encode()).hexdigest()
            found.append(key)
            if key not in self._known:
                waiting[key] = messages
        fresh = self._ask(waiting, progress)
        # A failure is not kept: the next call asks again.
        self._known.update({key: score for key, score in fresh.items() if score.value is not None})
        return [row if isinstance(row, Score) else fresh.get(row) or self._known[row] for row in found]

    def build_messages(self, case: Case) -> list[Message]:
        """What the model is asked about a case. Raises MissingValue."""
        messages = [{"role": turn.role, "content": turn.content.render(case)} for turn in self.input]
        if messages[-1]["role"] == "user":
            messages[-1] = {"role": "user", "content": f"{messages[-1]['content']}\n\n{self._form}"}
        else:
            messages.append({"role": "user", "content": self._form})
        return messages

    @property
    def _form(self) -> str:
        if self.labels:
            return _LABEL_FORM.format(labels=", ".join(map(json.dumps, self.labels)))
        return _SCORE_FORM.format(low=self.range[0], high=self.range[1])

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of a reply."""
        text = {"type": "string"}
        step = _object({"description": text, "conclusion": text})
        result = {"type": "string", "enum": list(self.labels)} if self.labels else {"type": "number"}
        return _object({"steps": {"type": "array", "items": step}, "result": result})

    def _ask(self, waiting: Mapping[str, list[Message]], progress: Progress | None) -> dict[str, Score]:
        found: dict[str, Score] = {}
        left = dict(waiting)
        for attempt in range(ATTEMPTS):
            if not left:
                break
            warmer = min(self.sampling.temperature + 0.4 * attempt, 2.0)
            seed = self.sampling.seed + attempt
            how = replace(self.sampling, temperature=warmer, seed=seed, json_schema=self.schema)
            try:
                answers = self.policy.open().generate(list(left.values()), how, progress)
            except PolicyError as fault:
                if not attempt or fault.permanent:
                    raise
                logger.warning("%s: %s", self.policy.spec, fault)  # these keep the reason of their first reply
                break
            for key, (completion,) in zip(list(left), answers, strict=True):
                if completion.finish_reason in ("error", "context"):
                    words = completion.error or "the question is longer than the model's context"
                    found[key] = Score(None, f"{self.policy.spec}: {words}")
                    del left[key]
                    continue
                score = self.read_reply(completion.text)
                found[key] = score or Score(None, f"{self.policy.spec}: unreadable: {completion.text[:60]!r}")
                if score:
                    del left[key]
        self._unreadable.update(left)
        readable = self._known or any(score.value is not None for score in found.values())
        if not readable and len(self._unreadable) >= HOPELESS:
            raise OpenRFTError(
                f"none of {len(self._unreadable)} replies of {self.policy.spec} can be read; one is"
                f" {next(found[key].reason for key in left)}.",
                "Give a model that answers in the form that it is asked for.",
            )
        return found

    def read_reply(self, text: str) -> Score | None:
        """The score that a reply states; None if it cannot be read. A number outside of the range is cut to it."""
        text = openrft.strip_thinking(text).strip()
        result = _find_result(text)
        if self.labels:
            label = text.strip("\"'*. ") if result is None else result
            known = [
                own for own in self.labels if isinstance(label, str) and own.casefold() == label.strip().casefold()
            ]
            return Score(float(known[0] in self.passing_labels), f"label {known[0]}") if known else None
        number = _read_number(text.splitlines()[-1] if text and result is None else result)
        if number is None:
            return None
        low, high = self.range
        return Score(min(max(number, low), high), f"model {number:g}")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _find_result(text: str) -> Any:
    """`result` of the JSON object that the text is or ends with; None without one."""
    starts = [0, *(match.start() for match in re.finditer(r"\{", text))][-50:]
    for start in dict.fromkeys([0, *starts]):
        end = text.rfind("}") + 1
        value = read_json(text[start:end]) if end > start else None
        if isinstance(value, dict) and value.get("result") is not None:
            return value["result"]
    return None


def _read_number(value: Any) -> float | None:
    """A number, or that of a text which says no more than `Score: 4`."""
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value.strip())
        value = float(found[1]) if found else None
    return read_finite(value)
