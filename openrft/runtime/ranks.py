"""One job on several processes: the ranks that torchrun has started, and what they share.

Every rank runs the whole job. What is slow is dealt out: each rank takes a share and gathers those of the others. What
must happen once (a call to a server, a plugin's verdict, a file in the store) happens on rank 0, which shares what came
of it. So all ranks go the same way, and a job on one rank has no trace of this.

A rank that fails ends all of them: the first to notice says why, and the others say nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from openrft.errors import OpenRFTError
from openrft.runtime.gpus import VISIBLE, has_gpu_driver, use_gpu
from openrft.types import content_id

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed import Store

RANK_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # of torchrun
LONGEST = timedelta(days=7)  # that ranks wait for each other; torchrun ends them if one has died
MEETING = timedelta(minutes=10)  # that the first waits for the last to start
LOST = "another rank has ended, so all of them stop. Run the same command again to continue."

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ranks:
    """The processes that work on this job, as one of them sees them. By default there is only this one."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which keeps the log, the store and the checkpoints."""
        return self.rank == 0

    def take_share(self, items: Sequence[T]) -> list[T]:
        """This rank's part of `items`, one contiguous part for each rank, in the order of the ranks."""
        start, end = (part * len(items) // self.size for part in (self.rank, self.rank + 1))
        return list(items[start:end])

    def share(self, value: T | None = None) -> T:
        """The value of rank 0, on every rank. Plain Python objects."""
        if self.size == 1:
            return value  # type: ignore[return-value]  # rank 0 gives one
        import torch.distributed as dist

        held = [value if self.first else None]
        with _end_with_others():
            dist.broadcast_object_list(held, src=0)
        return held[0]  # type: ignore[return-value]

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, in order, on every rank."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        held: list[Any] = [None] * self.size
        with _end_with_others():
            dist.all_gather_object(held, value)
        return held

    def deal(self, items: Sequence[T], work: Callable[[list[T]], Sequence[R]], about: object = None) -> list[R]:
        """What `work` gives for each item, in order. Each rank works on its part; equal items are one rank's.

        Items and `about`, which is what else the result depends on, are plain JSON. Raises OpenRFTError if the ranks
        have different ones.
        """
        if self.size == 1:
            return list(work(list(items)))
        names = [content_id(item) for item in items]
        own = {*self.take_share(list(dict.fromkeys(names)))}
        places = [place for place, name in enumerate(names) if name in own]
        results = list(work([items[place] for place in places])) if places else []
        parts = self.gather((content_id(names, about), places, results))
        if len({digest for digest, _, _ in parts}) > 1:
            raise OpenRFTError(
                "the ranks do not work on the same prompts any more.",
                "Are their machines, libraries, plugins and files alike? Run the same command again to continue.",
            )
        found = {place: result for _, where, part in parts for place, result in zip(where, part, strict=True)}
        return [found[place] for place in range(len(items))]

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradient of each parameter by the sum over ranks, the same bits on each. A rank without one
        counts as zero."""
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        parameters = list(parameters)
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        kinds = {(p.grad.dtype, p.grad.device) for p in parameters if p.grad is not None}
        for kind in sorted(kinds, key=str):
            gradients = [p.grad for p in parameters if p.grad is not None and (p.grad.dtype, p.grad.device) == kind]
            together = torch.cat([gradient.flatten() for gradient in gradients])
            with _end_with_others():
                dist.all_reduce(together)
            for gradient, total in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(total.view_as(gradient))


ALONE = Ranks()
_joined = ALONE  # all processes that torchrun has started
_current = ALONE  # those that work on the running job
_store: Store | None = None  # where ranks leave words for each other, kept by torchrun
_reports: bool | None = None  # whether this rank says why all of them end, once that is decided


def count_started() -> int:
    """How many processes torchrun, or what sets the same variables, has started for this command; else 1."""
    there = all(name in os.environ for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"))
    return int(os.environ["WORLD_SIZE"]) if there else 1


def join_ranks() -> Ranks:
    """Meet the other processes that torchrun has started. Ranks but the first are silent from then on.

    Each rank sees the GPU of its number on its machine, or none: gloo then carries what they share. To be called before
    CUDA is used. Raises OpenRFTError if a machine has fewer GPUs than ranks.
    """
    global _joined, _store
    if count_started() == 1 or _joined.size > 1:
        return _joined
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if has_gpu_driver():
        visible = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
        use_gpu(str(local) if not visible else visible[local] if local < len(visible) else "-1")
    import torch
    import torch.distributed as dist

    gpu = torch.cuda.is_available()
    _store, rank, size = next(dist.rendezvous("env://", timeout=MEETING))
    _joined = Ranks(rank, size)
    if not _joined.first:
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    signal.signal(signal.SIGTERM, lambda *_: _end(f"it was told to end (SIGTERM), or {LOST}", 128 + signal.SIGTERM))
    backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
    with _end_with_others():
        dist.init_process_group(backend, store=_store, rank=rank, world_size=size, timeout=LONGEST)
    found = _joined.gather(gpu)
    if any(found) and not all(found):
        without = ", ".join(str(place) for place, has in enumerate(found) if not has)
        raise OpenRFTError(
            f"there is no GPU for rank {without}.",
            f"Start one rank for each GPU of a machine, or hide all of them: {VISIBLE}=-1.",
        )
    return _joined


def joined_ranks() -> Ranks:
    """The processes that torchrun has started, since they met and until they part."""
    return _joined


def leave_ranks() -> None:
    """Part from the other ranks once all have come here. Each may end by itself then."""
    global _joined
    if _joined.size > 1:
        import torch.distributed as dist

        _joined.gather(None)
        dist.destroy_process_group()
        _joined = ALONE


@contextmanager
def work_together() -> Iterator[Ranks]:
    """In this context the processes that torchrun has started work on one job. All of them must enter it."""
    with _as(_joined):
        yield _joined


def current_ranks() -> Ranks:
    """The ranks that work on the running job. Only this process outside of a job, and where rank 0 works alone."""
    return _current


def compute_once(work: Callable[[], T]) -> T:
    """What `work()` gives on rank 0, on every rank. Whatever it calls is not dealt out."""
    ranks = _current
    if ranks.size == 1:
        return work()
    if not ranks.first:
        return ranks.share()
    with _as(ALONE):
        found = work()
    return ranks.share(found)


def name_rank() -> str:
    """The beginning of what this process says of itself; empty if it is the only one."""
    return f"rank {_joined.rank}: " if _joined.size > 1 else ""


def may_report() -> bool:
    """Whether this process is to say why it ends: the first rank that asks, or the only process."""
    global _reports
    if _store is not None and _reports is None:
        try:
            _reports = _store.add(f"openrft/ends/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", 1) == 1
        except RuntimeError:  # what kept it has ended
            _reports = _joined.first
        if _reports and sys.__stderr__ is not None:
            sys.stderr = sys.__stderr__
    return _reports is not False


@contextmanager
def _as(ranks: Ranks) -> Iterator[None]:
    global _current
    before, _current = _current, ranks
    try:
        yield
    finally:
        _current = before


@contextmanager
def _end_with_others() -> Iterator[None]:
    """End this process if another rank has gone while they talk."""
    try:
        yield
    except RuntimeError as fault:  # of gloo and NCCL
        _end(f"{LOST} ({str(fault).strip().splitlines()[0]})" if os.environ.get("OPENRFT_DEBUG") else LOST, 5)


def _end(words: str, code: int) -> NoReturn:
    """End this process at once: what it has in hand is lost, and every finished result is in place."""
    if may_report():
        print(f"openrft: {name_rank()}{words}", file=sys.stderr, flush=True)
    os._exit(code)
