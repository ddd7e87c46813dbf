"""From rows of reinforcement fine-tuning to samples.

OpenAI, Azure and Bedrock   `messages`, and further fields for the grader, such as `reference_answer`
SageMaker and verl          `prompt` (messages or a text) and `reward_model.ground_truth`
promptfoo                   the tests of a configuration (promptfoo/config.py)

The whole row is the grader's `item`. The last message is the question, and those before it are its history. A row's
functions (`tools`) are described to the model in the form of Hermes and Qwen, which `output_tools` reads back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openrft import DataError, Message, Sample
from openrft_graders.case import ITEM
from openrft_graders.faults import describe_kind
from openrft_graders.promptfoo.config import is_config_file, read_config
from openrft_graders.template import write_value

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
REFERENCES = ("reference_answer", "ground_truth", "answer")
_TEXT_PARTS = ("text", "input_text", "output_text")
_TOOLS = (
    "You may call these functions:\n<tools>\n{tools}\n</tools>\nTo call one, write"
    ' <tool_call>{{"name": NAME, "arguments": OBJECT}}</tool_call>.'
)


class BadRow(Exception):
    """Why a row cannot be used."""


def read_rows(path: Path) -> list[tuple[int, Any]]:
    """The rows of a JSON Lines file, each with its line, of a Parquet file, or the tests of a configuration. Raises
    DataError, and UsageError with the place in a configuration."""
    if is_config_file(path):
        return list(enumerate(read_config(path), 1))
    if path.suffix.lower() == ".parquet":
        return list(enumerate(_read_parquet(path), 1))
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as fault:
        raise DataError(f"{path}: it cannot be read: {fault.strerror or fault}.", "Give a JSON Lines file.") from fault
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: it is no text in UTF-8.", "Give a JSON Lines file.") from fault
    found: list[tuple[int, Any]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append((number, json.loads(line)))
            except (ValueError, RecursionError) as fault:
                found.append((number, fault))
    return found


def _read_parquet(path: Path) -> list[Any]:
    try:
        import pyarrow.parquet
    except ImportError as fault:
        raise DataError(f"{path}: Parquet files need pyarrow.", "Run pip install pyarrow.") from fault
    try:
        rows: list[Any] = pyarrow.parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as fault:
        raise DataError(f"{path}: it is no Parquet file: {fault}.", "Is it cut short?") from fault
    return rows


def parse_row(row: Any, task: str) -> Sample:
    """The sample of a row. Raises BadRow."""
    if isinstance(row, Exception):
        raise BadRow("is no JSON")
    if not isinstance(row, Mapping):
        raise BadRow(f"is {describe_kind(row)} and not an object")
    turns = _read_turns(row)
    if tools := row.get("tools"):
        turns = _describe_tools(tools, turns)
    reference = find_reference(row)
    item = dict(row)
    if reference is not None:
        item.setdefault("reference_answer", reference)
    answer = "" if reference is None else write_value(reference)
    *history, last = turns
    return Sample(last["content"], answer, kind="text", task=task, history=tuple(history), meta={ITEM: item})


def find_reference(row: Mapping[str, Any]) -> Any:
    """The answer that a row is graded against, if it has one in a usual place."""
    reward_model = row.get("reward_model")
    if isinstance(reward_model, Mapping) and reward_model.get("ground_truth") is not None:
        return reward_model["ground_truth"]
    return next((row[name] for name in REFERENCES if row.get(name) is not None), None)


def _read_turns(row: Mapping[str, Any]) -> list[Message]:
    name = next((name for name in ("messages", "prompt") if row.get(name) is not None), None)
    if name is None:
        raise BadRow("has neither messages nor prompt")
    value = row[name]
    if name == "prompt" and isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise BadRow(f"has {name} that are no list of messages")
    turns = [_read_turn(turn, f"{name}[{i}]") for i, turn in enumerate(value)]
    if turns[-1]["role"] != "user":
        raise BadRow(f"ends with a message of the role {value[-1].get('role')} and not of the user")
    return _join_opening(turns)


def _read_turn(turn: Any, name: str) -> Message:
    role = turn.get("role") if isinstance(turn, Mapping) else None
    if role not in ROLES:
        raise BadRow(f"has {name} with the role {role!r}, which is none of {', '.join(ROLES)}")
    content = turn.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = []
    for part in parts:
        if isinstance(part, Mapping):
            if part.get("type") not in _TEXT_PARTS:
                raise BadRow(f"has {name} with a part of the type {part.get('type')!r}, and only text can be read")
            part = part.get("text")
        if not isinstance(part, str):
            raise BadRow(f"has {name} without a text")
        texts.append(part)
    return {"role": ROLES[role], "content": "\n".join(texts)}


def _join_opening(turns: list[Message]) -> list[Message]:
    """The turns with all leading system turns as one, because many chat templates take one."""
    count = next(i for i, turn in enumerate(turns) if turn["role"] != "system")
    opening = "\n\n".join(turn["content"] for turn in turns[:count])
    return [*([{"role": "system", "content": opening}] if opening else []), *turns[count:]]


def _describe_tools(tools: Any, turns: list[Message]) -> list[Message]:
    if not isinstance(tools, list):
        raise BadRow("has tools that are no list")
    words = _TOOLS.format(tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools))
    return _join_opening([{"role": "system", "content": words}, *turns]) if turns else turns
