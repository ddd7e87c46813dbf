"""What a grader sees of one answer, the namespaces `item` and `sample`, and the score it gives.

`sample` has the fields of OpenAI's graders, and `final_answer`: the answer that the completion ends with, as
`openrft.final_answer` reads it. Local models write tool calls into their text; those between `<tool_call>` tags are
read (the form of Hermes and Qwen).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import openrft
from openrft import Sample, UnlabelledSample

ITEM = "item"  # the key of Sample.meta that holds the row of a task which brings its own rows
QUESTION_FIELDS = (("question",), ("options",), ("kind",), ("task",))  # of a row without an answer, as steps
SAMPLE_FIELDS = ("output_text", "output_json", "output_tools", "choices", "final_answer")
_TOOL_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to grade."""

    item: Mapping[str, Any]  # the row
    sample: Mapping[str, Any]  # the answer, by SAMPLE_FIELDS


@dataclass(frozen=True, slots=True)
class Score:
    """What a grader gives one answer."""

    value: float | None  # None = not scored, because the grader failed
    reason: str = ""  # why, in a few words; always there if the value is None
    parts: Mapping[str, Score] = field(default_factory=dict)  # of a multi grader, by grader


def build_case(sample: Sample, completion: str) -> Case:
    """The case of a completion for a sample of any task."""
    return Case(build_item(sample), read_output(completion))


def build_item(sample: Sample) -> Mapping[str, Any]:
    """The row of a sample: the task's own if it brings one, else the sample's fields; of one without a gold answer,
    `QUESTION_FIELDS`."""
    if isinstance(sample.meta.get(ITEM), Mapping):
        row: Mapping[str, Any] = sample.meta[ITEM]
        return row
    shown = {"question": sample.question, "options": list(sample.options)}
    kind = {"kind": sample.kind, "task": sample.task}
    if isinstance(sample, UnlabelledSample):
        return {**shown, **kind}
    gold = {"answer": sample.answer, "reference_answer": sample.gold, "accepted": list(sample.accepted)}
    return {**shown, **gold, **kind, "meta": dict(sample.meta)}


def read_output(completion: str) -> dict[str, Any]:
    """The namespace `sample` of a completion. Reasoning between think tags is no part of the output."""
    text = openrft.strip_thinking(completion).strip()
    tools = _read_tool_calls(text)
    message = {"role": "assistant", "content": text, "tool_calls": tools}
    reason = "tool_calls" if tools else "stop"
    return {
        "output_text": text,
        "output_json": read_json(text),
        "output_tools": tools,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "final_answer": openrft.final_answer(completion),
    }


def read_json(text: str) -> Any:
    """The JSON value that the text is; None if it is none. NaN and Infinity are no JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _read_tool_calls(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for match in _TOOL_CALL.finditer(text):
        call = read_json(match[1].strip())
        if isinstance(call, dict) and isinstance(call.get("name"), str):
            arguments = call.get("arguments", {})
            if not isinstance(arguments, str):
                arguments = json.dumps(arguments, ensure_ascii=False)
            function = {"name": call["name"], "arguments": arguments}
            found.append({"id": f"call_{len(found)}", "type": "function", "function": function})
    return found
