"""Prices of models, from a file, and what tokens cost by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from openrft.errors import UsageError
from openrft.runtime.paid.prices import Price, PriceTable, read_prices
from openrft.runtime.paid.usage import Usage

TABLE = """
currency = "USD"
"gpt-x.1-mini" = { input = 0.40, cached_input = 0.10, output = 1.60 }
open = { input = 0, output = 0.5 }
"https://other/v1#open" = { input = 9, output = 9 }
"""


def read(tmp_path: Path, text: str) -> PriceTable:
    file = tmp_path / "prices.toml"
    file.write_text(text, "utf-8")
    return read_prices(file)


def test_a_byte_order_mark_is_no_part_of_the_table(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + TABLE) == read(tmp_path, TABLE)


def test_tokens_cost_what_the_table_says(tmp_path: Path) -> None:
    """1,000,000 tokens in, 250,000 of them cached, 500,000 out: .75 * .4 + .25 * .1 + .5 * 1.6 = 1.125."""
    prices = read(tmp_path, TABLE)
    usage = Usage("https://host/v1#gpt-x.1-mini", 3, 1_000_000, 250_000, 500_000)
    assert prices.cost([usage]) == pytest.approx(1.125)
    assert prices.format(1.125) == "1.12 USD"
    assert prices.format(0.000456) == "0.00046 USD"
    assert prices.format(0.0) == "0.00 USD"
    assert prices.find("https://host/v1#open") == Price(0.0, 0.0, 0.5)  # cached tokens cost what others do
    assert prices.find("https://other/v1#open") == Price(9.0, 9.0, 9.0)
    assert prices.cost([usage, Usage("https://host/v1#unknown", 1)]) is None
    assert prices.cost([]) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency = ", "not TOML"),
        ('"m" = { input = 1, output = 1 }', "names no currency. Write: currency"),
        ('currency = "USD"\nm = { input = 1 }', "m has no output"),
        ('currency = "USD"\nm = 3', "m has no input and no output"),
        ('currency = "USD"\nm = { input = -1, output = 1 }', r"m.input: -1 is no price"),
        ('currency = "USD"\nm = { input = nan, output = 1 }', "is no price"),
        ('currency = "USD"\nm = { input = 1' + "0" * 400 + ", output = 1 }", "m.input: 10000"),
        ('currency = "USD"\nm = { input = true, output = 1 }', "is no price"),
        ('currency = "USD"\nm = { input = 1, output = 1, cached = 1 }', "m.cached is not known"),
        ('currency = "USD"\ngpt-4.1 = { input = 1, output = 1 }', "Put a name with a dot in quotes"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_prices(tmp_path / "none.toml")
