"""Rebuild the pocket models from nothing: python -m openrft_pocket.build

Each stage (training/stages.py) keeps its state under --work and is skipped when it is done. A killed command resumes
when it is given again. `--finish` ends pretraining from where it stands: the decay of its learning rate follows.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import click

from openrft_pocket.models import CHECKPOINTS
from openrft_pocket.training.curriculum import PhaseSteps
from openrft_pocket.training.stages import STAGES, Build


@click.command()
@click.option(
    "--work", type=click.Path(path_type=Path), default=Path("pocket-work"), help="The folder for the stages' state."
)
@click.option("--out", type=click.Path(path_type=Path), help="The folder for checkpoints. Default: WORK/checkpoints.")
@click.option("--ship", is_flag=True, help="Write checkpoints into the installed package instead.")
@click.option("--seed", default=0, show_default=True)
@click.option("--hold", default=PhaseSteps.hold, show_default=True, help="Steps of pretraining before its decay.")
@click.option("--finish", is_flag=True, help="End pretraining from where it stands.")
@click.option("--workers", default=2, show_default=True, help="Processes that train together, one thread each.")
@click.option("--redo", multiple=True, type=click.Choice(list(STAGES)), help="Run this stage again.")
@click.option(
    "--until",
    type=click.Choice(list(STAGES)),
    default=list(STAGES)[-1],
    show_default=True,
    help="The last stage to run.",
)
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
    """Rebuild the pocket models from nothing."""
    out = (CHECKPOINTS if ship else out or work / "checkpoints").absolute()
    claim_work_folder(work, out, seed)
    build = Build(work.absolute(), out, seed, replace(PhaseSteps(), hold=hold), finish, workers)
    for stage, run in STAGES.items():
        done = work / f"{stage}.done"
        if stage in redo:
            _delete_state(work, stage)
        if not done.exists():
            click.echo(f"== {stage}")
            run(build)
            done.touch()
        if stage == until:
            break


def claim_work_folder(work: Path, out: Path, seed: int) -> None:
    """Record the seed and the output folder in the work folder.

    A folder of another seed is refused, since its stages would pass for done. Checkpoints that were written elsewhere
    before are copied to `out`.
    """
    note = work / "family.json"
    if note.exists():
        before = json.loads(note.read_text())
        if before["seed"] != seed:
            raise click.ClickException(
                f"{work} holds the work of seed {before['seed']}, not {seed}. Give another folder with --work."
            )
        if Path(before["out"]) != out and Path(before["out"]).is_dir():
            shutil.copytree(before["out"], out, dirs_exist_ok=True)
            click.echo(f"copied the checkpoints of {before['out']} to {out}")
    work.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"seed": seed, "out": str(out)}))


def _delete_state(work: Path, stage: str) -> None:
    for path in work.glob(f"{stage}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
