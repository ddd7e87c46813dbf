"""The names of tasks and the rows that each stands for. Reads no rows."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from openrft import TaskInfo, UsageError
from openrft_sciknoweval.catalogue import DOMAINS, LEVELS, PAPER, ROWS, V2, Leaf, domain_of
from openrft_sciknoweval.rows import Part

FAMILY = "sciknoweval"
FILE = f"{FAMILY}/file"
POOL = f"{FAMILY}/openrft"


@dataclass(frozen=True, slots=True)
class AvailableRows:
    """Rows that a source has, as far as is known without reading them."""

    domain: str | None
    level: str | None
    leaf: str | None
    part: Part | None = None
    types: Mapping[str, int] | None = None  # rows by type; None = not counted


@dataclass(frozen=True, slots=True)
class Selector:
    """A name, and the rows that it stands for: those that match every field that is set."""

    name: str
    summary: str
    rows: int | None = None
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    paper: bool = False  # from the paper's train and test files, not from the raw data
    alias_of: str | None = None
    types: Mapping[str, int] | None = None
    absent: bool = False  # the source has no rows of it

    @property
    def info(self) -> TaskInfo:
        return TaskInfo(
            self.name, self.summary, self.rows, self.alias_of, self.level, self.domain, self.types, self.absent
        )

    def matches(self, domain: str | None, level: str | None, leaf: str | None) -> bool:
        """Whether a row or file with these labels belongs. A label that it does not have cannot rule it out."""
        return (
            _labels_agree(self.level, level) and _labels_agree(self.domain, domain) and _labels_agree(self.leaf, leaf)
        )


def _labels_agree(wanted: str | None, label: str | None) -> bool:
    return not wanted or not label or wanted == label or wanted.lower() == label.lower()


def build_selectors(available: Sequence[AvailableRows] | None = None, v1: bool = False) -> dict[str, Selector]:
    """Every selector by its lower-case name.

    `available`: what the source has, beyond the catalogue too; None = V2 as published, or V1 if `v1` is set.
    """
    known = {(leaf.domain, leaf.level, leaf.name.lower()) for leaf in (*V2, *PAPER)}
    found = [h for h in available or () if h.leaf and (h.domain, h.level, h.leaf.lower()) not in known]
    raw = {(h.domain, h.level, str(h.leaf).lower()): h for h in found if h.part is None}
    more = [Leaf(str(h.leaf), h.domain, h.level) for h in raw.values() if h.domain and h.level]
    split = sorted({str(h.leaf) for h in found if h.part} - {leaf.name for leaf in PAPER})
    leaves = (*V2, *(leaf for leaf in PAPER if leaf.v1_only), *more)
    raw_names = list(_raw_selectors(leaves))
    every = [*raw_names, *_v1_aliases(raw_names), *_paper_selectors(split), _file_selector()]
    if available is not None:
        every = [_with_availability(selector, available) for selector in every]
    elif v1:
        every = [replace(selector, rows=None, types=None, absent=selector.paper) for selector in every]
    else:
        alone = {leaf.name for leaf in leaves if leaf.v1_only}
        every = [replace(s, absent=s.paper or s.leaf in alone or s.name == FILE) for s in every]
    return {selector.name.lower(): selector for selector in every}


def _with_availability(selector: Selector, available: Sequence[AvailableRows]) -> Selector:
    """The selector with what the source has of it."""
    if selector.name == FILE:
        return replace(selector, absent=True)
    # A folder with nothing but a split serves all names.
    in_paper = selector.paper or all(h.part for h in available)
    fitting = [h for h in available if bool(h.part) == in_paper and selector.matches(h.domain, h.level, h.leaf)]
    if in_paper:
        sides = [{h.leaf for h in fitting if h.part == part} for part in ("train", "test")]
        fitting = [h for h in fitting if h.leaf in sides[0] & sides[1]]
    types: Counter[str] = Counter()
    for h in fitting:
        types.update(h.types or {})
    counted = bool(fitting) and None not in [h.types for h in fitting]
    return replace(
        selector,
        rows=sum(types.values()) if counted else None,
        types=dict(types) if counted else None,
        absent=not fitting,
    )


def _raw_selectors(leaves: Sequence[Leaf]) -> Iterator[Selector]:
    for level, what in LEVELS.items():
        yield Selector(f"{FAMILY}/{level}", f"{level} ({what}), all domains", ROWS[level], level=level)
    for domain in DOMAINS:
        yield Selector(f"{FAMILY}/{domain}", f"{domain}, all levels", ROWS[domain], domain=domain)
        for level in LEVELS:
            of_both = [leaf for leaf in leaves if (leaf.domain, leaf.level, leaf.v1_only) == (domain, level, False)]
            about = f"{domain} {level} ({LEVELS[level]})"
            yield Selector(f"{FAMILY}/{domain}/{level}", about, _sum(of_both), domain=domain, level=level)
    shared = Counter(leaf.path.lower() for leaf in leaves)
    for leaf in leaves:
        about = f"{leaf.domain} {leaf.level}, {leaf.metric}{_note_limits(leaf)}"
        short, long = f"{FAMILY}/{leaf.path}", f"{FAMILY}/{leaf.domain}/{leaf.path}"
        for name in (long,) if shared[leaf.path.lower()] > 1 else (short, long):
            yield Selector(name, about, leaf.rows, leaf.domain, leaf.level, leaf.name, types=leaf.types)
        if shared[leaf.path.lower()] > 1:  # the same name in several domains: it means all of them
            yield Selector(short, f"{leaf.level}, tasks of several domains", None, None, leaf.level, leaf.name)


def _v1_aliases(raw: Iterable[Selector]) -> Iterator[Selector]:
    """V1 calls the domain Materials; its files keep V2's names."""
    for selector in raw:
        if selector.domain == "Material" and not selector.leaf:
            name = selector.name.replace("/Material", "/Materials")
            yield replace(selector, name=name, summary=f"the same as {selector.name}", alias_of=selector.name)


def _paper_selectors(found: Iterable[str]) -> Iterator[Selector]:
    yield Selector(POOL, "the OpenRFT paper's tasks, their splits pooled", paper=True)
    for number, leaf in enumerate(PAPER, 1):
        about = f"the OpenRFT paper's split of {leaf.name}"
        yield Selector(f"{POOL}/T{number}", about, None, leaf.domain, leaf.level, leaf.name, paper=True)
    for number, leaf in enumerate(PAPER, 1):
        short = f"{POOL}/T{number}"
        name, about = f"{POOL}/{leaf.name}", f"the same as {short}"
        yield Selector(name, about, None, leaf.domain, leaf.level, leaf.name, paper=True, alias_of=short)
    for name in found:
        yield Selector(f"{POOL}/{name}", "a split in the given folder", leaf=name, paper=True)


def _file_selector() -> Selector:
    return Selector(FILE, "all rows of the one file given with --data")


def _note_limits(leaf: Leaf) -> str:
    where = "; in V1 and the paper's split only" if leaf.v1_only else ""
    return where if leaf.metric != "judge" else f" (no outcome reward without a judge){where}"


def _sum(leaves: Sequence[Leaf]) -> int | None:
    counts = [leaf.rows for leaf in leaves]
    return None if None in counts else sum(n for n in counts if n)


def canonical_name(name: str) -> str:
    """The name with V2's word for the domain: `Material/L3/...` for V1's `Materials/L3/...`."""
    first, *rest = name.split("/")
    domain = domain_of(rest[0]) if rest else None
    return "/".join([first, domain, *rest[1:]]) if domain else name


def find_selector(name: str, known: Mapping[str, Selector]) -> Selector:
    """The selector of that name, in any case. Raises UsageError with the nearest names."""
    asked = name.lower().rstrip("/")
    found = known.get(asked) or known.get(canonical_name(asked).lower())
    if found is None:
        near = [known[n].name for n in difflib.get_close_matches(name.lower(), known, n=3)]
        advice = f"Did you mean {' or '.join(near)}?" if near else "`openrft tasks list` shows all."
        raise UsageError(f"unknown task: {name!r}.", advice)
    return found
