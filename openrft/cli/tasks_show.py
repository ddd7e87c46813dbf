"""`openrft tasks show`: one task, the counts of its rows, and a question as the policy sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_tasks
from openrft.cli.options import data_options, parse_data_options
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.tasks.task import DataRequest


@click.command("show", short_help="Show how the rows of a task are read and divided.")
@click.argument("name", shell_complete=complete_tasks)
@data_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, as_json: bool, **given: Any) -> None:
    """A task's rows by type, answers, defects, split and licence, and one question as the policy sees it.

    NAME may be a glob; then --json prints a list. The counts are of all rows. Train and test are what a run with the
    same options would draw.

    \b
    Examples:
      openrft tasks show pocket/L3
      openrft tasks show sciknoweval/L3/retrosynthesis --data DIR --train 50 --data-seed 1
    """
    from openrft.plugins.task_registry import select_tasks
    from openrft.tasks.task import DataRequest

    request = DataRequest(**parse_data_options(given))
    names = select_tasks(name, request.data)
    if as_json:
        cards = [_card(whole, request) for whole in names]
        print_json(cards if any(c in name for c in "*?[") else cards[0])
        return
    for whole in names:
        for line in _lines(_card(whole, request)):
            print_text(line)


def _card(name: str, request: DataRequest) -> dict[str, Any]:
    """Everything about the task, as plain JSON."""
    from openrft.plugins.task_registry import load_all_rows, load_task
    from openrft.tasks.prompt import build_messages

    task = load_task(name, request)  # first, so that only one pool of rows is in memory at a time
    source = load_all_rows(name, request) or task
    samples = (*source.train, *source.test)
    notes = dict(task.notes)
    example = (*task.train, *task.test)[0]
    types = notes.get("rows_by_type") or dict(Counter(s.kind for s in samples))
    return {
        "name": task.name,
        "rows": sum(types.values()),
        "types": types,
        "trainable_types": notes.get("trainable_types", sorted(types)),
        "train": len(task.train),
        "test": len(task.test),
        "kinds": dict(Counter(s.kind for s in samples)),
        "answers": dict(sorted(Counter(s.answer for s in samples if s.kind in ("choice", "boolean")).items())),
        "leaves": dict(Counter(s.task for s in samples)),
        "defects": dict(Counter(d for s in samples for d in s.meta.get("defects", ()))),
        "licence": notes.get("licence", ""),
        "notes": notes,
        "prompt": list(build_messages(example, (), task.instruction)),
        "answer": example.answer,
    }


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    """The card as lines of text."""
    notes = card["notes"]
    judged = [name for name in card["types"] if name not in card["trainable_types"]]
    can = ", ".join(card["trainable_types"]) or "nothing"
    left_out = f"; {notes['dropped_leaks']} train samples dropped" if notes.get("dropped_leaks") else ""
    overlaps = {kind: n for kind, n in notes.get("overlaps", {}).items() if n}
    facts = {
        "rows": f"{card['rows']} ({_format_counts(card['types'])})",
        "can be trained on": can + (f"; only a judge can score {', '.join(judged)}" if judged else ""),
        "split": f"{card['train']} train, {card['test']} test; {notes.get('split', 'drawn')}",
        "layout": notes.get("layout", ""),
        "answers": _format_counts(card["answers"]),
        "leaves": _format_counts(card["leaves"]) if len(card["leaves"]) > 1 else "",
        "defects": _format_counts(card["defects"]) or "none known",
        "dropped": _format_counts(notes.get("defects_dropped", {})),
        "bad rows skipped": _format_counts(notes.get("bad_rows", {})),
        "train and test overlap": _format_counts(overlaps) + left_out,
        "columns not read": ", ".join(notes.get("columns_ignored", ())),
        "files left out": ", ".join(notes.get("files_left_out", ())),
        "source": " ".join(str(notes[key]) for key in ("source", "revision") if notes.get(key)),
        "licence": card["licence"],
        "warning": " ".join(notes.get("warnings", ())),
    }
    yield card["name"]
    width = max(map(len, facts))
    yield from (f"  {what:<{width}}  {value}" for what, value in facts.items() if value)
    yield "  a question as the policy sees it:"
    for message in card["prompt"]:
        yield from f"[{message['role']}]\n{message['content']}".split("\n")
    yield from f"[answer]\n{card['answer']}".split("\n")


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
