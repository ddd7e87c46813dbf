"""Write docs/schemas/*.json: the JSON schemas of report.json, plan.json, and a line of rollouts/*.jsonl, steps/*.jsonl
and metrics/*.jsonl, from the code's types. The columns of metrics, which have no type, stand here.

Run it from the repository's root: `python docs/make_schemas.py`. Tests compare them with the types
and with what is written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from openrft.bench.plan import BenchPlan
from openrft.bench.report import Report
from openrft.types import Rollout

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

STEP = {"type": "integer", "minimum": 0, "description": "The RL step, counted from 0."}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}

# Of a step's row: the columns that every trainer has, and those that some have. Others are a trainer's own numbers.
COLUMNS: dict[str, dict[str, Any]] = {
    "step": STEP,
    "reward": {"type": "number", "description": "R, the reward that trains: its mean over the step's answers."},
    "correct": {**SHARE, "description": "The share of answers that are right."},
    "lenient_correct": {**SHARE, "description": "The same in the lenient reading."},
    "unparsed": {**SHARE, "description": "The share of which no answer can be read."},
    "length": {"type": "number", "minimum": 0, "description": "Tokens of an answer, on average."},
    "cut_off": {**SHARE, "description": "The share that ran out of tokens."},
    "blank": {**SHARE, "description": "The share without any text."},
    "zero_variance": {**SHARE, "description": "The share of questions whose answers all earned the same."},
    "tokens": {"type": "integer", "minimum": 0, "description": "Tokens that were drawn in this step."},
}
SOME_COLUMNS: dict[str, dict[str, Any]] = {
    "entropy": {"type": "number", "description": "Of the policy, in nats per token."},
    "peak_memory_gb": {"type": "number", "minimum": 0, "description": "The most memory of a GPU so far, in GB."},
    "with_demonstrations": {**SHARE, "description": "The share of answers whose prompt had some."},
}
FAMILIES: dict[str, dict[str, Any]] = {
    r"^reward\.": {"type": "number", "description": "The score of each source of rewards, on average."},
    r"^gap\.": {"type": "number", "description": "A source's score less that of strict grading, on average."},
    r"^seconds\.": {"type": "number", "minimum": 0, "description": "Seconds of a phase."},
    r"^holdback\.": {"type": "number", "description": "The same columns over the questions held back from training."},
}


def make_metrics_schema() -> dict[str, Any]:
    """The schema of a step's metrics."""
    return {
        "$schema": DRAFT,
        "title": "a line of metrics/*.jsonl",
        "type": "object",
        "properties": {**COLUMNS, **SOME_COLUMNS},
        "patternProperties": FAMILIES,
        "additionalProperties": {"type": "number", "description": "A number that the trainer measured."},
        "required": list(COLUMNS),
    }


def make_plan_schema() -> dict[str, Any]:
    """The schema of a plan. Settings that a plan lacks have their defaults, so none of them is required."""
    schema = make_schema(BenchPlan, "plan.json")
    for name, part in schema["$defs"].items():
        if name == "DataRequest" or name.endswith("Settings"):
            part.pop("required", None)
    return schema


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
        "plan.schema.json": make_plan_schema(),
        "rollout.schema.json": make_schema(Rollout, "a line of rollouts/*.jsonl"),
        "step.schema.json": make_schema(Rollout, "a line of steps/*.jsonl", step=STEP),
        "metrics.schema.json": make_metrics_schema(),
    }
    return {name: json.dumps(schema, indent=1, sort_keys=True) + "\n" for name, schema in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in make_schemas().items():
        (FOLDER / name).write_text(text, "utf-8")
