"""Run jobs one after another in this process, or in parallel worker processes that rebuild everything from plain data.

If a worker dies (killed, or out of memory), only its job is affected. That job is tried once more, alone, after the
others.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from openrft.bench.executors.listener import JobListener
from openrft.bench.report import ArmResult
from openrft.bench.single_job import Finished, JobFolders, describe_exit, record_killed_worker, run_single_job
from openrft.job import Job
from openrft.runtime.gpus import list_gpus, pick_gpu, use_gpu
from openrft.runtime.logging import configure_worker_logging, get_level

POLL_SECONDS = 1.0  # the longest time before a worker's death is noticed if a process it forked keeps its pipe open
END_SECONDS = 10.0  # time for a worker to end after it was asked to

logger = logging.getLogger(__name__)


def run_in_workers(
    jobs: Mapping[int, Job], folders: JobFolders, workers: int, listener: JobListener, debug: bool = False
) -> Iterator[tuple[int, Finished]]:
    """Yield (job number, result) as jobs finish, in `workers` processes; in this process for one worker or one job."""
    if workers <= 1 or len(jobs) <= 1:
        yield from run_here(jobs, folders, listener, debug)
    else:
        yield from WorkerPool(jobs, folders, min(workers, len(jobs)), listener).run()


def run_here(
    jobs: Mapping[int, Job], folders: JobFolders, listener: JobListener, debug: bool = False
) -> Iterator[tuple[int, Finished]]:
    """Yield (job number, result) of jobs that run one after another in this process."""
    for number, job in jobs.items():
        listener.started(number)

        def tell(stage: str, done: int, total: int, note: str, number: int = number) -> None:
            listener.update(number, stage, done, total, note)

        finished = run_single_job(job, folders, tell, debug)
        listener.finished(number, isinstance(finished[0], ArmResult))
        yield number, finished


@dataclass(frozen=True, slots=True)
class _Death:
    """A worker that ended without an answer."""

    job: int
    exit_code: int | None  # negative: the signal that killed it
    stage: str  # the last stage that it reported


class WorkerPool:
    """Runs jobs in at most `size` processes. Each has its own pipe, so a kill cannot break anything shared."""

    def __init__(self, jobs: Mapping[int, Job], folders: JobFolders, size: int, listener: JobListener) -> None:
        self._jobs, self._folders, self._listener = jobs, folders, listener
        self._size = size
        self._threads = max(1, (os.cpu_count() or 1) // size)
        self._gpus = list_gpus()
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def run(self) -> Iterator[tuple[int, Finished]]:
        """Yield every job as it finishes. If the caller stops early, the workers are killed."""
        try:
            deaths = yield from self._run_all(self._jobs, self._size)
            self._end_idle()  # a job that is tried again gets all the memory
            for death in deaths:
                logger.warning("%s: tried once more, alone.", self._jobs[death.job])
                for again in (yield from self._run_all([death.job], 1)):
                    yield death.job, self._give_up(again)
            self._end_idle()
        finally:
            for worker in (*self._idle, *self._busy):
                worker.kill()

    def _run_all(self, numbers: Iterable[int], size: int) -> Generator[tuple[int, Finished], None, list[_Death]]:
        """Yield the jobs that finish. Returns the deaths of the workers of the others."""
        waiting, deaths = deque(numbers), list[_Death]()
        while waiting or self._busy:
            while waiting and len(self._busy) < size:
                self._assign(waiting.popleft())
            wait([worker.pipe for worker in self._busy], timeout=POLL_SECONDS)
            for worker in list(self._busy):
                finished = worker.listen(self._listener)
                if finished is not None:
                    self._busy.remove(worker)
                    self._idle.append(worker)
                    self._listener.finished(worker.job, isinstance(finished[0], ArmResult))
                    yield worker.job, finished
                elif worker.is_dead():
                    self._busy.remove(worker)
                    deaths.append(self._bury(worker))
        return deaths

    def _assign(self, number: int) -> None:
        alive = [worker for worker in self._idle if not worker.is_dead()]
        worker = alive.pop() if alive else self._start(alive)
        self._idle = alive
        self._busy.append(worker)
        worker.assign(number, self._jobs[number], self._folders)

    def _start(self, idle: Sequence[_Worker]) -> _Worker:
        taken = [worker.gpu for worker in (*idle, *self._busy) if worker.gpu is not None]
        return _Worker(self._threads, pick_gpu(self._gpus, taken))

    def _bury(self, worker: _Worker) -> _Death:
        logger.warning("%s: %s.", self._jobs[worker.job], describe_exit(worker.process.exitcode))
        worker.pipe.close()
        return _Death(worker.job, worker.process.exitcode, worker.stage)

    def _give_up(self, death: _Death) -> Finished:
        self._listener.finished(death.job, False)
        job = self._jobs[death.job]
        return record_killed_worker(job, death.exit_code, death.stage, self._folders.failures), {}

    def _end_idle(self) -> None:
        for worker in self._idle:
            worker.ask_to_end()
        for worker in self._idle:
            worker.wait_for_end()
        self._idle = []


class _Worker:
    """A process that runs one job at a time, and the pipe to it."""

    def __init__(self, threads: int, gpu: str | None) -> None:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, threads, gpu, get_level())
        self.process = context.Process(target=_serve, args=arguments, name="openrft-worker")
        self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.job, self.stage, self.gpu = -1, "", gpu
        self._gone = False
        logger.info("worker %s started", self.process.pid)

    def assign(self, number: int, job: Job, folders: JobFolders) -> None:
        """Give it a job. If it has died, `listen` notices."""
        self.job, self.stage = number, ""
        with contextlib.suppress(OSError):
            self.pipe.send((job, folders))

    def listen(self, listener: JobListener) -> Finished | None:
        """Handle its messages so far. Returns the job's result if it is among them."""
        try:
            while self.pipe.poll():
                kind, *told = self.pipe.recv()
                if kind == "finished":
                    return told[0]  # type: ignore[no-any-return]
                if kind == "log":
                    logging.getLogger(told[0].name).handle(told[0])
                elif kind == "started":
                    listener.started(self.job)
                else:
                    self.stage = told[0]
                    listener.update(self.job, *told)
        except (EOFError, OSError):
            self._gone = True
            self.process.join(END_SECONDS)
        return None

    def is_dead(self) -> bool:
        """Whether it has ended and sent its last message."""
        return self._gone or (not self.process.is_alive() and not self.pipe.poll())

    def ask_to_end(self) -> None:
        """Tell it that there are no further jobs."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)

    def wait_for_end(self) -> None:
        """Wait for it to end by itself, then kill it."""
        self.process.join(END_SECONDS)
        self.kill()
        logger.info("worker %s ended", self.process.pid)

    def kill(self) -> None:
        """End it at once."""
        self.process.terminate()
        self.process.join(1)
        self.process.kill()


# -- in the worker process --------------------------------------------------------------------------------------------


def _serve(pipe: Connection, threads: int, gpu: str | None, level: int) -> None:
    """Run the jobs from the pipe until there are no more. `gpu`: the one that they may use."""
    if gpu is not None:
        use_gpu(gpu)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lock = threading.Lock()

    def send(*message: Any) -> None:
        with lock:
            pipe.send(message)

    def tell(stage: str, done: int, total: int, note: str) -> None:
        send("update", stage, done, total, note)

    configure_worker_logging(lambda record: send("log", record), level)
    import torch

    torch.set_num_threads(threads)
    while (given := pipe.recv()) is not None:
        job, folders = given
        send("started")
        send("finished", run_single_job(job, folders, tell))


def _end_with_parent() -> None:
    """End this worker with its parent. A killed bench cannot end its workers, and an orphan would keep its memory and
    the locks of its stages."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
