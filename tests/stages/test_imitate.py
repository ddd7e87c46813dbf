from __future__ import annotations

from dataclasses import replace
from typing import Any

import openrft
from openrft import Completion, Rollout, boxed, messages_for
from openrft.stages.imitate import imitate
from tests.stages.made import TASK, Trainee, work_of


class Imitator:
    """Counts how often it is called."""

    objectives = ("imitate",)

    def __init__(self) -> None:
        self.calls = 0

    @openrft.hookimpl
    def train_step(self, policy: Any) -> dict[str, float]:
        self.calls += 1
        return {"loss": 0.5}


def test_the_same_answers_to_other_prompts_are_other_targets(monkeypatch, tmp_path):
    imitator = Imitator()
    targets = [Rollout(s, messages_for(s), Completion(boxed(s.answer))) for s in TASK.train]
    reworded = [replace(r, messages=messages_for(r.sample, (), "Answer in one word.")) for r in targets]
    for wanted, calls in ((targets, 1), (targets, 1), (reworded, 2)):
        imitate(work_of(monkeypatch, tmp_path, Trainee(lambda m, i: ""), imitator=imitator), wanted)
        assert imitator.calls == calls
