"""From files to samples, counting all that is left behind and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from openrft import DataError, Sample, UsageError
from openrft_sciknoweval.defects import FATAL, defects_of
from openrft_sciknoweval.layout import DataFile
from openrft_sciknoweval.naming import leaf_name, level_of
from openrft_sciknoweval.reading import Fault, Place, values
from openrft_sciknoweval.row import Row, parse
from openrft_sciknoweval.selectors import FAMILY, FILE, Selector

_SHOWN = 5  # faults listed of one file
CONFLICT = "conflicting_gold"  # the one defect that no row shows alone
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Pool:
    """Samples of one selector, by the part of the split their file names (None: no split given)."""

    selector: Selector
    skip_bad_rows: bool = False
    samples: dict[str | None, list[Sample]] = field(default_factory=dict)
    read: int = 0
    elsewhere: Counter[str] = field(default_factory=Counter)  # rows of other tasks, in files that hold several
    bad: Counter[str] = field(default_factory=Counter)
    untrainable: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    _seen: set[tuple[str | None, str]] = field(default_factory=set)

    def add(self, files: Iterable[DataFile]) -> None:
        """Read the files. Raises DataError with the faults of the first file that has any, unless they are skipped."""
        for file in files:
            faults: list[str] = []
            for place, value in values(file.path):
                self.read += 1
                row = parse(value)
                if isinstance(row, Row):
                    row = self._take(row, file, place) or row
                if isinstance(row, Fault):
                    self.bad[row.reason] += 1
                    faults.append(f"{place}: {row.detail}" if len(faults) < _SHOWN else "")
            if faults and not self.skip_bad_rows:
                raise _refusal(file, faults)

    def flag_conflicts(self) -> None:
        """Flag samples that ask the same (question and set of options) and have different gold answers."""
        golds: dict[object, set[str]] = defaultdict(set)
        for sample in self.all():
            golds[_same(sample)].add(_plain(sample.gold))
        for part, samples in self.samples.items():
            for i, sample in enumerate(samples):
                if len(golds[_same(sample)]) > 1:
                    defects = [*sample.meta["defects"], CONFLICT]
                    self.samples[part][i] = replace(sample, meta={**sample.meta, "defects": defects})
                    self.flagged[CONFLICT] += 1

    def all(self) -> list[Sample]:
        return [sample for samples in self.samples.values() for sample in samples]

    def require(self) -> None:
        """Raises UsageError or DataError if no sample is left."""
        if any(self.samples.values()):
            return
        if self.untrainable:
            raise UsageError(
                f"task {self.selector.name} has no rows that can be trained on: they are of the type"
                f" {' and '.join(sorted(self.untrainable))}, whose answers only a judge can score.",
                "Types with an outcome reward are mcq-4-choices, mcq-2-choices, true_or_false and filling.",
            )
        held = ", ".join(f"{count} of {name}" for name, count in self.elsewhere.most_common(_SHOWN))
        raise DataError(
            f"none of {self.read} rows read is a usable row of task {self.selector.name}.",
            f"There are {held}; {FILE} takes all rows of a file." if held else "Give other rows with --data.",
        )

    def notes(self) -> dict[str, Any]:
        """Counts of everything read and left out, for the task's notes."""
        return {
            "rows_read": self.read,
            "rows_of_other_tasks": sum(self.elsewhere.values()),
            "bad_rows": dict(sorted(self.bad.items())),
            "left_out_by_type": dict(sorted(self.untrainable.items())),
            "defects_dropped": dict(sorted(self.dropped.items())),
            "defects_kept": dict(sorted(self.flagged.items())),
            "duplicates_dropped": self.duplicates,
        }

    def _take(self, row: Row, file: DataFile, place: Place) -> Fault | None:
        domain = file.domain or row.domain
        leaf = file.leaf or leaf_name(domain, row.level, row.task, row.subtask)
        level = file.level or level_of(leaf, row.level)
        if not file.leaf and not self.selector.fits(domain, level, leaf):
            self.elsewhere[f"{level}/{leaf}"] += 1
            return None
        if row.kind == "none":
            self.untrainable[row.type] += 1
            return None
        found = defects_of(row, leaf)
        if FATAL.intersection(found):
            if not file.published:
                return Fault("texts and labels differ", f"{len(row.texts)} texts for {len(row.labels)} labels")
            self.dropped.update(FATAL.intersection(found))
            return None
        self._keep(_sample(row, file, place, (domain, level, leaf), found), file.part)
        return None

    def _keep(self, sample: Sample, part: str | None) -> None:
        if (part, sample.id) in self._seen:
            self.duplicates += 1
            return
        self._seen.add((part, sample.id))
        self.flagged.update(sample.meta["defects"])
        self.samples.setdefault(part, []).append(sample)


def _sample(
    row: Row, file: DataFile, place: Place, where: tuple[str | None, str | None, str], defects: list[str]
) -> Sample:
    domain, level, leaf = where
    answer = LETTERS[row.labels.index(row.key)] if row.kind == "choice" else row.answer
    meta = {
        "file": file.path.name,
        "row": place.number,
        "domain": domain,
        "level": level,
        "level_in_row": row.level,
        "task_in_row": row.task,
        "subtask": row.subtask,
        "source": row.source,
        "type": row.type,
        "prompt": row.prompt,
        "defects": defects,
    }
    task = "/".join(part for part in (FAMILY, level, leaf) if part)
    return Sample(row.question, answer, row.texts, kind=row.kind, task=task, meta=meta)  # type: ignore[arg-type]


def _same(sample: Sample) -> object:
    return _plain(sample.question), tuple(sorted(map(_plain, sample.options)))


def _plain(text: str) -> str:
    """Case and spacing aside, but not signs and dots: -0.2 and 0.2 are different golds."""
    return " ".join(text.lower().split())


def _refusal(file: DataFile, faults: list[str]) -> DataError:
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return DataError(
        f"{file.path}, {'; '.join(faults[:_SHOWN])}{more}.",
        "Mend or remove what is named, or give --skip-bad-rows to leave it out and have it counted.",
    )
