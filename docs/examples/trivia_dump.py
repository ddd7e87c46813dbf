"""A task from a web API's dump: Open Trivia DB's JSON, from a file or an address (`https://opentdb.com/api.php?...`)."""

from __future__ import annotations

import html
import json
import random
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openrft
from openrft import LETTERS, DataError, DataRequest, Sample, Task, TaskInfo
from openrft.splits import group_related_samples, split_groups


class Family:
    """One task: every question of the dump that `--data` names. Related questions stay on one side of the split."""

    family = "trivia"

    def names(self, data: str | None = None) -> list[TaskInfo]:
        return [TaskInfo("trivia/all", "questions of an Open Trivia DB dump", absent=data is None)]

    def load(self, name: str, request: DataRequest) -> Task:
        samples, bad = [], []
        for number, row in enumerate(read_rows(request.data or ""), 1):
            try:
                samples.append(make_sample(row))
            except (AttributeError, KeyError, TypeError) as fault:
                bad.append(f"result {number}: {fault!r}")
        if bad and not request.skip_bad_rows:
            raise DataError(f"{request.data}, {bad[0]}.", "Correct it, or use --skip-bad-rows.")
        train, test = split_groups(group_related_samples(samples), request.train, request.test, request.seed)
        notes = {"groups": ["category", "difficulty"], "bad_rows": {"results": len(bad)}, "source": request.data}
        return Task(name, tuple(train), tuple(test), notes=notes)


def read_rows(source: str) -> list[Any]:
    try:
        text = urlopen(source, timeout=30).read() if source.startswith("http") else Path(source).read_bytes()
        return list(json.loads(text)["results"])
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise DataError(f"--data {source} is no dump: {fault!r}.", 'Give JSON with a list "results".') from fault


def make_sample(row: dict[str, Any]) -> Sample:  # the order of the options depends on the question alone
    question, gold = html.unescape(row["question"]), html.unescape(row["correct_answer"])
    options = sorted([gold, *map(html.unescape, row["incorrect_answers"])])
    random.Random(question).shuffle(options)
    meta = {"category": row["category"], "difficulty": row["difficulty"]}
    return Sample(question, LETTERS[options.index(gold)], tuple(options), task="trivia/all", meta=meta)


class Trivia(openrft.Plugin):
    @openrft.hookimpl
    def tasks(self) -> Family:
        return Family()
