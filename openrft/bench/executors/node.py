"""On a machine of a cluster: check that the job can run here, and run it."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openrft.bench.report import ArmResult, Failure
from openrft.bench.single_job import JobFolders, failure_file, run_single_job
from openrft.errors import StoreError, UsageError
from openrft.job import Job
from openrft.runtime.logging import configure_worker_logging

# What machines must have in the same version: the numbers of a result depend on it, and it is too large to be sent.
SAME_EVERYWHERE = ("torch", "transformers", "peft", "trl", "numpy")
UPDATE_SECONDS = 0.5  # the least time between two reports of progress


def _list_versions() -> dict[str, str]:
    found = {}
    for name in SAME_EVERYWHERE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


@dataclass(frozen=True, slots=True)
class Node:
    """What a machine of the cluster must know and have to run a job."""

    workdir: str  # relative paths begin there
    mark: Path | None  # a file that it sees if it shares the store's folder; None for a store behind a URL
    threads: int
    log_level: int
    versions: Mapping[str, str] = field(default_factory=_list_versions)  # of the machine that gives the jobs


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's result, as another machine can read it."""

    result: ArmResult | Failure
    files: Mapping[str, str]  # kind -> path inside the store
    details: str = ""  # of a failure


def run_on_node(job: Job, folders: JobFolders, node: Node, send: Callable[..., None]) -> Outcome:
    """Run the job on this machine. `send` is told ("update", stage, done, total, note) and ("log", record).

    Raises UsageError for other libraries than the job's giver has, and StoreError for a folder that is not shared.
    """
    _check_node(node, folders)
    if os.path.isdir(node.workdir):
        os.chdir(node.workdir)
    configure_worker_logging(lambda record: send("log", record), node.log_level)
    import torch

    torch.set_num_threads(node.threads)
    if folders.mirror is not None:
        folders = _use_local_folders(folders)
    last = 0.0

    def tell(stage: str, done: int, total: int, note: str) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= UPDATE_SECONDS:
            last = time.monotonic()
            send("update", stage, done, total, note)

    result, files = run_single_job(job, folders, tell)
    details = ""
    if isinstance(result, Failure) and folders.mirror is not None:
        details = failure_file(job, folders.failures).read_text("utf-8")
    return Outcome(result, {kind: str(file.relative_to(folders.store)) for kind, file in files.items()}, details)


def _check_node(node: Node, folders: JobFolders) -> None:
    here = _list_versions()
    if other := [f"{n} {here[n]} in place of {v}" for n, v in node.versions.items() if here[n] != v]:
        raise UsageError(
            f"the machine {socket.gethostname()} has {', '.join(other)}.", "Install the same versions everywhere."
        )
    if node.mark is not None and not node.mark.exists():
        raise StoreError(
            f"the machine {socket.gethostname()} does not share the folder {folders.store}.",
            "Give --out a folder that all machines mount at the same path, or --store a URL such as s3://BUCKET/NAME.",
        )


def _use_local_folders(folders: JobFolders) -> JobFolders:
    """Folders on this machine. The stages in them are copies of those behind the store's URL."""
    here = Path(tempfile.gettempdir()) / "openrft-store"
    account = folders.account and replace(folders.account, folder=here / "stages")
    return replace(folders, store=here / "stages", failures=here / "failures", account=account)
