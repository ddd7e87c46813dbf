"""A transformers causal language model as a policy, with at most one LoRA adapter on top.

Loads a local checkpoint folder or a hub id, never remote code and never pickled weights.
"""

from __future__ import annotations

import hashlib
import logging
import time
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from transformers.utils import logging as transformers_logging

from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError, OpenRFTError, UsageError, first_line
from openrft.policies.base import Sampling
from openrft.policies.checkpoint_files import check_tokenizer, hide_leftover_adapter, load_tokenizer
from openrft.policies.critic import Critic, CriticConfig
from openrft.policies.decode_loop import CompletionSampler, DecodeLoop, check_cuda_graphs
from openrft.policies.generation.decode import DecodedRow, DecodeLimits
from openrft.policies.generation.own_cache import needs_own_cache
from openrft.policies.logprobs import compute_logits, compute_logprobs
from openrft.policies.model_families import check_sampling, find_layers_without_adapter
from openrft.policies.optimizer_state import load_optimizer_state, save_optimizer_state
from openrft.policies.placement import load_model
from openrft.policies.plain_prompt import open_prompts
from openrft.policies.thinking_budget import sample_within_budget
from openrft.runtime.fingerprint import fingerprint_path
from openrft.runtime.progress import Progress
from openrft.runtime.ranks import current_ranks
from openrft.types import Completion, Message, content_id

logger = logging.getLogger(__name__)

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


class HFPolicy:
    """See `openrft.policies.base.TrainablePolicy` for the contract of each method."""

    def __init__(
        self,
        path: str,
        sampler: CompletionSampler | None = None,
        adapter: Path | None = None,
        settings: PolicySettings = PolicySettings(),  # noqa: B008  # frozen
        owner: str = "policy",
    ) -> None:
        """Load a checkpoint folder or hub id; `adapter` is a folder with a LoRA adapter to merge into it. sampler: what
        draws completions; None: `DecodeLoop`. owner: whose settings they are, for messages."""
        self.path, self.sampler = path, sampler or DecodeLoop(settings.cuda_graphs)
        began = time.perf_counter()
        try:
            self.tokenizer = load_tokenizer(path, adapter, settings.date)
            with hide_leftover_adapter(path) as folder:
                self.model: Any = load_model(folder, settings, owner)
        except OpenRFTError:
            raise
        except Exception as fault:
            raise CheckpointError(
                f"cannot load a policy from {path!r}: {first_line(fault)}",
                "Give a transformers checkpoint folder with safetensors weights, or a hub id while online.",
            ) from fault
        if hasattr(self.model, "peft_config"):  # a hub id, as a folder would have been seen to be one
            raise CheckpointError(f"{path!r} is an adapter on the hub.", "Download it and give its folder.")
        check_sampling(self.model, path)
        check_cuda_graphs(self.model, settings.cuda_graphs)
        self.id = fingerprint_path(Path(path)) if Path(path).is_dir() else path
        stop = _stop_ids(self.model, self.tokenizer)
        self.prompts = open_prompts(self.tokenizer, path, stop, settings)
        self._thinking_budget = settings.thinking_budget
        # A turn's own end first, because targets end with it; it is not always among the configured ones.
        self._stop = [i for i in dict.fromkeys([self.prompts.form.end, *stop]) if i is not None]
        if not self._stop:
            raise UsageError(
                f"the tokenizer of {path} has no end token.", "Set eos_token in its tokenizer_config.json."
            )
        if self._stop[0] not in stop:  # TRL, and whoever reads the trained checkpoint, should stop there too
            self.model.generation_config.eos_token_id = list(self._stop)
        probe = self.encode([{"role": "user", "content": "1 + 1 = ?"}])
        check_tokenizer(self.tokenizer, self.model, path, [*probe, *self._stop])
        self._pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self._stop[0]
        self._optimizer: torch.optim.Optimizer | None = None
        self._reopened = False  # the optimizer was read from a checkpoint and nobody has asked for it yet
        self.critic: Critic | None = None
        self.recompute_activations = False
        if adapter is not None:
            self.load_adapter(adapter)
            self.merge_adapter()
        where, seconds = f"{self.model.device} in {self.model.dtype}", time.perf_counter() - began
        logger.info("loaded the policy %s on %s (%.1f s)", path, where, seconds)

    @property
    def context(self) -> int:
        """The longest sequence, prompt and completion together."""
        return int(getattr(self.model.config, "max_position_embeddings", 1 << 20))

    # -- prompts and completions ---------------------------------------------------------------------------

    def encode(self, messages: Sequence[Message]) -> list[int]:
        *before, last = messages
        if last["role"] != "assistant":
            return self.prompts.encode(messages)
        prompt = self.prompts.encode(before)  # and the beginning of an answer, to be continued
        begun = last["content"].removeprefix(self.prompts.form.find_opened(self.tokenizer, prompt))
        return [*prompt, *self.tokenizer.encode(begun, add_special_tokens=False)]

    def encode_target(self, text: str) -> list[int]:
        ids = self.tokenizer.encode(self.prompts.form.format_target(text), add_special_tokens=False)
        return [*ids, self.end_token]

    @property
    def exact_sampling_logprobs(self) -> bool:
        """Whether the log-probabilities from sampling equal those of the update's forward pass, up to float32 rounding.
        Another engine's do not. Nor do those of a lower precision, which differ by tenths of a nat."""
        model = self.model
        exact = model.dtype == torch.float32 and not getattr(model, "is_loaded_in_4bit", False)
        return isinstance(self.sampler, DecodeLoop) and exact and not needs_own_cache(model.config)

    @property
    def sampling_metrics(self) -> Mapping[str, float]:
        """How the tokens of the last `generate` were drawn, where there is something to say."""
        return self.sampler.metrics if isinstance(self.sampler, DecodeLoop) else {}

    def release_sampling_memory(self) -> None:
        """Give back what is held between rollouts, because training needs it."""
        if isinstance(self.sampler, DecodeLoop):
            self.sampler.release()

    @property
    def end_token(self) -> int:
        """The token a finished completion ends with."""
        return self._stop[0]

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        about = [self.id, asdict(sampling)]
        return current_ranks().deal(prompts, lambda own: self._generate(own, sampling, progress), about)

    def _generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None
    ) -> list[list[Completion]]:
        encoded = [self.encode(messages) for messages in prompts]
        total, finished = sum(len(ids) < self.context for ids in encoded) * sampling.n, 0

        def tick(rows: int) -> None:
            nonlocal finished
            finished += rows
            if progress:
                progress.update("generate", finished, total)

        stop_text = self.prompts.stop_text
        is_over = None if stop_text is None else lambda tokens: bool(stop_text.search(self.decode_tokens(tokens)))
        limits = DecodeLimits(tuple(self._stop), self.context, self._pad, is_over)
        opened = [self._find_opened(messages, ids) for messages, ids in zip(prompts, encoded, strict=True)]
        if self._thinking_budget is None:
            groups = self.sampler(self, encoded, sampling, limits, tick)
        else:
            groups = sample_within_budget(self, encoded, opened, self._thinking_budget, sampling, limits, tick)
        nothing = [Completion("", finish_reason="context")] * sampling.n
        return [
            [self._completion(mark, row, sampling, limits) for row in group] or nothing
            for mark, group in zip(opened, groups, strict=True)
        ]

    def _completion(self, opened: str, row: DecodedRow, sampling: Sampling, limits: DecodeLimits) -> Completion:
        tokens, logprobs, stopped = row.tokens, row.logprobs, row.stopped
        written = tokens[:-1] if stopped else tokens
        if (is_over := limits.is_over) and is_over(written):  # up to the first token with which the answer is over
            end = bisect_left(range(len(tokens)), True, key=lambda i: is_over(tokens[: i + 1])) + 1
            written = tokens = tokens[:end]
            logprobs, stopped = logprobs[:end], True
        text = opened + self._cut(self.decode_tokens(written))
        finish: Literal["stop", "length"] = "stop" if stopped else "length"
        return Completion(text, tuple(tokens), tuple(logprobs), finish, sampling.temperature, inserted=row.inserted)

    def decode_completion(self, messages: Sequence[Message], tokens: Sequence[int]) -> str:
        return self._find_opened(messages, self.encode(messages)) + self._cut(self.decode_tokens(tokens))

    def decode_tokens(self, tokens: Sequence[int]) -> str:
        """The text of generated tokens, whatever the prompt was."""
        return self.prompts.form.decode(self.tokenizer, tokens)

    def _cut(self, text: str) -> str:
        """The text up to where the answer is over, if a text and not a token shows that."""
        found = self.prompts.stop_text and self.prompts.stop_text.search(text)
        return text[: found.start()].rstrip() if found else text

    def _find_opened(self, messages: Sequence[Message], prompt: Sequence[int]) -> str:
        """The mark of a thought that the prompt has opened. A begun answer has it in front already."""
        begun = messages[-1]["role"] == "assistant" and messages[-1]["content"]
        return "" if begun else self.prompts.form.find_opened(self.tokenizer, prompt)

    def completion_logprobs(
        self,
        prompts: Sequence[Sequence[int]],
        completions: Sequence[Sequence[int]],
        temperature: float = 1.0,
        across_prompts: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        how = temperature, self.recompute_activations, across_prompts
        return compute_logprobs(self.model, prompts, completions, self._pad, *how)

    def completion_logits(
        self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return compute_logits(self.model, prompts, completions, self._pad, self.recompute_activations)

    # -- the adapter ---------------------------------------------------------------------------------------

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is attached."""
        return hasattr(self.model, "peft_config")

    def attach_lora(self, rank: int, alpha: int, seed: int) -> None:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(seed)
        without = find_layers_without_adapter(self.model) or None
        config = LoraConfig(
            r=rank, lora_alpha=alpha, target_modules="all-linear", exclude_modules=without, task_type="CAUSAL_LM"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers, not ours to fix
            self.model, self._optimizer = get_peft_model(self.model, config), None

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        if not self.has_adapter:
            yield
            return
        with self.model.disable_adapter():
            yield

    def attach_critic(self, rank: int, alpha: int, seed: int, separate: bool = False) -> None:
        self._trained_parameters()  # refuses a policy without an adapter
        self.critic = Critic(self.model, self._pad, CriticConfig(rank, alpha, seed, separate))

    def _drop_critic(self) -> None:
        if self.critic is not None:
            self.critic.leave()
            self.critic = None

    def merge_adapter(self) -> None:
        if self.has_adapter:
            self._drop_critic()
            digest = _digest(p for name, p in self.model.named_parameters() if "lora_" in name)
            self.model = _merge_rounded(self.model, int(digest[:8], 16)).eval()
            _require_gradients(self.model)
            self.id, self._optimizer = content_id(self.id, digest), None

    def drop_adapter(self) -> None:
        if self.has_adapter:
            self._drop_critic()
            self.model, self._optimizer = self.model.unload().eval(), None
            _require_gradients(self.model)

    def get_optimizer(self, lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
        if self._optimizer is None:
            self._optimizer = torch.optim.AdamW(self._trained_parameters(), lr=lr, weight_decay=weight_decay)
        if self._reopened:  # the moments were saved; learning rate and weight decay come with the first call
            for group in self._optimizer.param_groups:
                group.update(lr=lr, weight_decay=weight_decay)
            self._reopened = False
        return self._optimizer

    def _trained_parameters(self) -> list[torch.nn.Parameter]:
        if not self.has_adapter:
            raise OpenRFTError("the policy has no adapter to train.", "Call attach_lora first.")
        return [p for n, p in self.model.named_parameters() if p.requires_grad and ".default." in n]

    def save_adapter(self, folder: Path) -> None:
        self.model.save_pretrained(folder, safe_serialization=True, selected_adapters=["default"])

    def load_adapter(self, folder: Path) -> None:
        from peft import PeftModel

        where = str(self.model.device)  # or PEFT would read it onto a GPU that this policy may not use
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                self.model = PeftModel.from_pretrained(self.model, str(folder), is_trainable=True, torch_device=where)
        except Exception as fault:
            raise CheckpointError(
                f"cannot load the adapter in {folder}: {fault}", "Was it made for this model?"
            ) from fault
        self._optimizer = None

    def save_training_state(self, folder: Path) -> None:
        self.save_adapter(folder / "adapter")
        save_optimizer_state(self._optimizer, folder / "optimizer.safetensors")
        if self.critic is not None:
            self.critic.save(folder / "critic")

    def load_training_state(self, folder: Path) -> None:
        self.load_adapter(folder / "adapter")
        load_optimizer_state(self.get_optimizer(lr=0.0), folder / "optimizer.safetensors")
        self._reopened = True
        if (folder / "critic").exists():
            self.critic = Critic.load(folder / "critic", self.model, self._pad)


def _merge_rounded(model: Any, seed: int) -> Any:
    """`merge_with_stochastic_rounding`, imported late for the same reason."""
    from openrft.policies.lora_merge import merge_with_stochastic_rounding

    return merge_with_stochastic_rounding(model, seed)


def _require_gradients(model: Any) -> None:
    """Let all weights have gradients, but those in 4 bits, which cannot."""
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())


def _digest(tensors: Iterator[torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """The end tokens that are configured. The tokenizer's comes first, because chat turns end with it."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    more = configured if isinstance(configured, list) else [configured]
    return [i for i in dict.fromkeys([tokenizer.eos_token_id, *more]) if i is not None]
