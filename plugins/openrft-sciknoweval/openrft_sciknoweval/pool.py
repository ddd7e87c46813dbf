"""From tables to samples, counting all that is left behind and why."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from openrft import DataError, Sample
from openrft_sciknoweval.answering import has_outcome, question_of
from openrft_sciknoweval.defects import CONFLICT, DUPLICATE, UNREADABLE
from openrft_sciknoweval.kin import normal
from openrft_sciknoweval.reading import Fault, Place
from openrft_sciknoweval.record import Where, examined, where
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.selectors import FAMILY, FILE, Selector
from openrft_sciknoweval.table import Table

SHOWN = 5  # faults listed of one table
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Parts = dict[str | None, list[Sample]]


@dataclass
class Pool:
    """Samples of one selector, by the part of the split their place names (None: no split given)."""

    selector: Selector
    skip_bad_rows: bool = False
    clean: bool = False  # leave out rows with a known defect
    samples: Parts = field(default_factory=dict)
    judged: Parts = field(default_factory=dict)  # those that have no outcome reward without a judge
    read: int = 0
    types: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)  # rows of other tasks, in files that hold several
    bad: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    _seen: Counter[tuple[str | None, str]] = field(default_factory=Counter)

    def add(self, tables: Iterable[Table]) -> None:
        """Read the tables. Raises DataError with the faults of the first that has any, unless they are skipped."""
        for table in tables:
            faults: list[str] = []
            self.bad.update(table.bad)
            for place, row in table.rows():
                self.read += 1
                fault = row if isinstance(row, Fault) else self._take(row, table, place)
                if fault:
                    self.bad[fault.reason] += 1
                    faults.append(f"{place}: {fault.detail}" if len(faults) < SHOWN else "")
            if faults and not self.skip_bad_rows:
                raise refusal(table.name, faults)

    def settle(self) -> None:
        """Flag what only a comparison of all rows shows, and then leave out what has a flag, if that is asked for."""
        self._compare()
        for parts in (self.samples, self.judged):
            for part, samples in parts.items():
                for sample in samples:
                    (self.dropped if self.clean else self.flagged).update(sample.meta["defects"])
                parts[part] = [s for s in samples if not (self.clean and s.meta["defects"])]

    def _compare(self) -> None:
        """Flag samples that ask the same (question and set of options) and have different gold answers."""
        every = [*self.all(), *self.left_to_a_judge()]
        asked = Counter(hash(normal(sample.question)) for sample in every)  # spares most the closer look
        golds: dict[object, set[str]] = defaultdict(set)
        for sample in every:
            if asked[hash(normal(sample.question))] > 1:
                golds[_same(sample)].add(_plain(sample.gold))
        clashing = {key for key, found in golds.items() if len(found) > 1}
        for parts in (self.samples, self.judged) if clashing else ():
            for part, samples in parts.items():
                parts[part] = [_flagged(s, CONFLICT) if _same(s) in clashing else s for s in samples]

    def all(self) -> list[Sample]:
        """Every sample that can be graded without a judge."""
        return [sample for samples in self.samples.values() for sample in samples]

    def left_to_a_judge(self) -> list[Sample]:
        """Every other sample."""
        return [sample for samples in self.judged.values() for sample in samples]

    def clear(self) -> None:
        """Let the samples go."""
        self.samples.clear()
        self.judged.clear()

    def require(self) -> None:
        """Raises DataError if no sample is left."""
        if any(self.samples.values()) or any(self.judged.values()):
            return
        held = ", ".join(f"{count} of {name}" for name, count in self.elsewhere.most_common(SHOWN))
        advice = f"There are {held}; {FILE} takes all rows of a file." if held else "Give other rows with --data."
        if self.dropped:
            advice = "Leave out --clean to keep rows with a known defect."
        raise DataError(f"none of {self.read} rows read is a usable row of task {self.selector.name}.", advice)

    def notes(self) -> dict[str, Any]:
        """Counts of everything read and left out, for the task's notes."""
        return {
            "rows_read": self.read,
            "rows_of_other_tasks": sum(self.elsewhere.values()),
            "rows_by_type": dict(sorted(self.types.items())),
            "bad_rows": dict(sorted(self.bad.items())),
            "left_out_by_type": self._untrainable() if any(self.samples.values()) else {},
            "defects_dropped": dict(sorted(self.dropped.items())),
            "defects_kept": dict(sorted(self.flagged.items())),
        }

    def _untrainable(self) -> dict[str, int]:
        judged = Counter(sample.meta["type"] for sample in self.left_to_a_judge())
        return dict(sorted(judged.items()))

    def _take(self, row: Row, table: Table, place: Place) -> Fault | None:
        there = where(row, table)
        if not table.leaf and not self.selector.fits(*there):
            self.elsewhere[f"{there.level}/{there.leaf}"] += 1
            return None
        known = examined(row, there.leaf, table.published)
        if isinstance(known, Fault):
            return known
        self.types[known.type] += 1
        if not known.gradable or UNREADABLE in (known.defects or ()):
            self.dropped.update(known.defects or ())
        else:
            self._keep(_sample(known, place, there), table.part)
        return None

    def _keep(self, sample: Sample, part: str | None) -> None:
        copy = self._seen[part, sample.id]
        self._seen[part, sample.id] += 1
        if copy:
            sample = replace(_flagged(sample, DUPLICATE), copy=copy)
        where = self.samples if has_outcome(sample) else self.judged
        where.setdefault(part, []).append(sample)


def refusal(name: str, faults: list[str]) -> DataError:
    """The first few faults of a table in one line; `faults` holds one entry a fault."""
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return DataError(
        f"{name}, {'; '.join(faults[:SHOWN])}{more}.",
        "Fix or remove what is named, or give --skip-bad-rows to leave it out and have it counted.",
    )


def _sample(row: Row, place: Place, there: Where) -> Sample:
    meta = {
        "file": place.file,
        "row": place.number,
        "domain": there.domain,
        "level": there.level,
        "level_in_row": row.level,
        "task_in_row": row.task,
        "subtask": row.subtask,
        "source": row.source,
        "type": row.type,
        "prompt": row.prompt,
        **({"labels": len(row.labels)} if len(row.labels) != len(row.texts) else {}),
        "defects": list(row.defects or ()),
    }
    answer = LETTERS[row.position] if row.kind == "choice" else row.answer
    task = sys.intern("/".join(part for part in (FAMILY, there.level, there.leaf) if part))
    kind = "text" if row.kind == "none" else row.kind
    question = question_of(row.type, there.leaf, row.prompt, row.question)
    return Sample(question, answer, row.texts, kind=kind, task=task, meta=meta)


def _flagged(sample: Sample, defect: str) -> Sample:
    return replace(sample, meta={**sample.meta, "defects": [*sample.meta["defects"], defect]})


def _same(sample: Sample) -> object:
    return _plain(sample.question), tuple(sorted(map(_plain, sample.options)))


def _plain(text: str) -> str:
    """Case and spacing aside, but not signs and dots: -0.2 and 0.2 are different golds."""
    return " ".join(text.lower().split())
