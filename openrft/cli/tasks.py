"""`openrft tasks`: what there is to run on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import click


@click.group("tasks")
def command() -> None:
    """List tasks, or show one."""


@command.command("list")
@click.argument("selector", default="*")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(selector: str, as_json: bool) -> None:
    """Tasks of every installed family, or those that SELECTOR (a glob) matches. Reads no rows.

    \b
    Examples:
      openrft tasks list
      openrft tasks list 'sciknoweval/L3/*' --json
    """
    import fnmatch

    from openrft.errors import OpenRFTError, UnknownName
    from openrft.families import family
    from openrft.plugins import installed, providers_of

    infos = []
    for name in installed():
        try:
            if providers_of(name).tasks() is not None:
                infos += family(name).names()
        except OpenRFTError as fault:
            click.echo(f"openrft: {fault}", err=True)
    found = [i for i in infos if fnmatch.fnmatchcase(i.name.lower(), selector.lower())]
    if not found:
        raise UnknownName("task", selector, [i.name for i in infos])
    if as_json:
        click.echo(json.dumps([asdict(i) for i in found], indent=1))
        return
    width = max(len(i.name) for i in found)
    for info in found:
        click.echo(f"{info.name:<{width}}  {'' if info.samples is None else info.samples:>6}  {info.summary}")


@command.command("show")
@click.argument("name")
@click.option("--data", default=None, metavar="DIR", help="Local folder or file with the rows.")
@click.option("--skip-bad-rows", is_flag=True, help="Count malformed rows instead of refusing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, data: str | None, skip_bad_rows: bool, as_json: bool) -> None:
    """A task's samples, answer distribution, notes, and one question as the policy sees it.

    \b
    Example:
      openrft tasks show pocket/L3
    """
    from openrft.families import load_task, select
    from openrft.prompt import messages_for
    from openrft.task import DataRequest

    for whole in select(name):
        task = load_task(whole, DataRequest(data=data, skip_bad_rows=skip_bad_rows))
        every = (*task.train, *task.test)
        row = {
            "name": task.name,
            "train": len(task.train),
            "test": len(task.test),
            "kinds": dict(Counter(s.kind for s in every)),
            "answers": dict(sorted(Counter(s.answer for s in every if s.kind != "text").items())),
            "leaves": dict(Counter(s.task for s in every)),
            "notes": dict(task.notes),
            "prompt": list(messages_for(task.train[0], (), task.instruction)),
            "answer": task.train[0].answer,
        }
        if as_json:
            click.echo(json.dumps(row, indent=1, ensure_ascii=False))
            continue
        for key, value in row.items():
            if key == "prompt":
                for message in row["prompt"]:  # type: ignore[attr-defined]
                    click.echo(f"[{message['role']}]\n{message['content']}")
            else:
                click.echo(
                    f"{key}: {value if isinstance(value, (str, int)) else json.dumps(value, ensure_ascii=False)}"
                )
