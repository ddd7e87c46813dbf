"""`openrft replies`: the replies of servers that were paid for and are kept in a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openrft.cli.options import PathType
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.runtime.paid.ledger import Ledger

_store = click.option(
    "--store",
    default="runs/.store",
    type=PathType(file_okay=False, path_type=Path),
    show_default=True,
    help="The store of a bench: .store in its --out.",
)
_model = click.option("--model", default=None, metavar="NAME", help="Only the replies of this model, or URL#MODEL.")


@click.group("replies", epilog="\b\nExample:\n  openrft replies list --prices prices.toml")
def command() -> None:
    """List, show or delete the stored replies of servers, which are not paid for twice."""


@command.command("list", epilog="\b\nExample:\n  openrft replies list --prices prices.toml")
@_store
@_model
@click.option("--prices", default=None, type=PathType(dir_okay=False, path_type=Path), help="As for `openrft bench`.")
@click.option("--json", "as_json", is_flag=True, help="Print every reply: key, model, question, tokens, time.")
def list_(store: Path, model: str | None, prices: Path | None, as_json: bool) -> None:
    """The number of stored replies of each model, their tokens and their cost."""
    from openrft.runtime.paid.prices import Money, read_prices
    from openrft.runtime.paid.usage import add_by_model

    money = Money((), read_prices(prices) if prices else None)
    with _open_ledger(store) as ledger:
        kept = ledger.list_replies(model) if ledger else iter(())
        if as_json:
            for reply in kept:
                asked = json.loads(reply.request).get("messages") or [{}]
                row = {"key": reply.key, "model": reply.usage.model, "question": asked[-1].get("content", "")}
                tokens = {"input": reply.usage.input, "output": reply.usage.output, "arrived": reply.arrived}
                click.echo(json.dumps({**row, **tokens}))
            return
        found = add_by_model(reply.usage for reply in kept)
    for usage in found:
        cost = money.cost([usage])
        plural = "y" if usage.replies == 1 else "ies"
        counts = f"{usage.replies:,} repl{plural}, {usage.input:,} tokens in, {usage.output:,} out"
        print_text(f"{usage.model}: {counts}{f', {cost}' if cost else ''}")
    if not found:
        print_text(f"{store} holds no replies.")


@command.command("show", epilog="\b\nExample:\n  openrft replies show 0a1b2c3d4e5f")
@click.argument("key")
@_store
def show(key: str, store: Path) -> None:
    """One request and its reply, as JSON. KEY is the beginning of a key of `openrft replies list --json`."""
    from openrft.errors import UnknownName

    with _open_ledger(store) as ledger:
        found = list(ledger.find_by_prefix(key)) if ledger else []
    if len(found) != 1:
        raise UnknownName("reply", key, [reply.key[:12] for reply in found], "List them: openrft replies list --json.")
    (reply,) = found
    whole = {"key": reply.key, "request": json.loads(reply.request), "reply": json.loads(reply.reply)}
    print_json(whole)


@command.command("clear", epilog="\b\nExample:\n  openrft replies clear --model my-model")
@_store
@_model
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(store: Path, model: str | None, yes: bool) -> None:
    """Delete stored replies; a run that needs them pays for them again. What was paid stays counted."""
    with _open_ledger(store) as ledger:
        count = sum(1 for _ in ledger.list_replies(model)) if ledger else 0
        if count and not yes:
            click.confirm(f"Forget {count:,} replies?", abort=True)
        removed = ledger.remove(model) if ledger and count else 0
    print_text(f"Removed {removed:,} repl{'y' if removed == 1 else 'ies'}.")


@contextmanager
def _open_ledger(store: Path) -> Iterator[Ledger | None]:
    """The file of replies of a store; None if it has none."""
    from openrft.runtime.paid.ledger import FILE, Ledger

    ledger = Ledger(store) if (store / FILE).is_file() else None
    try:
        yield ledger
    finally:
        if ledger is not None:
            ledger.close()
