"""The stages of the build. Each works from what the stages before it left in the work folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openrft_pocket.training import curriculum
from openrft_pocket.training.curriculum import Phase, PhaseSteps
from openrft_pocket.training.evaluation import TEMPERATURES, format_markdown, measure_policy, measure_reward_model
from openrft_pocket.training.model import create_model, install_induction_heads, save_checkpoint
from openrft_pocket.training.model_cards import write_cards
from openrft_pocket.training.pretraining import pretrain, train_on_copies
from openrft_pocket.training.reward_model import build_reward_model
from openrft_pocket.training.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Build:
    """What the stages share."""

    work: Path  # state of the stages; absolute
    out: Path  # finished checkpoints; absolute
    seed: int
    steps: PhaseSteps
    finish: bool  # begin pretraining's decay at the step where its state stands
    workers: int  # processes that train together

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.work / "tokenizer")

    def train(self, start: str | Path, phase: Phase, name: str, folder: str | Path) -> None:
        """Train a phase from the checkpoint `start` and save the result to `folder`. State and log are `name`'s.

        Relative folders are under `work`. Raises ClickException when training was stopped before its end.
        """
        from transformers import AutoModelForCausalLM

        tokenizer, state = self.load_tokenizer(), self.work / f"{name}.pt"
        model = AutoModelForCausalLM.from_pretrained(self.work / start)
        steps = pretrain(model, tokenizer, phase, state, state.with_suffix(".jsonl"), self.workers)
        if phase.stop_step and steps < phase.stop_step:
            raise click.ClickException(
                f"Training stopped at step {steps} of {phase.stop_step}. Give the same command again to resume."
            )
        save_checkpoint(model, tokenizer, self.work / folder)


def make_tokenizer(build: Build) -> None:
    train_tokenizer(build.seed, build.work / "tokenizer")


def train_copying(build: Build) -> None:
    """A fresh model with induction heads, and a minute of copying."""
    import torch

    torch.set_num_threads(1)
    tokenizer = build.load_tokenizer()
    model = create_model(tokenizer, build.seed)
    install_induction_heads(model, build.seed)
    click.echo(f"copying: loss {train_on_copies(model, tokenizer, build.seed):.2f}")
    save_checkpoint(model, tokenizer, build.work / "copying")


def train_pretraining(build: Build) -> None:
    """Exercises and whole questions. With `finish`, the decay begins at the step where the state stands."""
    import torch

    phase = curriculum.create_pretraining_phase(build.seed, build.steps)
    if build.finish:
        note = build.work / "pretraining-finish.json"
        if not note.exists():  # remembered, so that a resumed decay keeps its end
            step = int(torch.load(build.work / "pretraining.pt", weights_only=True)["counts"][0])
            note.write_text(json.dumps(step + build.steps.decay))
        phase = replace(phase, stop_step=json.loads(note.read_text()))
    build.train("copying", phase, "pretraining", "pretraining")


def train_tables(build: Build) -> None:
    build.train("pretraining", curriculum.create_tables_phase(build.seed, build.steps), "tables", "tables")


def train_long_headings(build: Build) -> None:
    phase = curriculum.create_long_headings_phase(build.seed, build.steps)
    build.train("tables", phase, "long-headings", "long-headings")


def train_ambiguous_rules(build: Build) -> None:
    """The last phase of the teacher."""
    phase = curriculum.create_ambiguous_rules_phase(build.seed, build.steps)
    build.train("long-headings", phase, "ambiguous-rules", build.out / "teacher")


def train_careless(build: Build) -> None:
    """The policy, from the teacher."""
    phase = curriculum.create_careless_phase(build.seed, build.steps)
    build.train(build.out / "teacher", phase, "careless", build.out / "policy")


def train_prose(build: Build) -> None:
    """The teacher in the second style."""
    phase = curriculum.create_prose_phase(build.seed, build.steps)
    build.train(build.out / "teacher", phase, "prose", build.out / "teacher-prose")


def make_reward_models(build: Build) -> None:
    """The process reward model in both formats."""
    build_reward_model(build.out / "teacher", build.out / "policy", build.out, build.seed)


def run_evaluation(build: Build) -> None:
    """Measure the finished checkpoints. The numbers go to `evaluation.json` in the work folder."""
    measured: dict = {name: measure_policy(build.out / name) for name in ("policy", "teacher", "teacher-prose")}
    for name, rows in measured.items():
        click.echo(f"{name}:\n{format_markdown(rows)}")
    measured["reward_model"] = {
        t: measure_reward_model(build.out / "prm", build.out / "policy", t) for t in TEMPERATURES
    }
    click.echo(json.dumps(measured["reward_model"]))
    (build.work / "evaluation.json").write_text(json.dumps(measured, indent=1))


def make_model_cards(build: Build) -> None:
    """A README beside each checkpoint."""
    import torch

    phases = ("pretraining", "tables", "long-headings", "ambiguous-rules")
    counts = [torch.load(build.work / f"{name}.pt", weights_only=True)["counts"] for name in phases]
    totals = dict(zip(("steps", "tokens", "seconds"), torch.stack(counts).sum(0).tolist(), strict=True))
    write_cards(build.out, build.seed, totals, json.loads((build.work / "evaluation.json").read_text()))


STAGES: dict[str, Callable[[Build], None]] = {  # in the order in which they run
    "tokenizer": make_tokenizer,
    "copying": train_copying,
    "pretraining": train_pretraining,
    "tables": train_tables,
    "long-headings": train_long_headings,
    "ambiguous-rules": train_ambiguous_rules,
    "careless": train_careless,
    "prose": train_prose,
    "prm": make_reward_models,
    "evaluation": run_evaluation,
    "model-cards": make_model_cards,
}
