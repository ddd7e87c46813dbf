"""Run a decode step of fixed shape, and on a GPU replay it as a CUDA graph.

A step is some hundreds of kernels, and launching them from Python takes longer than computing them. A graph launches
them all at once. It repeats the same kernels on the same addresses, so the step must read and write tensors that stay,
and must not ask the GPU for a value.
"""

from __future__ import annotations

import functools
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import torch

from openrft.errors import PolicyError, first_line

logger = logging.getLogger(__name__)

Step = Callable[[], None]
Capture = Callable[[Step], Step]  # makes a graph of a step without running it, and returns what replays it
KEPT = 96  # graphs that are kept; each holds some MB on the GPU


@dataclass(slots=True)
class ReplayCounts:
    """How decode steps were run."""

    eager: int = 0  # kernel by kernel
    replayed: int = 0  # as a graph
    captured: int = 0  # graphs that were made

    def copy(self) -> ReplayCounts:
        """These counts, as they are now."""
        return replace(self)

    def __sub__(self, other: ReplayCounts) -> ReplayCounts:
        """What was counted since `other`."""
        eager, replayed = self.eager - other.eager, self.replayed - other.replayed
        return ReplayCounts(eager, replayed, self.captured - other.captured)


class StepReplay:
    """Runs steps. The first use of a key runs its step, which loads its kernels; the second captures it; all later ones
    replay it.

    begin: gives the `Capture` for the graphs made until the next `forget`; None: steps are always run.
    required: whether a step that cannot be captured raises PolicyError. Otherwise steps are run from then on.
    """

    def __init__(self, begin: Callable[[], Capture] | None, required: bool = False) -> None:
        self._begin, self._required = begin, required
        self._capture = begin() if begin else None
        self._graphs: OrderedDict[Hashable, Step] = OrderedDict()
        self._loaded: set[Hashable] = set()  # keys whose kernels have run
        self.counts = ReplayCounts()

    def forget(self, same_kernels: bool = False) -> None:
        """Drop all graphs, because an address that they use is no longer valid. same_kernels: whether equal keys will
        mean the same kernels as before, so that they can be captured at once."""
        self._graphs.clear()
        if not same_kernels:
            self._loaded.clear()
        self._capture = self._begin() if self._begin else None

    def run(self, key: Hashable, step: Step) -> None:
        """Run `step`, or replay what was captured of it. Equal keys must mean the same kernels on the same tensors."""
        graph = self._graphs.get(key)
        if graph is None and self._capture is not None and key in self._loaded:
            graph = self._make(key, step)
        if graph is None:
            step()
            self._loaded.add(key)
            self.counts.eager += 1
            return
        self._graphs.move_to_end(key)
        graph()
        self.counts.replayed += 1

    def _make(self, key: Hashable, step: Step) -> Step | None:
        """The graph of a step; None, with one line in the log, if it cannot be captured."""
        assert self._capture is not None
        try:
            graph = self._capture(step)
        except RuntimeError as fault:  # whatever CUDA refuses, running out of memory included
            self._begin = None
            self.forget()
            if self._required:
                raise PolicyError(
                    f"decode steps cannot be captured as CUDA graphs: {first_line(fault)}",
                    "Leave policy.cuda_graphs at auto, or set it to off.",
                ) from fault
            logger.warning("no CUDA graphs, steps run kernel by kernel from now on: %s", first_line(fault))
            return None
        self._graphs[key] = graph
        self.counts.captured += 1
        while len(self._graphs) > KEPT:
            self._graphs.popitem(last=False)
        return graph


class CUDACapture:
    """A `Capture` on one GPU. Its graphs share one pool of memory, since no two run at a time and what a step leaves
    stands in tensors from outside of the pool. A pool whose graphs are all gone cannot be used again."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, _get_stream(device)
        self._pool: Any = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        """Raises RuntimeError if CUDA cannot capture the step."""
        with torch.cuda.device(self._device):
            graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
            try:
                # thread_local: what other threads do on the GPU meanwhile does not make the capture fail.
                with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                    step()
            except RuntimeError:
                # torch leaves its stream in place, and the generator in a state in which it draws nothing.
                torch.cuda.set_stream(stream)
                generator = torch.cuda.default_generators[torch.cuda.current_device()]
                generator.graphsafe_set_state(generator.clone_state())
                raise
        replay: Step = graph.replay
        return replay


@functools.cache
def _get_stream(device: torch.device) -> Any:
    """The one stream of a device on which steps are captured. cuBLAS keeps a workspace for each stream that it sees."""
    return torch.cuda.Stream(device)
