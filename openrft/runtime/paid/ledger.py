"""The file of replies: every reply that a server gave, what it was paid for, and which requests are on their way.

One SQLite file in the store, for all runs that share it. A reply and its payment are written together, the moment the
reply arrives. Several processes and threads may use the file at once.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrft.errors import StoreError
from openrft.runtime.files import report_disk_errors
from openrft.runtime.paid.usage import Payment, Usage

FILE = "replies.sqlite"
LOCAL_DISKS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "overlay")
WAIT = 60.0  # seconds that a write waits for those of other processes

_TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT, request TEXT, reply TEXT, arrived TEXT,
    input INTEGER, cached_input INTEGER, output INTEGER, uncounted INTEGER);
CREATE TABLE IF NOT EXISTS uses (result TEXT, key TEXT, PRIMARY KEY (result, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payments (
    run TEXT, arm TEXT, task TEXT, seed INTEGER, stage TEXT, model TEXT, lost INTEGER,
    input INTEGER, cached_input INTEGER, output INTEGER, uncounted INTEGER);
CREATE INDEX IF NOT EXISTS payments_of_runs ON payments (run);
CREATE TABLE IF NOT EXISTS underway (
    id INTEGER PRIMARY KEY, owner INTEGER, run TEXT, arm TEXT, task TEXT, seed INTEGER, stage TEXT, model TEXT,
    input INTEGER, output INTEGER);
"""
_SUMS = "COUNT(*), SUM(input), SUM(cached_input), SUM(output), SUM(uncounted)"

_OF_MODEL = "?1 IS NULL OR model = ?1 OR substr(model, instr(model, '#') + 1) = ?1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call belongs: the run and the job that pay for it, the stage, and the stage's result that it is for."""

    run: str = ""
    arm: str = ""
    task: str = ""
    seed: int = 0
    stage: str = ""
    result: str = ""

    @property
    def columns(self) -> tuple[str, str, str, int, str]:
        """The values of the columns that name it."""
        return self.run, self.arm, self.task, self.seed, self.stage


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply in the file."""

    key: str
    request: str  # JSON: what was asked
    reply: str  # JSON, as the server gave it
    usage: Usage
    arrived: str  # ISO 8601


def is_local_disk(folder: Path) -> bool:
    """Whether a folder is on a disk of this machine, and of no other; False where the system does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()]
    except OSError:
        return False
    inside = [(len(place), kind) for _, place, kind, *_ in mounts if folder.resolve().is_relative_to(place)]
    return max(inside, default=(0, ""))[1] in LOCAL_DISKS


class Ledger:
    """The file of replies in `folder`, which is made if it is missing. Raises StoreError where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._mutex = threading.RLock()
        with report_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with self._name_file():
            self._db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            # A write-ahead log makes a write a hundred times faster, but is for the processes of one machine.
            self._db.execute(f"PRAGMA journal_mode = {'WAL' if is_local_disk(folder) else 'TRUNCATE'}")
            self._db.execute("PRAGMA synchronous = NORMAL")
            with self.transaction():
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
        self._process = os.getpid()

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done in this context is done whole, or not at all, and alone."""
        with self._mutex, self._name_file():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _name_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise StoreError(
                f"{self.path}: the replies of servers cannot be kept there: {fault}.",
                "Make room, or give another folder.",
            ) from fault

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._mutex, self._name_file():
            return self._db.execute(query, values).fetchall()

    def _write(self, query: str, *values: Any) -> int:
        with self._mutex, self._name_file():
            return self._db.execute(query, values).lastrowid or 0

    # -- replies --------------------------------------------------------------------------------------------------

    def find(self, key: str) -> KeptReply | None:
        """The reply with this key."""
        return next(self._select("key = ?", key), None)

    def find_by_prefix(self, prefix: str) -> Iterator[KeptReply]:
        """The replies whose key begins like this."""
        return self._select("substr(key, 1, length(?1)) = ?1", prefix)

    def list_replies(self, model: str | None = None) -> Iterator[KeptReply]:
        """The replies of a model (by its name, or URL#MODEL), or all; the oldest first."""
        return self._select(_OF_MODEL, model)

    def _select(self, which: str, value: str | None) -> Iterator[KeptReply]:
        columns = "key, request, reply, arrived, model, input, cached_input, output, uncounted"
        query = f"SELECT {columns} FROM replies WHERE {which} ORDER BY arrived, rowid"
        for key, request, reply, arrived, model, *tokens in self._rows(query, value):
            yield KeptReply(key, request, reply, Usage(model, 1, *tokens), arrived)

    def add(self, key: str, request: str, reply: str, usage: Usage) -> None:
        """Keep a reply. To be called in a transaction with its payment."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        tokens = (usage.input, usage.cached_input, usage.output, usage.uncounted)
        self._write(
            "INSERT OR REPLACE INTO replies (key, model, request, reply, arrived, input, cached_input, output,"
            " uncounted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(key, usage.model, request, reply, now, *tokens),
        )

    def remove(self, model: str | None) -> int:
        """Forget the replies of a model, or all. Payments stay. Returns how many there were."""
        with self.transaction():
            count = self.count_replies(model)
            self._write(f"DELETE FROM replies WHERE {_OF_MODEL}", model)
        return count

    def count_replies(self, model: str | None) -> int:
        """How many replies of a model are kept, or of all."""
        return int(self._rows(f"SELECT COUNT(*) FROM replies WHERE {_OF_MODEL}", model)[0][0])

    # -- uses: which replies a result of a stage rests on, whoever paid for them ----------------------------------

    def note_uses(self, uses: Iterable[tuple[str, str]]) -> None:
        """Note which results rest on which replies: pairs of a result and a reply's key. Said again, it changes
        nothing. To be called in a transaction."""
        with self._mutex, self._name_file():
            self._db.executemany("INSERT OR IGNORE INTO uses VALUES (?, ?)", uses)

    def sum_uses(self, result: str) -> tuple[Usage, ...]:
        """What the replies hold that a result rests on, by model."""
        query = f"SELECT model, {_SUMS} FROM uses JOIN replies USING (key) WHERE result = ? GROUP BY model"
        return tuple(Usage(*row) for row in self._rows(query, result))

    # -- payments and requests that are on their way --------------------------------------------------------------

    def pay(self, place: Place, usage: Usage, lost: bool = False) -> None:
        """Note what one reply cost; `lost`: it never arrived, and may have cost as much."""
        tokens = (usage.input, usage.cached_input, usage.output, usage.uncounted)
        marks = ", ".join("?" * 11)
        self._write(f"INSERT INTO payments VALUES ({marks})", *place.columns, usage.model, int(lost), *tokens)

    def list_payments(self, run: str) -> tuple[Payment, ...]:
        """What a run paid, over all its starts."""
        columns = "arm, task, seed, stage, model"
        kinds = ("SUM(NOT lost)", *(f"SUM({c} * (NOT lost))" for c in ("input", "cached_input", "output", "uncounted")))
        lost = ("SUM(lost)", *(f"SUM({c} * lost)" for c in ("input", "cached_input", "output", "uncounted")))
        query = f"SELECT {columns}, {', '.join(kinds)}, {', '.join(lost)} FROM payments WHERE run = ?"
        rows = self._rows(f"{query} GROUP BY {columns} ORDER BY MIN(rowid)", run)
        return tuple(
            Payment(arm, task, seed, stage, Usage(model, *sums[:5]), Usage(model, *sums[5:]))
            for arm, task, seed, stage, model, *sums in rows
        )

    def sum_payments(self, run: str, lost: bool) -> list[Usage]:
        """What a run paid by model, or, for `lost`, what it may have paid for replies that never arrived."""
        query = f"SELECT model, {_SUMS} FROM payments WHERE run = ? AND lost = ? GROUP BY model"
        return [Usage(*row) for row in self._rows(query, run, int(lost))]

    def sum_underway(self, run: str) -> list[Usage]:
        """The most that a run's requests can cost that are on their way, by model."""
        query = "SELECT model, COUNT(*), SUM(input), 0, SUM(output) FROM underway WHERE run = ? GROUP BY model"
        return [Usage(*row) for row in self._rows(query, run)]

    def begin(self, owner: int, place: Place, most: Usage) -> int:
        """Note that a request is on its way, with the most that it can cost. Returns its number."""
        return self._write(
            "INSERT INTO underway (owner, run, arm, task, seed, stage, model, input, output)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(owner, *place.columns, most.model, most.input, most.output),
        )

    def end(self, number: int) -> None:
        """A request is not on its way any more."""
        self._write("DELETE FROM underway WHERE id = ?", number)

    def settle_dead(self, is_dead: Callable[[int], bool]) -> None:
        """Count as lost what was on its way when its process was killed: the server may have charged for it."""
        owners: Sequence[tuple[int]] = self._rows("SELECT DISTINCT owner FROM underway")
        for (owner,) in owners:
            if is_dead(owner):
                with self.transaction():
                    columns = "run, arm, task, seed, stage, model"
                    self._write(
                        f"INSERT INTO payments SELECT {columns}, 1, input, 0, output, 0 FROM underway WHERE owner = ?",
                        owner,
                    )
                    self._write("DELETE FROM underway WHERE owner = ?", owner)
