"""The options that every plugin with a grader has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openrft import FilePath, WeightsPath, option


@dataclass(frozen=True, slots=True)
class GraderOptions:
    """A grader, and what it runs with."""

    grader: FilePath | None = option(None, help="A JSON file with a grader, or with a job that has one.")
    judge: WeightsPath | None = option(
        None, help="The policy that is asked in place of every model in the grader, such as openai:URL#MODEL."
    )
    pass_threshold: float | None = option(
        None, help="The lowest value that counts as correct, for a grader without one. none: the highest value."
    )
    invalid_grade: float | None = option(
        None,
        help="The value of an answer on which python code raises or gives no number, or a formula has no value. none:"
        " it is not scored. OpenAI's service gives 0.",
    )
    sandbox: Literal["required", "off"] = option(
        "required", help="off runs python graders with a time limit alone: only for code that you trust."
    )
    seconds: float = option(120.0, help="Time limit of one call of a python grader.", source="OpenAI's guide", gt=0)
    memory: int = option(
        2048, help="Memory limit of one call of a python grader, in MiB.", source="OpenAI's guide", ge=16
    )
    embedder: Literal["minilm"] | WeightsPath = option(
        "minilm", help="The sentence-embedding model of the metric cosine: minilm, a folder or a hub id."
    )
    synonyms: bool = option(True, help="Whether the metric meteor matches WordNet's synonyms.")
