"""Run the jobs of a bench where the executor says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.bench.executors.listener import JobListener
from openrft.bench.executors.local import run_here, run_in_workers
from openrft.bench.executors.spec import Executor, RayRequest
from openrft.bench.single_job import Finished, JobFolders
from openrft.job import Job


def run_jobs(
    jobs: Sequence[Job],
    folders: JobFolders,
    workers: int,
    listener: JobListener,
    debug: bool = False,
    executor: Executor = None,
    events: list[str] | None = None,
) -> Iterator[tuple[int, Finished]]:
    """Yield (job number, result) as jobs finish. A failed job does not affect the others.

    Rules run first and in this process, because they finish before another process would have started. What happened to
    machines of a cluster, in sentences, is added to `events`.
    """
    rules = {n: job for n, job in enumerate(jobs) if job.policy.startswith(BASELINE_PREFIX)}
    models = {n: job for n, job in enumerate(jobs) if n not in rules}
    yield from run_here(rules, folders, listener, debug)
    if executor is None or not models:
        yield from run_in_workers(models, folders, workers, listener, debug)
    elif isinstance(executor, RayRequest):
        from openrft.bench.executors.ray_cluster import RayCluster

        yield from RayCluster(models, folders, executor, listener, [] if events is None else events).run()
    else:
        from openrft.bench.executors.slurm import SlurmJobs

        yield from SlurmJobs(models, folders, executor, listener).run()
