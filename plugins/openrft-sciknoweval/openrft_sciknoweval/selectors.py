"""The names of tasks and what each stands for. Reads no rows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openrft import TaskInfo, UsageError
from openrft_sciknoweval.catalogue import DOMAINS, LEVELS, PAPER, ROWS, V2, Leaf

FAMILY = "sciknoweval"
FILE = f"{FAMILY}/file"


@dataclass(frozen=True, slots=True)
class Selector:
    """A name, and the rows it stands for: those that fit every field that is set."""

    name: str
    summary: str
    rows: int | None = None
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    paper: bool = False  # from the paper's train and test files, not from the raw data
    alias_of: str | None = None

    @property
    def info(self) -> TaskInfo:
        return TaskInfo(self.name, self.summary, self.rows, self.alias_of)

    def fits(self, domain: str | None, level: str | None, leaf: str | None) -> bool:
        """Does a row or file with these labels belong? What it does not say of itself is no hindrance."""
        wanted = ((self.domain, domain), (self.level, level), (self.leaf, leaf))
        return all(not want or not have or want.lower() == have.lower() for want, have in wanted)


def selectors(found: Iterable[Leaf] = (), found_paper: Iterable[str] = ()) -> dict[str, Selector]:
    """Every selector by its lower-case name. `found`, `found_paper`: the user's files beyond the catalogue."""
    known = {leaf.path.lower() for leaf in V2}
    leaves = (*V2, *(leaf for leaf in found if leaf.path.lower() not in known))
    return {s.name.lower(): s for s in (*_raw(leaves), *_paper(found_paper), _whole_file())}


def _raw(leaves: tuple[Leaf, ...]) -> Iterator[Selector]:
    for level, what in LEVELS.items():
        yield Selector(f"{FAMILY}/{level}", f"{level} ({what}), all domains", ROWS[level], level=level)
    for domain in DOMAINS:
        yield Selector(f"{FAMILY}/{domain}", f"{domain}, all levels", ROWS[domain], domain=domain)
        for level in LEVELS:
            rows = _sum([leaf for leaf in leaves if (leaf.domain, leaf.level) == (domain, level)])
            name = f"{FAMILY}/{domain}/{level}"
            yield Selector(name, f"{domain} {level} ({LEVELS[level]})", rows, domain=domain, level=level)
    for leaf in leaves:
        about = f"{leaf.domain} {leaf.level}, {leaf.metric}{_caution(leaf)}"
        for name in (f"{FAMILY}/{leaf.path}", f"{FAMILY}/{leaf.domain}/{leaf.path}"):
            yield Selector(name, about, leaf.rows, leaf.domain, leaf.level, leaf.name)


def _paper(found: Iterable[str]) -> Iterator[Selector]:
    pool = f"{FAMILY}/openrft"
    yield Selector(pool, "the OpenRFT paper's tasks, their splits pooled", paper=True)
    for number, leaf in enumerate(PAPER, 1):
        yield Selector(f"{pool}/T{number}", f"the OpenRFT paper's split of {leaf.name}", leaf=leaf.name, paper=True)
    for number, leaf in enumerate(PAPER, 1):
        short = f"{pool}/T{number}"
        yield Selector(f"{pool}/{leaf.name}", f"the same as {short}", leaf=leaf.name, paper=True, alias_of=short)
    known = {leaf.name for leaf in PAPER}
    for name in found:
        if name not in known:
            yield Selector(f"{pool}/{name}", "a split in the given folder", leaf=name, paper=True)


def _whole_file() -> Selector:
    return Selector(FILE, "all rows of the one file given with --data")


def _caution(leaf: Leaf) -> str:
    return "" if leaf.metric in ("accuracy", "containment") else " (has no outcome reward without a judge)"


def _sum(leaves: list[Leaf]) -> int | None:
    counts = [leaf.rows for leaf in leaves]
    return None if None in counts else sum(n for n in counts if n)


def choose(name: str, known: dict[str, Selector]) -> Selector:
    """The selector of that name, in any case. Raises UsageError with the nearest names."""
    found = known.get(name.lower().rstrip("/"))
    if found is None:
        near = [known[n].name for n in difflib.get_close_matches(name.lower(), known, n=3)]
        advice = f"Did you mean {' or '.join(near)}?" if near else "`openrft tasks list` shows all."
        raise UsageError(f"unknown task: {name!r}.", advice)
    return found
