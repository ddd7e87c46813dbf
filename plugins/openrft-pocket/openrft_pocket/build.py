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

import click

from openrft_pocket.school.curriculum import Lengths
from openrft_pocket.school.works import STAGES, Works
from openrft_pocket.shelf import CHECKPOINTS


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
