"""The response format of a job: a JSON schema. An answer that does not keep to it earns the lowest mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openrft_graders.faults import join, refuse

_PLACES = (("method", "reinforcement"), ("reinforcement",), ())
_KINDS = ("json_schema", "json_object", "text")


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """A format that answers must have."""

    schema: Mapping[str, Any] | None  # None: any JSON object
    validator: Any

    def find_fault(self, value: Any) -> str:
        """What is wrong with an answer's JSON; empty if nothing is."""
        if value is None:
            return "the answer is no JSON"
        if self.schema is None:
            return "" if isinstance(value, dict) else "the answer is no JSON object"
        fault = next(iter(self.validator.iter_errors(value)), None)
        return f"the answer's JSON does not keep to the schema: {fault.message[:100]}" if fault else ""


def find_response_format(job: Any) -> ResponseFormat | None:
    """The response format of a job; None without one. Raises UsageError with its path."""
    for names in _PLACES:
        inner: Any = job
        for name in names:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and inner.get("response_format") is not None:
            return parse_response_format(inner["response_format"], ".".join((*names, "response_format")))
    return None


def parse_response_format(value: Any, path: str) -> ResponseFormat | None:
    """A response format; None for text. Raises UsageError that begins with `path`."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in _KINDS:
        refuse(join(path, "type"), f"it is {kind!r}.", f"Use {', '.join(_KINDS)}.")
    if kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat(None, None)
    import jsonschema

    inner = value.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    place = join(path, "json_schema.schema")
    if not isinstance(schema, Mapping):
        refuse(place, "it must be a JSON schema.")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as fault:
        refuse(place, f"it is no JSON schema: {fault.message}.")
    return ResponseFormat(schema, jsonschema.Draft202012Validator(schema))


def describe_format(response_format: ResponseFormat | None) -> str:
    """The format in words for the model; empty without one."""
    if response_format is None:
        return ""
    if response_format.schema is None:
        return "Answer with a JSON object and nothing else."
    schema = json.dumps(response_format.schema, ensure_ascii=False)
    return f"Answer with JSON of this schema and nothing else: {schema}"
