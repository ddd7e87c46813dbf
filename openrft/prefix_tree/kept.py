"""Plans of trees that the readings of a step share: own log-probabilities, those of the reference, the gradient."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

MOST_TOKENS = 65_536  # of the trees that are kept; later ones are planned each time

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    plans: dict[Hashable, Any] = field(default_factory=dict)
    tokens: int = 0


_kept: ContextVar[_Kept | None] = ContextVar("kept_plans", default=None)


@contextmanager
def keep_plans() -> Iterator[None]:
    """In this context a tree that was planned once is not planned again. Results are the same to the bit."""
    token = _kept.set(_Kept())
    try:
        yield
    finally:
        _kept.reset(token)


def get_plan(key: Hashable, make: Callable[[], tuple[T, int]]) -> T:
    """The plan that is kept under `key`, or a new one. `make` gives the plan and the number of its nodes."""
    kept = _kept.get()
    if kept is None:
        return make()[0]
    if key in kept.plans:
        found: T = kept.plans[key]
        return found
    plan, nodes = make()
    if kept.tokens + nodes <= MOST_TOKENS:
        kept.plans[key], kept.tokens = plan, kept.tokens + nodes
    return plan
