"""The option --executor: where jobs run, and what each asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openrft.config.options import option
from openrft.config.parse import parse_options, raise_faults, show_value
from openrft.errors import UsageError


@dataclass(frozen=True, slots=True)
class RayRequest:
    """A Ray cluster, and what each job asks of it."""

    address: str = option("auto", help="The cluster: host:6379, or auto for the one that this machine belongs to.")
    cpus: float = option(1.0, help="CPUs of a job, and so the threads that PyTorch uses.", gt=0)
    gpus: float | None = option(
        None, help="GPUs of a job; 0.25 lets four jobs share one. none: 1 where the cluster has GPUs.", ge=0
    )
    memory: float | None = option(None, help="GB of memory that a job reserves. none: nothing is reserved.", gt=0)
    restarts: int = option(10, help="Times that a job is begun again after its node was lost.", ge=0)


@dataclass(frozen=True, slots=True)
class SlurmRequest:
    """What each job asks of Slurm, as one Slurm job."""

    partition: str | None = option(None, help="As sbatch takes it.")
    account: str | None = option(None, help="As sbatch takes it.")
    qos: str | None = option(None, help="As sbatch takes it.")
    time: int = option(240, help="Minutes. A job that needs more time continues when it is submitted again.", ge=1)
    cpus: int = option(1, help="CPUs of a job, and so the threads that PyTorch uses.", ge=1)
    gpus: int = option(0, help="GPUs of a job.", ge=0)
    memory: float | None = option(None, help="GB of memory of a job. none: the partition's default.", gt=0)
    most: int | None = option(None, help="Slurm jobs at a time. none: all at once.", ge=1)
    cluster: Literal["slurm", "local"] = option("slurm", help="local: processes on this machine, to try it.")


# Where jobs run. None: in processes on this machine.
Executor = RayRequest | SlurmRequest | None

EXAMPLES = "local, ray, ray:HOST:6379,gpus=0.5, slurm or slurm:partition=gpu,time=120"


def parse_executor(text: str) -> Executor:
    """The executor that `text` describes: local, ray[:ADDRESS][,NAME=VALUE...] or slurm[:NAME=VALUE...].

    Raises UsageError for an executor, a name or a value that does not exist.
    """
    first, *parts = text.split(",")
    kind, _, rest = first.partition(":")
    parts = [part for part in (rest, *parts) if part]
    if kind == "local" and not parts:
        return None
    if kind not in ("ray", "slurm"):
        raise UsageError(f"--executor {show_value(text)} is not an executor.", f"Give {EXAMPLES}.")
    values: dict[str, str] = {}
    if kind == "ray" and parts and "=" not in parts[0]:
        values["address"] = parts.pop(0)
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign:
            raise UsageError(f"--executor {show_value(text)}: {show_value(part)} is not NAME=VALUE.", EXAMPLES + ".")
        values[name.strip()] = value.strip()
    request: type[RayRequest | SlurmRequest] = RayRequest if kind == "ray" else SlurmRequest
    found, faults = parse_options(request, kind, values)
    raise_faults(f"--executor: {fault}" for fault in faults)
    return found


def check_apart(executor: Executor, mirror: str | None, budget: float | None, tracker: str | None) -> None:
    """Raises UsageError for what machines that share no folder cannot do together."""
    if mirror is None or not isinstance(executor, RayRequest):
        return
    for name, given in (("--budget", budget), ("--track", tracker)):
        if given is not None:
            raise UsageError(
                f"{name} needs a folder that all machines share, and --store is for machines that share none.",
                f"Leave out {name}, or give --out a shared folder in place of --store.",
            )
