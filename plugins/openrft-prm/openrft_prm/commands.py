"""`openrft prm`: label steps by rollouts, train a process reward model on labels, try one before RL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

import openrft
from openrft import CommandContext, PathType, data_options, parse_data_options

FILE = PathType(dir_okay=False, path_type=Path)
FOLDER = PathType(file_okay=False, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
TASK = click.option(
    "--task",
    default="pocket/L3",
    show_default=True,
    metavar="SELECTOR",
    help="The task whose training questions are used.",
)
POLICY = click.option(
    "--policy", default="pocket", show_default=True, metavar="SPEC", help="A checkpoint folder, hub id or shipped name."
)
STORE = click.option(
    "--store",
    type=FOLDER,
    default="runs/.store",
    show_default=True,
    help="Folder of finished stages, and of the replies of servers, which are not paid for twice.",
)


@click.group("prm")
def prm() -> None:
    """Process reward models: label steps, train on labels, try a model before RL."""


@prm.command(
    "label",
    short_help="Label the steps of solutions by Monte Carlo.",
    epilog="\b\nExample:\n  openrft prm label --task pocket/L3 --policy pocket --out steps.jsonl",
)
@TASK
@POLICY
@data_options
@click.option("--out", required=True, type=FILE, help="The JSONL file of step labels to write.")
@click.option("--solutions", type=click.IntRange(min=1), default=4, show_default=True, help="Solutions a question.")
@click.option(
    "--completions", type=click.IntRange(min=1), default=8, show_default=True, help="Completions drawn from each step."
)
@click.option(
    "--estimate",
    type=click.Choice(["hard", "soft"]),
    default="hard",
    show_default=True,
    help="hard: a step is right if any completion from it is; soft: the share of those that are.",
)
@click.option(
    "--temperature", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Of all draws."
)
@click.option("--max-tokens", type=click.IntRange(min=1), default=512, show_default=True, help="Longest completion.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all draws.")
@STORE
@openrft.paid_options
@JSON
@click.pass_obj
def label(
    host: CommandContext,
    task: str,
    policy: str,
    out: Path,
    as_json: bool,
    solutions: int,
    completions: int,
    estimate: Literal["hard", "soft"],
    temperature: float,
    max_tokens: int,
    seed: int,
    store: Path,
    prices: Path | None,
    budget: float | None,
    in_flight: int | None,
    replay: bool,
    **data: Any,
) -> None:
    """Label the steps of a policy's solutions by Monte Carlo, as Math-Shepherd does (arXiv 2312.08935).

    From the end of each step the policy goes on several times; a step is as right as often as the task's grader finds
    the answer right. A stopped run goes on when the same command is given again.
    """
    from openrft_prm.labelling import LabellingConfig, write_label_file

    questions = host.task(task, openrft.DataRequest(**parse_data_options(data)))
    config = LabellingConfig(solutions, completions, estimate, temperature, max_tokens, seed)
    paid = {"prices": prices, "budget": budget, "in_flight": in_flight, "replay": replay}
    with (
        openrft.command_account(paid, store, f"prm-label-{questions.name}"),
        host.progress(f"step labels for {questions.name}") as progress,
    ):
        counts = write_label_file(questions, openrft.open_policy(policy), questions.train, config, out, progress)
    if as_json:
        click.echo(json.dumps({"out": str(out), "task": questions.name, **counts}, indent=1))
        return
    share = counts["right"] / counts["steps"]
    click.echo(
        f"wrote {out}: {counts['solutions']} solutions of {counts['questions']} questions, {counts['steps']} steps,"
        f" {share:.0%} of them right."
    )


@prm.command(
    "train",
    short_help="Train a process reward model on step labels.",
    epilog="\b\nExample:\n  openrft prm train --base ./my-policy --data steps.jsonl --out my-prm",
)
@click.option("--base", required=True, metavar="SPEC", help="A causal checkpoint: folder, hub id or shipped name.")
@click.option("--data", required=True, type=FILE, help="Step labels: a JSONL file as `openrft prm label` writes it.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the trained checkpoint; must be new.")
@click.option(
    "--head",
    type=click.Choice(["two-label", "skywork"]),
    default="two-label",
    show_default=True,
    help="Token classification with two labels, or a value head.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=2, show_default=True, help="Passes over the data.")
@click.option(
    "--lr",
    type=click.FloatRange(min=0, min_open=True),
    default=1e-4,
    show_default=True,
    help="Learning rate, falling to 0.",
)
@click.option("--batch-tokens", type=click.IntRange(min=1), default=4096, show_default=True, help="Tokens a step.")
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 0.9),
    default=0.1,
    show_default=True,
    help="Share of questions to measure on.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order, the head and what is held out.")
@JSON
@click.pass_obj
def train(host: CommandContext, base: str, data: Path, out: Path, as_json: bool, **config: Any) -> None:
    """Train a process reward model on step labels; `--set prm.model=OUT` uses it.

    A row of the data: {"prompt": text, "completions": [step, ...], "labels": [true, false or 0 to 1, ...]}. A stopped
    training goes on from its last whole epoch when the same command is given again.
    """

    from dataclasses import asdict

    import openrft
    from openrft_prm.training import TrainingConfig
    from openrft_prm.training import train as train_model

    with host.progress(f"process reward model from {data}") as progress:
        result = train_model(
            openrft.resolve_checkpoint(base),
            data,
            out,
            TrainingConfig(**config),
            lambda step, steps, loss: progress.update("train", step, steps, f"loss {loss:.3f}"),
        )
    if as_json:
        click.echo(json.dumps({"out": str(out), "held_out": asdict(result) if result else None}, indent=1))
        return
    click.echo(f"wrote {out}.")
    if result is None:
        click.echo("nothing was held out: how well it judges is not known.")
        return
    measured = "AUROC not measured" if result.auroc is None else f"AUROC {result.auroc:.3f}"
    click.echo(f"held out: {measured} on {result.steps} steps of {result.questions} questions, {result.right} right.")


@prm.command(
    "fitness",
    short_help="Measure whether a model tells right from wrong.",
    epilog="\b\nExamples:\n  openrft prm fitness --model ./my-prm --task pocket/L3 --policy pocket\n"
    "  openrft prm fitness --model ./my-prm --task questions --data mine.csv --policy ./my-policy\n"
    "  openrft prm fitness --model openai:URL#MODEL --prices prices.toml --budget 1.00",
)
@click.option(
    "--model", required=True, metavar="SPEC", help="As prm.model: folder, hub id, shipped name or openai:URL#MODEL."
)
@TASK
@POLICY
@data_options
@STORE
@openrft.paid_options
@JSON
@click.pass_context
def fitness(ctx: click.Context, model: str, task: str, policy: str, as_json: bool, **given: Any) -> None:
    """Does this model tell right from wrong on a policy's rollouts? `openrft fitness` has more options."""
    named = ("--plugins", "prm", "--set", f"prm.model={model}", "--task", task, "--policy", policy)
    host: CommandContext = ctx.obj
    host.run("fitness", *named, *_as_arguments(ctx, given), *(["--json"] if as_json else []))


def _as_arguments(ctx: click.Context, options: Mapping[str, Any]) -> Iterator[str]:
    """Parsed options as they are typed; what was not given is left out."""
    names = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    for name, value in options.items():
        if value is True:
            yield names[name]
        elif isinstance(value, tuple):  # a repeatable option
            yield from (f"{names[name]}={one}" for one in value)
        elif value is not None and value is not False:
            yield f"{names[name]}={value}"
