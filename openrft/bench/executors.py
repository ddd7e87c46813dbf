"""Run jobs one after another here, or side by side in worker processes that rebuild everything from plain data."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.bench.report import ArmResult, Failure, Item, StageCost
from openrft.errors import OpenRFTError
from openrft.job import Job
from openrft.pipeline import JobResult
from openrft.runtime.tracking import TrackerConfig
from openrft.types import Rollout

Finished = tuple[ArmResult | Failure, Mapping[str, Path]]  # what the job came to; its files, by the folder for them


class JobListener(Protocol):
    """Is told how each job goes on; jobs are numbered in the plan's order."""

    def started(self, job: int) -> None: ...

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None: ...

    def finished(self, job: int, ok: bool) -> None: ...


def run_jobs(
    jobs: Sequence[Job],
    store: Path,
    workers: int,
    watcher: JobListener,
    debug: bool = False,
    track: TrackerConfig | None = None,
) -> Iterator[tuple[int, Finished]]:
    """Yield (job number, what it came to) as jobs finish. A failed job fails alone.

    Rules answer here and first: they are done before a worker process would have started.
    """
    rules = {n: job for n, job in enumerate(jobs) if job.policy.startswith(BASELINE_PREFIX)}
    models = {n: job for n, job in enumerate(jobs) if n not in rules}
    yield from _here(rules, store, watcher, debug, track)
    if workers <= 1 or len(models) <= 1:
        yield from _here(models, store, watcher, debug, track)
    else:
        yield from _side_by_side(models, store, min(workers, len(models)), watcher, track)


def _here(
    jobs: Mapping[int, Job], store: Path, watcher: JobListener, debug: bool, track: TrackerConfig | None
) -> Iterator[tuple[int, Finished]]:
    for number, job in jobs.items():
        watcher.started(number)

        def tell(stage: str, done: int, total: int, note: str, number: int = number) -> None:
            watcher.update(number, stage, done, total, note)

        finished = _run(job, store, tell, debug, track)
        watcher.finished(number, isinstance(finished[0], ArmResult))
        yield number, finished


def _side_by_side(
    jobs: Mapping[int, Job], store: Path, workers: int, watcher: JobListener, track: TrackerConfig | None
) -> Iterator[tuple[int, Finished]]:
    context = multiprocessing.get_context("spawn")  # torch and its threads do not survive a fork
    channel = context.Queue()
    listener = threading.Thread(target=_listen, args=(channel, watcher), daemon=True)
    listener.start()
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, context, initializer=_enter, initargs=(channel, threads))
    try:
        futures = {pool.submit(_work, n, job, str(store), track): n for n, job in jobs.items()}
        yield from _completed(futures, watcher)
        pool.shutdown()
    except BaseException:  # Ctrl-C, or the caller stops listening: no worker may outlive the bench
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        channel.put(None)
        listener.join(timeout=5)


def _completed(futures: dict[Future[Finished], int], watcher: JobListener) -> Iterator[tuple[int, Finished]]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                finished = future.result()
            except BrokenProcessPool as fault:
                raise OpenRFTError(
                    "a worker process died (killed, or out of memory).",
                    "Run the same command again to go on, with --workers 1 if memory is short.",
                ) from fault
            watcher.finished(futures[future], isinstance(finished[0], ArmResult))
            yield futures[future], finished


_channel: Any = None  # the worker's way to the watcher; set once by _enter in each worker process


def _enter(channel: Any, threads: int) -> None:
    global _channel
    _channel = channel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(threads)


def _end_with_parent() -> None:
    """A bench that is killed ends no worker itself; an orphan would hold its memory and the locks of its stages."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(number: int, job: Job, store: str, track: TrackerConfig | None) -> Finished:
    _channel.put(("started", number))

    def tell(stage: str, done: int, total: int, note: str) -> None:
        _channel.put(("update", number, stage, done, total, note))

    return _run(job, Path(store), tell, debug=False, track=track)


def _listen(channel: Any, watcher: JobListener) -> None:
    while (message := channel.get()) is not None:
        getattr(watcher, message[0])(*message[1:])


def _run(
    job: Job, store: Path, tell: Callable[[str, int, int, str], None], debug: bool, track: TrackerConfig | None
) -> Finished:
    from openrft.pipeline import run_job
    from openrft.runtime.store import Store

    class Telling:
        def update(self, stage: str, done: int, total: int, note: str = "") -> None:
            tell(stage, done, total, note)

    try:
        outcome = run_job(job, Store(store), Telling(), track)
        result = summarise_job(outcome)
    except OpenRFTError as fault:
        if debug:
            raise
        return Failure(job.arm.name, job.task, job.seed, str(fault)), {}
    except Exception as fault:
        if debug:
            raise
        words = f"{type(fault).__name__}: {fault} (run with --debug --workers 1 for the traceback)"
        return Failure(job.arm.name, job.task, job.seed, words), {}
    files = {"rollouts": outcome.rollouts_file, "metrics": outcome.metrics_file}
    return result, {folder: file for folder, file in files.items() if file is not None}


def summarise_job(outcome: JobResult) -> ArmResult:
    """Per-item verdicts, costs and metrics of one job. Items of which a completion is not scored are left out."""
    by_item: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in outcome.rollouts:
        by_item[rollout.sample.id].append(rollout)
    items = {
        sample: _item(rollouts)
        for sample, rollouts in by_item.items()
        if all(rollout.correct is not None for rollout in rollouts)
    }
    metrics: dict[str, float | None] = {}
    for cost in outcome.stage_records:
        # Of the evaluation only the core's own counts: its table shows what plugins measured, not what they counted.
        counts = {n: c for n, c in cost.counts.items() if cost.stage != "evaluate" or "." not in n}
        for name, value in {**counts, **cost.metrics}.items():
            metrics[f"{cost.stage}.{name}"] = float(value)
    return ArmResult(
        outcome.job.arm.name,
        outcome.job.task,
        outcome.job.seed,
        outcome.policy_id,
        items,
        tuple(StageCost(c.stage, c.seconds, c.tokens, c.reused) for c in outcome.stage_records),
        metrics,
        outcome.fitness,
    )


def _item(rollouts: Sequence[Rollout]) -> Item:
    correct = tuple(bool(r.correct) for r in rollouts)
    partly = any(r.score is not None for r in rollouts)
    scores = tuple(float(bool(r.correct)) if r.score is None else r.score for r in rollouts) if partly else ()
    return Item(
        correct, tuple(r.answer is None for r in rollouts), sum(len(r.completion.tokens) for r in rollouts), scores
    )
