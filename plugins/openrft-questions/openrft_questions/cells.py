"""What one cell holds: text, a list in text, a passage, a conversation."""

from __future__ import annotations

import ast
import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openrft_questions.table import BadRow, BadRowError
from openrft_questions.text_files import load_json

MAX_LIST = 100_000  # characters of a list that is written in a cell: Python's own reader takes a while for more
MAX_DEPTH = 5  # of lists and objects in a passage
_TEXT = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\""""
_QUOTED = re.compile(_TEXT)
_NUMPY_LIST = re.compile(rf"\[\s*+(?:{_TEXT})(?:\s++(?:{_TEXT}))++\s*+\]")
_NUMPY_ARRAY = re.compile(r"array\((\[[^\]]{0,9999}+\])(?:,\s*dtype=[^)]{1,20})?\)")
_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
# Commands of LaTeX whose backslash was read as an escape, with their first letter.
_BROKEN_LATEX = re.compile(
    r"\a(?:lpha|pprox|ngle)|\x08(?:eta|ar\b|inom|egin|oxed|oldsymbol|mod|ig|ullet|ot\b)|\f(?:rac|orall|lat|box)"
    r"|\n(?:abla\b|eq\b|otin\b)|\r(?:ightarrow|ho\b|angle\b|ight[)\]}|.])"
    r"|\t(?:ext(?:bf|it|rm|sf)?\{|imes\b|heta\b|frac\{|ilde\{|riangle\b)|\v(?:ec\b|arphi\b)"
)
_ROLES = ("user", "human")


def require_text(values: Mapping[str, Any], name: str) -> str:
    """The text of a cell that must not be empty. Raises BadRowError."""
    if name not in values:
        raise BadRowError(f"no {name}", f"there is no {name}")
    text = to_text(values[name])
    if text is None:
        raise BadRowError(f"no {name}", f"the {name} is no text but {type(values[name]).__name__}")
    if not text:
        raise BadRowError(f"no {name}", f"the {name} is empty")
    return text


def to_text(value: Any) -> str | None:
    """A text or a number as text; None for anything else. Raises BadRowError for what no file can hold."""
    if isinstance(value, BadRow):
        raise BadRowError(value.reason, value.detail)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            raise BadRowError("encoding", "it holds half a character (a lone surrogate)") from fault
        if broken := _BROKEN_LATEX.search(value):
            meant = f"\\{_ESCAPES[broken.group()[0]]}{broken.group()[1:]}"
            raise BadRowError("encoding", f"the backslash of {meant} was read as an escape: write it twice in JSON")
        return value.strip()
    if isinstance(value, (datetime.date, datetime.time)):
        raise BadRowError("date", "it holds a date: store it as text")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        return str(value)
    except ValueError as fault:  # Python writes no integer of more than 4,300 digits
        raise BadRowError("number", "it holds a number of thousands of digits") from fault


def normalize_spaces(text: str) -> str:
    """The text with single spaces. Case stays: Co is not CO."""
    return " ".join(text.split())


def parse_cell(value: Any) -> Any:
    """A list or an object that is written in a cell as JSON or as Python shows it; anything else unchanged.

    Lists as numpy writes them, without commas or in `array(...)`, are read, too.
    """
    if not isinstance(value, str) or not value.strip().startswith(("[", "{")) or len(value) > MAX_LIST:
        return value
    try:
        return load_json(value)
    except (ValueError, RecursionError):
        pass
    if _NUMPY_LIST.fullmatch(value.strip()):  # Python would join its texts into one
        value = "[" + ",".join(_QUOTED.findall(value)) + "]"
    try:
        return ast.literal_eval(_NUMPY_ARRAY.sub(r"\1", value).strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return value


def is_chat(value: Any) -> bool:
    """Whether a cell holds a conversation: a list of turns with a role each."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, Mapping) and ("role" in turn or "from" in turn) for turn in value)
    )


def split_chat(turns: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The last user turn, and the turns before it as a text ("" if there are none). Raises BadRowError."""
    read = [(_role(turn), _content(turn)) for turn in turns]
    asked = [i for i, (role, _) in enumerate(read) if role in _ROLES]
    if not asked:
        raise BadRowError("no question", "the conversation has no turn of a user")
    before = read[: asked[-1]]
    alone = all(role in ("system", "developer") for role, _ in before)
    lines = [text if alone else f"{role.capitalize()}: {text}" for role, text in before if text]
    if not read[asked[-1]][1]:
        raise BadRowError("no question", "the last turn of the user is empty")
    return read[asked[-1]][1], "\n\n".join(lines)


def last_reply(turns: Sequence[Mapping[str, Any]]) -> str | None:
    """What the assistant says in the last turn; None if the last turn is not its own. Raises BadRowError."""
    return _content(turns[-1]) if _role(turns[-1]) in ("assistant", "gpt", "model") else None


def _role(turn: Mapping[str, Any]) -> str:
    return str(turn.get("role", turn.get("from", ""))).lower()[:20]


def _content(turn: Mapping[str, Any]) -> str:
    """The text of a turn, whose content may be a list of parts. Raises BadRowError."""
    content = turn.get("content", turn.get("value"))
    if isinstance(content, list):
        if not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content):
            raise BadRowError("no question", "a turn holds something else than text")
        content = "\n".join(part["text"] for part in content)
    return to_text(content) or ""


def join_passages(values: Sequence[Any]) -> str:
    """The texts of passages, which may be lists or objects of texts, each in a paragraph. Raises BadRowError."""
    return "\n\n".join(text for value in values for text in _find_texts(parse_cell(value), 0))


def _find_texts(value: Any, depth: int) -> Iterator[str]:
    """The texts in a passage. Of an object with `contexts`, `text` or `sentences` these alone: the rest is about it."""
    if depth > MAX_DEPTH:
        raise BadRowError("passage", "the passage is nested too deep")
    if isinstance(value, Mapping):
        named = [value[name] for name in ("contexts", "text", "sentences", "paragraphs") if name in value]
        for one in named or list(value.values()):
            yield from _find_texts(one, depth + 1)
    elif isinstance(value, (list, tuple)):
        texts = [text for one in value for text in _find_texts(one, depth + 1)]
        if depth > 1:
            yield " ".join(texts)  # the sentences of a paragraph
        else:
            yield from texts
    elif text := to_text(value):
        yield text
