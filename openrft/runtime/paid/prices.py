"""Prices of models, from a TOML file. OpenRFT knows none by itself: they change, and a wrong one is worse than none.

currency = "USD"
"gpt-x-mini" = { input = 0.40, cached_input = 0.10, output = 1.60 }    # per million tokens
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrft.errors import UsageError
from openrft.runtime.files import read_toml
from openrft.runtime.paid.usage import Payment, Usage

EXAMPLE = '"MODEL" = { input = 0.40, cached_input = 0.10, output = 1.60 }'
_FIELDS = ("input", "cached_input", "output")
_MILLION = 1_000_000
MOST = 1e9  # for a million tokens; more is a slip of the pen


@dataclass(frozen=True, slots=True)
class Price:
    """Money for a million tokens of one model."""

    input: float
    cached_input: float  # for the tokens of a prompt that the server had cached
    output: float

    def cost(self, usage: Usage) -> float:
        """What these tokens cost."""
        fresh = usage.input - usage.cached_input
        found = fresh * self.input + usage.cached_input * self.cached_input + usage.output * self.output
        return found / _MILLION


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by model: by its name, or by URL#MODEL where two servers ask different prices for one name."""

    currency: str
    models: Mapping[str, Price]

    def find(self, model: str) -> Price | None:
        """The price of a model, given as URL#MODEL; None without one."""
        return self.models.get(model) or self.models.get(model.partition("#")[2])

    def cost(self, usages: Iterable[Usage]) -> float | None:
        """What these tokens cost together; None if a model has no price."""
        found = [(self.find(usage.model), usage) for usage in usages]
        return None if any(p is None for p, _ in found) else sum(p.cost(usage) for p, usage in found if p)

    def format(self, amount: float) -> str:
        """1.2345 -> "1.23 USD"; small amounts have two digits that say something."""
        digits = 2 if amount >= 0.1 or amount <= 0 else min(2 - math.floor(math.log10(amount)) - 1, 8)
        return f"{amount:,.{digits}f} {self.currency}"


@dataclass(frozen=True, slots=True)
class Money:
    """What a run paid to servers, over all its starts."""

    payments: tuple[Payment, ...]
    prices: PriceTable | None = None
    budget: float | None = None  # in the currency of the prices

    def cost(self, usages: Iterable[Usage]) -> str:
        """What these tokens cost, in words; empty if a price is missing."""
        found = self.prices.cost(usages) if self.prices else None
        return "" if found is None or self.prices is None else self.prices.format(found)


def read_prices(path: Path) -> PriceTable:
    """The table in a TOML file. Raises UsageError naming the file, the model and the field."""
    content = read_toml(path, "--prices")
    currency = content.pop("currency", None)
    if not isinstance(currency, str) or not currency.strip() or not currency.isprintable():
        raise UsageError(f"--prices {path}: it names no currency.", 'Write: currency = "USD".')
    return PriceTable(currency, {model: _read_price(f"{path}: {model}", row) for model, row in content.items()})


def _read_price(where: str, row: Any) -> Price:
    if isinstance(row, Mapping) and row and all(isinstance(value, Mapping) for value in row.values()):
        raise UsageError(
            f"--prices {where} holds further tables: {', '.join(map(str, row))}.",
            f"Put a name with a dot in quotes: {EXAMPLE}.",
        )
    given = row if isinstance(row, Mapping) else {}
    missing = [name for name in ("input", "output") if name not in given]
    if missing:
        raise UsageError(f"--prices {where} has no {' and no '.join(missing)}.", f"Write: {EXAMPLE}.")
    for name, value in given.items():
        if name not in _FIELDS:
            raise UsageError(f"--prices {where}.{name} is not known.", f"A price has {', '.join(_FIELDS)}.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= MOST:
            raise UsageError(f"--prices {where}.{name}: {value!r:.40} is no price.", "Give money per million tokens.")
    price = float(given["input"])
    return Price(price, float(given.get("cached_input", price)), float(given["output"]))
