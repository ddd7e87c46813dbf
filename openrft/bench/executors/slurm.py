"""Run jobs under Slurm, each as one Slurm job, through submitit.

The bench submits what is missing and collects what is done. It may be stopped: its Slurm jobs go on, and the same
command finds them again by the list that it keeps in the run's folder. The folder must be shared by all machines.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from openrft.bench.executors.listener import JobListener
from openrft.bench.executors.node import Node, run_on_node
from openrft.bench.executors.spec import SlurmRequest
from openrft.bench.report import ArmResult, Failure
from openrft.bench.single_job import Finished, JobFolders, record_lost_job
from openrft.config.documents import dump_document, read_document
from openrft.errors import UsageError
from openrft.job import Job
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.logging import get_level
from openrft.types import content_id

POLL_SECONDS = 1.0
QUEUE_SECONDS = 10.0  # between two questions to Slurm, which serves many users
GRACE_SECONDS = 30.0  # until what a job wrote is seen on this machine, and between two signs of life of a local one
TELL_SECONDS = 2.0  # between two reports of progress
RESTARTS = 3  # times that a job that ran out of time, or whose machine was taken away, is queued again by Slurm
ALIVE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "REQUEUE")
GONE = "gone from the queue"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlurmTask:
    """What one Slurm job does. Its results are JSON files in `folder`, by which the bench knows how far it is."""

    job: Job
    folders: JobFolders
    node: Node
    folder: Path

    def __call__(self) -> None:
        """On a machine of the cluster: run the job."""
        last = 0.0

        def send(kind: str, *told: Any) -> None:
            nonlocal last
            if kind == "log":
                logging.getLogger(told[0].name).log(told[0].levelno, told[0].getMessage())
            elif time.monotonic() - last >= TELL_SECONDS:
                last = time.monotonic()
                write_atomic(self.folder / "progress.json", json.dumps(told))

        self.folder.mkdir(parents=True, exist_ok=True)
        outcome = run_on_node(self.job, self.folders, self.node, send)
        kind = "result" if isinstance(outcome.result, ArmResult) else "failure"
        document = {kind: dump_document(outcome.result), "files": dict(outcome.files)}
        write_atomic(self.folder / "outcome.json", json.dumps(document))

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Called by submitit before Slurm ends the job: it is queued again, and continues from the store."""
        return submitit.helpers.DelayedSubmission(self)


@dataclass(slots=True)
class _Submitted:
    """A Slurm job of this bench."""

    number: int
    slurm: submitit.Job[None]
    folder: Path
    progress: str = ""  # the last that was passed on
    ended: float | None = None  # when it was first seen to have ended without an outcome


class SlurmJobs:
    """The jobs of a bench under Slurm."""

    def __init__(
        self, jobs: Mapping[int, Job], folders: JobFolders, request: SlurmRequest, listener: JobListener
    ) -> None:
        self._jobs, self._request, self._listener = jobs, request, listener
        self._folders = folders.make_absolute()
        self._home = self._folders.failures.parent / "slurm"
        self._list = self._home / "jobs.json"  # content of a job -> Slurm's number of it
        self._running: list[_Submitted] = []
        self._grace = 0.0 if request.cluster == "local" else GRACE_SECONDS
        self._asked, self._queue = -QUEUE_SECONDS, defaultdict[str, str](lambda: GONE)

    def run(self) -> Iterator[tuple[int, Finished]]:
        """Yield every job as it finishes. If the caller stops early, the Slurm jobs keep running."""
        with report_disk_errors(self._home):
            self._home.mkdir(parents=True, exist_ok=True)
        executor = self._open_executor()
        known: dict[str, str] = json.loads(self._list.read_text("utf-8")) if self._list.exists() else {}
        waiting, most = deque(self._jobs), self._request.most or len(self._jobs)
        try:
            while waiting or self._running:
                while waiting and len(self._running) < most:
                    self._begin(waiting.popleft(), executor, known)
                time.sleep(POLL_SECONDS)
                for submitted in list(self._running):
                    finished = self._look_at(submitted)
                    if finished is None:
                        continue
                    self._running.remove(submitted)
                    known.pop(self._identify(submitted.number), None)
                    self._keep(known)
                    shutil.rmtree(submitted.folder, ignore_errors=True)
                    self._listener.finished(submitted.number, isinstance(finished[0], ArmResult))
                    yield submitted.number, finished
        finally:
            if self._running:
                ids = " ".join(one.slurm.job_id for one in self._running)
                logger.warning(
                    "%d Slurm jobs keep running. Run the same command again to collect them; to end them: scancel %s",
                    len(self._running),
                    ids,
                )

    def _open_executor(self) -> submitit.AutoExecutor:
        asked = self._request
        try:
            executor = submitit.AutoExecutor(self._home / "logs", asked.cluster, slurm_max_num_timeout=RESTARTS)
        except RuntimeError as fault:
            raise UsageError(
                f"--executor slurm: {' '.join(str(fault).split())}",
                "Run this on a machine that has sbatch, or try it here with slurm:cluster=local.",
            ) from fault
        named = {"slurm_partition": asked.partition, "slurm_account": asked.account, "slurm_qos": asked.qos}
        executor.update_parameters(
            timeout_min=asked.time,
            cpus_per_task=asked.cpus,
            **({"gpus_per_node": asked.gpus} if asked.gpus else {}),
            **({} if asked.memory is None else {"mem_gb": asked.memory}),
            **{name: value for name, value in named.items() if value is not None},
        )
        return executor

    def _begin(self, number: int, executor: submitit.AutoExecutor, known: dict[str, str]) -> None:
        """Find the job's Slurm job of an earlier start again, or submit one."""
        key = self._identify(number)
        folder = self._home / key
        if key in known and (found := self._find_again(known[key], folder)):
            self._running.append(_Submitted(number, found, folder))
            self._listener.started(number)
            return
        shutil.rmtree(folder, ignore_errors=True)
        node = Node(os.getcwd(), self._list.parent, self._request.cpus, get_level())
        executor.update_parameters(name=f"openrft-{key[:6]}")
        task = SlurmTask(self._jobs[number], self._folders, node, folder)
        try:
            slurm: submitit.Job[None] = executor.submit(task)
        except submitit.core.utils.FailedJobError as fault:
            raise UsageError(
                f"Slurm takes no such job: {' '.join(str(fault).split())}", "Change what --executor slurm: asks for."
            ) from fault
        self._asked = -QUEUE_SECONDS  # the queue as it was does not have it
        known[key] = slurm.job_id
        self._keep(known)
        self._running.append(_Submitted(number, slurm, folder))
        self._listener.started(number)
        logger.info("%s is Slurm job %s", self._jobs[number], slurm.job_id)

    def _find_again(self, slurm_id: str, folder: Path) -> submitit.Job[None] | None:
        kind: type[submitit.Job[None]] = submitit.LocalJob if self._request.cluster == "local" else submitit.SlurmJob
        slurm = kind(self._home / "logs", slurm_id)
        here = (folder / "outcome.json").exists() or _is_fresh(folder) or self._is_alive(slurm)
        return slurm if here else None

    def _look_at(self, submitted: _Submitted) -> Finished | None:
        """Pass on its progress. Returns its result if it has ended."""
        outcome = submitted.folder / "outcome.json"
        if outcome.exists():
            return self._read(submitted.number, outcome)
        self._pass_on_progress(submitted)
        if self._is_alive(submitted.slurm) or _is_fresh(submitted.folder):
            submitted.ended = None
            return None
        submitted.ended = submitted.ended or time.monotonic()
        if time.monotonic() - submitted.ended < self._grace:
            return None  # its files may not be seen here yet
        state = submitted.slurm.state if self._request.cluster == "local" else self._ask_queue()[submitted.slurm.job_id]
        line = f"its Slurm job {submitted.slurm.job_id} ended ({state.lower()}) without a result"
        if said := (submitted.slurm.stderr() or "").strip().splitlines():
            line += f": {said[-1]}"
        return record_lost_job(self._jobs[submitted.number], line, self._folders.failures), {}

    def _is_alive(self, slurm: submitit.Job[None]) -> bool:
        if self._request.cluster == "local":
            return slurm.state == "RUNNING"
        return self._ask_queue()[slurm.job_id].startswith(ALIVE)

    def _ask_queue(self) -> Mapping[str, str]:
        """The state of each of this user's jobs by its number, as Slurm said it at most ten seconds ago.

        The queue, because not every cluster keeps the accounts that sacct reads. Until Slurm answers, no job has ended.
        """
        if time.monotonic() - self._asked >= QUEUE_SECONDS:
            self._asked = time.monotonic()
            command = ["squeue", "--noheader", "--me", "--states=all", "--format=%i %T"]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if said.returncode:
                logger.warning("squeue: %s", " ".join(said.stderr.split()))
                self._queue = defaultdict(lambda: ALIVE[0])
            else:
                self._queue = defaultdict(lambda: GONE, (line.partition(" ")[::2] for line in said.stdout.splitlines()))
        return self._queue

    def _pass_on_progress(self, submitted: _Submitted) -> None:
        try:
            text = (submitted.folder / "progress.json").read_text("utf-8")
        except FileNotFoundError:
            return
        if text != submitted.progress:
            submitted.progress = text
            self._listener.update(submitted.number, *json.loads(text))

    def _read(self, number: int, outcome: Path) -> Finished:
        document = json.loads(outcome.read_text("utf-8"))
        kind: type[ArmResult | Failure] = ArmResult if "result" in document else Failure
        result, faults = read_document(kind, document.get("result", document.get("failure")), extra="forbid")
        if result is None:
            line = f"{outcome} is not a result: {'; '.join(faults)}"
            return record_lost_job(self._jobs[number], line, self._folders.failures), {}
        return result, {kind: self._folders.store / inside for kind, inside in document["files"].items()}

    def _identify(self, number: int) -> str:
        return content_id(dump_document(self._jobs[number]))

    def _keep(self, known: Mapping[str, str]) -> None:
        write_atomic(self._list, json.dumps(known, indent=1) + "\n")


def _is_fresh(folder: Path) -> bool:
    """Whether a job gave a sign of life just now. Slurm's own word on it may be late, and a process has none."""
    try:
        return time.time() - (folder / "progress.json").stat().st_mtime < GRACE_SECONDS
    except FileNotFoundError:
        return False
