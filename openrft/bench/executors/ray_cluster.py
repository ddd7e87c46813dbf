"""Run jobs on a Ray cluster, each as one Ray task.

The code of the core and the plugins is sent along. The machines must have the same libraries. Results come through the
store: a folder that all machines share, or a store behind a URL. If a machine is lost, its jobs begin again on another
one, and the finished stages are reused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import (
    NodeDiedError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
    RuntimeEnvSetupError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from openrft.bench.executors.listener import JobListener
from openrft.bench.executors.node import Node, Outcome, run_on_node
from openrft.bench.executors.shipment import copy_code
from openrft.bench.executors.spec import RayRequest
from openrft.bench.report import ArmResult
from openrft.bench.single_job import Finished, JobFolders, failure_file, record_lost_job
from openrft.errors import UsageError
from openrft.job import Job
from openrft.plugins.policy_registry import needs_gpu
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.logging import get_level

POLL_SECONDS = 0.5
CRASHES = 1  # times that a job is begun again after its process died on a machine that lives on
REACH_SECONDS = 10.0
TELL_WAITING = 30.0  # seconds without a free machine until it is said

# Of this process's environment, what decides a result or where libraries look. Secrets stay: a cluster shows what it
# is sent to everyone who may look at it.
_SENT = ("OPENRFT_", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM", "PYTHONHASHSEED")
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")

logger = logging.getLogger(__name__)


class RayCluster:
    """The jobs of a bench on a Ray cluster."""

    def __init__(
        self,
        jobs: Mapping[int, Job],
        folders: JobFolders,
        request: RayRequest,
        listener: JobListener,
        events: list[str],
    ) -> None:
        self._jobs, self._request, self._listener, self._events = jobs, request, listener, events
        self._folders = folders.make_absolute()
        self._store = self._folders.open_store()
        self._running: dict[Any, int] = {}  # Ray's reference of a task -> job number
        self._nodes: dict[int, str] = {}  # number of a job that runs -> its machine
        self._lost, self._crashed = Counter[int](), Counter[int]()
        self._mailbox: Any = None

    def run(self) -> Iterator[tuple[int, Finished]]:
        """Yield every job as it finishes. If the caller stops early, its tasks are killed."""
        with self._connect(), self._mark_folder() as mark:
            self._mailbox = _open_mailbox()
            waiting_since = time.monotonic()
            for number in self._jobs:
                self._submit(number, mark)
            while self._running:
                done, _ = ray.wait(list(self._running), timeout=POLL_SECONDS)
                self._pass_on_messages()
                for task in done:
                    number = self._running.pop(task)
                    finished = self._collect(task, number)
                    if finished is None:
                        self._submit(number, mark)
                        continue
                    self._listener.finished(number, isinstance(finished[0], ArmResult))
                    yield number, finished
                if self._nodes:
                    waiting_since = time.monotonic()
                elif time.monotonic() - waiting_since > TELL_WAITING:
                    waiting_since = float("inf")
                    logger.warning("no machine of the cluster is free for a job yet: %s.", _describe_cluster())

    @contextlib.contextmanager
    def _connect(self) -> Iterator[None]:
        variables = {k: v for k, v in os.environ.items() if k.startswith(_SENT) and not any(s in k for s in _SECRET)}
        with tempfile.TemporaryDirectory(prefix="openrft-code-") as code:
            copy_code(Path(code))
            try:
                _reach(self._request.address)  # Ray itself waits for minutes
                ray.init(
                    self._request.address,
                    runtime_env={"working_dir": code, "env_vars": variables},
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
            except (OSError, ValueError, RuntimeError) as fault:
                raise UsageError(
                    f"--executor ray: there is no cluster at {self._request.address}: {' '.join(str(fault).split())}",
                    "Start one with `ray start --head`, or name it: ray:HOST:6379.",
                ) from fault
            logger.info("connected to a Ray cluster: %s", _describe_cluster())
            try:
                yield
            finally:
                for task in self._running:
                    ray.cancel(task, force=True)
                ray.shutdown()

    @contextlib.contextmanager
    def _mark_folder(self) -> Iterator[Path | None]:
        """A file in the store's folder by which a machine sees that it shares the folder. None for a store behind a
        URL."""
        if self._folders.mirror is not None:
            yield None
            return
        mark = self._folders.store / f".shared-{secrets.token_hex(8)}"
        with report_disk_errors(self._folders.store):
            self._folders.store.mkdir(parents=True, exist_ok=True)
            mark.touch()
        try:
            yield mark
        finally:
            mark.unlink(missing_ok=True)

    def _submit(self, number: int, mark: Path | None) -> None:
        job, asked = self._jobs[number], self._request
        gpus = asked.gpus
        if gpus is None:
            gpus = float(bool(ray.cluster_resources().get("GPU")) and needs_gpu(job.policy, job.settings.policy))
        task = _run_task.options(
            num_cpus=asked.cpus,
            num_gpus=gpus,
            memory=None if asked.memory is None else int(asked.memory * 1e9),
            max_retries=0,  # this class begins them again, and says so
            name=str(job),
        )
        node = Node(os.getcwd(), mark, max(1, int(asked.cpus)), get_level())
        self._running[task.remote(number, job, self._folders, node, self._mailbox)] = number

    def _pass_on_messages(self) -> None:
        try:
            messages = ray.get(self._mailbox.take.remote())
        except RayActorError:  # its machine was lost: it begins again elsewhere, without what it held
            return
        for number, kind, *told in messages:
            if kind == "started":
                self._nodes[number] = told[0]
                self._listener.started(number)
            elif kind == "log":
                logging.getLogger(told[0].name).handle(told[0])
            elif kind == "update":
                self._listener.update(number, *told)

    def _collect(self, task: Any, number: int) -> Finished | None:
        """The job's result; None if it has to begin again."""
        job, node = self._jobs[number], self._nodes.pop(number, "")
        try:
            outcome: Outcome = ray.get(task)
        except RayTaskError as fault:  # the code before the job, which ends no job at home
            return self._give_up(number, " ".join(str(fault.cause).split()))
        except (NodeDiedError, WorkerCrashedError, OutOfMemoryError, RuntimeEnvSetupError) as fault:
            return self._begin_again(number, node, fault)
        except RayError as fault:
            return self._give_up(number, " ".join(str(fault).split()))
        if outcome.details:  # its machine may have no disk in common with this one
            file = failure_file(job, self._folders.failures)
            with report_disk_errors(self._folders.failures):
                file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, outcome.details)
        files = {kind: self._folders.store / inside for kind, inside in outcome.files.items()}
        for file in files.values():
            self._store.fetch_file(file)
        return outcome.result, files

    def _begin_again(self, number: int, node: str, fault: RayError) -> Finished | None:
        job = self._jobs[number]
        set_up = not isinstance(fault, RuntimeEnvSetupError)  # else it never began, and no machine is known
        if isinstance(fault, NodeDiedError) or (set_up and not _is_alive(node)):
            self._lost[number] += 1
            how, begun, most = f"the machine {_name(node)} was lost", self._lost[number], self._request.restarts
        else:
            self._crashed[number] += 1
            how, begun, most = _say_crash(fault, node), self._crashed[number], CRASHES
        if begun > most:
            return self._give_up(number, f"{how}, as {most} time{'s'[: most != 1]} before.")
        self._events.append(f"{job}: {how}; the job was run again.")
        logger.warning("%s: %s; it is run again.", job, how)
        return None

    def _give_up(self, number: int, line: str) -> Finished:
        return record_lost_job(self._jobs[number], line, self._folders.failures), {}


def _reach(address: str) -> None:
    """Raises OSError if nobody answers at HOST:PORT."""
    host, sign, port = address.removeprefix("ray://").rpartition(":")
    if sign and port.isdigit():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def _describe_cluster() -> str:
    found = ray.cluster_resources()
    nodes = sum(node["Alive"] for node in ray.nodes())
    return f"{nodes} machines, {found.get('CPU', 0):g} CPUs, {found.get('GPU', 0):g} GPUs"


def _name(node: str) -> str:
    """A machine's address and the beginning of its identity."""
    address = next((n["NodeManagerAddress"] for n in ray.nodes() if n["NodeID"] == node), "unknown")
    return f"{address} ({node[:8]})" if node else address


def _say_crash(fault: RayError, node: str) -> str:
    if isinstance(fault, RuntimeEnvSetupError):
        return f"its code could not be set up on a machine ({' '.join(str(fault).split())})"
    how = "it ran out of memory" if isinstance(fault, OutOfMemoryError) else "its process died"
    return f"{how} on {_name(node)}"


def _is_alive(node: str) -> bool:
    """Whether the machine answers. After its loss the cluster's own list calls it alive until several health checks
    have failed, which takes up to half a minute."""
    found = next((n for n in ray.nodes() if n["NodeID"] == node and n["Alive"]), None)
    if found is None:
        return False
    try:
        _reach(f"{found['NodeManagerAddress']}:{found['NodeManagerPort']}")
    except OSError:
        return False
    return True


class _Mailbox:
    """Holds what tasks tell until it is taken."""

    def __init__(self) -> None:
        self._messages: list[tuple[Any, ...]] = []

    def put(self, *message: Any) -> None:
        self._messages.append(message)

    def take(self) -> list[tuple[Any, ...]]:
        taken, self._messages = self._messages, []
        return taken


def _open_mailbox() -> Any:
    """A mailbox, on this machine if it belongs to the cluster. If it is lost, it begins again elsewhere, empty."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(_Mailbox).options(num_cpus=0, max_restarts=-1, scheduling_strategy=here).remote()


@ray.remote
def _run_task(number: int, job: Job, folders: JobFolders, node: Node, mailbox: Any) -> Outcome:
    """On a machine of the cluster: run the job and tell of it."""

    def send(kind: str, *told: Any) -> None:
        mailbox.put.remote(number, kind, *told)

    send("started", ray.get_runtime_context().get_node_id())
    return run_on_node(job, folders, node, send)
