"""Rebuild the pocket family from nothing: python -m openrft_pocket.build

Stages, each kept under --work and skipped when it is there: tokenizer, copying, schooling, tables, headings, doubts,
careless, prose, prm, measure, cards.
Killed at any time, the same command goes on. `--finish` ends schooling from wherever it stands: the decay follows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft_pocket.school.curriculum import Lengths
from openrft_pocket.shelf import CHECKPOINTS

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


@click.command()
@click.option(
    "--work", type=click.Path(path_type=Path), default=Path("pocket-work"), help="Where stages keep their state."
)
@click.option("--out", type=click.Path(path_type=Path), help="Where checkpoints go; WORK/checkpoints if left out.")
@click.option("--ship", is_flag=True, help="Write into the installed package instead.")
@click.option("--seed", default=0, show_default=True)
@click.option("--hold", default=Lengths.hold, show_default=True, help="Steps of schooling before the decay.")
@click.option("--finish", is_flag=True, help="End schooling from where it stands.")
@click.option("--workers", default=2, show_default=True, help="Processes of one thread.")
@click.option("--redo", multiple=True, type=click.Choice(STAGES), help="Do this stage again.")
@click.option("--until", type=click.Choice(STAGES), default=STAGES[-1], show_default=True)
def main(
    work: Path,
    out: Path | None,
    ship: bool,
    seed: int,
    hold: int,
    finish: bool,
    workers: int,
    redo: tuple[str, ...],
    until: str,
) -> None:
    """Rebuild the pocket checkpoints from nothing."""
    out = (CHECKPOINTS if ship else out or work / "checkpoints").absolute()
    settle(work, out, seed)
    works = Works(work.absolute(), out, seed, replace(Lengths(), hold=hold), finish, workers)
    for stage in STAGES[: STAGES.index(until) + 1]:
        done = work / f"{stage}.done"
        if stage in redo:
            _forget(work, stage)
        if done.exists():
            continue
        click.echo(f"== {stage}")
        act: Callable[[], None] = getattr(works, stage)
        act()
        done.touch()


def settle(work: Path, out: Path, seed: int) -> None:
    """Remember whose work a folder holds. Another seed's is refused: its stages would pass for done; checkpoints that
    were written elsewhere are copied to `out`."""
    note = work / "family.json"
    if note.exists():
        begun = json.loads(note.read_text())
        if begun["seed"] != seed:
            raise click.ClickException(
                f"{work} holds the work of seed {begun['seed']}, not {seed}. Give another folder with --work."
            )
        if Path(begun["out"]) != out and Path(begun["out"]).is_dir():
            shutil.copytree(begun["out"], out, dirs_exist_ok=True)
            click.echo(f"copied the checkpoints of {begun['out']} to {out}")
    work.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"seed": seed, "out": str(out)}))


def _forget(work: Path, stage: str) -> None:
    for path in work.glob(f"{stage}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
