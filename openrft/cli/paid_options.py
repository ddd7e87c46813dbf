"""Options for servers that cost money, and the account that they describe."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from openrft.cli.options import PathType

if TYPE_CHECKING:
    from openrft.runtime.paid.account import AccountSettings

F = TypeVar("F", bound=Callable[..., Any])

NAMES = ("prices", "budget", "in_flight", "replay")

_OPTIONS = [
    click.option(
        "--prices",
        default=None,
        metavar="FILE",
        type=PathType(dir_okay=False, path_type=Path),
        help="TOML file with the prices of models behind servers; the report then shows money besides tokens.",
    ),
    click.option(
        "--budget",
        default=None,
        type=click.FloatRange(min=0),
        metavar="MONEY",
        help="The most that the run may pay to servers, including what it paid before it was resumed. A call that could"
        " exceed it is not made. Needs --prices.",
    ),
    click.option(
        "--in-flight",
        default=None,
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Maximum number of concurrent calls to one server.  [default: 16]",
    ),
    click.option("--replay", is_flag=True, help="Call no server: use only stored replies."),
]


def paid_options(function: F) -> F:
    """Add the options for servers that cost money."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def parse_account(given: dict[str, Any]) -> AccountSettings:
    """The account of these options, which are taken out of `given`. Raises UsageError."""
    from openrft.errors import UsageError
    from openrft.runtime.paid.account import IN_FLIGHT, AccountSettings
    from openrft.runtime.paid.prices import read_prices

    prices, budget, in_flight, replay = (given.pop(name) for name in NAMES)
    if budget is not None and not math.isfinite(budget):
        raise UsageError(f"--budget {budget} is no sum of money.", "Give a number, or leave it out for no limit.")
    table = read_prices(prices) if prices else None
    return AccountSettings(prices=table, budget=budget, in_flight=in_flight or IN_FLIGHT, replay=replay)


@contextmanager
def command_account(given: dict[str, Any], store: Path, run: str) -> Iterator[None]:
    """In this context calls to servers belong to an account of these options, and are counted for `run`. At the end a
    line says what they cost."""
    from dataclasses import replace

    from openrft.bench.money import describe_payments
    from openrft.cli.printing import print_text
    from openrft.runtime.paid.account import Account, use_account
    from openrft.runtime.paid.prices import Money

    settings = replace(parse_account(given), folder=store, run=run)
    with use_account(Account(settings)) as account:
        yield
        payments = account.list_payments()
    for line in describe_payments(Money(payments, settings.prices, settings.budget)) if payments else ():
        print_text(line, err=True)
