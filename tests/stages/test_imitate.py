from __future__ import annotations

from dataclasses import replace
from typing import Any

import openrft
from openrft import Completion, Rollout, box_answer, build_messages
from openrft.stages.imitate import imitate
from tests.stages.factories import TASK, Trainee, make_context


class Imitator:
    """Counts how often it is called."""

    trains = ("imitate",)

    def __init__(self) -> None:
        self.calls = 0

    @openrft.hookimpl
    def train_step(self, policy: Any) -> dict[str, float]:
        self.calls += 1
        return {"loss": 0.5}


def test_the_same_answers_to_other_prompts_are_other_targets(monkeypatch, tmp_path):
    imitator = Imitator()
    targets = [Rollout(s, build_messages(s), Completion(box_answer(s.answer))) for s in TASK.train]
    reworded = [replace(r, messages=build_messages(r.sample, (), "Answer in one word.")) for r in targets]
    for wanted, calls in ((targets, 1), (targets, 1), (reworded, 2)):
        imitate(make_context(monkeypatch, tmp_path, Trainee(lambda m, i: ""), imitator=imitator), wanted)
        assert imitator.calls == calls
