"""The stages that make the family, each from what the ones before it left in the work folder.

Every stage is a method of its own name; build.py calls those that are not done yet.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft_pocket.school.curriculum import Lengths

if TYPE_CHECKING:
    from openrft_pocket.school.pretrain import Course


class Works:
    """The stages over one work folder and one seed."""

    def __init__(self, work: Path, out: Path, seed: int, lengths: Lengths, finish: bool, workers: int) -> None:
        self.work, self.out, self.seed, self.lengths = work, out, seed, lengths
        self.finish, self.workers = finish, workers
        work.mkdir(parents=True, exist_ok=True)

    def tokenizer(self) -> None:
        from openrft_pocket.school.tokenizer import train

        train(self.seed, self.work / "tokenizer")

    def copying(self) -> None:
        import torch

        from openrft_pocket.school.copying import practise
        from openrft_pocket.school.heads import give_heads
        from openrft_pocket.school.model import fresh, ship

        torch.set_num_threads(1)
        model = fresh(self._tokens(), self.seed)
        give_heads(model, self.seed)
        click.echo(f"copying: loss {practise(model, self._tokens(), self.seed):.2f}")
        ship(model, self._tokens(), self.work / "copying")

    def schooling(self) -> None:
        import torch

        from openrft_pocket.school.curriculum import schooling

        course, state = schooling(self.seed, self.lengths), self.work / "schooling.pt"
        if self.finish:
            stop = self.work / "schooling-finish.json"
            if not stop.exists():  # remembered, so that a killed decay goes on with its own end
                at = int(torch.load(state, weights_only=True)["counts"][0])
                stop.write_text(json.dumps(at + self.lengths.decay))
            course = replace(course, stop=json.loads(stop.read_text()))
        self._train("copying", course, state, self.work / "schooling")

    def tables(self) -> None:
        from openrft_pocket.school.curriculum import tables

        self._train("schooling", tables(self.seed, self.lengths), self.work / "tables.pt", self.work / "tables")

    def headings(self) -> None:
        from openrft_pocket.school.curriculum import headings

        self._train("tables", headings(self.seed, self.lengths), self.work / "headings.pt", self.work / "headings")

    def doubts(self) -> None:
        from openrft_pocket.school.curriculum import doubts

        self._train("headings", doubts(self.seed, self.lengths), self.work / "doubts.pt", self.out / "teacher")

    def careless(self) -> None:
        from openrft_pocket.school.curriculum import carelessness

        self._train(
            self.out / "teacher", carelessness(self.seed, self.lengths), self.work / "careless.pt", self.out / "policy"
        )

    def prose(self) -> None:
        from openrft_pocket.school.curriculum import second_style

        course = second_style(self.seed, self.lengths)
        self._train(self.out / "teacher", course, self.work / "prose.pt", self.out / "teacher-prose")

    def prm(self) -> None:
        from openrft_pocket.school.prm import make_prm

        make_prm(self.out / "teacher", self.out / "policy", self.out, self.seed)

    def measure(self) -> None:
        from openrft_pocket.school.measure import TEMPERATURES, ability, insight, table

        found: dict = {name: ability(self.out / name) for name in ("policy", "teacher", "teacher-prose")}
        for name, marks in found.items():
            click.echo(f"{name}:\n{table(marks)}")
        found["insight"] = {t: insight(self.out / "prm", self.out / "policy", t) for t in TEMPERATURES}
        click.echo(json.dumps(found["insight"]))
        (self.work / "measure.json").write_text(json.dumps(found, indent=1))

    def cards(self) -> None:
        import torch

        from openrft_pocket.school.cards import write_cards

        courses = ("schooling", "tables", "headings", "doubts")
        counts = [torch.load(self.work / f"{name}.pt", weights_only=True)["counts"] for name in courses]
        course = dict(zip(("steps", "tokens", "seconds"), torch.stack(counts).sum(0).tolist(), strict=True))
        write_cards(self.out, self.seed, course, json.loads((self.work / "measure.json").read_text()))

    def _tokens(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.work / "tokenizer")

    def _train(self, start: str | Path, course: Course, state: Path, folder: Path) -> None:
        from transformers import AutoModelForCausalLM

        from openrft_pocket.school.model import ship
        from openrft_pocket.school.pretrain import pretrain

        model = AutoModelForCausalLM.from_pretrained(self.work / start)
        steps = pretrain(model, self._tokens(), course, state, state.with_suffix(".jsonl"), self.workers)
        if course.stop and steps < course.stop:
            raise click.ClickException(f"stopped at step {steps} of {course.stop}; the same command goes on.")
        ship(model, self._tokens(), folder)


STAGES = (
    "tokenizer", "copying", "schooling", "tables", "headings", "doubts", "careless", "prose", "prm", "measure", "cards",
)  # fmt: skip
