"""Files with a grader, with a job that has one, or with a rubric."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openrft import DataError, Sampling, UsageError
from openrft_graders.grader import Grader
from openrft_graders.read import parse_grader
from openrft_graders.response_format import ResponseFormat, find_response_format
from openrft_graders.rubric.format import read_rubric_file
from openrft_graders.rubric.grader import THRESHOLD, RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.settings import GraderSettings, share_policy

_WRAPPINGS = (("method", "reinforcement", "grader"), ("reinforcement", "grader"), ("grader",))


def read_grader_file(path: Path, settings: GraderSettings) -> tuple[Grader, ResponseFormat | None]:
    """The grader of a JSON file, which is a grader or a job that has one, and the job's response format.

    Raises DataError or UsageError naming the field.
    """
    try:
        text = path.read_text("utf-8-sig")
        value = json.loads(text)
    except OSError as fault:
        raise DataError(f"{path}: it cannot be read: {fault.strerror or fault}.", "Give a JSON file.") from fault
    except ValueError as fault:
        raise DataError(f"{path}: it is no JSON: {fault}.", "Give a grader, or a job that has one.") from fault
    try:
        return parse_grader(*unwrap_grader(value), settings=settings), find_response_format(value)
    except UsageError as fault:
        fault.message = f"{path}: {fault.message}"
        raise


def unwrap_grader(value: Any) -> tuple[Any, str]:
    """The grader inside of a job or a request, and its path; a grader itself is returned as it is."""
    if not isinstance(value, Mapping) or "type" in value:
        return value, ""
    for names in _WRAPPINGS:
        inner: Any = value
        for name in names:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        if inner is not None:
            return inner, ".".join(names)
    return value, ""


def open_rubric(path: Path | None, settings: GraderSettings) -> Grader:
    """The grader by the rubric of a file, or by that of each row. Raises UsageError or DataError."""
    rubric = None if path is None else read_rubric_file(path)
    if settings.judge is None:
        raise UsageError(
            f"{settings.plugin}.rubric: no judge is named.",
            f"Say which with --set {settings.plugin}.judge=openai:http://127.0.0.1:8000/v1#model.",
        )
    judge = RubricJudge(share_policy(settings.judge, settings), Sampling(temperature=0.0, max_tokens=2048))
    threshold = THRESHOLD if settings.pass_threshold is None else settings.pass_threshold
    return RubricGrader(judge, rubric, threshold)
