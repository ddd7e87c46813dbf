"""`openrft tasks overlap`: what two tasks, or two sides of a split, have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.shared import data_asked, data_options

if TYPE_CHECKING:
    from openrft.sample import Sample
    from openrft.task import DataRequest


@click.command("overlap")
@click.argument("one")
@click.argument("other")
@data_options
@click.option("--items", type=click.IntRange(min=0), default=10, show_default=True, help="Pairs to show of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every pair.")
def command(one: str, other: str, items: int, as_json: bool, **given: Any) -> None:
    """Samples of ONE that OTHER has as well, or that are alike, by kind.

    Each is a task or a glob, with #train or #test for a side of its split, as a run with the same options would draw
    it; without, all rows are compared. A pair is listed under the first kind that fits: the same in every letter
    (exact), in words (text), in words with the options in another order (shuffled), then the kinds that the tasks'
    family knows, such as the same question with other options, or the same block of data.

    \b
    Examples:
      openrft tasks overlap sciknoweval/openrft/T5#train sciknoweval/openrft/T5#test --data DIR
      openrft tasks overlap sciknoweval/openrft/T7 sciknoweval/L3/diffusion_rate_analysis --data DIR --json
    """
    from openrft.overlap import overlaps
    from openrft.task import DataRequest

    request = DataRequest(**data_asked(given))
    sets = [_samples(ref, request) for ref in (one, other)]
    found = overlaps(sets[0].values(), sets[1].values())
    if one.lower() == other.lower():  # a set is itself; what is asked is whether it repeats itself
        found = {kind: [(a, b) for a, b in pairs if a < b] for kind, pairs in found.items()}
    report = {
        "one": {"name": one, "samples": len(sets[0])},
        "other": {"name": other, "samples": len(sets[1])},
        "overlaps": {
            kind: {
                "pairs": len(pairs),
                "in_one": len({a for a, _ in pairs}),
                "in_other": len({b for _, b in pairs}),
                "items": [{"one": _item(sets[0][a]), "other": _item(sets[1][b])} for a, b in pairs],
            }
            for kind, pairs in found.items()
        },
    }
    click.echo(json.dumps(report, indent=1, ensure_ascii=False) if as_json else "\n".join(_lines(report, items)))


def _samples(ref: str, request: DataRequest) -> dict[str, Sample]:
    """The samples that NAME[#SIDE] stands for, by id."""
    from openrft.errors import UsageError
    from openrft.families import load_task, select, whole_task

    name, _, side = ref.partition("#")
    if side not in ("", "train", "test"):
        raise UsageError(f"{ref}: a task has no side {side!r}.", "Write NAME, NAME#train or NAME#test.")
    found: dict[str, Sample] = {}
    for task_name in select(name, request.data):
        task = (None if side else whole_task(task_name, request)) or load_task(task_name, request)
        sides = {"train": task.train, "test": task.test, "": (*task.train, *task.test)}
        found |= {sample.id: sample for sample in sides[side]}
    return found


def _item(sample: Sample) -> dict[str, Any]:
    place = {key: sample.meta[key] for key in ("file", "row") if key in sample.meta}
    return {"id": sample.id, "task": sample.task, **place, "question": " ".join(sample.question.split())[:80]}


def _lines(report: Mapping[str, Any], items: int) -> Iterator[str]:
    one, other = report["one"], report["other"]
    yield f"one    {one['name']}: {one['samples']} samples"
    yield f"other  {other['name']}: {other['samples']} samples"
    for kind, found in report["overlaps"].items():
        if not found["pairs"]:
            yield f"{kind:<9} none"
            continue
        yield f"{kind:<9} {found['pairs']} pairs: {found['in_one']} of one, {found['in_other']} of other"
        for pair in found["items"][:items]:
            yield f"  {_place(pair['one'])} ~ {_place(pair['other'])}  {pair['one']['question']}"
        if found["pairs"] > items:
            yield f"  and {found['pairs'] - items} more (--items, --json)"


def _place(item: Mapping[str, Any]) -> str:
    return f"{item['file']}:{item['row']}" if "file" in item else str(item["id"])
