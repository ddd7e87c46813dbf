"""The JSON schemas in docs/schemas, for tests that write files."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


MOST_LINES = 20  # of a file that are checked


@functools.cache
def open_schema(name: str) -> jsonschema.Draft202012Validator:
    """The schema NAME.schema.json."""
    return jsonschema.Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8")))


def check_document(name: str, document: Any) -> None:
    """Raises ValidationError for what the schema does not allow."""
    open_schema(name).validate(document)


def check_lines(name: str, files: list[Path]) -> int:
    """Check the first lines of each of these files. Returns how many were checked."""
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()[:MOST_LINES]]
    for line in lines:
        check_document(name, json.loads(line))
    return len(lines)
