"""`openrft graders`: try a grader without a run. `openrft import`: a plan from another service's job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import openrft
from openrft import DataError

TRY_EPILOG = """\b
Examples:
  openrft graders try grader.json rows.jsonl
  openrft graders try rubric.txt rows.jsonl --judge openai:http://127.0.0.1:8000/v1#model
"""
OUTPUTS = ("output", "completion", "response", "model_sample")  # fields that may be a row's answer


@click.group()
def graders() -> None:
    """Try graders in OpenAI's format, and rubrics."""


@graders.command("try", short_help="Grade rows of JSON Lines with a grader.", epilog=TRY_EPILOG)
@click.argument("grader", type=openrft.PathType(exists=True, dir_okay=False, path_type=Path))
@click.argument("rows", type=openrft.PathType(exists=True, dir_okay=False, path_type=Path))
@click.option("--judge", metavar="POLICY", help="The policy that is asked in place of every model in the grader.")
@click.option(
    "--output", "field", default=None, metavar="NAME", help="The field that is the answer; none: output or completion."
)
@click.option("--sandbox", type=click.Choice(["required", "off"]), default="required", help="off: trusted code only.")
@click.option(
    "--store",
    type=openrft.PathType(file_okay=False, path_type=Path),
    default="runs/.store",
    show_default=True,
    help="Folder of the replies of servers, which are not paid for twice.",
)
@openrft.paid_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a row.")
def try_grader(
    grader: Path,
    rows: Path,
    judge: str | None,
    field: str | None,
    sandbox: str,
    store: Path,
    as_json: bool,
    **paid: Any,
) -> None:
    """Grade each row of a JSON Lines file with GRADER, which may also be a rubric: one criterion a line.

    A row is {"item": {...}, "output": "..."}, or an object whose field `output` (or completion, response, model_sample)
    is the answer and whose other fields are the item.
    """
    from openrft_graders.case import Case, read_output
    from openrft_graders.grader_file import open_rubric, read_grader_file
    from openrft_graders.promptfoo.config import is_config_file
    from openrft_graders.rubric.format import is_rubric_file
    from openrft_graders.rubric.grader import RubricGrader
    from openrft_graders.settings import GraderSettings

    settings = GraderSettings(judge=judge, isolated=sandbox == "required")
    if is_config_file(grader):
        raise openrft.UsageError(
            f"{grader} is a configuration of promptfoo, which has its own rows.",
            f"Use it with --data {grader} --set graders.grader={grader}.",
        )
    if is_rubric_file(grader):
        if judge is None:
            raise openrft.UsageError(f"{grader} is a rubric, and no judge is named.", "Say which with --judge POLICY.")
        found = open_rubric(grader, settings)
    else:
        found, _ = read_grader_file(grader, settings)
    cases = [Case(item, read_output(output)) for item, output in _read_rows(rows, field)]
    with openrft.command_account(paid, store, f"graders-try-{grader.name}"):
        scores = found.grade(cases)
    for number, score in enumerate(scores, 1):
        if as_json:
            click.echo(json.dumps(_to_json(score)))
        else:
            value = "not scored" if score.value is None else f"{score.value:.4g}"
            passed = "" if score.value is None else " pass" if score.value >= found.threshold else " fail"
            click.echo(openrft.escape_terminal(f"{number}: {value}{passed}  {score.reason}"))
            for label, part in score.parts.items() if isinstance(found, RubricGrader) else ():
                click.echo(openrft.escape_terminal(f"    {'yes' if part.value else 'no '}  {label}"))
    values = [score.value for score in scores if score.value is not None]
    if not as_json and values:
        passed_rows = sum(value >= found.threshold for value in values)
        click.echo(f"mean {sum(values) / len(values):.4g}, {passed_rows} of {len(values)} pass, ", nl=False)
        click.echo(f"{len(scores) - len(values)} not scored")


@click.group("import")
def import_() -> None:
    """Write the plan of a job that another service ran."""


@import_.command(
    "openai-rft", epilog="\b\nExample:\n  openrft import openai-rft job.json --policy pocket --out plan.json"
)
@click.argument("job", type=openrft.PathType(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", required=True, metavar="SPEC", help="The policy to train: a folder, hub id or shipped name.")
@click.option("--judge", metavar="POLICY", help="The policy that is asked in place of every model in the grader.")
@click.option(
    "--out",
    type=openrft.PathType(dir_okay=False, path_type=Path),
    default="plan.json",
    show_default=True,
    help="The plan to write, for `openrft bench --plan`.",
)
def import_openai_rft(job: Path, policy: str, judge: str | None, out: Path) -> None:
    """A plan from JOB, a reinforcement fine-tuning job in JSON.

    Its training_file and validation_file name files beside it. Hyperparameters that have a meaning here are mapped, and
    the others are named.
    """
    from openrft_graders.rft.importing import import_job

    found = import_job(job, policy, judge)
    openrft.write_atomic(out, json.dumps(found.plan, indent=1) + "\n")
    for note in found.notes:
        click.echo(openrft.escape_terminal(note))
    click.echo(openrft.escape_terminal(f"{out} is written: openrft bench --plan {out}"))


def _read_rows(path: Path, field: str | None) -> list[tuple[dict[str, Any], str]]:
    found = []
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: it is no text in UTF-8.", "Write one object in JSON a line.") from fault
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as fault:
            raise DataError(f"{path}:{number}: it is no JSON: {fault}.", "Write one object a line.") from fault
        name = field or next((name for name in OUTPUTS if isinstance(row, dict) and name in row), OUTPUTS[0])
        output = row.get(name) if isinstance(row, dict) else None
        if not isinstance(output, str):
            raise DataError(f"{path}:{number}: it has no text {name!r}.", "Name the answer's field with --output.")
        item = row["item"] if isinstance(row.get("item"), dict) else {k: v for k, v in row.items() if k != name}
        found.append((item, output))
    return found


def _to_json(score: Any) -> dict[str, Any]:
    parts = {name: _to_json(part) for name, part in score.parts.items()}
    return {"value": score.value, "reason": score.reason, **({"parts": parts} if parts else {})}
