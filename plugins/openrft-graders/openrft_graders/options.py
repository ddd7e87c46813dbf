"""The options that every plugin with a grader has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openrft import FilePath, WeightsPath, option


@dataclass(frozen=True, slots=True)
class GraderOptions:
    """A grader, and what it runs with."""

    grader: FilePath | None = option(
        None, help="A JSON file with a grader, or with a job that has one. For rows of promptfoo: its configuration."
    )
    rubric: FilePath | None = option(
        None, help="A file with a rubric, in place of a grader: one criterion a line, or a JSON list. It needs a judge."
    )
    judge: WeightsPath | None = option(
        None,
        help="The policy that is asked in place of every model in the grader, such as openai:URL#MODEL. Without a"
        " grader it judges by the rubric, or by that of each row.",
    )
    second_judge: WeightsPath | None = option(
        None, help="A second judge that a rubric's judge is compared with before RL. none: the same judge once more."
    )
    check_answers: int = option(
        40, help="Answers on which a rubric's judge is checked before RL, with four calls each; 0: no check.", ge=0
    )
    pass_threshold: float | None = option(
        None,
        help="The lowest value that counts as correct, for a grader without one. none: the highest value, or 0.5 for a"
        " rubric.",
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

    @property
    def names_grader(self) -> bool:
        """Whether a grader, a rubric or a judge is named."""
        return any(name is not None for name in (self.grader, self.rubric, self.judge))
