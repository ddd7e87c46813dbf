"""`openrft tasks overlap`: the samples that two tasks, or two sides of a split, have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from openrft.cli.completions import complete_tasks
from openrft.cli.options import data_options, parse_data_options
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.tasks.leakage import LeakageKeys
    from openrft.tasks.task import DataRequest, Task
    from openrft.types import Sample

SHOWN = 80  # characters of a question


class Row(NamedTuple):
    """Where a sample comes from: its task, side, file and row (if known), and its id."""

    task: str
    part: str
    file: object
    row: object
    id: str


class Kept(NamedTuple):
    """What is kept of a sample. All rows of a benchmark are compared without holding their texts in memory."""

    keys: LeakageKeys
    question: str  # its beginning


@click.command("overlap")
@click.argument("one", shell_complete=complete_tasks)
@click.argument("other", shell_complete=complete_tasks)
@data_options
@click.option("--items", type=click.IntRange(min=0), default=10, show_default=True, help="Pairs to show of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every pair.")
def command(one: str, other: str, items: int, as_json: bool, **given: Any) -> None:
    """Samples that ONE and OTHER share, or that match in both, by kind.

    Each is a task or a glob. #train or #test after it means one side of its split, as a run with the same options draws
    it. Without them all rows are compared. A pair is listed under the first kind that fits: the same in every letter
    (exact), in words (text), in words with the options in another order (shuffled), then the kinds that the tasks'
    family knows, such as the same question with other options, or the same block of data.

    \b
    Examples:
      openrft tasks overlap sciknoweval/openrft/T5#train sciknoweval/openrft/T5#test --data DIR
      openrft tasks overlap sciknoweval/openrft/T7 sciknoweval/L3/diffusion_rate_analysis --data DIR --json
    """
    from openrft.tasks.task import DataRequest

    request = DataRequest(**parse_data_options(given))
    sets = {ref: _samples(ref, request) for ref in dict.fromkeys((one, other))}
    report = {
        "one": {"name": one, "samples": len(sets[one])},
        "other": {"name": other, "samples": len(sets[other])},
        "overlaps": _compare(sets[one], sets[other], None if as_json else items),
    }
    if not as_json:
        for line in _lines(report, items):
            print_text(line)
        return
    print_json(report)


def _compare(one: Mapping[Row, Kept], other: Mapping[Row, Kept], items: int | None) -> dict[str, Any]:
    """The number of pairs by kind, and up to `items` pairs of each."""
    from openrft.tasks.leakage import find_matches, leakage_kinds

    rows, others = list(one), list(other)
    itself = rows == others  # compared with itself: only pairs of different rows count
    left, right = [kept.keys for kept in one.values()], [kept.keys for kept in other.values()]
    found: dict[str, Any] = {
        kind: {"pairs": 0, "in_one": set(), "in_other": set(), "items": []} for kind in leakage_kinds(left, right)
    }
    for kind, a, b in find_matches(left, right):
        if itself and a >= b:
            continue
        of = found[kind]
        of["pairs"] += 1
        of["in_one"].add(a)
        of["in_other"].add(b)
        if items is None or len(of["items"]) < items:
            row, twin = rows[a], others[b]
            of["items"].append({"one": _item(row, one[row]), "other": _item(twin, other[twin])})
    return {kind: {**of, "in_one": len(of["in_one"]), "in_other": len(of["in_other"])} for kind, of in found.items()}


def _samples(ref: str, request: DataRequest) -> dict[Row, Kept]:
    """The samples of NAME[#SIDE], each once, even if several tasks of a glob hold it."""
    from openrft.errors import UsageError
    from openrft.plugins.task_registry import select_tasks
    from openrft.tasks.leakage import leakage_keys

    name, _, side = ref.rpartition("#") if "#" in ref else (ref, "", "")
    if side not in ("", "train", "test"):
        raise UsageError(f"{ref}: a task has no side {side!r}.", "Write NAME, NAME#train or NAME#test.")
    found: dict[Row, Kept] = {}
    for task_name in select_tasks(name, request.data):
        for part, samples in _sides(task_name, side, request).items():
            samples.reverse()
            while samples:  # each is released once it is read, which makes room for what is kept of it
                sample = samples.pop()
                found[_row(sample, part)] = Kept(leakage_keys(sample), " ".join(sample.question.split())[:SHOWN])
    return found


def _sides(name: str, side: str, request: DataRequest) -> dict[str, list[Sample]]:
    """The samples of one side or both. Nothing else holds them if the family can show all rows."""
    from openrft.plugins.task_registry import load_all_rows

    task = (None if side else load_all_rows(name, request)) or _drawn(name, side, request)
    return {part: list(getattr(task, part)) for part in ("train", "test") if side in ("", part)}


def _drawn(name: str, side: str, request: DataRequest) -> Task:
    """The task as a run would draw it. If that fails because the other side is missing: all rows of this side."""
    from openrft.errors import DataError
    from openrft.plugins.task_registry import load_all_rows, load_task

    try:
        return load_task(name, request)
    except DataError:
        whole = load_all_rows(name, request)
        if whole is None or whole.notes.get("only_side") != side:
            raise
        return whole


def _row(sample: Sample, part: str) -> Row:
    return Row(sample.task, part, sample.meta.get("file"), sample.meta.get("row"), sample.id)


def _item(row: Row, kept: Kept) -> dict[str, Any]:
    place = {key: value for key, value in (("file", row.file), ("row", row.row)) if value is not None}
    return {"id": row.id, "task": row.task, **place, "question": kept.question}


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
