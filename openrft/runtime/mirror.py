"""A copy of the store behind a URL that fsspec can open (s3://, gs://, file://, memory://), for machines that share no
disk.

Each finished stage is a folder there, as in the store. Its checksums are written last, so a folder without them, or
with other files than they say, is no result. A machine that makes a stage holds its lock: an object that is created
only if there is none, and whose content changes while its holder lives. The lock of a machine that was lost ends by
itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from openrft.errors import StoreError, UsageError
from openrft.runtime.files import write_text

CHECKSUMS = "checksums.json"
HEARTBEAT = 10.0  # seconds between two changes of a lock that is held
LOST = 60.0  # seconds without a change after which its holder counts as lost
POLL = 2.0  # seconds between two looks at a lock that another holds

logger = logging.getLogger(__name__)


class Mirror:
    """The store behind `url`. Raises UsageError for a URL that fsspec cannot open."""

    def __init__(self, url: str, heartbeat: float = HEARTBEAT, lost: float = LOST, poll: float = POLL) -> None:
        from fsspec.core import url_to_fs  # few runs need it

        self.url, self._heartbeat, self._lost, self._poll = url, heartbeat, lost, poll
        try:
            self._files, self._root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as fault:
            raise UsageError(
                f"--store {url}: {fault}", "Give a folder, or a URL such as s3://BUCKET/NAME with its package (s3fs)."
            ) from fault

    def fetch(self, inside: str, target: Path) -> bool:
        """Copy the finished stage `inside` (such as evaluate/KEY) into the new folder `target`. False if there is none.

        A stage whose files are not as their checksums say is removed there, so that it is made again.
        """
        with self._report_errors():
            source = f"{self._root}/{inside}"
            try:
                listing = json.loads(self._files.cat_file(f"{source}/{CHECKSUMS}"))
            except FileNotFoundError:
                return False
            except ValueError:
                listing = None
            if isinstance(listing, dict) and self._copy(source, listing, target):
                return True
            logger.warning("%s/%s is damaged and is made again", self.url, inside)
            shutil.rmtree(target, ignore_errors=True)
            self._files.rm(source, recursive=True)
            return False

    def _copy(self, source: str, listing: dict[str, str], target: Path) -> bool:
        for name, checksum in listing.items():
            file = target / name
            if not file.resolve().is_relative_to(target.resolve()):
                return False
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._files.get_file(f"{source}/{name}", str(file))
            except FileNotFoundError:
                return False
            if hashlib.sha256(file.read_bytes()).hexdigest() != checksum:
                return False
        write_text(target / CHECKSUMS, json.dumps(listing, indent=1))
        return True

    def publish(self, inside: str, folder: Path) -> None:
        """Copy a finished stage's folder to `inside`. Its checksums are written last."""
        with self._report_errors():
            target = f"{self._root}/{inside}"
            for file in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS):
                name = f"{target}/{file.relative_to(folder).as_posix()}"
                self._make_parent(name)
                self._files.put_file(str(file), name)
            self._files.put_file(str(folder / CHECKSUMS), f"{target}/{CHECKSUMS}")

    @contextlib.contextmanager
    def hold(self, inside: str) -> Iterator[None]:
        """Hold the lock of a stage. Waits for another machine that makes the same stage."""
        with self._report_errors():
            lock = f"{self._root}/{inside}.lock"
            self._make_parent(lock)
            owner = f"{socket.gethostname()} {secrets.token_hex(8)}"
            self._acquire(lock, owner)
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(lock, owner, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()
            with self._report_errors(), contextlib.suppress(FileNotFoundError):
                if self._read(lock).startswith(owner):
                    self._files.rm_file(lock)

    def _make_parent(self, name: str) -> None:
        """Make the folder of a file on a disk. Object stores have no folders; theirs would make a missing bucket."""
        if "file" in self._files.protocol:
            self._files.makedirs(name.rpartition("/")[0], exist_ok=True)

    def _acquire(self, lock: str, owner: str) -> None:
        seen, since, told = "", time.monotonic(), False
        while not self._create(lock, f"{owner} 0"):
            try:
                now = self._read(lock)
            except FileNotFoundError:
                continue
            if not told:
                logger.info("waiting for another machine that makes %s: %s", lock.removesuffix(".lock"), now)
                told = True
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > self._lost:
                # Two that wait may both come here. Only one of them then creates the lock.
                logger.warning("the machine that made %s was lost: %s", lock.removesuffix(".lock"), now)
                with contextlib.suppress(FileNotFoundError):
                    self._files.rm_file(lock)
                continue
            time.sleep(self._poll)

    def _create(self, lock: str, text: str) -> bool:
        try:
            self._files.pipe_file(lock, text.encode(), mode="create")
        except FileExistsError:
            return False
        return True

    def _read(self, lock: str) -> str:
        return str(self._files.cat_file(lock).decode())

    def _beat(self, lock: str, owner: str, ended: threading.Event) -> None:
        count = 0
        while not ended.wait(self._heartbeat):
            count += 1
            try:
                if not self._read(lock).startswith(owner):
                    return  # it was taken for lost, and another holds the lock now; both make the same stage
                self._files.pipe_file(lock, f"{owner} {count}".encode())
            except Exception as fault:  # noqa: BLE001  # whatever a file system raises: a beat is left out
                logger.warning("%s cannot be renewed: %s", lock, fault)

    @contextlib.contextmanager
    def _report_errors(self) -> Iterator[None]:
        """In this context, whatever the file system raises is a StoreError that names the URL."""
        try:
            yield
        except StoreError:
            raise
        except Exception as fault:  # each file system has errors of its own
            line = " ".join(f"{type(fault).__name__}: {fault}".split())
            raise StoreError(
                f"the store {self.url} cannot be used: {line}",
                "Are its address, its credentials and their rights right? Finished stages are kept here and there.",
            ) from fault
