"""How a policy in this process draws completions: eagerly, or on a GPU with decode steps replayed as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from openrft.config.settings import CUDAGraphs
from openrft.errors import UsageError
from openrft.policies.base import Sampling
from openrft.policies.generation.decode import DecodedRow, DecodeLimits, decode
from openrft.policies.generation.fixed_decode import FixedDecoder
from openrft.policies.generation.replay import CUDACapture, StepReplay
from openrft.prefix_tree import supports


class SampledPolicy(Protocol):
    """What a sampler asks of the policy that it draws from (`openrft.policies.base.TrainablePolicy`)."""

    id: str
    model: Any

    @property
    def context(self) -> int:
        """The longest sequence, prompt and completion together, in tokens."""
        ...

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is attached."""
        ...

    def save_adapter(self, folder: Path) -> None:
        """Write the adapter in PEFT's own format."""
        ...


class CompletionSampler(Protocol):
    """Draws a policy's completions."""

    def __call__(
        self,
        policy: SampledPolicy,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        limits: DecodeLimits,
        tick: Callable[[int], None],
    ) -> list[list[DecodedRow]]:
        """Like `openrft.policies.generation.decode.decode`, for the policy as it is now, with its adapter."""
        ...


class DecodeLoop:
    """The default `CompletionSampler`: the decode loop in this process, on the policy's own model.

    On a GPU a model of the Llama family is decoded in steps of fixed shape, with its adapter beside the weights. Other
    models, and all on a CPU, are decoded eagerly, in float32 with the adapter merged for the length of the rollout.
    """

    def __init__(self, cuda_graphs: CUDAGraphs = "auto", decoder: FixedDecoder | None = None) -> None:
        """decoder: draws everything, whatever the device; None: one is made on a GPU."""
        self._cuda_graphs = cuda_graphs
        self._always, self._decoder = decoder is not None, decoder
        self.metrics: Mapping[str, float] = {}
        """Of the last call, if it was in steps of fixed shape: which share of the steps was replayed as CUDA graphs,
        and how many graphs were made."""

    def __call__(
        self,
        policy: SampledPolicy,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        limits: DecodeLimits,
        tick: Callable[[int], None],
    ) -> list[list[DecodedRow]]:
        training, _ = policy.model.training, policy.model.eval()
        decoder = self._choose_decoder(policy.model)
        if decoder is None:
            with _merge_for_sampling(policy):
                rows = decode(policy.model, prompts, sampling, limits, tick)
        else:
            before = decoder.replay.counts.copy()
            rows = decode(policy.model, prompts, sampling, limits, tick, decoder)
            decoder.release_excess()
            done = decoder.replay.counts - before
            share = done.replayed / max(1, done.replayed + done.eager)
            self.metrics = {"cuda_graphs.share": share, "cuda_graphs.made": float(done.captured)}
        policy.model.train(training)
        return rows

    def release(self) -> None:
        """Give back the memory that is held between calls."""
        if self._decoder is not None:
            self._decoder.release()

    def _choose_decoder(self, model: Any) -> FixedDecoder | None:
        """The decoder of fixed shape; None: the eager loop."""
        if self._always:
            return self._decoder
        if self._cuda_graphs == "off" or model.device.type != "cuda" or not supports(model.config):
            return None
        if self._decoder is None:
            replay = StepReplay(partial(CUDACapture, model.device), required=self._cuda_graphs == "on")
            self._decoder = FixedDecoder(replay)
        return self._decoder


def check_cuda_graphs(model: Any, cuda_graphs: CUDAGraphs) -> None:
    """Raises UsageError if CUDA graphs are demanded for a model that has none."""
    if cuda_graphs != "on":
        return
    if model.device.type != "cuda":
        why = f"the policy runs on {model.device.type}"
    elif not supports(model.config):
        why = f"a model of the kind {model.config.model_type} is decoded by transformers"
    else:
        return
    raise UsageError(f"policy.cuda_graphs=on, but {why}.", "Set policy.cuda_graphs=auto, which uses them where it can.")


def _merge_for_sampling(policy: SampledPolicy) -> AbstractContextManager[None]:
    """`merged_for_sampling`, imported only if there is an adapter, because its file imports PEFT."""
    if not policy.has_adapter:
        return nullcontext()
    from openrft.policies.lora_merge import merged_for_sampling

    return merged_for_sampling(policy.model)
