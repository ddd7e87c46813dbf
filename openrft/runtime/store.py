"""Content-addressed results of stages: written to a temporary folder with checksums, then renamed. No pickle.

A stage's folder is `<root>/<stage>/<key>/`. Its `inputs.json` holds what the key was made from. While it is being made,
the folder is `<key>.part/`. What a stage needs to continue after it was stopped is in `<key>.resume/`. If two workers
want the same result, one makes it and the other waits. If several ranks work on one job, rank 0 keeps the result and
the others only help to make it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from openrft.errors import StoreError, UsageError
from openrft.runtime.files import DISK_FULL, report_disk_errors, write_text
from openrft.runtime.mirror import CHECKSUMS, Mirror
from openrft.runtime.ranks import Ranks, current_ranks
from openrft.runtime.stage_difference import explain_missing
from openrft.types import content_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StageResult:
    """A finished stage."""

    key: str
    folder: Path
    reused: bool  # found, not made


class Store:
    """Stage results under one folder. With `only_read` none is made.

    With a `mirror`, results are also looked for there and copied there, so that machines without a common disk share
    them.
    """

    def __init__(self, root: Path, only_read: bool = False, mirror: Mirror | None = None) -> None:
        self.root, self._only_read, self._mirror = root, only_read, mirror

    def result(
        self, stage: str, inputs: dict[str, Any], make: Callable[[Path], None], keep: Collection[str] = ()
    ) -> StageResult:
        """The result of `stage` for these inputs (plain JSON): found, or made by `make(folder)`.

        The folder is empty when `make` is called, except for files in `keep` that a stopped attempt left. `make`
        continues from those. Raises StoreError for a missing result of a store that is only read.
        """
        ranks = current_ranks()
        if not ranks.first:
            return _help_to_make(ranks, make, keep)

        def make_together(folder: Path) -> None:
            ranks.share(folder)
            ranks.gather(None)  # the others have copied what they continue from
            make(folder)

        return ranks.share(self._result(stage, inputs, make if ranks.size == 1 else make_together, keep))

    def _result(
        self, stage: str, inputs: dict[str, Any], make: Callable[[Path], None], keep: Collection[str]
    ) -> StageResult:
        key = content_id(stage, inputs)
        final, part = self.root / stage / key, self.root / stage / f"{key}.part"
        with report_disk_errors(self.root):
            final.parent.mkdir(parents=True, exist_ok=True)
        with self._lock(final):
            with report_disk_errors(self.root):
                if is_intact(final):
                    shutil.rmtree(resume_folder(part), ignore_errors=True)  # left by a kill between the last two lines
                    return StageResult(key, final, True)
                if final.exists():
                    logger.warning("%s is damaged and is made again", final)
                    shutil.rmtree(final)
            if self._fetch(f"{stage}/{key}", final):
                return StageResult(key, final, True)
            if self._only_read:
                raise StoreError(
                    f"{self.root} does not hold the stage {stage!r} of this job any more.",
                    f"{explain_missing(final.parent, inputs)} Give the command that made the run again: it repeats only"
                    " what is missing.".lstrip(),
                )
            with self._hold(f"{stage}/{key}"):
                if self._fetch(f"{stage}/{key}", final):  # another machine made it
                    return StageResult(key, final, True)
                with report_disk_errors(self.root):
                    _prepare(part, keep)
                with self._own_disk_errors():
                    make(part)
                with report_disk_errors(self.root):
                    write_text(part / "inputs.json", json.dumps(inputs, indent=1, sort_keys=True, ensure_ascii=False))
                    write_checksums(part)
                    part.rename(final)
                    shutil.rmtree(resume_folder(part), ignore_errors=True)
                if self._mirror is not None:
                    self._mirror.publish(f"{stage}/{key}", final)
        return StageResult(key, final, False)

    def holds(self, stage: str, inputs: dict[str, Any]) -> bool:
        """Whether the result of `stage` for these inputs is there."""
        return is_intact(self.root / stage / content_id(stage, inputs))

    def fetch_file(self, file: Path) -> None:
        """Have this file of a finished stage here: from the mirror, if another machine made the stage."""
        stage = file.relative_to(self.root).parts[:2]
        final = self.root.joinpath(*stage)
        if not file.exists():
            with report_disk_errors(self.root):
                final.parent.mkdir(parents=True, exist_ok=True)
            with self._lock(final):
                self._fetch("/".join(stage), final)

    def _fetch(self, inside: str, final: Path) -> bool:
        """Copy a stage from the mirror, if it holds it."""
        if self._mirror is None or final.exists():
            return False
        aside = final.with_name(f"{final.name}.fetched")
        with report_disk_errors(self.root):
            shutil.rmtree(aside, ignore_errors=True)
            if not self._mirror.fetch(inside, aside):
                return False
            aside.rename(final)
        return True

    def _hold(self, inside: str) -> AbstractContextManager[None]:
        return nullcontext() if self._mirror is None else self._mirror.hold(inside)

    @contextmanager
    def _lock(self, final: Path) -> Iterator[None]:
        """Hold the result's lock. Waits for another worker that makes the same result."""
        lock = FileLock(str(final) + ".lock")
        with report_disk_errors(self.root):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                logger.info("waiting for another worker that makes %s", final)
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _own_disk_errors(self) -> Iterator[None]:
        """Report a stage's error as one of the store if the disk is full or the file is in the store."""
        try:
            yield
        except OSError as fault:
            if fault.errno in DISK_FULL or self._contains(fault.filename):
                with report_disk_errors(self.root):
                    raise
            raise

    def _contains(self, file: object) -> bool:
        if not isinstance(file, str | os.PathLike):
            return False
        return Path(file).absolute().is_relative_to(self.root.absolute())


def _help_to_make(ranks: Ranks, make: Callable[[Path], None], keep: Collection[str]) -> StageResult:
    """What rank 0 has found; or made, with this rank at its side.

    This rank makes the same in a folder that is thrown away, from copies of what a stopped attempt has left.
    """
    told: Path | StageResult = ranks.share()
    if isinstance(told, StageResult):
        return told
    if not told.exists():
        raise UsageError(
            f"rank {ranks.rank} does not see {told}, where rank 0 keeps results.",
            "Name a folder that all machines mount at the same path.",
        )
    with tempfile.TemporaryDirectory(prefix="openrft-rank-") as scratch:
        part = Path(scratch) / told.name
        part.mkdir()
        for file in told.iterdir():
            if file.name in keep:
                shutil.copy2(file, part)
        if resume_folder(told).exists():
            shutil.copytree(resume_folder(told), resume_folder(part))
        ranks.gather(None)  # rank 0 must not change what is copied here
        make(part)
    return ranks.share()


def _prepare(part: Path, keep: Collection[str]) -> None:
    """Empty the folder, except for files of a stopped attempt that are named in `keep`."""
    part.mkdir(exist_ok=True)
    for left in part.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        elif left.name not in keep:
            left.unlink()


def resume_folder(part: Path) -> Path:
    """Where the stage that fills `part` keeps what it needs to continue after it was stopped.

    It is removed only after the result exists, so there is always one or the other.
    """
    return part.with_suffix(".resume")


def write_checksums(folder: Path) -> None:
    """Write the checksums of a folder's files into it."""
    write_text(folder / CHECKSUMS, json.dumps(_checksums(folder), indent=1))


def is_intact(folder: Path) -> bool:
    """Whether the folder's files match their checksums."""
    listing = folder / CHECKSUMS
    if not listing.exists():
        return False
    try:
        return bool(json.loads(listing.read_text("utf-8")) == _checksums(folder))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return False


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS)
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
