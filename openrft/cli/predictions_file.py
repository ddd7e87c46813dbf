"""The file of predictions: CSV or JSON Lines. Finished rows are in a second file beside it until all are done."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from openrft.prediction import Prediction
    from openrft.tasks.task import SourceRow

SUFFIXES = (".csv", ".jsonl")
ANSWERED = ("answer", "agreement", "correct", "completions", "unread", "cut_off", "tokens", "error")  # columns


class PredictionsOutput:
    """The rows of predictions so far. `path` is None for standard output, where nothing is resumed.

    `given` names the columns of the input. They come first; one that is called like a column of the answers, in
    whatever case, gets "given" before its name.
    """

    def __init__(self, path: Path | None, key: str, given: Iterable[str], reasoning: bool) -> None:
        self.path = path
        self._answered = [*ANSWERED, "reasoning"] if reasoning else [*ANSWERED]
        self._names: dict[str, str] = {}
        for name in given:
            free = name
            while free.casefold() in self._answered or free in self._names.values():
                free = f"given {free}"
            self._names[name] = free
        self.rows: list[dict[str, Any]] = []
        self._part = path.with_name(path.name + ".part") if path else None
        self._stream: TextIO | None = None
        if self._part is not None:
            self.rows = _read_part(self._part, key)
            # Rewritten, since its last line may be cut short; to another file first, so that a kill loses no row.
            aside = self._part.with_name(self._part.name + ".tmp")
            aside.write_text("".join(map(_to_line, [{"key": key}, *self.rows])), encoding="utf-8")
            aside.replace(self._part)
            self._stream = self._part.open("a", encoding="utf-8")

    @property
    def done(self) -> int:
        """How many questions are answered."""
        return len(self.rows)

    def write(self, asked: Sequence[SourceRow], found: Sequence[Prediction]) -> None:
        """Keep the predictions for these rows."""
        new = [self._make_row(row, prediction) for row, prediction in zip(asked, found, strict=True)]
        self._append(new)
        if self.path is None:
            self._write_csv(sys.stdout, new, header=not self.rows)
        self.rows += new

    def finish(self) -> None:
        """Put the file in its place."""
        if self.path is None or self._part is None or self._stream is None:
            return
        self._stream.close()
        aside = self.path.with_name(self.path.name + ".tmp")
        with aside.open("w", encoding="utf-8", newline="") as out:
            if self.path.suffix.lower() == ".csv":
                self._write_csv(out, self.rows, header=True)
            else:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
        aside.replace(self.path)
        self._part.unlink()

    def close(self) -> None:
        """Stop here; the same command continues from the rows that are kept."""
        if self._stream is not None:
            self._stream.close()

    def _append(self, rows: Sequence[dict[str, Any]]) -> None:
        if self._stream is not None:
            self._stream.writelines(map(_to_line, rows))
            self._stream.flush()

    def _make_row(self, row: SourceRow, found: Prediction) -> dict[str, Any]:
        """One row of output: the filled and empty cells that this row has, then what was answered."""
        verdict = found.grade
        answers = {
            "answer": found.answer,
            "agreement": round(found.agreement, 3),
            "correct": None if verdict is None else verdict.correct,
            "completions": found.completions,
            "unread": found.unread,
            "cut_off": found.cut_off,
            "tokens": found.tokens,
            "error": found.error,
            "reasoning": found.reasoning,
        }
        taken = {self._names[name]: cell for name, cell in row.cells.items()}
        return {**taken, **{name: answers[name] for name in self._answered}}

    def _write_csv(self, out: TextIO, rows: Sequence[dict[str, Any]], header: bool) -> None:
        writer = csv.DictWriter(out, [*self._names.values(), *self._answered], restval="", lineterminator="\n")
        if header:
            writer.writeheader()
        for row in rows:
            writer.writerow({name: _to_cell(value) for name, value in row.items()})


@contextmanager
def open_output(out: str, key: str, given: Iterable[str], reasoning: bool) -> Iterator[PredictionsOutput]:
    """The output `out`, a new .csv or .jsonl file or `-`. If the context ends without an error the file is put in its
    place. `key` is a hash of everything that the predictions depend on: only rows of the same key are reused. `given`
    names the columns of the input.

    Raises UsageError or StoreError.
    """
    from openrft.errors import UsageError
    from openrft.runtime.files import report_disk_errors

    path = None if out == "-" else Path(out)
    if path is not None:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"--out {out}: unknown kind of file.", "Call it .csv or .jsonl.")
        if path.exists():
            raise UsageError(f"--out {out}: the file exists.", "Give a new file, or remove this one.")
    with report_disk_errors(path.parent if path else Path()):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        output = PredictionsOutput(path, key, given, reasoning)
        try:
            yield output
            output.finish()
        finally:
            output.close()


def _to_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=True) + "\n"


def _read_part(part: Path, key: str) -> list[dict[str, Any]]:
    """The finished rows of a stopped command with the same key. A last line that was cut short does not count."""
    if not part.is_file():
        return []
    found: list[dict[str, Any]] = []
    for line in part.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found[1:] if found and found[0].get("key") == key else []


def _to_cell(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value
