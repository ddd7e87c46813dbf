"""From shards to samples, with counts of everything that is left out and why.

Says which task a row belongs to, and flags or drops rows with known defects.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from openrft import LETTERS, DataError, Sample, escape_terminal
from openrft_sciknoweval.catalogue import leaf_name, level_of
from openrft_sciknoweval.defects import CONFLICT, DUPLICATE, UNREADABLE, find_defects
from openrft_sciknoweval.grading import build_question, has_outcome_reward
from openrft_sciknoweval.json_reader import BadRow, RowLocation
from openrft_sciknoweval.rows import Row, Shard
from openrft_sciknoweval.selectors import FAMILY, FILE, Selector
from openrft_sciknoweval.splits import normalize

MAX_FAULTS = 5  # bad rows of one shard that a message names
SamplesByPart = dict[str | None, list[Sample]]


class TaskRef(NamedTuple):
    """The task that a row belongs to. A field is None where neither the file's place nor the row says it."""

    domain: str | None
    level: str | None
    leaf: str


def resolve_task(row: Row, shard: Shard) -> TaskRef:
    """The row's task: by the shard's place, which is canonical, else by the row's own labels."""
    domain = shard.domain or row.domain
    leaf = shard.leaf or leaf_name(domain, row.level, row.task, row.subtask)
    return TaskRef(domain, shard.level or level_of(leaf, row.level), leaf)


def check_row(row: Row, leaf: str, published: bool) -> Row | BadRow:
    """The row with its defects named. In a file of the user's, options that do not fit their labels make a bad row."""
    if row.defects is None:
        row = replace(row, defects=tuple(find_defects(row, leaf)))
    if row.kind == "choice" and len(row.texts) != len(row.labels) and not published:
        return BadRow("texts and labels differ", f"{len(row.texts)} texts for {len(row.labels)} labels")
    return row


@dataclass
class SampleCollector:
    """Samples of one selector, by the part of the split that their file belongs to (None: no split is given)."""

    selector: Selector
    skip_bad_rows: bool = False
    clean: bool = False  # leave out rows with a known defect
    samples: SamplesByPart = field(default_factory=dict)
    judged: SamplesByPart = field(default_factory=dict)  # those that have no outcome reward without a judge
    read: int = 0
    types: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)  # rows of other tasks, in files that hold several
    bad: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    _seen: Counter[tuple[str | None, str]] = field(default_factory=Counter)

    def add(self, shards: Iterable[Shard]) -> None:
        """Read the shards. Raises DataError with the faults of the first that has any, unless they are skipped."""
        for shard in shards:
            faults: list[str] = []
            self.bad.update(shard.bad)
            for location, row in shard.rows():
                self.read += 1
                fault = row if isinstance(row, BadRow) else self._add_row(row, shard, location)
                if fault:
                    self.bad[fault.reason] += 1
                    faults.append(f"{location}: {escape_terminal(fault.detail)}" if len(faults) < MAX_FAULTS else "")
            if faults and not self.skip_bad_rows:
                raise refuse_bad_rows(shard.name, faults)

    def mark_defects(self) -> None:
        """Flag what only a comparison of all rows shows. With `clean`, leave out every sample that has a flag."""
        self._flag_conflicts()
        for parts in (self.samples, self.judged):
            for part, samples in parts.items():
                for sample in samples:
                    (self.dropped if self.clean else self.flagged).update(sample.meta["defects"])
                parts[part] = [s for s in samples if not (self.clean and s.meta["defects"])]

    def _flag_conflicts(self) -> None:
        """Flag samples that ask the same (question and set of options) and have different gold answers."""
        every = [*self.gradable(), *self.needing_judge()]
        asked = Counter(hash(normalize(sample.question)) for sample in every)  # most samples need no closer look
        golds: dict[object, set[str]] = defaultdict(set)
        for sample in every:
            if asked[hash(normalize(sample.question))] > 1:
                golds[_question_key(sample)].add(_fold_case(sample.gold))
        clashing = {key for key, found in golds.items() if len(found) > 1}
        for parts in (self.samples, self.judged) if clashing else ():
            for part, samples in parts.items():
                parts[part] = [_add_defect(s, CONFLICT) if _question_key(s) in clashing else s for s in samples]

    def gradable(self) -> list[Sample]:
        """Every sample that can be graded without a judge."""
        return [sample for samples in self.samples.values() for sample in samples]

    def needing_judge(self) -> list[Sample]:
        """Every sample that only a judge can score."""
        return [sample for samples in self.judged.values() for sample in samples]

    def clear(self) -> None:
        """Drop all samples."""
        self.samples.clear()
        self.judged.clear()

    def require_samples(self) -> None:
        """Raises DataError if no sample is left."""
        if any(self.samples.values()) or any(self.judged.values()):
            return
        held = ", ".join(f"{count} of {name}" for name, count in self.elsewhere.most_common(MAX_FAULTS))
        advice = (
            f"There are {escape_terminal(held)}; {FILE} takes all rows of a file."
            if held
            else "Give other rows with --data."
        )
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
            "left_out_by_type": self._count_judged_types() if any(self.samples.values()) else {},
            "defects_dropped": dict(sorted(self.dropped.items())),
            "defects_kept": dict(sorted(self.flagged.items())),
        }

    def _count_judged_types(self) -> dict[str, int]:
        judged = Counter(sample.meta["type"] for sample in self.needing_judge())
        return dict(sorted(judged.items()))

    def _add_row(self, row: Row, shard: Shard, location: RowLocation) -> BadRow | None:
        ref = resolve_task(row, shard)
        if not shard.leaf and not self.selector.matches(*ref):
            self.elsewhere[f"{ref.level}/{ref.leaf}"] += 1
            return None
        known = check_row(row, ref.leaf, shard.published)
        if isinstance(known, BadRow):
            return known
        self.types[known.type] += 1
        if not known.gradable or UNREADABLE in (known.defects or ()):
            self.dropped.update(known.defects or ())
        else:
            self._add_sample(_make_sample(known, location, ref), shard.part)
        return None

    def _add_sample(self, sample: Sample, part: str | None) -> None:
        copy = self._seen[part, sample.id]
        self._seen[part, sample.id] += 1
        if copy:
            sample = replace(_add_defect(sample, DUPLICATE), copy_index=copy)
        parts = self.samples if has_outcome_reward(sample) else self.judged
        parts.setdefault(part, []).append(sample)


def refuse_bad_rows(name: str, faults: list[str]) -> DataError:
    """The error that names the first few bad rows of a shard in one line; `faults` has an entry for each bad row."""
    more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
    return DataError(
        f"{name}, {'; '.join(faults[:MAX_FAULTS])}{more}.",
        "Fix or remove what is named, or give --skip-bad-rows to leave it out and have it counted.",
    )


def _make_sample(row: Row, location: RowLocation, ref: TaskRef) -> Sample:
    meta = {
        "file": location.file,
        "row": location.number,
        "domain": ref.domain,
        "level": ref.level,
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
    task = sys.intern("/".join(part for part in (FAMILY, ref.level, ref.leaf) if part))
    kind = "text" if row.kind == "none" else row.kind
    question = build_question(row.type, ref.leaf, row.prompt, row.question)
    return Sample(question, answer, row.texts, kind=kind, task=task, meta=meta)


def _add_defect(sample: Sample, defect: str) -> Sample:
    return replace(sample, meta={**sample.meta, "defects": [*sample.meta["defects"], defect]})


def _question_key(sample: Sample) -> object:
    return _fold_case(sample.question), tuple(sorted(map(_fold_case, sample.options)))


def _fold_case(text: str) -> str:
    """The text in lower case with single spaces. Signs and dots stay: -0.2 and 0.2 are different golds."""
    return " ".join(text.lower().split())
