"""What `--data` names: a job, rows, a configuration of promptfoo, or a folder; and where the validation rows are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openrft
from openrft import DataError
from openrft_graders.promptfoo.config import is_config_file

SUFFIXES = (".jsonl", ".ndjson", ".parquet")
_TRAIN = re.compile(r"(?<![a-z])train(?:ing)?(?![a-z])", re.IGNORECASE)
_VALIDATION = ("validation", "valid", "val", "test", "dev", "eval")


@dataclass(frozen=True, slots=True)
class RFTSource:
    """The files of a task."""

    train: Path
    validation: Path | None = None
    job: Mapping[str, Any] | None = None  # the job that names the files, if one does


def find_source(data: str | None) -> RFTSource:
    """The files that `--data` names. Raises DataError."""
    advice = "Give a train.jsonl, a folder with one, a job in JSON, or promptfoo's configuration."
    if data is None:
        raise DataError("openai-rft has no rows of its own.", f"Name them with --data. {advice}")
    path = openrft.expand_path(data, "--data ")
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES]
        trains = [file for file in files if _TRAIN.search(file.stem)]
        if len(trains) != 1:
            raise DataError(f"{path}: {len(trains)} of its files are named train.", advice)
        return RFTSource(trains[0], _find_sibling(trains[0]))
    if not path.is_file():
        raise DataError(f"--data {data}: there is no such file or folder.", advice)
    if is_config_file(path):
        return RFTSource(path)
    if path.suffix.lower() == ".json":
        return _read_job_files(path)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"--data {data}: it is neither {', '.join(SUFFIXES)} nor .json or .yaml.", advice)
    return RFTSource(path, _find_sibling(path))


def read_job(path: Path) -> Mapping[str, Any]:
    """A job as JSON. Raises DataError."""
    try:
        job = json.loads(path.read_text("utf-8-sig"))
    except OSError as fault:
        raise DataError(f"{path}: it cannot be read: {fault.strerror or fault}.", "Give a job in JSON.") from fault
    except ValueError as fault:
        raise DataError(f"{path}: it is no JSON: {fault}.", "Give a job in JSON.") from fault
    if not isinstance(job, Mapping):
        raise DataError(f"{path}: it is no job.", 'Give a job: {"training_file": ..., "method": ...}.')
    return job


def _read_job_files(path: Path) -> RFTSource:
    job = read_job(path)
    files: list[Path | None] = []
    for name in ("training_file", "validation_file"):
        value = job.get(name)
        if value is None and name == "validation_file":
            files.append(None)
            continue
        file = path.parent / value if isinstance(value, str) else None
        if file is None or not file.is_file():
            raise DataError(
                f"{path}: {name}: there is no file {value!r} beside the job.",
                "Download the file from the service, and write its path there.",
            )
        files.append(file)
    train, validation = files
    assert train is not None
    return RFTSource(train, validation, job)


def _find_sibling(train: Path) -> Path | None:
    """The file beside `train` that is named validation, valid, val, test, dev or eval instead."""
    if not _TRAIN.search(train.stem):
        return None
    for word in _VALIDATION:
        file = train.with_name(_TRAIN.sub(word, train.stem) + train.suffix)
        if file.is_file():
            return file
    return None
