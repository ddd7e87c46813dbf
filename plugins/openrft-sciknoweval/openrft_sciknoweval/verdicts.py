"""The verdict file: every verdict of a judge, found again by what was asked, so that no answer is paid for twice.

JSON Lines, appended to whole lines at a time under a lock; a line that a killed process left unfinished is cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock

from openrft import DataError, OpenRFTError
from openrft_sciknoweval.rubrics import Rubric


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of one answer."""

    key: str
    judge: str
    task: str
    attempts: tuple[str, ...]  # all that it said; only the last can be readable
    score: float | None  # in [0, 1]; None = none of the attempts could be read


def key_of(question: str, reference: str, answer: str, judge: str, rubric: Rubric) -> str:
    """What a verdict depends on."""
    parts = [question, reference, answer, judge, rubric.scale, rubric.told]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:24]


class VerdictFile:
    """Verdicts by key. Several processes may append to the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock")

    def read(self) -> dict[str, Verdict]:
        """All verdicts; later lines win. Raises DataError naming the line that is none."""
        if not self.path.exists():
            return {}
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        found = {}
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            try:
                row = json.loads(line)
                verdict = Verdict(row["key"], row["judge"], row["task"], tuple(row["attempts"]), row["score"])
            except (ValueError, KeyError, TypeError) as fault:
                where = f"{self.path}:{number}"
                raise DataError(f"{where}: not a verdict ({fault!r}).", "Fix or remove the line.") from fault
            found[verdict.key] = verdict
        return found

    def append(self, verdicts: Iterable[Verdict]) -> None:
        """Add the verdicts, on the disk when this returns. Raises OpenRFTError if the file cannot be written."""
        text = "".join(json.dumps(asdict(verdict), ensure_ascii=False) + "\n" for verdict in verdicts)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, self.path.open("ab+") as file:
                _cut_unfinished(file)
                file.write(text.encode("utf-8", "replace"))
        except OSError as fault:
            raise OpenRFTError(
                f"the verdict file {self.path} cannot be written: {fault.strerror or fault}.",
                "Give another with --set sciknoweval.verdicts=FILE.",
            ) from fault


def _cut_unfinished(file: IO[bytes]) -> None:
    """Cut off a last line without its newline: the process that wrote it was killed."""
    end = file.seek(0, os.SEEK_END)
    start, step = end, 1 << 16
    while start:
        start = max(start - step, 0)
        file.seek(start)
        at = file.read(min(step, end - start)).rfind(b"\n")
        if at >= 0:
            file.truncate(start + at + 1)
            return
    file.truncate(0)
