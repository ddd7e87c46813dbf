"""Write docs/schemas/*.json: the JSON schemas of report.json and of a line of rollouts/*.jsonl, from the code's types.

Run it from the repository's root: `python docs/make_schemas.py`. Tests compare them with the types
and with what is written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from openrft.bench.report import Report
from openrft.types import Rollout

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def make_schema(kind: type, title: str, **more: Any) -> dict[str, Any]:
    """The schema of a type's JSON. Fields that the types do not have are refused; `more` are fields beside them."""
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    schema["properties"].update(more)
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["additionalProperties"] = False
        for field in part.get("properties", {}).values():
            if field.get("items") == {"type": "boolean"}:
                field["items"] = {"enum": [0, 1]}  # report.json writes lists of flags as numbers
    return {"$schema": DRAFT, **schema, "title": title}


def make_schemas() -> dict[str, str]:
    """The text of each file by its name."""
    made = {
        "report.schema.json": make_schema(
            Report,
            "report.json",
            format={"const": "openrft-report/2"},
            summary={"type": "object", "description": "What was computed from the outcomes; not read back."},
        ),
        "rollout.schema.json": make_schema(Rollout, "a line of rollouts/*.jsonl"),
    }
    return {name: json.dumps(schema, indent=1, sort_keys=True) + "\n" for name, schema in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in make_schemas().items():
        (FOLDER / name).write_text(text, "utf-8")
