"""`vllm:PATH`: vLLM draws the rollouts in this process, and transformers trains the policy.

The engine holds the base weights. It gets the policy's adapter before each rollout, and reloads weights after a merge.
Importing this file does not import vLLM; the first rollout starts the engine.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from pydantic import ValidationError

from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError, PolicyError, UsageError, first_line
from openrft.policies.base import Sampling
from openrft.policies.checkpoint_files import hide_leftover_adapter
from openrft.policies.decode_loop import SampledPolicy
from openrft.policies.fit import check_vllm
from openrft.policies.generation.decode import DecodedRow, DecodeLimits
from openrft.policies.hf import HFPolicy
from openrft.runtime.seeds import derive_prompt_seeds

RANK = 64  # largest rank of an adapter; the engine reserves memory for it when it starts
SEQUENCES = 512  # rows in flight at a time
PREFILL = 8192  # tokens per step; at least the context on a CPU, where prompts are not split
LEAST_CONTEXT = 4096  # that is made room for where the settings do not say
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # adapters and seeds do not reach an engine in another process
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB of keys and values on a CPU
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # training shares the threads
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}

logger = logging.getLogger(__name__)


def open_vllm(path: str, adapter: Path | None = None, settings: PolicySettings = PolicySettings()) -> HFPolicy:  # noqa: B008
    """The policy in `path` (a folder or hub id) with vLLM for its rollouts. Raises CheckpointError or UsageError."""
    check_vllm(path)
    engine = VLLMSampler(path, settings)
    policy = HFPolicy(path, engine, adapter, settings)
    policy.id = f"vllm:{policy.id}"  # other arithmetic gives other answers
    if adapter is None:
        engine.weights = policy.id  # else the merged weights are loaded over those in `path`
    return policy


class VLLMSampler:
    """A `openrft.policies.decode_loop.CompletionSampler`: a vLLM engine that follows the policy's weights."""

    def __init__(self, path: str, settings: PolicySettings = PolicySettings()) -> None:  # noqa: B008
        self._path, self._settings = path, settings
        self.weights = ""  # the id of the policy whose base weights the engine holds
        self._first = ""  # `weights` of an engine that has just been started
        self._engine: Any = None
        self._sleeps = self._asleep = False
        self._context = 0  # the longest sequence that the engine has room for
        self._adapters = 0  # adapters sent so far; each has its own number, so that no cached prefix is shared

    def __call__(
        self,
        policy: SampledPolicy,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        limits: DecodeLimits,
        tick: Callable[[int], None],
    ) -> list[list[DecodedRow]]:
        """Raises CheckpointError if vLLM cannot serve the model, PolicyError if it fails later, UsageError for a
        sequence longer than `policy.vllm_context`."""
        fitting = [i for i, prompt in enumerate(prompts) if len(prompt) < limits.context]
        if not fitting:
            return [[] for _ in prompts]
        self._open(policy, max(min(len(prompts[i]) + sampling.max_tokens, limits.context) for i in fitting))
        keys = derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in prompts])
        rows: list[list[DecodedRow]] = [[] for _ in prompts]
        try:
            if self._asleep:
                self._engine.wake_up()
                self._asleep = False
            self._follow(policy)
            with TemporaryDirectory(prefix="openrft-adapter-") as folder:
                outputs = self._engine.generate(
                    [{"prompt_token_ids": list(prompts[i])} for i in fitting],
                    [_parameters(sampling, limits, keys[i], len(prompts[i])) for i in fitting],
                    use_tqdm=False,
                    lora_request=self._adapter(policy, Path(folder)),
                )
            if self._sleeps:
                self._engine.sleep(level=1)
                self._asleep = True
        except Exception as fault:  # vLLM may raise anything; it is reported in one line
            raise PolicyError(f"vLLM failed on {self._path!r}: {_describe(fault)}") from fault
        for i, output in zip(fitting, outputs, strict=True):
            rows[i] = [_row(one, sampling, limits) for one in sorted(output.outputs, key=lambda one: one.index)]
            rows[i] *= sampling.n // len(rows[i])  # a greedy row is drawn once and repeated
        tick(len(fitting) * sampling.n)
        return rows

    def close(self) -> None:
        """End the engine and its processes, and give its memory back. The next rollout starts another."""
        if self._engine is not None:
            self._engine.llm_engine.engine_core.shutdown()
            self._engine, self.weights = None, self._first
            gc.collect()  # what is left of the engine holds its memory in circles
            torch.cuda.empty_cache()

    def _open(self, policy: SampledPolicy, longest: int) -> None:
        """Start the engine, or start it again if a sequence of `longest` tokens may not fit."""
        if self._engine is not None and longest <= self._context:
            return
        asked = self._settings.vllm_context
        if asked is not None and longest > asked:
            raise UsageError(
                f"a prompt and its completion may take {longest} tokens, and policy.vllm_context is {asked}.",
                "Set policy.vllm_context higher or leave it out, or lower max_tokens of the stage.",
            )
        context = min(policy.context, asked or max(2 * longest, LEAST_CONTEXT))
        if self._engine is not None:
            logger.info("vLLM starts again with room for %d tokens instead of %d", context, self._context)
            self.close()
        self._first = self._first or self.weights
        self._sleeps = self._settings.vllm_sleep and policy.model.device.type != "cpu"
        if self._settings.vllm_sleep and not self._sleeps:
            logger.warning("policy.vllm_sleep has no effect on a CPU: vLLM keeps its memory there")
        self._engine = _start(self._path, policy, self._settings, context, self._sleeps)
        self._context, self._asleep = context, False

    def _follow(self, policy: SampledPolicy) -> None:
        """Load the policy's base weights into the engine if they have changed."""
        if policy.id == self.weights:
            return
        with TemporaryDirectory(prefix="openrft-weights-") as folder:
            _save_base(policy, Path(folder))
            self._engine.collective_rpc("reload_weights", kwargs={"weights_path": folder})
        self._engine.reset_prefix_cache()
        self.weights = policy.id

    def _adapter(self, policy: SampledPolicy, folder: Path) -> Any:
        """The policy's adapter as a vLLM request, written to `folder`; None if the policy has none."""
        if not policy.has_adapter:
            return None
        from vllm.lora.request import LoRARequest

        self._adapters += 1
        policy.save_adapter(folder)
        return LoRARequest(f"step-{self._adapters}", self._adapters, str(folder))


def _start(path: str, policy: SampledPolicy, settings: PolicySettings, context: int, sleeps: bool) -> Any:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    on_cpu = policy.model.device.type == "cpu"
    dtype = str(policy.model.dtype).removeprefix("torch.") if settings.vllm_dtype == "auto" else settings.vllm_dtype
    try:
        from vllm import LLM

        with hide_leftover_adapter(path) as folder:
            return LLM(
                folder,
                dtype=dtype,
                quantization=settings.vllm_quantization,
                load_format="safetensors",  # never pickled weights
                generation_config="vllm",
                skip_tokenizer_init=True,
                use_tqdm_on_load=False,
                max_model_len=context,
                max_num_seqs=SEQUENCES,
                max_num_batched_tokens=max(PREFILL, context) if on_cpu else PREFILL,
                enable_prefix_caching=True,
                enable_chunked_prefill=not on_cpu,  # fails with seeds on a CPU, whose generators vLLM cannot rewind
                enforce_eager=on_cpu,
                gpu_memory_utilization=settings.vllm_memory,
                tensor_parallel_size=settings.vllm_tensor_parallel,
                enable_sleep_mode=sleeps,
                logprobs_mode="processed_logprobs",  # of the distribution that was sampled
                enable_lora=True,
                max_loras=1,
                max_cpu_loras=1,
                max_lora_rank=RANK,
            )
    except Exception as fault:  # vLLM may raise anything; it is reported in one line
        raise CheckpointError(
            f"vLLM cannot serve {path!r}: {_describe(fault)}", "Without `vllm:` transformers samples the rollouts."
        ) from fault


def _describe(fault: Exception) -> str:
    """The first line of an error that says something."""
    if isinstance(fault, ValidationError):
        return str(fault.errors()[0]["msg"]).removeprefix("Value error, ").splitlines()[0]
    return first_line(fault)


def _parameters(sampling: Sampling, limits: DecodeLimits, key: str, length: int) -> Any:
    """The sampling parameters of one prompt. vLLM seeds the n-th row with seed + n."""
    from vllm import SamplingParams

    return SamplingParams(
        n=sampling.n if sampling.temperature else 1,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=min(sampling.max_tokens, limits.context - length),
        seed=int(key[:7], 16),
        stop_token_ids=list(limits.stop),
        ignore_eos=True,  # only the policy's own end tokens stop a row
        logprobs=0,  # of the drawn token only
        flat_logprobs=True,
        detokenize=False,
    )


def _row(one: Any, sampling: Sampling, limits: DecodeLimits) -> DecodedRow:
    # vLLM's log-probabilities are those after the top-p cut. Those before it are not known, so none are given.
    logprobs = list(one.logprobs.logprobs) if sampling.top_p == 1 else []
    return DecodedRow(list(one.token_ids), logprobs, one.token_ids[-1] in limits.stop)


def _save_base(policy: SampledPolicy, folder: Path) -> None:
    """Write the base weights under the names they have without an adapter."""
    base = policy.model.get_base_model() if policy.has_adapter else policy.model
    state = {name.replace(".base_layer", ""): w for name, w in base.state_dict().items() if "lora_" not in name}
    base.save_pretrained(folder, state_dict=state)
